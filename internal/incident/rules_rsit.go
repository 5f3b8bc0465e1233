package incident

import (
	"embed"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

//go:embed data/rsit.toml
var classData embed.FS

// Class is a class of the Reference Security Incident Taxonomy with its types.
type Class struct {
	ID    string    `toml:"id"`
	Label text.Both `toml:"label"`
	Types []Option  `toml:"type"`
}

// Classes returns the taxonomy in its published order. It is read-only.
func Classes() []Class { return classes() }

var classes = sync.OnceValue(func() []Class {
	var doc struct {
		Class []Class `toml:"class"`
	}
	meta, err := toml.DecodeFS(classData, "data/rsit.toml", &doc)
	if err != nil || len(meta.Undecoded()) > 0 {
		panic("BUG: embedded taxonomy cannot be read")
	}
	return doc.Class
})

// ClassOf returns the words of "class" or "class/type", and whether the
// taxonomy has it: "Malicious code", "Malicious code: Infected system".
func ClassOf(id string) (text.Both, bool) {
	class, kind, typed := strings.Cut(id, "/")
	i := slices.IndexFunc(Classes(), func(c Class) bool { return c.ID == class })
	if i < 0 {
		return text.Both{}, false
	}
	c := Classes()[i]
	if !typed {
		return c.Label, true
	}
	o, ok := optionOf(c.Types, kind)
	return text.Both{JA: c.Label.JA + "：" + o.Label.JA, EN: c.Label.EN + ": " + o.Label.EN}, ok
}
