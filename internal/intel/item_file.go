package intel

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/incident"
)

// MaxItemFile bounds the file of an item, in bytes; maxItemDepth how deep its
// JSON is nested.
const (
	MaxItemFile  = 8 << 20
	maxItemDepth = 64
)

// The kinds of files that an item is read from.
const (
	textFile = "text"
	jsonFile = "json" // of a NewItem
	csvFile  = "csv"
	mispFile = "misp"
	stixFile = "stix"
)

// reading is what was read of a file.
type reading struct {
	item NewItem
	kind string
	left map[string]int // what stands in the file and is not in the item
}

// skip counts something that is not taken; the file's own words are bounded.
func (r *reading) skip(what string) {
	if what = clip(what); len(r.left) >= 200 && r.left[what] == 0 {
		what = "…"
	}
	r.left[what]++
}

// add takes an indicator when the value is one, and counts it otherwise.
func (r *reading) add(what, value, note string) {
	x, ok := indicatorOf(value)
	if !ok {
		r.skip(what)
		return
	}
	if c := []rune(note); len(c) > maxNoteText {
		note = string(c[:maxNoteText])
	}
	x.Note = strings.TrimSpace(note)
	r.item.Indicators = append(r.item.Indicators, x)
}

// vulnerability takes a CVE id when the value is one, and counts it otherwise.
func (r *reading) vulnerability(what, value string) {
	up := strings.ToUpper(strings.TrimSpace(value))
	if _, _, ok := cve(up); !ok {
		r.skip(what)
		return
	}
	r.item.Vulnerabilities = append(r.item.Vulnerabilities, up)
}

// narrow takes a label when it is narrower than the one there is: a file that
// carries several is as narrow as the narrowest.
func (r *reading) narrow(t incident.TLP) {
	if r.item.TLP == "" || width(t) < width(r.item.TLP) {
		r.item.TLP = t
	}
}

// readItem reads the file of an item: JSON of a NewItem, a MISP event, a STIX
// bundle, a list in CSV, or plain text of which the first line is the title.
// Which it is, the content says. What over says goes before what the file says,
// but no label gets wider than the file's. Faults: Usage, with the place.
func readItem(name string, raw []byte, over NewItem) (*reading, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	switch {
	case len(raw) > MaxItemFile:
		return nil, fault.New(fault.Usage, "intel.item.file_large", "max", MaxItemFile>>20)
	case !utf8.Valid(raw):
		return nil, fault.New(fault.Usage, "intel.item.file")
	}
	r := &reading{kind: textFile, left: map[string]int{}}
	t := bytes.TrimSpace(raw)
	var err error
	switch {
	case len(t) > 0 && (t[0] == '{' || t[0] == '['):
		err = r.json(t, len(raw)-len(bytes.TrimLeft(raw, " \t\r\n")), raw)
	case looksLikeCSV(name, t):
		r.kind = csvFile
		err = r.csv(t)
	default:
		r.item.Title, r.item.Text, _ = strings.Cut(string(t), "\n")
		r.item.Title = strings.TrimLeft(strings.TrimSpace(r.item.Title), "# ")
	}
	if err != nil {
		return nil, err
	}
	r.over(name, over)
	if len(r.left) == 0 {
		r.left = nil
	}
	return r, nil
}

// over puts what a person says before what the file says.
func (r *reading) over(name string, n NewItem) {
	it := &r.item
	for _, w := range []struct {
		to   *string
		from string
	}{{&it.Title, n.Title}, {&it.Summary, n.Summary}, {&it.Text, n.Text}, {&it.English.Title, n.English.Title}, {&it.English.Summary, n.English.Summary},
		{&it.English.Text, n.English.Text}, {&it.Source, n.Source}, {&it.SourceRef, n.SourceRef}} {
		if w.from != "" {
			*w.to = w.from
		}
	}
	if it.Title == "" {
		it.Title = clip(name)
	}
	if n.TLP != "" {
		if t, ok := parseTLP(string(n.TLP)); ok {
			r.narrow(t)
		} else {
			it.TLP = n.TLP // the item's own check says what is wrong
		}
	}
	if n.Grade != (Grade{}) {
		it.Grade = n.Grade
	}
	if !n.ValidUntil.IsZero() {
		it.ValidUntil = n.ValidUntil
	}
	it.Clearance = max(it.Clearance, n.Clearance)
	it.To = append(it.To, n.To...)
	it.Indicators = append(it.Indicators, n.Indicators...)
	it.Vulnerabilities = append(it.Vulnerabilities, n.Vulnerabilities...)
}

// json finds out which of the JSON formats a document is, and reads it. before
// is how many bytes of the file stand before it, for places.
func (r *reading) json(t []byte, before int, raw []byte) error {
	s := jsonscan.New(bytes.NewReader(t), jsonscan.Limits{Depth: maxItemDepth, Element: MaxItemFile})
	v, err := s.Value()
	if err == nil {
		v = bytes.Clone(v)
		err = s.End()
	}
	if err != nil {
		var bad *jsonscan.Error
		if !errors.As(err, &bad) {
			return err
		}
		line, column := lineOf(raw, before+int(bad.Offset))
		return fault.New(fault.Usage, "intel.item.json", "line", line, "column", column, "place", orRoot(bad.Path)).Because(err)
	}
	var head struct {
		Type      string          `json:"type"`
		Title     *string         `json:"title"`
		Event     json.RawMessage `json:"Event"`
		Response  json.RawMessage `json:"response"`
		Info      *string         `json:"info"`
		Attribute json.RawMessage `json:"Attribute"`
		Object    json.RawMessage `json:"Object"`
	}
	if t[0] == '{' {
		if err := json.Unmarshal(v, &head); err != nil {
			return kindFault(err)
		}
	}
	switch {
	case head.Type == "bundle":
		r.kind = stixFile
		return r.stix(v)
	case t[0] == '[' || head.Event != nil || head.Response != nil || head.Info != nil || head.Attribute != nil || head.Object != nil:
		r.kind = mispFile
		return r.misp(v)
	case head.Title != nil:
		r.kind = jsonFile
		d := json.NewDecoder(bytes.NewReader(v))
		d.DisallowUnknownFields()
		if err := d.Decode(&r.item); err != nil {
			return kindFault(err)
		}
		return nil
	}
	return fault.New(fault.Usage, "intel.item.file_kind")
}

// kindFault names the place of a value that is not of the kind it has to be.
func kindFault(err error) error {
	var bad *json.UnmarshalTypeError
	if errors.As(err, &bad) && bad.Field != "" {
		return fault.New(fault.Usage, "intel.item.json_value", "place", "/"+strings.ReplaceAll(clip(bad.Field), ".", "/")).Because(err)
	}
	return fault.New(fault.Usage, "intel.item.file_kind").Because(err)
}

func orRoot(path string) string {
	if path == "" {
		return "/"
	}
	return clip(path)
}

// lineOf returns the line and column, both from 1, of a byte of a file.
func lineOf(raw []byte, at int) (line, column int) {
	at = max(0, min(at, len(raw)))
	line = 1 + bytes.Count(raw[:at], []byte("\n"))
	return line, 1 + utf8.RuneCount(raw[bytes.LastIndexByte(raw[:at], '\n')+1:at])
}

// plain decodes what pack made.
func (b *bodies) plain(body []byte) ([]byte, error) {
	if len(body) == 0 || body[0] != bodyZstd1 {
		return nil, errors.New("not a packed body")
	}
	return b.dec.DecodeAll(body[1:], nil)
}
