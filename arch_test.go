package noroshi

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "noroshi/internal/"

// flow is the order of the nouns. A noun may import the nouns to its left;
// the nouns to its right learn of it through events.
var flow = strings.Fields("org asset baseline incident sensor sighting intel approval selection hunt exposure notice vendor situation measure exercise oversight")

// owner says which kinds of file in a noun's folder may import a package.
// The kind of a file is its name up to the first underscore or dot.
var owner = map[string]string{
	"database/sql":       "store",
	module + "base/db":   "store service follow",
	"net/http":           "http web", // outgoing HTTP goes through base/fetch
	module + "base/page": "web",
	module + "base/cli":  "cli",
	module + "base/bus":  "events follow",
}

const maxLines = 600

func TestArchitecture(t *testing.T) {
	for _, b := range violations(t, "internal") {
		t.Error(b)
	}
}

func violations(t *testing.T, root string) (bad []string) {
	t.Helper()
	docs := map[string]int{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		pkg := path.Dir(filepath.ToSlash(rel))
		docs[pkg] += 0
		if f.Doc != nil {
			docs[pkg]++
		}
		if n := bytes.Count(src, []byte("\n")); n > maxLines {
			bad = append(bad, rel+": "+strconv.Itoa(n)+" lines; split it by noun or by step")
		}
		kind, _, _ := strings.Cut(path.Base(filepath.ToSlash(rel)), ".")
		kind, _, _ = strings.Cut(kind, "_")
		group, _ := place(pkg)
		for _, im := range f.Imports {
			p, _ := strconv.Unquote(im.Path.Value)
			if to, ok := strings.CutPrefix(p, module); ok && !allowed(pkg, to) {
				bad = append(bad, rel+" may not import "+to)
			}
			if own := owner[p]; group == "noun" && own != "" && !slices.Contains(strings.Fields(own), kind) {
				bad = append(bad, rel+" may not import "+p+": that belongs in "+own)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg, n := range docs {
		if n != 1 {
			bad = append(bad, pkg+": want one package comment, have "+strconv.Itoa(n))
		}
		if group, pos := place(pkg); group == "noun" && pos < 0 {
			bad = append(bad, pkg+": not a noun in the flow, an engine or a base package")
		}
	}
	slices.Sort(bad)
	return bad
}

// place returns the group a package stands in and, for a noun, its place in the flow.
func place(pkg string) (group string, pos int) {
	head, _, _ := strings.Cut(pkg, "/")
	switch head {
	case "engine", "base", "app", "testkit":
		return head, -1
	}
	return "noun", slices.Index(flow, head)
}

// allowed reports whether package from may import package to.
func allowed(from, to string) bool {
	fg, fp := place(from)
	tg, tp := place(to)
	switch fg {
	case "engine":
		return tg == "engine"
	case "base":
		return tg == "base" || tg == "engine"
	case "noun":
		return tg == "base" || tg == "engine" || tg == "noun" && tp >= 0 && tp <= fp
	}
	return tg != "testkit" || fg == "testkit"
}
