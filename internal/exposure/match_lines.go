package exposure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
)

// matching writes what concerns equipment as it is found: lines of JSON, or of
// a table.
//
// A line of JSON holds asset, vulnerability, verdict, certainty, priority (not
// where it is not affected), because (the proof in sentences), decided (the
// grounds of the priority in sentences) and statement (what decided: source
// and place in it).
type matching struct {
	stated  *Stated
	phrases *phrases
	json    bool
	all     bool
	out     []byte // lines that nobody has taken yet
	memo    map[variantOf]told
	size    int // bytes in memo
	most    int // of them
	decided map[weighed][]byte
	counts  [3]int
	buf     []byte
	head    []byte
}

// variantOf is what the lines about a piece of equipment depend on.
type variantOf struct {
	variant
	devices int
}

// weighed is what a priority depends on.
type weighed struct {
	vulnerability            string
	verdict                  product.Verdict
	certainty                product.Certainty
	zone                     string
	edge, control, essential bool
	proposed                 bool
	devices                  int
}

// told is what was written about equipment of a kind: lines without the asset.
type told struct {
	lines  []byte
	ends   []int // of each line
	counts [3]int
}

func newMatching(s *Stated, p text.Printer, json, all bool, most int) *matching {
	return &matching{stated: s, phrases: newPhrases(p), json: json, all: all, most: most, memo: map[variantOf]told{}, decided: map[weighed][]byte{}}
}

const (
	maxTold    = 256 << 20 // bytes remembered of equipment, by all that match
	maxWeighed = 1 << 18   // priorities remembered
)

// equipment appends the lines of one piece of equipment to out, and calls line
// after each.
func (w *matching) equipment(e *Equipment, line func() error) error {
	key := variantOf{e.variant, e.devices}
	key.operated, key.ends = "", ""
	t, ok := w.memo[key]
	if !ok {
		t = w.tell(e)
		size := 256 + len(t.lines) + 8*len(t.ends)
		if w.size += size; w.size > w.most {
			clear(w.memo)
			w.size = size
		}
		w.memo[key] = t
	}
	for i, n := range t.counts {
		w.counts[i] += n
	}
	if len(t.ends) == 0 {
		return nil
	}
	w.head = w.head[:0]
	if w.json {
		w.head = append(appendQuoted(append(w.head, `{"asset":`...), e.Asset), ',')
	} else {
		w.head = fmt.Appendf(w.head, "%-24s ", e.Asset)
	}
	from := 0
	for _, end := range t.ends {
		w.out = append(append(w.out, w.head...), t.lines[from:end]...)
		from = end
		if err := line(); err != nil {
			return err
		}
	}
	return nil
}

// tell makes the lines about a kind of equipment.
func (w *matching) tell(e *Equipment) told {
	var t told
	w.buf = w.buf[:0]
	w.stated.of(&e.variant, w.all, func(f *product.Finding) {
		t.counts[f.Verdict]++
		if w.json {
			w.lineJSON(e, f)
		} else {
			w.lineText(e, f)
		}
		t.ends = append(t.ends, len(w.buf))
	})
	t.lines = bytes.Clone(w.buf)
	return t
}

func (w *matching) lineText(e *Equipment, f *product.Finding) {
	priority, first := "", ""
	if f.Verdict != product.VerdictNotAffected {
		priority = w.stated.decide(&e.variant, e.devices, f).Priority.String()
	}
	if len(f.Because) > 0 {
		first = w.phrases.reason(&f.Because[0])
	}
	w.buf = fmt.Appendf(w.buf, "%-20s %-12s %-15s %-8s %s\n", f.Vulnerability, f.Verdict, f.Certainty, priority, first)
}

func (w *matching) lineJSON(e *Equipment, f *product.Finding) {
	b := append(w.buf, `"vulnerability":`...)
	b = appendQuoted(b, f.Vulnerability)
	b = append(b, `,"verdict":"`...)
	b = append(b, f.Verdict.String()...)
	b = append(b, `","certainty":"`...)
	b = append(b, f.Certainty.String()...)
	b = append(b, '"')
	weighed := w.priority(e, f)
	priority, decided, _ := bytes.Cut(weighed, []byte{0})
	b = append(b, priority...)
	b = append(b, `,"because":[`...)
	for i := range f.Because {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.appendReason(b, &f.Because[i])
	}
	b = append(b, ']')
	b = append(b, decided...)
	if len(f.Because) > 0 {
		b = append(b, `,"statement":`...)
		b = appendQuoted(b, place(&f.Because[0]))
	}
	w.buf = append(b, '}', '\n')
}

// priority is the priority and its grounds as JSON, a zero byte between them.
func (w *matching) priority(e *Equipment, f *product.Finding) []byte {
	if f.Verdict == product.VerdictNotAffected {
		return nil
	}
	v := &e.variant
	k := weighed{f.Vulnerability, f.Verdict, f.Certainty, v.zone, v.edge, v.control, v.essential, v.identity == product.Proposed, e.devices}
	if b, ok := w.decided[k]; ok {
		return b
	}
	d := w.stated.decide(v, e.devices, f)
	b := append([]byte(`,"priority":"`+d.Priority.String()+`"`), 0)
	b = append(b, `,"decided":[`...)
	for _, r := range d.Reasons {
		if s := w.phrases.ground(r); s != "" {
			if b[len(b)-1] != '[' {
				b = append(b, ',')
			}
			b = appendQuoted(b, s)
		}
	}
	b = append(b, ']')
	if len(w.decided) >= maxWeighed {
		clear(w.decided)
	}
	w.decided[k] = b
	return b
}

// appendReason appends a step of a proof as a JSON string.
func (w *matching) appendReason(b []byte, r *product.Reason) []byte {
	b = append(b, '"')
	for i, part := range w.phrases.around(r) {
		if i > 0 {
			b = appendInner(b, r.Version)
		}
		b = appendInner(b, part)
	}
	return append(b, '"')
}

func appendQuoted(b []byte, s string) []byte { return append(appendInner(append(b, '"'), s), '"') }

// appendInner appends what stands between the quotes of a JSON string.
func appendInner(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return appendEscaped(b, s)
		}
	}
	return append(b, s...)
}

func appendEscaped(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("BUG: a string cannot be written as JSON: " + err.Error())
	}
	quoted := bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
	return append(b, quoted[1:len(quoted)-1]...)
}

// place names a statement and the line in it.
func place(r *product.Reason) string {
	if r.Statement == nil {
		return ""
	}
	return strings.TrimSpace(r.Statement.Source + " " + r.Statement.Ref + " " + r.Path)
}
