package executor

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
	"noroshi/internal/measure/act/bgp"
	"noroshi/internal/measure/act/nft"
	"noroshi/internal/measure/act/proxylist"
	"noroshi/internal/measure/act/rpz"
)

// Template writes a configuration to be filled in: every key with what it is for,
// in the reader's language, and what it is without it. Sections of equipment are comments, to be taken in
// where the equipment is there.
func Template(w io.Writer, p text.Printer) error {
	var b strings.Builder
	keys(&b, p, "executor.key.file.", "", File{Name: "", Authority: []string{}, Look: 30 * time.Second, Settle: 10 * time.Second, Longest: 720 * time.Hour})
	b.WriteString("\n[guard]\n")
	keys(&b, p, "executor.key.guard.", "", Guarded{Names: []string{}, Prefixes: []string{}})
	for _, s := range []struct {
		name, words string
		c           any
	}{{"rpz", "executor.key.rpz.", rpz.Default()}, {"proxy", "executor.key.proxy.", proxylist.Default()}, {"nft", "executor.key.nft.", nft.Default()}, {"bgp", "executor.key.bgp.", bgp.Default()}} {
		fmt.Fprintf(&b, "\n#[%s]\n", s.name)
		keys(&b, p, s.words, "#", s.c)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// keys writes the keys of a section, each with its words, behind a mark.
func keys(b *strings.Builder, p text.Printer, words, mark string, section any) {
	v := reflect.ValueOf(section)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := f.Tag.Get("toml")
		if key == "" || key == "-" || f.Type == reflect.TypeFor[toml.Primitive]() || f.Type == reflect.TypeFor[Guarded]() {
			continue
		}
		fmt.Fprintf(b, "# %s\n%s%s = %s\n", p.T(words+key), mark, key, value(v.Field(i).Interface()))
	}
}

// value is a default as TOML writes it.
func value(v any) string {
	switch x := v.(type) {
	case string:
		return strconv.Quote(x)
	case time.Duration:
		return strconv.Quote(x.String())
	case []string:
		var all []string
		for _, s := range x {
			all = append(all, strconv.Quote(s))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprint(v)
}
