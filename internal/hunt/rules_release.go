package hunt

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"noroshi/internal/sighting"
)

// shared is the range of carriers between their customers and themselves
// (RFC 6598): nobody can be looked for by an address in it.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Names that only mean something inside (RFC 2606, 6761, 6762, 8375, 9476), and
// ends of file names that look like names of the DNS.
var (
	insideNames = strings.Fields("local localhost localdomain lan internal intranet corp home private arpa test example invalid alt onion workgroup")
	fileEnds    = strings.Fields("exe dll sys ps1 psm1 psd1 bat cmd vbs vbe js jse wsf hta msi msp scr cpl ocx inf lnk dat log txt tmp bak ini cfg conf xml json yml yaml csv db sqlite pdb evtx zip rar doc docx docm xls xlsx xlsm ppt pptx pdf rtf html htm php asp aspx jsp py pl sh so bin jar class war elf dmp reg config mui nls aspnet service socket target key pem crt")
)

// maxReleasable is how many values of one finding are offered.
const maxReleasable = 200

// releasable are the values of a finding's examples that others may look for:
// hashes, public addresses and names outside of one's own networks and of the
// domain of its host. Whatever else an event holds stays where it is.
func releasable(f *Finding, own []netip.Prefix) (out []Releasable) {
	seen := map[string]bool{}
	put := func(word string) {
		t, v, ok := sighting.Normal(word, false)
		if !ok || seen[v] || len(out) >= maxReleasable || !mayLeave(t, v, f, own) {
			return
		}
		seen[v] = true
		out = append(out, Releasable{string(t), v})
	}
	for i := range f.Examples {
		e := &f.Examples[i]
		for _, w := range e.Why {
			valuesIn(w.Value, put)
		}
		for _, v := range e.Event {
			valuesIn(v, put)
		}
	}
	slices.SortFunc(out, func(a, b Releasable) int { return strings.Compare(a.Type+" "+a.Value, b.Type+" "+b.Value) })
	return out
}

// valuesIn gives the words of a text that may be values, such as those of a
// command line or of SHA256=…,MD5=….
func valuesIn(text string, put func(string)) {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || strings.ContainsRune("\"'`<>|", r) }) {
		if i := strings.Index(w, "://"); i >= 0 {
			start := strings.LastIndexFunc(w[:i], func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) + 1
			put(strings.TrimRight(w[start:], ".,;)}]"))
			continue
		}
		for _, w := range strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune(",;(){}=\\", r) }) {
			w = strings.Trim(w, ".!?*&$@")
			put(w)
			host, port, ok := strings.Cut(strings.Trim(w, "[]"), ":")
			if ok && !strings.Contains(port, ":") && strings.Trim(port, "0123456789") == "" { // with a port
				put(host)
			}
		}
	}
}

// mayLeave reports whether others may learn a value.
func mayLeave(t sighting.Type, v string, f *Finding, own []netip.Prefix) bool {
	switch t {
	case sighting.Hash:
		return strings.Trim(v, v[:1]) != "" // not all zeros
	case sighting.Address:
		return publicAddress(v, own)
	case sighting.Domain:
		return publicName(v, f)
	case sighting.URL:
		u, err := url.Parse(v)
		if err != nil || u.User != nil { // a name or a password of somebody
			return false
		}
		if host := u.Hostname(); publicAddress(host, own) {
			return true
		} else if _, err := netip.ParseAddr(host); err == nil {
			return false
		} else {
			return publicName(host, f)
		}
	}
	return false
}

func publicAddress(v string, own []netip.Prefix) bool {
	a, err := netip.ParseAddr(v)
	a = a.Unmap()
	return err == nil && a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a) && !covered(own, a)
}

// publicName reports whether a name is of the public DNS, no name of a file, and
// not of the domain in which the finding's host is or its account signs in.
func publicName(v string, f *Finding) bool {
	labels := strings.Split(v, ".")
	last := labels[len(labels)-1]
	if len(labels) < 2 || slices.Contains(insideNames, last) || slices.Contains(fileEnds, last) || strings.ContainsAny(last, "0123456789") && !strings.HasPrefix(last, "xn--") {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(f.Host, "."))
	if v == host || strings.HasSuffix(v, "."+host) && host != "" {
		return false
	}
	if _, domain, ok := strings.Cut(host, "."); ok && strings.Contains(domain, ".") && within(v, domain) {
		return false
	}
	_, domain, ok := strings.Cut(strings.ToLower(f.User), "@")
	return !ok || !within(v, domain)
}

func within(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}
