package exposure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

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
	told    *told
	out     []byte // lines that nobody has taken yet
	decided map[weighed][]byte
	counts  [3]int
	head    []byte
}

func newMatching(s *Stated, p text.Printer, json, all bool, t *told) *matching {
	return &matching{stated: s, phrases: newPhrases(p), json: json, all: all, told: t, decided: map[weighed][]byte{}}
}

// saying is what a line says of equipment wherever that stands: what comes
// before the priority, between it and its grounds, and after them.
type saying struct {
	vulnerability     string
	verdict           product.Verdict
	certainty         product.Certainty
	begin, then, last []byte
}

// told is what was said of equipment, remembered for all that match: a list
// has few products and versions for its length.
type told struct {
	mu   sync.RWMutex
	memo map[ident][]saying
	size int // about the bytes in memo
	most int
}

func newTold() *told { return &told{memo: map[ident][]saying{}, most: maxTold} }

func (t *told) of(d *ident) ([]saying, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list, ok := t.memo[*d]
	return list, ok
}

func (t *told) keep(d *ident, list []saying, size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size += size; t.size > t.most {
		clear(t.memo)
		t.size = size
	}
	t.memo[*d] = list
}

const (
	maxTold    = 256 << 20 // bytes remembered of what was said
	maxWeighed = 1 << 18   // priorities remembered
)

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

// equipment appends the lines of one piece of equipment to out, and calls line
// after each.
func (w *matching) equipment(e *Equipment, line func() error) error {
	list, ok := w.told.of(&e.variant.ident)
	if !ok {
		size := 0
		list, size = w.say(&e.variant)
		w.told.keep(&e.variant.ident, list, size)
	}
	if len(list) == 0 {
		return nil
	}
	w.head = w.head[:0]
	if w.json {
		w.head = append(appendQuoted(append(w.head, `{"asset":`...), e.Asset), ',')
	} else {
		w.head = fmt.Appendf(w.head, "%-20s ", e.Asset)
	}
	for i := range list {
		s := &list[i]
		w.counts[s.verdict]++
		priority, grounds, _ := bytes.Cut(w.priority(e, s), []byte{0})
		w.out = append(append(append(append(append(append(w.out, w.head...), s.begin...), priority...), s.then...), grounds...), s.last...)
		if err := line(); err != nil {
			return err
		}
	}
	return nil
}

// say puts what is found of equipment into words, and returns about how many
// bytes it takes.
func (w *matching) say(v *variant) (list []saying, size int) {
	size = 256
	w.stated.of(v, w.all, func(f *product.Finding) {
		s := saying{vulnerability: f.Vulnerability, verdict: f.Verdict, certainty: f.Certainty}
		var b []byte
		var begin, then int
		if w.json {
			b, begin, then = w.sayJSON(f)
		} else {
			b, begin, then = w.sayText(f)
		}
		s.begin, s.then, s.last = b[:begin], b[begin:then], b[then:]
		list = append(list, s)
		size += 128 + cap(b)
	})
	return list, size
}

// sayText returns a line and where the priority and its grounds go.
func (w *matching) sayText(f *product.Finding) (b []byte, begin, then int) {
	b = fmt.Appendf(nil, "%-18s ", f.Vulnerability)
	begin = len(b)
	says := "exposure.verdict." + f.Verdict.String()
	if f.Verdict != product.VerdictNotAffected && f.Certainty != product.Exact {
		says = "exposure.certainty." + f.Certainty.String()
	}
	b = append(append(b, w.phrases.p.T(says)...), '\n')
	if len(f.Because) > 0 {
		b = append(append(append(b, "    "...), w.phrases.reason(&f.Because[0])...), '\n')
	}
	return b, begin, len(b)
}

// sayJSON does the same for a line of JSON.
func (w *matching) sayJSON(f *product.Finding) (b []byte, begin, then int) {
	b = append(make([]byte, 0, 512), `"vulnerability":`...)
	b = appendQuoted(b, f.Vulnerability)
	b = append(b, `,"verdict":"`...)
	b = append(b, f.Verdict.String()...)
	b = append(b, `","certainty":"`...)
	b = append(b, f.Certainty.String()...)
	b = append(b, '"')
	begin = len(b)
	b = append(b, `,"because":[`...)
	for i := range f.Because {
		if i > 0 {
			b = append(b, ',')
		}
		b = w.appendReason(b, &f.Because[i])
	}
	b = append(b, ']')
	then = len(b)
	if len(f.Because) > 0 {
		b = append(b, `,"statement":`...)
		b = appendQuoted(b, place(&f.Because[0]))
	}
	return append(b, '}', '\n'), begin, then
}

// priority is the priority and its grounds as a line has them, a zero byte
// between them.
func (w *matching) priority(e *Equipment, s *saying) []byte {
	if s.verdict == product.VerdictNotAffected {
		if w.json {
			return nil
		}
		return noPriority
	}
	v := &e.variant
	k := weighed{s.vulnerability, s.verdict, s.certainty, v.zone, v.edge, v.control, v.essential, v.identity == product.Proposed, e.devices}
	if b, ok := w.decided[k]; ok {
		return b
	}
	d := w.stated.decide(v, e.devices, s.vulnerability, s.verdict, s.certainty)
	var b []byte
	if w.json {
		b = append(append(append(b, `,"priority":"`...), d.Priority.String()...), '"', 0)
		b = append(b, `,"decided":[`...)
		for _, r := range d.Reasons {
			if g := w.phrases.quoted(r); len(g) > 0 {
				if b[len(b)-1] != '[' {
					b = append(b, ',')
				}
				b = append(b, g...)
			}
		}
		b = append(b, ']')
	} else {
		b = append(append(b, w.phrases.p.T("exposure.priority."+d.Priority.String())...), "  "...)
	}
	if len(w.decided) >= maxWeighed {
		clear(w.decided)
	}
	w.decided[k] = b
	return b
}

// noPriority is what a table shows where there is nothing to do.
var noPriority = []byte("–  ")

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
	wide := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			return appendEscaped(b, s)
		}
		wide = wide || c > 0x7f
	}
	if wide && (!utf8.ValidString(s) || strings.ContainsAny(s, "\u2028\u2029")) {
		return appendEscaped(b, s)
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
