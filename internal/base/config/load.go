package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/fault"
)

// Prefix begins the environment variable of every key.
const Prefix = "NOROSHI_"

// maxFile bounds the configuration file.
const maxFile = 1 << 20

// Source says where a value comes from.
type Source string

// The sources, the weakest first.
const (
	FromDefault Source = "default"
	FromFile    Source = "file"
	FromEnv     Source = "env"
)

// Key is one key of a configuration with what it is now.
type Key struct {
	Name   string // "hub.listen"
	Env    string // "NOROSHI_HUB_LISTEN"
	Doc    string
	Secret string // "" shown; "yes" hidden; "url" hides the password in a URL
	From   Source
	Line   int // of the file, when it comes from there
	value  reflect.Value
}

// Loaded is a configuration and where each value comes from.
type Loaded[T any] struct {
	Value T
	File  string
	keys  []*Key
	docs  map[string]string // of sections
}

// Load reads a configuration: defaults, then the TOML file (none when file is
// empty), then the environment as os.Environ gives it. T is a struct of
// sections, each a struct of string, bool, int, time.Duration, []string, with
// toml, doc and secret tags. Faults name file and line, or the variable.
func Load[T any](defaults T, file string, environ []string) (*Loaded[T], error) {
	l := &Loaded[T]{Value: defaults, File: file, docs: map[string]string{}}
	l.walk()
	if file != "" {
		if err := l.readFile(); err != nil {
			return nil, err
		}
	}
	return l, l.readEnv(environ)
}

func (l *Loaded[T]) walk() {
	root := reflect.ValueOf(&l.Value).Elem()
	for i := range root.NumField() {
		sf := root.Type().Field(i)
		section := sf.Tag.Get("toml")
		l.docs[section] = sf.Tag.Get("doc")
		for j := range sf.Type.NumField() {
			f := sf.Type.Field(j)
			name := section + "." + f.Tag.Get("toml")
			if section == "" || f.Tag.Get("toml") == "" || f.Tag.Get("doc") == "" {
				panic("BUG: config: toml or doc tag is missing at " + sf.Name + "." + f.Name)
			}
			l.keys = append(l.keys, &Key{
				Name: name, Env: Prefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_")), Doc: f.Tag.Get("doc"),
				Secret: f.Tag.Get("secret"), From: FromDefault, value: root.Field(i).Field(j),
			})
		}
	}
}

// Keys returns all keys in the order of the struct.
func (l *Loaded[T]) Keys() []*Key { return l.keys }

func (l *Loaded[T]) key(name string) *Key {
	for _, k := range l.keys {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Where says where the value of a key was given, for a message: file and
// line, the variable, or the key itself.
func (l *Loaded[T]) Where(name string) string {
	k := l.key(name)
	switch {
	case k == nil:
		return name
	case k.From == FromFile:
		return fmt.Sprintf("%s:%d %s", l.File, k.Line, name)
	case k.From == FromEnv:
		return k.Env
	}
	return name
}

func (l *Loaded[T]) readFile() error {
	f, err := os.Open(l.File)
	if err != nil {
		code := "config.cannot_read"
		if errors.Is(err, fs.ErrNotExist) {
			code = "config.no_file"
		}
		return fault.New(fault.Usage, code, "file", l.File).Because(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil || len(raw) > maxFile {
		return fault.New(fault.Usage, "config.cannot_read", "file", l.File).Because(err)
	}
	return l.decode(string(raw))
}

// decode takes the values of a TOML text.
func (l *Loaded[T]) decode(src string) error {
	var tree map[string]any
	meta, err := toml.Decode(src, &tree)
	if err != nil {
		var p toml.ParseError
		line := 0
		if errors.As(err, &p) {
			line = p.Position.Line
		}
		return fault.New(fault.Usage, "config.syntax", "file", l.File, "line", strconv.Itoa(line)).Because(err)
	}
	var bad []fault.Place
	for _, path := range meta.Keys() {
		name := path.String()
		line := lineOf(src, path)
		at := fmt.Sprintf("%s:%d %s", l.File, line, name)
		if _, section := l.docs[name]; section && len(path) == 1 && meta.Type(path...) == "Hash" {
			continue
		}
		k := l.key(name)
		if k == nil || len(path) != 2 {
			// What is below an unknown table is unknown because of it.
			if parent, _, ok := strings.Cut(name, "."); !ok || l.docs[parent] != "" || len(path) == 1 {
				bad = append(bad, fault.Place{At: at, Code: "config.unknown", Args: fault.Args{"near": l.near(name)}})
			}
			continue
		}
		if err := k.set(tree[path[0]].(map[string]any)[path[1]]); err != nil {
			bad = append(bad, fault.Place{At: at, Code: "config.kind", Args: fault.Args{"kind": k.kind()}})
			continue
		}
		k.From, k.Line = FromFile, line
	}
	if bad != nil {
		return fault.New(fault.Usage, "config.wrong").At(bad...)
	}
	return nil
}

// lineOf finds the line of a key: 0 when it is written in a way this small
// reader does not follow, such as an inline table.
func lineOf(src string, path toml.Key) int {
	section := ""
	for i, line := range strings.Split(src, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			name, _, _ := strings.Cut(strings.Trim(line, "["), "]")
			section = strings.Trim(strings.TrimSpace(name), `"'`)
			if section == path.String() {
				return i + 1
			}
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		name = strings.Trim(strings.TrimSpace(name), `"'`)
		if section != "" {
			name = section + "." + name
		}
		if name == path.String() {
			return i + 1
		}
	}
	return 0
}

func (l *Loaded[T]) readEnv(environ []string) error {
	var bad []fault.Place
	for _, e := range environ {
		name, s, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, Prefix) {
			continue
		}
		i := slices.IndexFunc(l.keys, func(k *Key) bool { return k.Env == name })
		if i < 0 {
			// Other variables of ours (NOROSHI_LANG, NOROSHI_HUB) are not of
			// this file; what begins like a section is a slip of the pen.
			if section, _, ok := strings.Cut(strings.ToLower(strings.TrimPrefix(name, Prefix)), "_"); ok && l.docs[section] != "" {
				bad = append(bad, fault.Place{At: name, Code: "config.unknown", Args: fault.Args{"near": l.near(strings.Replace(strings.ToLower(strings.TrimPrefix(name, Prefix)), "_", ".", 1))}})
			}
			continue
		}
		if err := l.keys[i].parse(s); err != nil {
			bad = append(bad, fault.Place{At: name, Code: "config.kind", Args: fault.Args{"kind": l.keys[i].kind()}})
			continue
		}
		l.keys[i].From, l.keys[i].Line = FromEnv, 0
	}
	if bad != nil {
		slices.SortFunc(bad, func(a, b fault.Place) int { return strings.Compare(a.At, b.At) })
		return fault.New(fault.Usage, "config.wrong").At(bad...)
	}
	return nil
}

// set takes a value as the TOML reader gives it.
func (k *Key) set(v any) error {
	switch p := k.value.Addr().Interface().(type) {
	case *string:
		s, ok := v.(string)
		if !ok {
			return errKind
		}
		*p = s
	case *bool:
		b, ok := v.(bool)
		if !ok {
			return errKind
		}
		*p = b
	case *int:
		n, ok := v.(int64)
		if !ok {
			return errKind
		}
		*p = int(n)
	case *time.Duration:
		s, ok := v.(string)
		if !ok {
			return errKind
		}
		return k.parse(s)
	case *[]string:
		list, ok := v.([]any)
		if !ok {
			return errKind
		}
		out := make([]string, 0, len(list))
		for _, e := range list {
			s, ok := e.(string)
			if !ok {
				return errKind
			}
			out = append(out, s)
		}
		*p = out
	default:
		panic("BUG: config: kind of " + k.Name)
	}
	return nil
}

var errKind = errors.New("wrong kind of value")

// parse takes a value as the environment gives it.
func (k *Key) parse(s string) (err error) {
	switch p := k.value.Addr().Interface().(type) {
	case *string:
		*p = s
	case *bool:
		var b bool
		if b, err = strconv.ParseBool(s); err == nil {
			*p = b
		}
	case *int:
		var n int
		if n, err = strconv.Atoi(s); err == nil {
			*p = n
		}
	case *time.Duration:
		var d time.Duration
		if d, err = time.ParseDuration(s); err == nil {
			*p = d
		}
	case *[]string:
		*p = nil
		for _, e := range strings.Split(s, ",") {
			if e = strings.TrimSpace(e); e != "" {
				*p = append(*p, e)
			}
		}
	}
	return err
}

// kind names what a key wants, with an example.
func (k *Key) kind() string {
	switch k.value.Interface().(type) {
	case bool:
		return "true, false"
	case int:
		return "20"
	case time.Duration:
		return `"90s", "24h"`
	case []string:
		return `["a", "b"]`
	}
	return `"…"`
}

// near returns the known key that looks most like an unknown one.
func (l *Loaded[T]) near(name string) string {
	best, least := l.keys[0].Name, 1<<30
	for _, k := range l.keys {
		if d := distance(k.Name, name); d < least {
			best, least = k.Name, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	b = b[:min(len(b), 100)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
