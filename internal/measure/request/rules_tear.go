package request

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// told is one text of a draft that goes out, and where it stands.
type told struct{ at, text string }

// told lists what of a draft is told to the recipient.
func (d *Draft) told() []told {
	out := []told{{"subject.does", d.Subject.Does}, {"subject.url", d.Subject.URL}, {"subject.name", d.Subject.Name}, {"asked", d.Asked}, {"order.what", d.Order.What}}
	for i := range d.Evidence {
		at := "evidence[" + strconv.Itoa(i) + "]."
		out = append(out, told{at + "says", d.Evidence[i].Says}, told{at + "lines", d.Evidence[i].Lines})
	}
	return out
}

var (
	addressForm = regexp.MustCompile(`[0-9A-Fa-f:.]{3,45}`)
	mailForm    = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+`)
)

// tear finds what would give a victim away, or tells of the inside of one's own
// network: the words that were named, unless the victim agreed; private addresses;
// mail addresses in log lines and web addresses. Fault: ErrInvalid with the places.
func (d *Draft) tear() error {
	var bad mistakes
	for _, t := range d.told() {
		plain := plainly(t.text)
		if !d.Victim.Released {
			for _, h := range d.Victim.Hide {
				if strings.Contains(plain, plainly(h)) {
					bad.add(t.at, "request.bad.victim", "word", h)
				}
			}
		}
		lines := strings.HasSuffix(t.at, ".lines")
		for _, m := range addressForm.FindAllString(plain, -1) {
			if a, ok := inner(m); ok && a.String() != d.Subject.Address {
				bad.add(t.at, "request.bad.private", "address", a.String())
				break
			}
		}
		if m := mailForm.FindString(plain); m != "" && (lines || t.at == "subject.url") {
			bad.add(t.at, "request.bad.person", "mail", m)
		}
	}
	return bad.err()
}

// inner reads an address of nobody's public network, with or without a port.
func inner(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(s, ".:"))
	if err != nil {
		host, _, _ := strings.Cut(s, ":")
		if a, err = netip.ParseAddr(strings.Trim(host, ".")); err != nil {
			return a, false
		}
	}
	a = a.Unmap()
	return a, a.IsPrivate() || a.IsLoopback() && a.Is4() || a.IsLinkLocalUnicast()
}

// plainly folds a text, and undoes what people do to make an address harmless, so
// that a word is found however it is spelled.
func plainly(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // nobody sees it
			return -1
		}
		return r
	}, s)
	return strings.NewReplacer("hxxp", "http", "[.]", ".", "(.)", ".", "[dot]", ".", "[:]", ":", "[@]", "@", "[at]", "@").Replace(strings.ToLower(norm.NFKC.String(s)))
}

// defang writes a name or a web address so that nobody opens it by mistake; an
// address by itself opens nothing, and is what a desk looks for.
func defang(s string) string {
	if isAddress(s) {
		return s
	}
	s = strings.Replace(s, "http", "hxxp", 1)
	host, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(s, "hxxps://"), "hxxp://"), "/")
	scheme := s[:strings.Index(s, host)]
	host = strings.ReplaceAll(host, ".", "[.]")
	if ok {
		rest = "/" + rest
	}
	return scheme + host + rest
}
