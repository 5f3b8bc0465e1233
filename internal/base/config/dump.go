package config

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// hidden stands where a secret is.
const hidden = "(set)"

// Shown returns the value as a TOML literal, with secrets hidden.
func (k *Key) Shown() string {
	switch v := k.value.Interface().(type) {
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case time.Duration:
		return strconv.Quote(v.String())
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case string:
		if v != "" && k.Secret == "yes" {
			return strconv.Quote(hidden)
		}
		if u, err := url.Parse(v); k.Secret == "url" && (err != nil || u.User != nil || u.RawQuery != "") {
			v = hidden
			if err == nil {
				v = u.Scheme + "://" + u.Host + u.Path + " " + hidden
			}
		}
		return strconv.Quote(v)
	}
	panic("BUG: config: kind of " + k.Name)
}

// Dump writes the configuration as a TOML file: every key with what it means,
// its value and where that comes from. Secrets are hidden.
func (l *Loaded[T]) Dump(w io.Writer) error {
	b := bufio.NewWriter(w)
	section := ""
	for _, k := range l.keys {
		s, name, _ := strings.Cut(k.Name, ".")
		if s != section {
			if section != "" {
				fmt.Fprintln(b)
			}
			section = s
			fmt.Fprintf(b, "# %s\n[%s]\n", l.docs[s], s)
		}
		from := string(k.From)
		switch k.From {
		case FromFile:
			from = fmt.Sprintf("%s:%d", l.File, k.Line)
		case FromEnv:
			from = k.Env
		}
		fmt.Fprintf(b, "# %s (%s)\n%s = %s # %s\n", k.Doc, k.Env, name, k.Shown(), from)
	}
	return b.Flush()
}

// Setting is one line of the dump for programs.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"` // as a TOML literal, secrets hidden
	From  Source `json:"from"`
	Where string `json:"where"` // file and line, or variable
	Env   string `json:"env"`
	Doc   string `json:"doc"`
}

// Settings returns what Dump writes, for --json.
func (l *Loaded[T]) Settings() []Setting {
	out := make([]Setting, len(l.keys))
	for i, k := range l.keys {
		out[i] = Setting{k.Name, k.Shown(), k.From, l.Where(k.Name), k.Env, k.Doc}
	}
	return out
}
