package hunt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma/correlate"
	"noroshi/internal/engine/sigma/match"
)

// worker looks through blocks. What it learned of a format it keeps from file to
// file.
type worker struct {
	run      *running
	matcher  *match.Matcher
	decoders map[decoderKey]*format.Decoder
	row      event.Row
	hits     []int
	copied   copied
	costly   []format.Damage // rows on which not every rule was tried
}

// copied is what detections hold of the row at hand: one copy for all of them,
// as a large row may be hit by every rule.
type copied struct {
	text   string
	event  []Field
	values []string // by place, as they are told
}

// maxTold is how many bytes of a value are told as the reason of a hit.
const maxTold = 32 << 10

// decoderKey tells which blocks one decoder may read: times without a year need
// to know when the file was written.
type decoderKey struct {
	kind format.Kind
	last time.Time
}

// maxDecoders is how many decoders a worker keeps.
const maxDecoders = 64

func (r *running) newWorker() *worker {
	return &worker{run: r, matcher: r.set.NewMatcher(), decoders: map[decoderKey]*format.Decoder{}}
}

func (w *worker) decoder(src *Source) *format.Decoder {
	k := decoderKey{kind: src.Kind}
	if src.Kind == format.Syslog {
		k.last = src.last
	}
	d := w.decoders[k]
	if d == nil {
		if len(w.decoders) >= maxDecoders {
			clear(w.decoders)
		}
		read := &w.run.scan.Read
		d = format.NewDecoder(src.Kind, format.Options{Names: w.run.names, Zone: read.Zone, Last: src.last, Mapping: read.Mapping})
		w.decoders[k] = d
	}
	return d
}

// look decodes a piece and matches its events. Hand gives away what was found so
// far, before it is much.
func (w *worker) look(p *piece, hand func()) {
	p.begin()
	if len(p.block.Data) == 0 {
		p.damage = append(p.damage, p.block.Damage...)
		return
	}
	w.row.Source, w.costly = p.src.Name, w.costly[:0]
	damage, err := w.decoder(p.src).Rows(&p.block, &w.row, func(row *event.Row) error {
		p.rows++
		w.match(p, row)
		if len(p.found)+len(p.hits) > maxFound {
			hand()
			p.begin()
		}
		return nil
	})
	p.damage, p.err = append(append(p.damage, damage...), w.costly...), err
}

// match notes what the rules say of an event.
func (w *worker) match(p *piece, row *event.Row) {
	w.copied = copied{}
	cut := w.matcher.Stats().Cut
	w.hits = w.matcher.Match(row, w.hits[:0])
	if w.matcher.Stats().Cut != cut {
		w.costly = append(w.costly, format.Damage{Offset: row.Offset, Record: row.Record, Reason: format.Costly})
	}
	for _, i := range w.hits {
		w.hit(p, row, i)
	}
}

// begin forgets what was found in a piece. It keeps no texts.
func (p *piece) begin() {
	clear(p.found)
	clear(p.hits)
	p.rows, p.known, p.found, p.hits, p.damage, p.err = 0, 0, p.found[:0], p.hits[:0], p.damage[:0], nil
}

// hit notes a hit for the correlations over its rule, and as a detection, unless
// it is known to be harmless.
func (w *worker) hit(p *piece, row *event.Row, i int) {
	r := w.run
	rule := r.set.Rules()[i]
	told := !rule.Hidden && rule.Level >= r.scan.Least
	var d *Detection
	if known := len(r.known[rule.Ref()]) > 0; known || told {
		if d = w.detection(row, i); known && r.known.cover(d) {
			p.known++
			return
		}
	}
	if needs := r.needs[i]; needs != nil {
		p.hits = append(p.hits, heldHit{row.Time, encodeHit(nil, i, row, needs)})
	}
	if told {
		p.found = append(p.found, d)
	}
}

// detection copies an event that a rule was hit by, and why.
func (w *worker) detection(row *event.Row, i int) *Detection {
	r := w.run
	d := &Detection{Rule: r.set.Rules()[i], Time: row.Time, Source: row.Source, Record: row.Record, Host: first(row, r.hosts), User: first(row, r.users)}
	c := w.copy(row)
	for _, y := range w.matcher.Places(row, i) {
		why := Why{Field: y.Field, Op: y.Op, Want: y.Value}
		if y.At >= 0 {
			why.Value = c.told(y.At)
		}
		d.Why = append(d.Why, why)
	}
	d.Event = c.event
	return d
}

// copy returns the copy of the row at hand.
func (w *worker) copy(row *event.Row) *copied {
	c := &w.copied
	if c.event != nil {
		return c
	}
	c.text = string(row.Text())
	c.event, c.values = make([]Field, len(row.Fields)), make([]string, len(row.Fields))
	for i, f := range row.Fields {
		c.event[i] = Field{w.run.names.Text(f.Name), c.text[f.Off : f.Off+f.Len]}
	}
	return c
}

// told returns the value of a field, its end left out if it is very long.
func (c *copied) told(at int) string {
	v := c.event[at].Value
	if len(v) <= maxTold {
		return v
	}
	if c.values[at] == "" {
		c.values[at] = clip(v, maxTold)
	}
	return c.values[at]
}

// maxPerson is how many bytes the name of a host or an account may have.
const maxPerson = 1 << 10

// first returns the value of the first of some fields that an event has.
func first(row *event.Row, names []event.Name) string {
	at, best := len(names), ""
	for i, f := range row.Fields {
		if f.Len == 0 || f.Kind == event.Null || f.Len == 1 && row.Value(i)[0] == '-' {
			continue
		}
		if k := slices.Index(names[:at], f.Name); k >= 0 {
			at, best = k, clip(string(row.Value(i)[:min(maxPerson+1, int(f.Len))]), maxPerson)
		}
	}
	return best
}

// encodeHit writes a hit for the correlations: the rule's place, the record, the
// source, and each value with its length plus one, zero for one that is absent.
func encodeHit(to []byte, rule int, row *event.Row, needs []event.Name) []byte {
	to = binary.AppendUvarint(to, uint64(rule))
	to = binary.AppendUvarint(to, row.Record)
	to = binary.AppendUvarint(to, uint64(len(row.Source)))
	to = append(to, row.Source...)
	for _, name := range needs {
		v := row.Get(name)
		if v == nil {
			to = append(to, 0)
			continue
		}
		v = compared(v)
		to = binary.AppendUvarint(to, uint64(len(v))+1)
		to = append(to, v...)
	}
	return to
}

// maxCompared is how many bytes of a value correlations keep.
const maxCompared = 512

// compared returns a value as correlations compare it: of a long one the
// beginning and the SHA-256 of all, so that only equal values are equal.
func compared(v []byte) []byte {
	if len(v) <= maxCompared {
		return v
	}
	sum := sha256.Sum256(v)
	return fmt.Appendf(nil, "%s… %x", bytes.ToValidUTF8(v[:maxCompared-80], nil), sum)
}

// decodeHit reads what encodeHit wrote.
func (r *running) decodeHit(at int64, line []byte) (*correlate.Hit, error) {
	number := func() uint64 {
		x, n := binary.Uvarint(line)
		if n <= 0 {
			panic("BUG: a hit was written in another way than it is read")
		}
		line = line[n:]
		return x
	}
	text := func(n uint64) string {
		s := string(line[:n])
		line = line[n:]
		return s
	}
	rule := number()
	if rule >= uint64(len(r.needs)) {
		return nil, fmt.Errorf("hit of rule %d of %d", rule, len(r.needs))
	}
	h := &correlate.Hit{Rule: r.scan.Rules.Rules[rule], Time: at, Ref: correlate.Ref{Record: number()}}
	h.Ref.Source = text(number())
	for range r.needs[rule] {
		if n := number(); n > 0 {
			h.Values = append(h.Values, correlate.Value{Text: text(n - 1), Present: true})
		} else {
			h.Values = append(h.Values, correlate.Value{})
		}
	}
	return h, nil
}

// correlate puts the hits together once all are there, in the order of their
// times. Events without a time stand in no span.
func (r *running) correlate() error {
	if r.together.Len() == 0 {
		return nil
	}
	e := correlate.New(r.together, correlate.Limits{}, false, func(f *correlate.Finding) error {
		if f.Rule.Hidden || f.Rule.Level < r.scan.Least {
			return nil
		}
		d := found(f)
		if r.known.cover(d) {
			r.report.Known++
			return nil
		}
		return r.emit(d)
	})
	err := r.hits.each(func(at int64, line []byte) error {
		if at == 0 {
			return nil
		}
		h, err := r.decodeHit(at, line)
		if err != nil {
			return err
		}
		return e.Add(h)
	})
	if err == nil {
		err = e.Flush()
	}
	r.report.Combined = e.Stats()
	return err
}

// found makes a detection of what a correlation found.
func found(f *correlate.Finding) *Detection {
	d := &Detection{Rule: f.Rule, Time: f.First, Last: f.Last, Count: f.Count, Hits: f.Hits}
	for _, g := range f.Group {
		d.Why = append(d.Why, Why{Field: g.Name, Op: "group-by", Value: g.Value})
		if d.Host == "" && slices.Contains(hostFields, g.Name) {
			d.Host = g.Value
		}
		if d.User == "" && slices.Contains(userFields, g.Name) {
			d.User = g.Value
		}
	}
	if len(f.Hits) > 0 {
		d.Source, d.Record = f.Hits[0].Source, f.Hits[0].Record
	}
	op := f.Rule.Correlation.Type.String()
	for _, v := range f.Values {
		d.Why = append(d.Why, Why{Field: join(f.Rule.Correlation.Fields), Op: op, Value: v})
	}
	if len(f.Values) == 0 {
		d.Why = append(d.Why, Why{Op: op, Value: fmt.Sprintf("%g", f.Count)})
	}
	return d
}

func join(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprint(names)
}
