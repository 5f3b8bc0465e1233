package starter

import (
	"embed"
	"io/fs"
	"iter"
)

// Version is the date of the last change of the rules, and goes into evidence.
const Version = "2026-11-22"

//go:embed rules/*/*.yml rules/*/*/*.yml
var files embed.FS

// FS returns the rule files, named <platform>/<theme>/<name>.yml.
func FS() fs.FS {
	rules, err := fs.Sub(files, "rules")
	if err != nil {
		panic("BUG: the embedded rules have no folder: " + err.Error())
	}
	return rules
}

// All gives name and contents of every rule file, in the order of their names.
func All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		rules := FS()
		err := fs.WalkDir(rules, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := fs.ReadFile(rules, name)
			if err == nil && !yield(name, data) {
				err = fs.SkipAll
			}
			return err
		})
		if err != nil {
			panic("BUG: an embedded rule cannot be read: " + err.Error())
		}
	}
}
