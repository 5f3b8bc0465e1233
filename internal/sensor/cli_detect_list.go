package sensor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/stix"
)

// Bounds of the lists a person gives.
const (
	maxAllowFile = 4 << 20
	maxSignFile  = 512 << 20
	maxAllow     = 10_000
	longestAllow = 2 * 366 * 24 * time.Hour // an entry that runs longer is forgotten before it ends
)

// allowExample is an entry of the list of what is expected, as help shows it.
const allowExample = `[[allow]]
kind = "beacon"
src = "10.0.0.0/24"
name = ".example.com"
port = 443
reason = "updates of the plant"
until = 2027-03-31
`

// indented is a text as an example in a help text.
func indented(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ")
}

// readAllow reads the list of what is expected: a TOML file of entries
//
//	[[allow]]
//	kind = "beacon"          # optional, as are src, dst, name and port; one of them is needed
//	src = "10.0.0.0/24"
//	name = ".example.com"    # the name, or with a dot all below
//	reason = "updates of the plant"
//	until = 2027-03-31       # two years from now at most
func readAllow(name string, now time.Time) (out []detect.Allow, err error) {
	if name == "" {
		return nil, nil
	}
	raw, err := cli.ReadFile(name, maxAllowFile)
	if err != nil {
		return nil, err
	}
	return parseAllow(name, raw, now)
}

func parseAllow(name string, raw []byte, now time.Time) (out []detect.Allow, err error) {
	var file struct {
		Allow []struct {
			Kind   string `toml:"kind"`
			Src    string `toml:"src"`
			Dst    string `toml:"dst"`
			Name   string `toml:"name"`
			Port   uint16 `toml:"port"`
			Reason string `toml:"reason"`
			Until  any    `toml:"until"`
		} `toml:"allow"`
	}
	meta, err := toml.Decode(string(raw), &file)
	if err != nil || len(meta.Undecoded()) > 0 || len(file.Allow) > maxAllow {
		return nil, fault.New(fault.Usage, "sensor.detect.allow_file", "file", name).Because(err)
	}
	for i, e := range file.Allow {
		bad := func(what string) error {
			return fault.New(fault.Usage, "sensor.detect.allow_entry", "file", name, "n", i+1, "what", what, "kinds", kindList())
		}
		a := detect.Allow{Kind: detect.Kind(e.Kind), Name: strings.ToLower(e.Name), Port: e.Port, Reason: strings.TrimSpace(e.Reason)}
		var ok bool
		if a.Src, ok = prefix(e.Src); !ok {
			return nil, bad("src")
		}
		if a.Dst, ok = prefix(e.Dst); !ok {
			return nil, bad("dst")
		}
		if a.Until, ok = dayOf(e.Until, now.Location()); !ok || a.Until.Year() < 2000 || a.Until.After(now.Add(longestAllow)) {
			return nil, bad("until")
		}
		switch {
		case a.Reason == "":
			return nil, bad("reason")
		case e.Kind != "" && !knownKind(a.Kind):
			return nil, bad("kind")
		case !a.Src.IsValid() && !a.Dst.IsValid() && a.Name == "" && a.Port == 0:
			return nil, fault.New(fault.Usage, "sensor.detect.allow_one", "file", name, "n", i+1)
		}
		out = append(out, a)
	}
	return out, nil
}

// kindList is what "kind" of an entry can be.
func kindList() string {
	var all []string
	for _, k := range detect.Kinds {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

func knownKind(k detect.Kind) bool {
	for _, have := range detect.Kinds {
		if have == k {
			return true
		}
	}
	return false
}

// prefix reads an address or a prefix; "" is none.
func prefix(s string) (netip.Prefix, bool) {
	if s == "" {
		return netip.Prefix{}, true
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p, err == nil
}

// dayOf reads until when an entry holds: the last instant of that day in a zone.
func dayOf(v any, in *time.Location) (time.Time, bool) {
	var day time.Time
	switch x := v.(type) {
	case time.Time:
		day = x
	case string:
		var err error
		if day, err = time.Parse(time.DateOnly, x); err != nil {
			return time.Time{}, false
		}
	default:
		return time.Time{}, false
	}
	return time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, -1, in), true
}

// readSigns reads indicators: a bundle of STIX 2.1, or a list with one address,
// network, name or fingerprint in a line, the rest of the line after a comma or
// a space being left out. What is nothing of these is counted.
func readSigns(name string, n *record.Naming) (out []detect.Sign, skipped int, err error) {
	raw, err := cli.ReadFile(name, maxSignFile)
	if err != nil {
		return nil, 0, err
	}
	return parseSigns(name, raw, n)
}

func parseSigns(name string, raw []byte, n *record.Naming) (out []detect.Sign, skipped int, err error) {
	if b := bytes.TrimSpace(raw); len(b) > 0 && (b[0] == '{' || b[0] == '[') {
		return bundleSigns(name, b, n)
	}
	if bytes.IndexByte(raw, 0) >= 0 || len(bytes.TrimSpace(raw)) == 0 { // no text is without lines, none has a zero in it
		return nil, 0, fault.New(fault.Usage, "sensor.detect.signs_text", "file", name)
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			continue
		}
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == ';' || r == '#' })
		if len(words) == 0 {
			continue
		}
		if s, ok := signOf(strings.Trim(words[0], `"'`), n); ok {
			out = append(out, s)
		} else {
			skipped++
		}
	}
	return out, skipped, lines.Err()
}

// signOf tells what a word is.
func signOf(word string, n *record.Naming) (detect.Sign, bool) {
	word = strings.ToLower(strings.NewReplacer("[.]", ".", "(.)", ".", "hxxp", "http").Replace(word))
	s := detect.Sign{Label: word}
	if p, ok := prefix(word); ok && p.IsValid() {
		s.Prefix = p
		return s, true
	}
	switch {
	case len(word) == 32 && strings.Trim(word, "0123456789abcdef") == "",
		len(word) == 36 && word[10] == '_' && word[23] == '_':
		s.Print = word
		return s, true
	case strings.Contains(word, ".") && !strings.ContainsAny(word, "/@:*") && len(word) < 254:
		s.Name = n.Host([]byte(strings.TrimPrefix(word, "."))).String()
		s.Label = s.Name
		return s, s.Name != ""
	}
	return s, false
}

// bundleSigns takes the indicators out of a bundle of STIX.
func bundleSigns(name string, raw []byte, n *record.Naming) (out []detect.Sign, skipped int, err error) {
	var bundle struct {
		Objects []struct {
			Type    string `json:"type"`
			ID      string `json:"id"`
			Pattern string `json:"pattern"`
			Kind    string `json:"pattern_type"`
			Revoked bool   `json:"revoked"`
		} `json:"objects"`
	}
	if err := json.Unmarshal(raw, &bundle); err != nil {
		return nil, 0, fault.New(fault.Usage, "sensor.detect.signs_file", "file", name).Because(err)
	}
	for _, o := range bundle.Objects {
		if o.Type != "indicator" || o.Revoked || o.Kind != "" && o.Kind != "stix" {
			continue
		}
		p, err := stix.ParsePattern(o.Pattern)
		if err != nil {
			skipped++
			continue
		}
		found, exact := p.Simple()
		have := len(out)
		for _, f := range found {
			s := detect.Sign{Label: o.ID, Part: !exact}
			switch {
			case f.Kind == stix.SimpleAddress:
				s.Prefix = f.Prefix
			case f.Kind == stix.SimpleDomain:
				s.Name = n.Host([]byte(f.Value)).String()
			case f.Kind == stix.SimpleOther && strings.Contains(f.Name, "ja"):
				s.Print = strings.ToLower(f.Value)
			}
			if !s.Prefix.IsValid() && s.Name == "" && s.Print == "" {
				continue
			}
			out = append(out, s)
		}
		if len(out) == have {
			skipped++
		}
	}
	return out, skipped, nil
}
