package format

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/engine/event"
)

// plan is what a dialect does with each node, by the node's number.
type plan []target

// target is what becomes of the fields of a node.
type target struct {
	name event.Name
	more *more // nil for those that are only renamed
}

// more is what a dialect does with a few of its nodes besides.
type more struct {
	known   bool // false: not yet looked up
	drop    bool
	time    uint8   // 1 + place among the dialect's times
	record  bool    // holds the record's number
	service bool    // says the service
	log     int     // 1 + place among the dialect's LogFrom
	whens   []int   // of the dialect
	pair    int     // 1 + pair whose name this is
	value   int     // 1 + pair whose value this is
	names   nameMap // of the pair
	also    []event.Name
	rooted  event.Name
}

// tail is a value that is added to its row once more.
type tail struct {
	at int
	x  *more
}

// nameMap gives the names that stand in values a number.
type nameMap map[string]event.Name

// maxWords is how many names of values are remembered.
const maxWords = 1 << 12

var (
	notKnown = &more{}
	leftOut  = &more{known: true, drop: true}
)

// seen is what was found in a record while its fields were named.
type seen struct {
	times   [16]int32 // 1 + place of a field
	record  int32
	service int32
	whens   [8]int32
	log     [3]string
	twice   bool // a key of a role that says what log it is has two values
}

// finish names the fields of a record, which have the numbers of nodes, and
// fills the row: its log, its time and its number. It reports whether every
// field got a name.
func (s *shaper) finish(row *event.Row, fields []event.Field, text []byte, m marks) bool {
	at := s.dialect(m)
	d := &s.tables.dialects[at]
	if len(s.plans[at]) < len(s.nodes) {
		s.extend(at)
	}
	p := s.plans[at]
	var found seen
	var pairName event.Name
	whole, out := true, 0
	for i := range fields {
		f := fields[i]
		t := &p[f.Name]
		if t.more != nil {
			if !t.more.known {
				s.resolve(d, int(f.Name), t)
			}
			if x := t.more; x != nil {
				if x.drop {
					continue
				}
				value := text[f.Off : f.Off+f.Len]
				switch {
				case x.log > 0:
					found.log[x.log-1] = s.word(value)
					continue
				case x.pair > 0:
					pairName = s.paired(&d.Pairs[x.pair-1], x, value)
					continue
				case x.value > 0 && pairName != 0:
					f.Name = pairName
					fields[out] = f
					out++
					continue
				}
				if len(x.also) > 0 || x.rooted != 0 {
					s.tails = append(s.tails, tail{out, x})
				}
				found.note(d, x, out, f, fields, text)
			}
		}
		if t.name == 0 {
			whole = false
			continue
		}
		f.Name = t.name
		fields[out] = f
		out++
	}
	row.Fields = fields[:out]
	row.Settle(text)
	s.describe(row, d, &found)
	s.twice = found.twice
	for _, t := range s.tails {
		t.add(row)
	}
	s.tails = s.tails[:0]
	return whole
}

// add adds the value once more, under its further names.
func (t tail) add(row *event.Row) {
	f := row.Fields[t.at]
	for _, name := range t.x.also {
		row.Add(name, f.Kind, row.Value(t.at))
	}
	if t.x.rooted != 0 && f.Kind == event.Text && f.Len > 0 {
		text := append(append(row.Open(), '\\'), row.Value(t.at)...)
		row.Close(t.x.rooted, event.Text, text)
	}
}

// note remembers where a field of a role stands, the first of each.
func (n *seen) note(d *dialect, x *more, at int, f event.Field, fields []event.Field, text []byte) {
	place := int32(at) + 1
	if x.time > 0 && n.times[x.time-1] == 0 {
		n.times[x.time-1] = place
	}
	if x.record && n.record == 0 {
		n.record = place
	}
	value := func(f event.Field) string { return string(text[f.Off : f.Off+f.Len]) }
	if x.service && n.service == 0 {
		n.service = place
	} else if x.service {
		n.twice = n.twice || value(fields[n.service-1]) != value(f)
	}
	for _, i := range x.whens {
		if n.whens[i] == 0 {
			n.whens[i] = place
			continue
		}
		// Of several the first that says something counts. The event is hidden from
		// the rules for what others say.
		w, before, now := &d.When[i], value(fields[n.whens[i]-1]), value(f)
		_, was := w.Is[before]
		_, is := w.Is[now]
		if is && !was {
			n.whens[i] = place
		}
		n.twice = n.twice || (is || was) && before != now && !w.List
	}
}

// describe sets what a row says of itself.
func (s *shaper) describe(row *event.Row, d *dialect, found *seen) {
	for i, place := range found.times {
		if place > 0 {
			zone := s.options.Zone
			if d.utc[i] {
				zone = time.UTC
			}
			if ns, ok := parseTime(row.Value(int(place-1)), zone); ok {
				row.Time = ns
				break
			}
		}
	}
	if found.record > 0 {
		if n, err := strconv.ParseUint(string(row.Value(int(found.record-1))), 10, 64); err == nil {
			row.Record = n
		}
	}
	row.Log = d.log()
	overlay(&row.Log, event.Log{Product: found.log[0], Category: found.log[1], Service: found.log[2]})
	if found.service > 0 {
		row.Log.Service = s.word(row.Value(int(found.service - 1)))
	} else if d.ServiceFile {
		row.Log.Service = s.fileService(row.Source)
	}
	for name, value := range d.Add {
		row.AddString(s.options.Names.ID(name), event.Text, value)
	}
	for i := range d.When {
		w := &d.When[i]
		if found.whens[i] == 0 || w.Product != "" && w.Product != row.Log.Product {
			continue
		}
		e, ok := w.Is[string(row.Value(int(found.whens[i]-1)))]
		if !ok {
			e = w.Any
		}
		e.apply(row, s.options.Names)
	}
	if m := s.options.Mapping; m != nil {
		overlay(&row.Log, m.Log)
	}
}

func (e *effect) apply(row *event.Row, names *event.Names) {
	if e.Of != "" && e.Of != row.Log.Category {
		return
	}
	overlay(&row.Log, event.Log{Product: e.Product, Category: e.Category, Service: e.Service})
	for name, value := range e.Add {
		row.AddString(names.ID(name), event.Text, value)
	}
}

// overlay sets the parts that are known.
func overlay(to *event.Log, from event.Log) {
	if from.Product != "" {
		to.Product = from.Product
	}
	if from.Category != "" {
		to.Category = from.Category
	}
	if from.Service != "" {
		to.Service = from.Service
	}
}

// extend makes room in a plan for nodes that are new.
func (s *shaper) extend(at int) {
	for len(s.plans[at]) < len(s.nodes) {
		s.plans[at] = append(s.plans[at], target{more: notKnown})
	}
}

// resolve looks up what a dialect does with a node.
func (s *shaper) resolve(d *dialect, id int, t *target) {
	n := s.nodes[id]
	*t = target{}
	if n.path == "" {
		t.more = leftOut
		return
	}
	if n.parent != nil && n.parent.whole == n && !slices.Contains(d.Whole, d.inner(n.path)) {
		t.more = leftOut // the text of an object that this dialect does not want
		return
	}
	if t.name = s.name(d, n); t.name == 0 && d.rename(n.path) == "" {
		t.more = leftOut
		return
	}
	x := s.roles(d, d.inner(n.path))
	if x.time > 0 || x.record || x.service || len(x.whens) > 0 || x.pair > 0 || x.value > 0 || x.log > 0 || len(x.also) > 0 || x.rooted != 0 {
		t.more = &x
	}
}

// roles returns what a dialect does with a path besides giving it a name.
func (s *shaper) roles(d *dialect, path string) more {
	x := more{known: true, record: d.Record == path, service: d.ServiceFrom != "" && d.rename(path) == d.ServiceFrom}
	if i := slices.Index(d.Time, path); i >= 0 && i < len(seen{}.times) {
		x.time = uint8(i + 1)
	}
	if i := slices.Index(d.LogFrom, path); i >= 0 && i < len(seen{}.log) {
		x.log = i + 1
	}
	for i := range d.When {
		if d.When[i].Field == path && i < len(seen{}.whens) {
			x.whens = append(x.whens, i)
		}
	}
	for i := range d.Pairs {
		switch path {
		case d.Pairs[i].Name:
			x.pair, x.names = i+1, nameMap{}
		case d.Pairs[i].Value:
			x.value = i + 1
		}
	}
	for _, name := range d.Also[path] {
		x.also = append(x.also, s.options.Names.ID(name))
	}
	if name, ok := d.Rooted[path]; ok {
		x.rooted = s.options.Names.ID(name)
	}
	return x
}

// paired returns the name that stands in a value.
func (s *shaper) paired(p *couple, x *more, value []byte) event.Name {
	if id, ok := x.names[string(value)]; ok {
		return id
	}
	name := string(bytes.ToValidUTF8(value[:min(len(value), maxKey)], []byte("\uFFFD")))
	if p.Lower {
		name = strings.ToLower(name)
	}
	id := s.options.Names.ID(p.Prefix + name)
	if len(x.names) < maxWords {
		x.names[string(value)] = id
	}
	return id
}

// word returns a short value as a string that stays, for Row.Log.
func (s *shaper) word(value []byte) string {
	if w, ok := s.words[string(value)]; ok {
		return w
	}
	if len(value) > 64 {
		return ""
	}
	w := string(value)
	if len(s.words) < maxWords {
		s.words[w] = w
	}
	return w
}

// fileService returns the first part of a file's name: conn of conn.log,
// conn.2024-01-01.log.gz and conn_20240101.log.
func (s *shaper) fileService(source string) string {
	if source == s.source && s.service != "" {
		return s.service
	}
	name := path.Base(strings.ReplaceAll(strings.ReplaceAll(source, "!", "/"), `\`, "/"))
	if n := strings.IndexAny(name, ".-"); n >= 0 {
		name = name[:n]
	}
	s.source, s.service = source, name
	return name
}
