package request

import (
	"errors"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	rdapboot "github.com/openrdap/rdap/bootstrap"
	"golang.org/x/net/publicsuffix"

	"noroshi/internal/base/fault"
)

// Registries says which registry to ask, by IANA's bootstrap files (RFC 9224) in a
// folder: asn.json, dns.json, ipv4.json, ipv6.json. What is not there cannot be
// asked. Nothing is fetched: whoever runs the hub puts the files there.
type Registries struct {
	asn  *rdapboot.ASNRegistry
	dns  *rdapboot.DNSRegistry
	four *rdapboot.NetRegistry
	six  *rdapboot.NetRegistry
}

// maxBootstrap bounds a bootstrap file, in bytes.
const maxBootstrap = 4 << 20

// OpenRegistries reads the folder; an empty name is no files. Fault:
// request.bootstrap with the file that cannot be read.
func OpenRegistries(dir string) (*Registries, error) {
	r := &Registries{}
	if dir == "" {
		return r, nil
	}
	read := func(name string, use func(raw []byte) error) error {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		var raw []byte
		switch {
		case err == nil && info.Size() > maxBootstrap:
			err = errors.New("too large")
		case err == nil:
			if raw, err = os.ReadFile(file); err == nil {
				err = use(raw)
			}
		}
		if err != nil {
			return fault.New(fault.Usage, "request.bootstrap", "file", file).Because(err)
		}
		return nil
	}
	return r, errors.Join(
		read("asn.json", func(raw []byte) (err error) { r.asn, err = rdapboot.NewASNRegistry(raw); return err }),
		read("dns.json", func(raw []byte) (err error) { r.dns, err = rdapboot.NewDNSRegistry(raw); return err }),
		read("ipv4.json", func(raw []byte) (err error) { r.four, err = rdapboot.NewNetRegistry(raw, 4); return err }),
		read("ipv6.json", func(raw []byte) (err error) { r.six, err = rdapboot.NewNetRegistry(raw, 6); return err }))
}

// Known reports whether there is any file.
func (r *Registries) Known() bool {
	return r.asn != nil || r.dns != nil || r.four != nil || r.six != nil
}

// network lists the addresses at which a registry answers about an address.
func (r *Registries) network(address string) []string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return nil
	}
	from := r.six
	if a.Is4() {
		from = r.four
	}
	if from == nil {
		return nil
	}
	got, err := from.Lookup(&rdapboot.Question{Query: address})
	return answers(got, err, "ip/"+address)
}

// name lists the addresses at which a registry answers about the registered part of
// a name.
func (r *Registries) name(name string) []string {
	if r.dns == nil {
		return nil
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return nil
	}
	got, err := r.dns.Lookup(&rdapboot.Question{Query: registered})
	return answers(got, err, "domain/"+registered)
}

func (r *Registries) as(n uint32) []string {
	if r.asn == nil {
		return nil
	}
	number := strconv.FormatUint(uint64(n), 10)
	got, err := r.asn.Lookup(&rdapboot.Question{Query: number})
	return answers(got, err, "autnum/"+number)
}

// answers are whole addresses (RFC 9082 §3.1), those over https first.
func answers(got *rdapboot.Answer, err error, path string) (out []string) {
	if err != nil || got == nil {
		return nil
	}
	urls := slices.Clone(got.URLs)
	slices.SortStableFunc(urls, func(a, b *url.URL) int { return strings.Compare(b.Scheme, a.Scheme) })
	for _, u := range urls[:min(len(urls), 3)] {
		out = append(out, strings.TrimSuffix(u.String(), "/")+"/"+path)
	}
	return out
}
