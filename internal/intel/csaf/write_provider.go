package csaf

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"noroshi/internal/base/fault"
)

// Site is a provider to be written (CSAF 2.0 §7).
type Site struct {
	URL       string // of the folder that is written; https, ends in a slash
	Publisher Publisher
	Key       *openpgp.Entity // signs the documents; nil: a plain provider that is not trusted
	Now       time.Time
	// Labels are the TLP labels that may be written beside CLEAR. Whoever names
	// one says that its folder asks for a sign-in (§7.1.5).
	Labels         []string
	List, Mirrored bool // may aggregators list it, may they mirror it
}

// published is a document with its place in the folder.
type published struct {
	head   Head
	raw    []byte
	label  string // folder
	name   string // below it, with the year
	sha512 string
	sha256 string
	signed bool
}

// WriteProvider writes what a CSAF provider publishes: the documents by label
// and year with SHA-256, SHA-512 and signature, index.txt, changes.csv and a
// ROLIE feed per label, a service document, the key and provider-metadata.json,
// which comes last, so that a reader never finds a list of what is not there
// yet. Write is called with slash-separated names below the folder.
//
// Documents that are not valid, are drafts, or whose label may not be written
// are refused before anything is written.
func WriteProvider(s Site, docs [][]byte, write func(name string, data []byte) error) error {
	if !strings.HasPrefix(s.URL, "https://") || !strings.HasSuffix(s.URL, "/") {
		return fault.New(fault.Invalid, "csaf.site", "value", clip(s.URL))
	}
	all := make([]*published, 0, len(docs))
	seen := map[string]bool{}
	for _, raw := range docs {
		p, err := s.publish(raw)
		if err != nil {
			return err
		}
		if seen[p.label+p.name] {
			return fault.New(fault.Conflict, "csaf.twice", "id", p.head.ID)
		}
		seen[p.label+p.name] = true
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b *published) int {
		return cmp.Or(b.head.Current.Compare(a.head.Current), strings.Compare(a.name, b.name))
	})
	for _, p := range all {
		if err := s.writeDocument(p, write); err != nil {
			return err
		}
	}
	labels := []string{"CLEAR"} // one open feed there has to be, even when empty
	for _, p := range all {
		if !slices.Contains(labels, p.head.TLP) {
			labels = append(labels, p.head.TLP)
		}
	}
	var distributions, feeds, collections []node
	for _, label := range labels {
		folder := folderOf(label)
		feed := folder + "/csaf-feed-tlp-" + folder + ".json"
		if err := s.writeLists(label, folder, feed, all, write); err != nil {
			return err
		}
		feeds = append(feeds, node{"summary": "TLP:" + plain20(label), "tlp_label": plain20(label), "url": s.URL + feed})
		distributions = append(distributions, node{"directory_url": s.URL + folder + "/"})
		collections = append(collections, node{
			"title": "TLP:" + plain20(label), "href": s.URL + feed,
			"categories": node{"category": []node{{"scheme": "urn:ietf:params:rolie:category:information-type", "term": "csaf"}}},
		})
	}
	if err := writeJSON(write, "service.json", node{"service": node{"workspace": []node{{"title": s.Publisher.Name, "collection": collections}}}}); err != nil {
		return err
	}
	meta := node{
		"canonical_url": s.URL + "provider-metadata.json", "last_updated": stamp(s.Now), "metadata_version": "2.0",
		"list_on_CSAF_aggregators": s.List, "mirror_on_CSAF_aggregators": s.Mirrored, "role": "csaf_provider",
	}
	publisher := node{"category": s.Publisher.Category, "name": s.Publisher.Name, "namespace": s.Publisher.Namespace}
	publisher.put("contact_details", s.Publisher.Contact)
	publisher.put("issuing_authority", s.Publisher.Authority)
	meta["publisher"] = publisher
	meta["distributions"] = append([]node{{"rolie": node{"feeds": feeds, "services": []string{s.URL + "service.json"}}}}, distributions...)
	if s.Key != nil {
		fp := fingerprint(s.Key)
		var b bytes.Buffer
		w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
		if err == nil {
			err = s.Key.Serialize(w)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return fault.New(fault.Internal, "csaf.unwritable").Because(err)
		}
		if err := write("openpgp/"+fp+".asc", b.Bytes()); err != nil {
			return err
		}
		meta["public_openpgp_keys"] = []node{{"fingerprint": fp, "url": s.URL + "openpgp/" + fp + ".asc"}}
		meta["role"] = "csaf_trusted_provider"
	}
	return writeJSON(write, "provider-metadata.json", meta)
}

func writeJSON(write func(string, []byte) error, name string, v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	return write(name, b)
}

// folderOf names the folder of a label: white, green, amber, red.
func folderOf(label string) string { return strings.ToLower(plain20(label)) }

// plain20 writes a label as CSAF 2.0 knows it.
func plain20(label string) string {
	switch label {
	case "CLEAR":
		return "WHITE"
	case "AMBER+STRICT":
		return "AMBER"
	}
	return label
}

func (s *Site) publish(raw []byte) (*published, error) {
	rep := Validate(raw)
	if err := rep.Err(); err != nil {
		return nil, err
	}
	v, err := parse(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	h, err := headOf(v.get("document"))
	if err != nil {
		return nil, err
	}
	if h.TLP != "CLEAR" && !slices.Contains(s.Labels, h.TLP) {
		return nil, fault.New(fault.Refused, "csaf.not_public", "id", h.ID, "value", h.TLP)
	}
	if h.Status == string(Draft) {
		return nil, fault.New(fault.Conflict, "csaf.draft", "id", h.ID)
	}
	a, b := sha512.Sum512(raw), sha256.Sum256(raw)
	return &published{
		head: h, raw: raw, label: folderOf(h.TLP), name: h.Initial.UTC().Format("2006") + "/" + FileName(h.ID),
		sha512: hex.EncodeToString(a[:]), sha256: hex.EncodeToString(b[:]), signed: s.Key != nil,
	}, nil
}

func (s *Site) writeDocument(p *published, write func(string, []byte) error) error {
	name := p.label + "/" + p.name
	file := FileName(p.head.ID)
	if err := write(name+".sha512", []byte(p.sha512+"  "+file+"\n")); err != nil {
		return err
	}
	if err := write(name+".sha256", []byte(p.sha256+"  "+file+"\n")); err != nil {
		return err
	}
	if s.Key != nil {
		var b bytes.Buffer
		if err := openpgp.ArmoredDetachSign(&b, s.Key, bytes.NewReader(p.raw), &packet.Config{Time: func() time.Time { return s.Now }}); err != nil {
			return fault.New(fault.Internal, "csaf.unsigned").Because(err)
		}
		if err := write(name+".asc", b.Bytes()); err != nil {
			return err
		}
	}
	return write(name, p.raw)
}

// writeLists writes index.txt, changes.csv and the feed of one label. all is
// sorted by date, the newest first.
func (s *Site) writeLists(label, folder, feed string, all []*published, write func(string, []byte) error) error {
	var index, changes strings.Builder
	entries := []node{}
	for _, p := range all {
		if p.label != folder {
			continue
		}
		index.WriteString(p.name + "\n")
		changes.WriteString(`"` + p.name + `","` + stamp(p.head.Current) + "\"\n")
		u := s.URL + folder + "/" + p.name
		links := []node{{"rel": "self", "href": u}, {"rel": "hash", "href": u + ".sha256"}, {"rel": "hash", "href": u + ".sha512"}}
		if p.signed {
			links = append(links, node{"rel": "signature", "href": u + ".asc"})
		}
		entries = append(entries, node{
			"id": p.head.ID, "title": p.head.Title, "link": links,
			"published": stamp(p.head.Initial), "updated": stamp(p.head.Current),
			"content": node{"type": "application/json", "src": u},
			"format":  node{"schema": schemaURL(p.head.Edition), "version": p.head.Edition},
		})
	}
	if err := write(folder+"/index.txt", []byte(index.String())); err != nil {
		return err
	}
	if err := write(folder+"/changes.csv", []byte(changes.String())); err != nil {
		return err
	}
	// The category document names what the feed is of (§7.1.17).
	csafOnly := []node{{"scheme": "urn:ietf:params:rolie:category:information-type", "term": "csaf"}}
	if err := writeJSON(write, folder+"/category-"+folder+".json", node{"categories": node{"category": csafOnly}}); err != nil {
		return err
	}
	return writeJSON(write, feed, node{"feed": node{
		"id": "csaf-feed-tlp-" + folder, "title": s.Publisher.Name + " (TLP:" + plain20(label) + ")", "updated": stamp(s.Now),
		"link":     []node{{"rel": "self", "href": s.URL + feed}, {"rel": "service", "href": s.URL + "service.json"}},
		"category": csafOnly,
		"entry":    entries,
	}})
}

func schemaURL(edition string) string {
	if edition == "2.1" {
		return "https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json"
	}
	return "https://docs.oasis-open.org/csaf/csaf/v2.0/csaf_json_schema.json"
}
