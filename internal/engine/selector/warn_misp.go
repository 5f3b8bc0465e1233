package selector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// The bounds of warning lists, all together.
const (
	maxWarnLists   = 1000
	maxWarnEntries = 4 << 20
	maxWarnParts   = 16      // lists of parts
	maxWarnBytes   = 1 << 20 // of the parts of one list
	maxWarnRegexps = 100
	maxWarnText    = 1024
)

// ErrWarnings is wrapped by what AddMISP returns.
var ErrWarnings = errors.New("selector: not a warning list")

// attributeKinds says which kinds of selectors the attributes of MISP are.
var attributeKinds = map[string]Needs{
	"ip-src": 1<<Address | 1<<Prefix, "ip-dst": 1<<Address | 1<<Prefix, "ip-src|port": 1<<Address | 1<<Prefix, "ip-dst|port": 1<<Address | 1<<Prefix,
	"domain|ip": 1<<Address | 1<<Prefix | 1<<Domain | 1<<Suffix, "domain": 1<<Domain | 1<<Suffix, "hostname": 1<<Domain | 1<<Suffix,
	"hostname|port": 1<<Domain | 1<<Suffix, "url": 1 << URI, "uri": 1 << URI, "link": 1 << URI, "md5": 1 << JA3, "ja3-fingerprint-md5": 1 << JA3,
	"ja4-fingerprint": 1 << JA4, "sha1": 1 << Certificate, "sha256": 1 << Certificate, "x509-fingerprint-sha1": 1 << Certificate,
	"x509-fingerprint-sha256": 1 << Certificate, "port": 1 << Port,
}

// AddMISP adds a warning list in the JSON form of MISP (name, type, list,
// matching_attributes; misp-warninglists schema.json). It returns how many
// entries were taken; entries of a list that no kind of selector can meet are
// left out. Errors wrap ErrWarnings and name the entry.
func (w *Warnings) AddMISP(data []byte) (taken int, err error) {
	var in struct {
		Name, Type string
		List       []string
		Matching   []string `json:"matching_attributes"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrWarnings, err)
	}
	if in.Name == "" || len(in.Name) > maxTextLen || !printable(in.Name) || len(in.List) == 0 {
		return 0, fmt.Errorf("%w: it needs a name and a list", ErrWarnings)
	}
	l := warnList{name: in.Name}
	for _, a := range in.Matching {
		l.kinds |= attributeKinds[a]
	}
	if len(in.Matching) > 0 && l.kinds == 0 {
		return 0, nil
	}
	entries := len(w.nets) + len(w.names) + len(w.texts) + len(w.above) + len(w.inside)
	if len(w.lists) >= maxWarnLists || entries+len(in.List) > maxWarnEntries {
		return 0, fmt.Errorf("%w: too many entries in all", ErrWarnings)
	}
	if w.nets == nil {
		w.nets, w.inside = map[netip.Prefix]int32{}, map[netip.Prefix]int32{}
		w.names, w.above, w.texts = map[string]int32{}, map[string]int32{}, map[string]int32{}
	}
	w.lists = append(w.lists, l)
	at := int32(len(w.lists) - 1)
	for i, entry := range in.List {
		if len(entry) > maxWarnText || w.addEntry(in.Type, entry, at) != nil {
			return taken, fmt.Errorf("%w: entry %d of %q, %q, does not fit the type %q", ErrWarnings, i+1, in.Name, shown(entry), shown(in.Type))
		}
		taken++
	}
	if in.Type == "substring" {
		if err := w.addParts(in.List, at); err != nil {
			return 0, fmt.Errorf("%w: %q is too long", ErrWarnings, in.Name)
		}
	}
	return taken, nil
}

// addParts makes one automaton of the parts of a list.
func (w *Warnings) addParts(list []string, at int32) error {
	parts := make([][]byte, 0, len(list))
	total := 0
	for _, entry := range list {
		parts = append(parts, []byte(strings.ToLower(strings.TrimSpace(entry))))
		total += len(entry)
	}
	if len(w.parts) >= maxWarnParts || total > maxWarnBytes {
		return errEntry
	}
	slices.SortFunc(parts, bytes.Compare)
	parts = slices.CompactFunc(parts, bytes.Equal)
	ids := make([]ID, len(parts))
	for i := range ids {
		ids[i] = ID(i + 1)
	}
	w.parts = append(w.parts, warnParts{buildPatterns(parts, ids), at})
	return nil
}

var errEntry = errors.New("selector: entry")

func (w *Warnings) addEntry(kind, entry string, at int32) error {
	entry = strings.TrimSpace(entry)
	if entry == "" {
		return errEntry
	}
	switch kind {
	case "cidr":
		return w.addNet(entry, at)
	case "hostname":
		if w.addNet(entry, at) == nil { // some lists mix addresses in
			return nil
		}
		name, ok := asciiName(strings.Trim(entry, "."))
		if !ok { // nothing that a selector could be
			return nil
		}
		w.addName(string(name), at)
	case "string":
		text := strings.ToLower(strings.Trim(entry, "."))
		if w.addNet(text, at) == nil {
			return nil
		}
		put(w.texts, text, at)
	case "substring": // see addParts
	case "regex":
		return w.addRegexp(entry, at)
	default:
		return errEntry
	}
	return nil
}

// addRegexp reads a pattern with or without slashes around it. Go's regular
// expressions run in linear time, so a hostile one costs no more than its length.
func (w *Warnings) addRegexp(entry string, at int32) error {
	if len(w.regexps) >= maxWarnRegexps {
		return errEntry
	}
	if rest, ok := strings.CutPrefix(entry, "/"); ok {
		if end := strings.LastIndexByte(rest, '/'); end > 0 {
			entry = rest[:end]
			if strings.Contains(rest[end:], "i") {
				entry = "(?i)" + entry
			}
		}
	}
	re, err := regexp.Compile(entry)
	if err != nil {
		return errEntry
	}
	w.regexps = append(w.regexps, warnRegexp{re, at})
	return nil
}

// put keeps the list that came first.
func put[K comparable](m map[K]int32, key K, at int32) {
	if _, ok := m[key]; !ok {
		m[key] = at
	}
}

func (w *Warnings) addNet(entry string, at int32) error {
	p, err := netip.ParsePrefix(entry)
	if err != nil {
		a, err := netip.ParseAddr(entry)
		if err != nil || a.Zone() != "" {
			return errEntry
		}
		p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
	}
	if p = p.Masked(); p.Addr().Is4In6() {
		return errEntry
	}
	family := 0
	if p.Addr().Is6() {
		family = 1
	}
	w.lengths[family][p.Bits()] = true
	put(w.nets, p, at)
	for bits := p.Bits() - 1; bits >= 0; bits-- {
		up, _ := p.Addr().Prefix(bits)
		if _, ok := w.inside[up]; ok {
			break // then everything above it is there
		}
		w.inside[up] = at
	}
	return nil
}

func (w *Warnings) addName(name string, at int32) {
	put(w.names, name, at)
	for {
		dot := strings.IndexByte(name, '.')
		if dot < 0 {
			return
		}
		name = name[dot+1:]
		put(w.above, name, at)
	}
}
