package csaf

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// List is a place that lists documents: a ROLIE feed or a directory.
type List struct {
	URL     string `json:"url"`
	Label   string `json:"label,omitempty"` // TLP; WHITE of 2.0 is CLEAR
	Summary string `json:"summary,omitempty"`
}

// Key is an OpenPGP key as the metadata announces it.
type Key struct {
	Fingerprint string `json:"fingerprint,omitempty"` // upper case hexadecimal
	URL         string `json:"url"`
}

// Metadata is a provider-metadata.json (CSAF 2.0 §7.1.7).
type Metadata struct {
	URL         string    `json:"url"` // where it was found
	Canonical   string    `json:"canonical_url"`
	Updated     time.Time `json:"last_updated"`
	Edition     string    `json:"metadata_version"` // 2.0, 2.1
	Role        string    `json:"role"`             // csaf_publisher, csaf_provider, csaf_trusted_provider
	Publisher   string    `json:"publisher"`
	Category    string    `json:"category"` // of the publisher
	Namespace   string    `json:"namespace"`
	Feeds       []List    `json:"feeds,omitempty"`
	Directories []List    `json:"directories,omitempty"`
	Keys        []Key     `json:"keys,omitempty"`
	notes       []Issue
}

// Trusted reports whether the provider promises hashes and signatures (§7.2.3).
func (m Metadata) Trusted() bool { return m.Role == "csaf_trusted_provider" }

const (
	maxMetadata = 4 << 20
	maxSecurity = 64 << 10
	maxKey      = 1 << 20
	maxSum      = 4 << 10
	maxFetched  = 64 << 20 // of one document
)

// Find finds and reads the provider-metadata.json of a domain, or reads it at
// an URL. For a domain it tries, in this order, the well-known place, the CSAF
// lines of security.txt and the DNS path (§7.3.1).
func (p *Provider) Find(ctx context.Context, start string) (Metadata, error) {
	if strings.Contains(start, "://") {
		return p.metadata(ctx, start)
	}
	if start == "" || strings.ContainsAny(start, "/ @?#") {
		return Metadata{}, fault.New(fault.Usage, "csaf.start", "value", clip(start))
	}
	host := "https://" + start
	var firstErr error
	try := func(u string) (Metadata, bool) {
		m, err := p.metadata(ctx, u)
		if err != nil && (firstErr == nil || errors.Is(firstErr, fs.ErrNotExist)) {
			firstErr = err
		}
		return m, err == nil
	}
	if m, ok := try(host + "/.well-known/csaf/provider-metadata.json"); ok {
		return m, nil
	}
	for _, at := range []string{host + "/.well-known/security.txt", host + "/security.txt"} {
		for _, u := range p.security(ctx, at) {
			if m, ok := try(u); ok {
				return m, nil
			}
		}
	}
	if m, ok := try("https://csaf.data.security." + start + "/"); ok {
		return m, nil
	}
	if ctx.Err() != nil {
		return Metadata{}, ctx.Err()
	}
	return Metadata{}, fault.New(fault.NotFound, "csaf.no_provider", "value", clip(start)).Because(firstErr)
}

// security returns the URLs of the CSAF fields of a security.txt (RFC 9116).
func (p *Provider) security(ctx context.Context, at string) (urls []string) {
	body, _, err := p.Get(ctx, at, Condition{})
	if err != nil {
		return nil
	}
	defer body.Close()
	lines := bufio.NewScanner(io.LimitReader(body, maxSecurity))
	for lines.Scan() {
		name, u, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.EqualFold(strings.TrimSpace(name), "csaf") && len(urls) < 10 {
			if full := join(at, strings.TrimSpace(u)); full != "" {
				urls = append(urls, full)
			}
		}
	}
	return urls
}

// join resolves a reference; "" when it does not give an http or https URL.
func join(base, ref string) string {
	b, err := url.Parse(base)
	if err != nil || ref == "" || len(ref) > 4096 {
		return ""
	}
	r, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	u := b.ResolveReference(r)
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	// What is found over an encrypted way is not fetched over an open one.
	if b.Scheme == "https" && u.Scheme == "http" {
		return ""
	}
	return u.String()
}

// bytes fetches a small file whole.
func (p *Provider) bytes(ctx context.Context, u string, limit int64) ([]byte, error) {
	body, _, err := p.Get(ctx, u, Condition{})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fault.New(fault.TooLarge, "csaf.too_large", "limit", max(1, limit>>20))
	}
	return b, nil
}

func (p *Provider) metadata(ctx context.Context, at string) (m Metadata, err error) {
	raw, err := p.bytes(ctx, at, maxMetadata)
	if err != nil {
		return m, err
	}
	v, err := parse(strings.NewReader(string(raw)))
	if err != nil {
		return m, err
	}
	m = Metadata{
		URL: at, Canonical: v.str("canonical_url"), Edition: v.str("metadata_version"), Role: v.str("role"),
		Publisher: v.str("publisher", "name"), Category: v.str("publisher", "category"), Namespace: v.str("publisher", "namespace"),
	}
	m.Updated, _ = moment(v.str("last_updated"))
	if m.Role == "" || m.Publisher == "" || !strings.HasPrefix(m.Edition, "2.") {
		return m, fault.New(fault.Invalid, "csaf.metadata", "url", at)
	}
	note := func(code string, args fault.Args) {
		args["url"] = at
		m.notes = append(m.notes, Issue{URL: at, Code: code, Args: args})
	}
	if m.Canonical != at && !strings.HasSuffix(at, "/") {
		note("csaf.moved", fault.Args{"value": clip(m.Canonical)})
	}
	for i, d := range v.list("distributions") {
		if i >= 1000 {
			break
		}
		for _, f := range d.list("rolie", "feeds") {
			add(&m.Feeds, at, f.str("url"), f.str("tlp_label"), f.str("summary"))
		}
		add(&m.Directories, at, d.str("directory_url"), "", "")
		add(&m.Directories, at, d.str("directory", "url"), d.str("directory", "tlp_label"), "")
	}
	for i, k := range v.list("public_openpgp_keys") {
		if u := join(at, k.str("url")); u != "" && i < 50 {
			m.Keys = append(m.Keys, Key{Fingerprint: strings.ToUpper(k.str("fingerprint")), URL: u})
		}
	}
	return m, nil
}

func add(to *[]List, base, u, label, summary string) {
	if u == "" || len(*to) >= 1000 {
		return
	}
	if full := join(base, u); full != "" {
		*to = append(*to, List{URL: full, Label: plainLabel(label), Summary: clip(summary)})
	}
}

// plainLabel writes the labels of TLP 1.0 as those of TLP 2.0.
func plainLabel(s string) string {
	s = strings.ToUpper(s)
	switch s {
	case "WHITE":
		return "CLEAR"
	case "UNLABELED":
		return ""
	}
	return s
}
