package sigma

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"noroshi/internal/engine/event"
)

//go:embed routes.toml
var routesText string

// DefaultRoutes returns the routes that come with the program. It reads them
// each time, so keep what it returns.
func DefaultRoutes() *Routes {
	r, err := ParseRoutes([]byte(routesText))
	if err != nil {
		panic("BUG: routes.toml: " + err.Error())
	}
	return r
}

// routesFile is the shape of a file of routes in TOML.
type routesFile struct {
	Known    [][]string          `toml:"known"`
	Route    []routeEntry        `toml:"route"`
	Services map[string][]string `toml:"services"` // of Windows, with their channels
	Alias    []aliasEntry        `toml:"alias"`
}

type routeEntry struct {
	Product  string              `toml:"product"`
	Category string              `toml:"category"`
	Service  string              `toml:"service"`
	Sources  []sourceEntry       `toml:"sources"`
	Where    map[string][]string `toml:"where"`
}

type sourceEntry struct {
	Log struct {
		Product  string `toml:"product"`
		Category string `toml:"category"`
		Service  string `toml:"service"`
	} `toml:"log"`
	Windows  bool     `toml:"windows"`
	Channel  []string `toml:"channel"`
	Provider []string `toml:"provider"`
	Event    []int64  `toml:"event"`
}

type aliasEntry struct {
	Sources []sourceEntry     `toml:"sources"`
	Fields  map[string]string `toml:"fields"`
	Made    []struct {
		To       string            `toml:"to"`
		From     []string          `toml:"from"`
		Between  string            `toml:"between"`
		Values   map[string]string `toml:"values"`
		Prefixes map[string]string `toml:"prefixes"`
	} `toml:"made"`
}

// maxRoutes bounds the routes, services and aliases of one file.
const maxRoutes = 10_000

// ParseRoutes reads routes in TOML: known, [[route]], [services] and [[alias]],
// as in the routes that come with the program. Other tables belong to other
// readers of the same file and are left alone. An error names the entry.
func ParseRoutes(data []byte) (*Routes, error) {
	var f routesFile
	meta, err := toml.Decode(string(data), &f)
	if err != nil {
		return nil, err
	}
	for _, key := range meta.Undecoded() {
		switch key[0] {
		case "route", "services", "alias":
			return nil, fmt.Errorf("%s: no such key; see the routes that come with the program", key)
		}
	}
	if len(f.Known)+len(f.Route)+len(f.Services)+len(f.Alias) > maxRoutes {
		return nil, fmt.Errorf("more than %d routes and aliases", maxRoutes)
	}
	return f.routes()
}

func (f *routesFile) routes() (*Routes, error) {
	r := &Routes{known: make(map[event.Log]bool, len(f.Known))}
	for i, k := range f.Known {
		if len(k) != 3 {
			return nil, fmt.Errorf("known %d: want product, category, service", i+1)
		}
		r.known[event.Log{Product: strings.ToLower(k[0]), Category: strings.ToLower(k[1]), Service: strings.ToLower(k[2])}] = true
	}
	for i, e := range f.Route {
		log := event.Log{Product: strings.ToLower(e.Product), Category: strings.ToLower(e.Category), Service: strings.ToLower(e.Service)}
		sources, err := sourcesOf(e.Sources)
		if err == nil && log == (event.Log{}) {
			err = fmt.Errorf("product, category or service is missing")
		}
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
		r.routes = append(r.routes, route{log, sources, whereExpr(e.Where)})
	}
	for _, name := range slices.Sorted(maps.Keys(f.Services)) {
		log := event.Log{Product: "windows", Service: strings.ToLower(name)}
		r.routes = append(r.routes, route{log: log, sources: []Source{{Channels: lower(f.Services[name])}}})
	}
	for i, e := range f.Alias {
		n, err := namingsOf(e)
		if err != nil {
			return nil, fmt.Errorf("alias %d: %w", i+1, err)
		}
		r.names = append(r.names, n)
	}
	return r, nil
}

func sourcesOf(entries []sourceEntry) ([]Source, error) {
	if len(entries) == 0 {
		return nil, fmt.Errorf("sources are missing")
	}
	sources := make([]Source, len(entries))
	for i, e := range entries {
		s := Source{Log: event.Log(e.Log), Windows: e.Windows, Channels: lower(e.Channel), Providers: lower(e.Provider)}
		for _, id := range e.Event {
			s.EventIDs = append(s.EventIDs, strconv.FormatInt(id, 10))
		}
		if s.Log == (event.Log{}) && !s.Windows && len(s.Channels)+len(s.Providers) == 0 {
			return nil, fmt.Errorf("source %d: log, channel, provider or windows is missing", i+1)
		}
		sources[i] = s
	}
	return sources, nil
}

func lower(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = strings.ToLower(t)
	}
	return out
}

// whereExpr returns what asks that one of the fields has one of its values. An
// event that has none of the fields passes: it is of a log that does not say.
func whereExpr(where map[string][]string) *Expr {
	if len(where) == 0 {
		return nil
	}
	var has, lacks []*Expr
	for _, field := range slices.Sorted(maps.Keys(where)) {
		for _, v := range where[field] {
			has = append(has, leaf(patternTest(field, literal(v), false)))
		}
		lacks = append(lacks, leaf(&Test{Field: field, Kind: IsNull}))
	}
	return anyOf(append(has, allOf(lacks...))...)
}

func namingsOf(e aliasEntry) (namings, error) {
	sources, err := sourcesOf(e.Sources)
	n := namings{sources: sources}
	for _, to := range slices.Sorted(maps.Keys(e.Fields)) {
		n.list = append(n.list, Naming{To: to, From: []string{e.Fields[to]}})
	}
	for _, m := range e.Made {
		made := Naming{To: m.To, From: m.From, Between: m.Between, Values: m.Values}
		longest := func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) } // comes first
		for _, old := range slices.SortedFunc(maps.Keys(m.Prefixes), longest) {
			made.Prefixes = append(made.Prefixes, Prefix{old, m.Prefixes[old]})
		}
		n.list = append(n.list, made)
	}
	for _, m := range n.list {
		if err == nil && (m.To == "" || len(m.From) == 0 || slices.Contains(m.From, "")) {
			err = fmt.Errorf("%q: from and to must name fields", m.To)
		}
	}
	return n, err
}

// With returns the routes with more added to them.
func (r *Routes) With(more *Routes) *Routes {
	sum := &Routes{known: maps.Clone(r.known), routes: slices.Concat(r.routes, more.routes), names: slices.Concat(more.names, r.names)}
	maps.Copy(sum.known, more.known)
	return sum
}
