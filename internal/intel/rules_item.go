package intel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/incident"
	"noroshi/internal/sighting"
)

// Bounds of an item.
const (
	maxItemTitle  = 200
	maxItemText   = 100_000
	maxIndicators = 10_000
	maxItemCVEs   = 500
	maxItemTo     = 1000
	maxNoteText   = 1000
	maxToken      = 2048
)

// normal checks an item and brings it into its one form. The fault is
// ErrItem with places that name the fields.
func (n *NewItem) normal(clearance int) (it Item, err error) {
	var bad []fault.Place
	wrong := func(at, code string, args fault.Args) {
		bad = append(bad, fault.Place{At: at, Code: code, Args: args})
	}
	it = Item{State: ItemDraft, Title: strings.TrimSpace(n.Title), Text: strings.TrimSpace(n.Text), TLP: n.TLP, Clearance: n.Clearance, Grade: n.Grade, Source: strings.TrimSpace(n.Source)}
	if it.Title == "" {
		wrong("title", "intel.item.title", nil)
	}
	for at, v := range map[string]struct {
		text string
		max  int
	}{"title": {it.Title, maxItemTitle}, "text": {it.Text, maxItemText}, "source": {it.Source, maxItemTitle}} {
		if utf8.RuneCountInString(v.text) > v.max {
			wrong(at, "intel.item.long", fault.Args{"max": v.max})
		}
	}
	if it.TLP == "" {
		it.TLP = incident.Amber
	}
	if it.TLP = incident.TLP(strings.TrimPrefix(strings.ToUpper(string(it.TLP)), "TLP:")); !slices.Contains(incident.TLPs, it.TLP) {
		wrong("tlp", "intel.item.tlp", nil)
	}
	if it.Clearance < 0 || it.Clearance > 3 {
		wrong("clearance", "intel.item.clearance", nil)
	} else if it.Clearance > clearance {
		wrong("clearance", "intel.item.above", fault.Args{"yours": clearance})
	}
	if it.Grade == (Grade{}) {
		it.Grade = Grade{"F", 6}
	}
	if len(it.Grade.Reliability) != 1 || !strings.Contains("ABCDEF", it.Grade.Reliability) || it.Grade.Credibility < 1 || it.Grade.Credibility > 6 {
		wrong("grade", "intel.item.grade", nil)
	}
	for i, v := range n.Vulnerabilities {
		v = strings.ToUpper(strings.TrimSpace(v))
		if _, _, ok := cve(v); !ok {
			wrong("vulnerabilities/"+strconv.Itoa(i), "intel.item.cve", nil)
		}
		it.Vulnerabilities = append(it.Vulnerabilities, v)
	}
	it.Indicators = []Indicator{}
	for i, x := range n.Indicators {
		got, ok := indicatorOf(x.Value)
		switch {
		case !ok || x.Type != "" && x.Type != got.Type:
			wrong("indicators/"+strconv.Itoa(i), "intel.item.indicator", nil)
		case utf8.RuneCountInString(x.Note) > maxNoteText:
			wrong("indicators/"+strconv.Itoa(i), "intel.item.long", fault.Args{"max": maxNoteText})
		}
		got.Note = x.Note
		it.Indicators = append(it.Indicators, got)
		if len(bad) > 100 {
			break
		}
	}
	found, cves := Extract(it.Title + "\n" + it.Text)
	it.Indicators = unique(append(it.Indicators, found...))
	it.Vulnerabilities = append(it.Vulnerabilities, cves...)
	slices.Sort(it.Vulnerabilities)
	it.Vulnerabilities = slices.Compact(it.Vulnerabilities)
	it.To = slices.Clone(n.To)
	slices.Sort(it.To)
	it.To = slices.Compact(it.To)
	for at, c := range map[string]struct{ n, max int }{"indicators": {len(it.Indicators), maxIndicators}, "vulnerabilities": {len(it.Vulnerabilities), maxItemCVEs}, "to": {len(it.To), maxItemTo}} {
		if c.n > c.max {
			wrong(at, "intel.item.many", fault.Args{"max": c.max})
		}
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b fault.Place) int { return strings.Compare(a.At+a.Code, b.At+b.Code) })
		return it, ErrItem.At(bad...)
	}
	return it, nil
}

// unique keeps the first of each value, and its place.
func unique(in []Indicator) []Indicator {
	seen := map[string]bool{}
	return slices.DeleteFunc(in, func(x Indicator) bool {
		key := string(x.Type) + " " + x.Value
		defer func() { seen[key] = true }()
		return seen[key]
	})
}

// indicatorOf reads one value in any spelling.
func indicatorOf(value string) (Indicator, bool) {
	if s := sighting.Refang(value); strings.Contains(s, "@") && !strings.Contains(s, "://") {
		a, err := mail.ParseAddress(strings.TrimPrefix(s, "mailto:"))
		if err != nil || a.Name != "" {
			return Indicator{}, false
		}
		name, host, _ := strings.Cut(a.Address, "@")
		kind, host, ok := sighting.Normal(host, false)
		if !ok || kind != sighting.Domain || name == "" {
			return Indicator{}, false
		}
		return warned(Indicator{Type: MailIndicator, Value: strings.ToLower(name) + "@" + host}), true
	}
	kind, v, ok := sighting.Normal(value, false)
	if !ok || kind == sighting.Vulnerability || kind == sighting.Product {
		return Indicator{}, false
	}
	return warned(Indicator{Type: IndicatorType(kind), Value: v}), true
}

// The ends of file names that read like domains and are of none.
var fileEnds = regexp.MustCompile(`(?i)\.(exe|dll|sys|js|ps1|bat|vbs|txt|log|json|xml|html?|php|aspx?|jsp|docx?|xlsx?|pptx?|pdf|rar|7z|gz|tar|iso|lnk|jar|conf|cfg|ini|tmp|dat|png|jpe?g|gif)$`)

// parts of a text are divided by what no indicator holds: white space, quotes,
// brackets round a whole word, Japanese punctuation.
func divides(r rune) bool {
	return r <= ' ' || strings.ContainsRune("\"'`<>|、。「」『』（）【】，；：　“”‘’…", r)
}

// Extract finds the indicators and CVE ids in a text, each once, in their
// order: addresses, domains, URLs, hashes and mail addresses in any of the ways
// people break them. Bare domains are taken only when they are broken, or stand
// in a URL or an address of mail: a version or a file name reads like one.
func Extract(text string) (found []Indicator, cves []string) {
	for _, token := range strings.FieldsFunc(text, divides) {
		for _, part := range strings.FieldsFunc(token, func(r rune) bool { return r == ',' || r == ';' }) {
			part = strings.TrimRight(part, ".:!?)]}")
			part = strings.TrimLeft(part, "([{")
			if part == "" || len(part) > maxToken {
				continue
			}
			if up := strings.ToUpper(part); strings.HasPrefix(up, "CVE-") {
				if _, _, ok := cve(up); ok && !slices.Contains(cves, up) && len(cves) < maxItemCVEs {
					cves = append(cves, up)
				}
				continue
			}
			x, ok := indicatorOf(part)
			if !ok || x.Type == DomainIndicator && (!strings.ContainsAny(part, "[({") || fileEnds.MatchString(x.Value)) || x.Type == AddressIndicator && !plainAddress(part) {
				continue
			}
			if found = append(found, x); len(found) > maxIndicators {
				return unique(found), cves
			}
		}
	}
	return unique(found), cves
}

// plainAddress reports whether a word is meant as an address: 1.2.3.4 may be a
// version as well, but 4 alone is none.
func plainAddress(word string) bool {
	s := sighting.Refang(word)
	return strings.Count(s, ".") == 3 || strings.Count(s, ":") >= 2
}

// Defang writes an indicator so that nobody follows it by accident.
func (x Indicator) Defang() string {
	if x.Type == MailIndicator {
		name, host, _ := strings.Cut(x.Value, "@")
		return name + "[@]" + sighting.Defang(sighting.Domain, host)
	}
	return sighting.Defang(sighting.Type(x.Type), x.Value)
}

// common are services that nearly every network talks to: as an indicator they
// hit everyone (a fact list of ours, not a judgement).
var common = []string{"google.com", "googleapis.com", "gstatic.com", "microsoft.com", "windows.net", "windowsupdate.com", "office.com", "office365.com", "outlook.com", "live.com", "apple.com", "icloud.com",
	"amazonaws.com", "cloudfront.net", "cloudflare.com", "akamaiedge.net", "github.com", "githubusercontent.com", "dropbox.com", "yahoo.co.jp", "line.me", "wikipedia.org", "w3.org", "youtube.com", "facebook.com", "8.8.8.8", "8.8.4.4", "1.1.1.1", "9.9.9.9"}

// The hashes of nothing: of a file of no bytes.
var emptyHashes = []string{"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}

var (
	testNets  = []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"}
	testNames = []string{"example", "example.com", "example.net", "example.org", "example.jp", "test", "invalid", "localhost", "local", "internal"}
)

// warned adds what may be harmless about an indicator.
func warned(x Indicator) Indicator {
	host := x.Value
	switch x.Type {
	case HashIndicator:
		if slices.Contains(emptyHashes, x.Value) {
			x.Warnings = append(x.Warnings, WarnEmpty)
		}
		return x
	case MailIndicator:
		_, host, _ = strings.Cut(x.Value, "@")
	case URLIndicator:
		_, rest, _ := strings.Cut(x.Value, "://")
		host, _, _ = strings.Cut(rest, "/")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			host = host[i+1:]
		}
		if h, err := netip.ParseAddrPort(host); err == nil {
			host = h.Addr().String()
		} else if strings.Count(host, ":") == 1 {
			host, _, _ = strings.Cut(host, ":")
		}
		host = strings.Trim(host, "[]")
	}
	if p, ok := prefixOf(host); ok {
		return warnedAddress(x, p)
	}
	under := func(list []string) bool {
		return slices.ContainsFunc(list, func(n string) bool { return host == n || strings.HasSuffix(host, "."+n) })
	}
	switch {
	case under(testNames):
		x.Warnings = append(x.Warnings, WarnReserved)
	case under(common):
		x.Warnings = append(x.Warnings, WarnCommon)
	case !strings.Contains(host, "."):
		x.Warnings = append(x.Warnings, WarnWide)
	}
	return x
}

func prefixOf(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

func warnedAddress(x Indicator, p netip.Prefix) Indicator {
	a := p.Addr().Unmap()
	for _, t := range testNets {
		if netip.MustParsePrefix(t).Contains(a) {
			x.Warnings = append(x.Warnings, WarnReserved)
		}
	}
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || netip.MustParsePrefix("100.64.0.0/10").Contains(a) {
		x.Warnings = append(x.Warnings, WarnPrivate)
	}
	if slices.Contains(common, a.String()) {
		x.Warnings = append(x.Warnings, WarnCommon)
	}
	if a.Is4() && p.Bits() < 16 || a.Is6() && p.Bits() < 32 {
		x.Warnings = append(x.Warnings, WarnWide)
	}
	return x
}

// ParseGrade reads a grade as people write it: B2, b-2, B/2.
func ParseGrade(s string) (Grade, error) {
	s = strings.ToUpper(strings.NewReplacer("-", "", "/", "", " ", "").Replace(s))
	if s == "" {
		return Grade{"F", 6}, nil
	}
	if len(s) != 2 || s[0] < 'A' || s[0] > 'F' || s[1] < '1' || s[1] > '6' {
		return Grade{}, fault.New(fault.Invalid, "intel.item.grade")
	}
	return Grade{s[:1], int(s[1] - '0')}, nil
}

// String returns the grade as people write it: B2.
func (g Grade) String() string { return fmt.Sprintf("%s%d", g.Reliability, g.Credibility) }

// parseItem reads the file of an item: JSON of a NewItem, or plain text of
// which the first line is the title. What n says goes before.
func parseItem(raw []byte, n NewItem) (NewItem, error) {
	if !utf8.Valid(raw) {
		return n, fault.New(fault.Usage, "intel.item.file")
	}
	got := NewItem{}
	if t := bytes.TrimSpace(raw); len(t) > 0 && t[0] == '{' {
		d := json.NewDecoder(bytes.NewReader(t))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			return n, fault.New(fault.Usage, "intel.item.file").Because(err)
		}
	} else {
		got.Title, got.Text, _ = strings.Cut(string(t), "\n")
		got.Title = strings.TrimLeft(got.Title, "# ")
	}
	if n.Title != "" {
		got.Title = n.Title
	}
	if n.TLP != "" {
		got.TLP = n.TLP
	}
	if n.Grade != (Grade{}) {
		got.Grade = n.Grade
	}
	if n.Source != "" {
		got.Source = n.Source
	}
	got.Clearance = max(got.Clearance, n.Clearance)
	got.To = append(got.To, n.To...)
	return got, nil
}

// ofReport takes what a report gives away: its indicators and what peers
// should know, when its reporter agreed, and no name.
func ofReport(r *incident.Report) (found []Indicator, note string, err error) {
	if !r.Consent("share_indicators_consent") {
		return nil, "", ErrConsent
	}
	rows, _ := r.Value("tech.indicators").V.([]incident.Row)
	for _, row := range rows {
		if x, ok := indicatorOf(row["value"]); ok {
			found = append(found, x)
		}
		if len(found) >= maxIndicators {
			break
		}
	}
	note, _ = r.Value("share.peer_note").Text()
	return unique(found), note, nil
}
