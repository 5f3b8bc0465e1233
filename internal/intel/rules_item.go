package intel

import (
	"fmt"
	"net/mail"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/incident"
	"noroshi/internal/sighting"
)

// Bounds of an item.
const (
	maxItemTitle   = 200
	maxItemSummary = 2000
	maxItemText    = 100_000
	maxIndicators  = 10_000
	maxItemCVEs    = 500
	maxItemTo      = 1000
	maxNoteText    = 1000
	maxToken       = 2048
)

// normal checks an item and brings it into its one form. The fault is
// ErrItem with places that name the fields.
func (n *NewItem) normal(clearance int, now time.Time) (it Item, err error) {
	var bad []fault.Place
	wrong := func(at, code string, args fault.Args) {
		bad = append(bad, fault.Place{At: at, Code: code, Args: args})
	}
	it = Item{State: ItemDraft, Version: 1, Revision: 1, Title: strings.TrimSpace(n.Title), Summary: strings.TrimSpace(n.Summary), Text: strings.TrimSpace(n.Text),
		English: Prose{strings.TrimSpace(n.English.Title), strings.TrimSpace(n.English.Summary), strings.TrimSpace(n.English.Text)}, TLP: n.TLP, Clearance: n.Clearance, Grade: n.Grade,
		Source: strings.TrimSpace(n.Source), SourceRef: strings.TrimSpace(n.SourceRef), ValidUntil: n.ValidUntil.UTC().Truncate(time.Microsecond)}
	if it.Title == "" {
		wrong("title", "intel.item.title", nil)
	}
	for at, v := range map[string]struct {
		text string
		max  int
	}{"title": {it.Title, maxItemTitle}, "summary": {it.Summary, maxItemSummary}, "text": {it.Text, maxItemText}, "source": {it.Source, maxItemTitle}, "source_ref": {it.SourceRef, maxItemTitle},
		"english/title": {it.English.Title, maxItemTitle}, "english/summary": {it.English.Summary, maxItemSummary}, "english/text": {it.English.Text, maxItemText}} {
		if utf8.RuneCountInString(v.text) > v.max {
			wrong(at, "intel.item.long", fault.Args{"max": v.max})
		}
	}
	if it.TLP == "" {
		it.TLP = incident.Amber
	}
	if t, ok := parseTLP(string(it.TLP)); ok {
		it.TLP = t
	} else {
		wrong("tlp", "intel.item.tlp", nil)
	}
	if !it.ValidUntil.IsZero() && !it.ValidUntil.After(now) {
		wrong("valid_until", "intel.item.valid", nil)
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
	found, cves := Extract(strings.Join([]string{it.Title, it.Summary, it.Text, it.English.Title, it.English.Summary, it.English.Text}, "\n"))
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
	if x.Type == HashIndicator {
		if slices.Contains(emptyHashes, x.Value) {
			x.Warnings = append(x.Warnings, WarnEmpty)
		}
		return x
	}
	host := x.Host()
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

// Host returns the address, network or domain of an indicator, of a URL and an
// address of mail too; empty for a hash.
func (x Indicator) Host() string {
	host := x.Value
	switch x.Type {
	case HashIndicator:
		return ""
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
	return host
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

// ofReport takes what a report gives away: its indicators and what peers should
// know, when its reporter agreed. Who reported is taken out: names, addresses of
// mail and numbers that the report gives of them, and indicators under the
// domains they write from.
func ofReport(r *incident.Report, names []string) (found []Indicator, note string, err error) {
	if !r.Consent("share_indicators_consent") {
		return nil, "", ErrConsent
	}
	victim := victimOf(r, names)
	rows, _ := r.Value("tech.indicators").V.([]incident.Row)
	for _, row := range rows {
		if x, ok := indicatorOf(row["value"]); ok && !victim.has(x) {
			found = append(found, x)
		}
		if len(found) >= maxIndicators {
			break
		}
	}
	note, _ = r.Value("share.peer_note").Text()
	return unique(found), victim.hide(note), nil
}

// victim is what tells who reported.
type victim struct{ words, domains []string }

// openMail are services that anybody may write from: their domain tells nothing.
var openMail = []string{"gmail.com", "outlook.com", "outlook.jp", "hotmail.com", "yahoo.co.jp", "icloud.com"}

func victimOf(r *incident.Report, names []string) (v victim) {
	word := func(s string) {
		s = strings.TrimSpace(norm.NFKC.String(s))
		bare, _, _ := strings.Cut(s, "(") // a name without what stands behind it in brackets
		for _, w := range []string{s, strings.TrimSpace(bare)} {
			if utf8.RuneCountInString(w) >= 2 {
				v.words = append(v.words, w)
			}
		}
		if _, host, ok := strings.Cut(strings.ToLower(s), "@"); ok && !slices.Contains(openMail, host) {
			v.domains = append(v.domains, host)
		}
	}
	for _, n := range names {
		word(n)
	}
	for id, value := range r.Values {
		if !strings.HasPrefix(string(id), "contact.") && !slices.Contains([]incident.FieldID{"operator.name", "operator.name_en", "operator.corporate_number", "operator.address", "operator.lei"}, id) {
			continue
		}
		switch x := value.V.(type) {
		case string:
			word(x)
		case incident.Row:
			for column, s := range x {
				if column != "department" {
					word(s)
				}
			}
		}
	}
	v.words = append(v.words, v.domains...)
	slices.SortFunc(v.words, func(a, b string) int { return len(b) - len(a) }) // a part of a name after the whole
	return v
}

// has reports whether an indicator is of the reporter's own domains.
func (v victim) has(x Indicator) bool {
	host := strings.TrimPrefix(x.Host(), "*.")
	return slices.ContainsFunc(v.domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}

// hide puts marks in place of what tells who reported, in any case and width of
// letters.
func (v victim) hide(s string) string {
	s = norm.NFKC.String(s)
	for _, w := range v.words {
		low, look := strings.ToLower(s), strings.ToLower(w)
		if len(low) != len(s) { // folding moved the places
			s = strings.ReplaceAll(s, w, "■■")
			continue
		}
		for from := 0; ; {
			i := strings.Index(low[from:], look)
			if i < 0 {
				break
			}
			i += from
			s, low = s[:i]+"■■"+s[i+len(look):], low[:i]+"■■"+low[i+len(look):]
			from = i + len("■■")
		}
	}
	return s
}
