package intel

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/incident"
)

// stixObject is what of a STIX 2.1 object is read: indicators, vulnerabilities,
// reports and marks of handling. Everything else is counted by its type, and
// stays in the file that is kept.
type stixObject struct {
	Type           string      `json:"type"`
	ID             string      `json:"id"`
	Name           string      `json:"name"`
	Description    string      `json:"description"`
	Pattern        string      `json:"pattern"`
	PatternType    string      `json:"pattern_type"`
	ValidUntil     string      `json:"valid_until"`
	Revoked        bool        `json:"revoked"`
	Confidence     *int        `json:"confidence"`
	CreatedBy      string      `json:"created_by_ref"`
	Marks          []string    `json:"object_marking_refs"`
	DefinitionType string      `json:"definition_type"`
	Definition     stixTLP     `json:"definition"`
	External       []stixNamed `json:"external_references"`
}

type stixTLP struct {
	TLP string `json:"tlp"`
}

type stixNamed struct {
	Source string `json:"source_name"`
	ID     string `json:"external_id"`
}

// stixMarks are the marks whose ids are fixed: TLP 1.0 (STIX 2.1, 7.2.1.4) and
// TLP 2.0 (the OASIS extension of 2023).
var stixMarks = map[string]incident.TLP{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": incident.Clear,
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": incident.Green,
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": incident.Amber,
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": incident.Red,
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": incident.Clear,
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": incident.Green,
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": incident.Amber,
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": incident.AmberStrict,
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": incident.Red,
}

// stix reads a bundle. Its label is the narrowest that any object carries.
func (r *reading) stix(raw []byte) error {
	var b struct {
		ID      string            `json:"id"`
		Objects []json.RawMessage `json:"objects"`
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return kindFault(err)
	}
	list := make([]stixObject, len(b.Objects))
	marks, names := map[string]incident.TLP{}, map[string]string{}
	for i, o := range b.Objects {
		if err := json.Unmarshal(o, &list[i]); err != nil {
			return stixFault(err, i)
		}
		switch o := &list[i]; o.Type {
		case "marking-definition":
			if t, ok := parseTLP(o.Definition.TLP); ok && o.DefinitionType == "tlp" {
				marks[o.ID] = t
			}
		case "identity":
			names[o.ID] = o.Name
		}
	}
	r.item.SourceRef = clip(b.ID)
	reported := false
	for i := range list {
		o := &list[i]
		for _, m := range o.Marks {
			t, ok := stixMarks[m]
			if !ok {
				t, ok = marks[m]
			}
			if ok {
				r.narrow(t)
			}
		}
		if o.Revoked {
			r.skip("revoked")
			continue
		}
		if r.item.Source == "" && o.CreatedBy != "" && names[o.CreatedBy] != "" {
			r.item.Source = shorten(names[o.CreatedBy], maxItemTitle)
		}
		switch o.Type {
		case "indicator":
			r.stixIndicator(o)
		case "vulnerability":
			id := o.Name
			for _, x := range o.External {
				if strings.EqualFold(x.Source, "cve") {
					id = x.ID
				}
			}
			r.vulnerability(o.Type, id)
		case "report":
			r.stixReport(o, !reported)
			reported = true
		default:
			r.skip(o.Type)
		}
	}
	return nil
}

// stixFault says which object of a bundle is not as it has to be.
func stixFault(err error, i int) error {
	place := "/objects/" + strconv.Itoa(i)
	if bad, ok := err.(*json.UnmarshalTypeError); ok && bad.Field != "" {
		place += "/" + strings.ReplaceAll(clip(bad.Field), ".", "/")
	}
	return fault.New(fault.Usage, "intel.item.json_value", "place", place).Because(err)
}

// stixReport takes the first report as what the item says, further ones as
// paragraphs of it.
func (r *reading) stixReport(o *stixObject, first bool) {
	if !first {
		r.item.Text = shorten(strings.TrimSpace(r.item.Text+"\n\n"+o.Name+"\n"+o.Description), maxItemText)
		return
	}
	r.item.Title, r.item.Text = shorten(o.Name, maxItemTitle), shorten(o.Description, maxItemText)
	if o.Confidence != nil { // STIX 2.1, appendix A: Admiralty credibility
		c := 5 - min(max(*o.Confidence, 0), 99)/20
		r.item.Grade = Grade{"F", c}
	}
}

func (r *reading) stixIndicator(o *stixObject) {
	if o.PatternType != "" && o.PatternType != "stix" {
		r.skip("indicator (" + o.PatternType + ")")
		return
	}
	found := patternValues(o.Pattern)
	if len(found) == 0 {
		r.skip("indicator")
		return
	}
	note := o.Name
	if until := day(o.ValidUntil); !until.IsZero() {
		note += " (–" + until.Format("2006-01-02") + ")"
	}
	for _, v := range found {
		r.add("indicator", v, note)
	}
	if r.item.Title == "" {
		r.item.Title = shorten(o.Name, maxItemTitle)
	}
}

// What of a pattern names something to look for: the first part of the path.
var patternPaths = []string{"ipv4-addr:value", "ipv6-addr:value", "domain-name:value", "url:value", "email-addr:value", "email-message:from_ref.value",
	"email-message:sender_ref.value", "network-traffic:dst_ref.value", "network-traffic:src_ref.value"}

// patternValues returns the values that a STIX pattern (STIX 2.1, 9) compares
// with "=", IN or ISSUBSET at a path of addresses, names, URLs, mail addresses or
// hashes. What it denies is left out; what it asks for besides (AND, times) is
// not looked at: the values may hit more than the pattern. A pattern that cannot
// be read ends at the place where it cannot.
func patternValues(pattern string) (out []string) {
	words := patternWords(pattern)
	for i := 0; i < len(words); i++ {
		path, ok := words[i].path()
		if !ok {
			continue
		}
		j := i + 1
		not := false
		if j < len(words) && words[j].is("NOT") {
			not, j = true, j+1
		}
		if j >= len(words) || !(words[j].is("=") || words[j].is("==") || words[j].is("IN") || words[j].is("ISSUBSET")) {
			continue
		}
		known := slices.Contains(patternPaths, path) || strings.HasPrefix(path, "file:hashes.") || strings.HasPrefix(path, "artifact:hashes.")
		j++
		for ; j < len(words); j++ {
			if words[j].literal && known && !not && len(out) < maxIndicators {
				out = append(out, words[j].text)
			}
			if !words[j].is("(") && !words[j].is(",") && (!words[j].literal || j+1 >= len(words) || !words[j+1].is(",")) {
				break
			}
		}
		i = min(j, len(words)-1)
	}
	return out
}

// word is one word of a pattern: a path, an operator, a bracket, or a literal
// between apostrophes.
type word struct {
	text    string
	literal bool
}

func (w word) is(s string) bool { return !w.literal && strings.EqualFold(w.text, s) }

// path returns the path without the quotes that names in it may have.
func (w word) path() (string, bool) {
	if w.literal || !strings.Contains(w.text, ":") {
		return "", false
	}
	return strings.ToLower(strings.ReplaceAll(w.text, "'", "")), true
}

// maxPattern bounds a pattern, in bytes.
const maxPattern = 200_000

func patternWords(s string) (out []word) {
	if len(s) > maxPattern {
		s = s[:maxPattern]
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '\'':
			text, next, ok := quoted(s, i)
			if !ok {
				return out
			}
			out, i = append(out, word{text, true}), next
		case strings.IndexByte("[](),", c) >= 0:
			out, i = append(out, word{text: string(c)}), i+1
		case strings.IndexByte("=!<>", c) >= 0:
			j := i + 1
			for j < len(s) && strings.IndexByte("=<>", s[j]) >= 0 {
				j++
			}
			out, i = append(out, word{text: s[i:j]}), j
		default:
			j := i
			for j < len(s) && strings.IndexByte(" \t\n\r[](),=!<>", s[j]) < 0 {
				if s[j] == '\'' { // a name of a path in quotes: file:hashes.'SHA-256'
					_, next, ok := quoted(s, j)
					if !ok {
						return out
					}
					j = next
					continue
				}
				j++
			}
			out, i = append(out, word{text: s[i:j]}), j
		}
	}
	return out
}

// quoted reads a text between apostrophes, in which a backslash takes the next
// byte as it is.
func quoted(s string, i int) (text string, next int, ok bool) {
	var b strings.Builder
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '\'':
			return b.String(), i + 1, true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", i, false
}
