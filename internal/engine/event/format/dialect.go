package format

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"noroshi/internal/engine/event"
)

// dialectFiles say by which names the records of a source are told and what
// becomes of them.
//
//go:embed dialect/*.toml
var dialectFiles embed.FS

// dialect is the writing of one source: a table of dialect/*.toml.
type dialect struct {
	Name string `toml:"name"`
	// The order of trial among dialects; the lower comes first.
	Order int `toml:"order"`
	// Names that a record must have, in each a choice: a|b. And those that it
	// must not have.
	Has []string `toml:"has"`
	Not []string `toml:"not"`
	// What is taken off the beginning of names; and the beginnings of paths of
	// which only the last part is kept.
	Strip []string `toml:"strip"`
	Leaf  []string `toml:"leaf"`
	XML   bool     `toml:"xml"` // written from XML: names of attributes are joined with an underscore
	// Objects in which the whole event may stand; everything here is said
	// without them.
	Under []string `toml:"under"`
	// Names that become others; names that are left out.
	Fields map[string]string `toml:"fields"`
	Drop   []string          `toml:"drop"`
	// Further names of the same value; and names of a file's name without its
	// folder, which gets a backslash before it.
	Also   map[string][]string `toml:"also"`
	Rooted map[string]string   `toml:"rooted"`
	// Objects and lists whose text is kept too; lists that hold events of their
	// own, each with what stands beside the list.
	Whole  []string `toml:"whole"`
	Nested []string `toml:"nested"`
	// Where the time stands, the best first, with UTC after those whose times
	// without a zone are of that; and the record's number.
	Time   []string `toml:"time"`
	Record string   `toml:"record"`
	// What log it is; product, category and service by fields, which are left out;
	// the service by a field, or by the file's name.
	Log         logTable          `toml:"log"`
	LogFrom     []string          `toml:"log_from"`
	ServiceFrom string            `toml:"service_from"`
	ServiceFile bool              `toml:"service_file"`
	Add         map[string]string `toml:"add"`
	When        []when            `toml:"when"`
	Pairs       []couple          `toml:"pair"`

	need []marks
	utc  [16]bool // of Time
	not  marks
	drop map[string]bool
}

// when says what log a record is of by the value of a field.
type when struct {
	Field   string            `toml:"field"`
	Product string            `toml:"product"` // only if it is of that so far
	Is      map[string]effect `toml:"is"`
	Any     effect            `toml:"any"`  // of any other value
	List    bool              `toml:"list"` // several values are nothing special
}

// effect is what follows from a value.
type effect struct {
	Of       string            `toml:"of"` // only if it is of that category so far
	Product  string            `toml:"product"`
	Category string            `toml:"category"`
	Service  string            `toml:"service"`
	Add      map[string]string `toml:"add"`
}

// couple is a list of objects that hold a name and a value.
type couple struct {
	Name   string `toml:"name"`
	Value  string `toml:"value"`
	Prefix string `toml:"prefix"`
	Lower  bool   `toml:"lower"`
}

// tables are all dialects, the first that fits being the right one.
type tables struct {
	dialects []dialect
	marks    map[string]uint16
	nested   map[string]bool
	whole    map[string]bool
}

// compiled reads the embedded tables once.
var compiled = sync.OnceValue(func() *tables {
	t := &tables{marks: map[string]uint16{}, nested: map[string]bool{}, whole: map[string]bool{}}
	files, err := fs.Glob(dialectFiles, "dialect/*.toml")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	for _, name := range files {
		var file struct {
			Dialect []dialect `toml:"dialect"`
		}
		about, err := toml.DecodeFS(dialectFiles, name, &file)
		if err != nil {
			panic("BUG: " + name + ": " + err.Error())
		}
		if other := about.Undecoded(); len(other) > 0 {
			panic("BUG: " + name + ": " + other[0].String())
		}
		t.dialects = append(t.dialects, file.Dialect...)
	}
	slices.SortStableFunc(t.dialects, func(a, b dialect) int { return cmp.Compare(a.Order, b.Order) })
	for i := range t.dialects {
		t.compile(&t.dialects[i])
	}
	// What no table knows keeps its own names.
	t.dialects = append(t.dialects, dialect{Name: "plain", Time: usualTimes})
	return t
})

// usualTimes are the names under which records of unknown sources keep time.
var usualTimes = []string{
	"@timestamp", "timestamp", "Timestamp", "time", "Time", "eventTime", "EventTime", "TimeGenerated", "datetime",
	"date", "ts", "created_at", "createdAt",
}

func (t *tables) compile(d *dialect) {
	for _, choice := range d.Has {
		var m marks
		for _, path := range strings.Split(choice, "|") {
			t.marksOf(d, path, &m)
		}
		d.need = append(d.need, m)
	}
	for _, path := range d.Not {
		t.marksOf(d, path, &d.not)
	}
	for i, path := range d.Time {
		d.Time[i], d.utc[i] = strings.CutSuffix(path, " UTC")
	}
	d.drop = map[string]bool{}
	for _, path := range d.Drop {
		d.drop[path] = true
	}
	for _, path := range d.Nested {
		t.nested[path] = true
	}
	for _, path := range d.Whole {
		t.whole[path] = true
	}
	// The longest beginning is taken off.
	slices.SortFunc(d.Strip, func(a, b string) int { return len(b) - len(a) })
}

// marksOf sets the marks of a path, and of the same under what may be around it.
func (t *tables) marksOf(d *dialect, path string, m *marks) {
	m.set(t.mark(path))
	for _, outer := range d.Under {
		m.set(t.mark(outer + path))
	}
}

func (t *tables) mark(path string) uint16 {
	m, ok := t.marks[path]
	if !ok {
		if m = uint16(len(t.marks) + 1); int(m) > len(marks{})*64 {
			panic(fmt.Sprintf("BUG: more than %d names tell dialects", len(marks{})*64))
		}
		t.marks[path] = m
	}
	return m
}

// choose returns the first dialect whose names a record has.
func (t *tables) choose(m *marks) int {
	last := len(t.dialects) - 1
next:
	for i := range t.dialects[:last] {
		d := &t.dialects[i]
		if m.any(&d.not) {
			continue
		}
		for k := range d.need {
			if !m.any(&d.need[k]) {
				continue next
			}
		}
		return i
	}
	return last
}

// wraps reports whether an outermost key only holds the event: that of a dump of
// Elasticsearch, and that of an export of Splunk, whose records begin with
// "preview".
func (t *tables) wraps(key string, root *node) bool {
	switch key {
	case "_source":
		return true
	case "result":
		first := root.first.one
		return first != nil && first.path == "preview"
	}
	return false
}

// routing are the names by which an event finds its rules: what a program wrote
// into an event must not take their place.
var routing = map[string]bool{"Channel": true, "Provider_Name": true, "EventID": true, "Computer": true}

// inner returns a path without what the whole event stands under.
func (d *dialect) inner(path string) string {
	for _, outer := range d.Under {
		if rest, ok := strings.CutPrefix(path, outer); ok {
			return rest
		}
	}
	return path
}

// rename returns what the dialect calls a path; empty if it leaves it out.
func (d *dialect) rename(path string) string {
	path = d.inner(path)
	if d.drop[path] {
		return ""
	}
	if to, ok := d.Fields[path]; ok {
		return to
	}
	name := path
	for _, prefix := range d.Strip {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			name = d.stripped(path, prefix, rest)
			break
		}
	}
	if d.XML {
		name = unmarked(name)
	}
	for _, prefix := range d.Leaf {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			if leaf := rest[strings.LastIndexByte(rest, '.')+1:]; !routing[leaf] {
				name = leaf
			}
		}
	}
	if to, ok := d.Fields[name]; ok {
		return to
	}
	return name
}

// stripped returns what is left of a path without its beginning, unless that
// would be a name it must not have.
func (d *dialect) stripped(path, prefix, rest string) string {
	switch {
	case routing[rest] && prefix != "Event.System." && prefix != "System.":
		return path
	case d.XML && (rest[0] == '#' || rest[0] == '@'):
		// An attribute of what is taken off keeps its element's name.
		outer := strings.TrimSuffix(prefix, ".")
		return outer[strings.LastIndexByte(outer, '.')+1:] + "." + rest
	}
	return rest
}

// unmarked joins the names of attributes with an underscore, as readers of EVTX
// do. Namespaces are no fields.
func unmarked(name string) string {
	name = strings.TrimSuffix(name, ".#text")
	for _, mark := range [...]string{"#attributes.", "@", "_attributes."} {
		if element, attribute, ok := strings.Cut(name, mark); ok {
			element = strings.TrimSuffix(element, ".")
			if attribute == "xmlns" || strings.HasPrefix(attribute, "xmlns:") {
				return ""
			}
			return element + "_" + attribute
		}
	}
	return name
}

// log returns the dialect's own kind of log.
func (d *dialect) log() event.Log { return event.Log(d.Log) }
