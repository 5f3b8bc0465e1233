package noroshi

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// readmes are the two equal READMEs and the language their commands answer in.
var readmes = map[string]string{"README.md": "en", "README.ja.md": "ja"}

// build makes the program, as `make build` does.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "noroshi")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/noroshi")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// TestReadme tries what the READMEs promise with a program built for it.
func TestReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the program")
	}
	bin := build(t)
	for name, lang := range readmes {
		t.Run(name, func(t *testing.T) { tryCommands(t, bin, name, lang) })
	}
	t.Run("table", func(t *testing.T) { tryTable(t, bin) })
	t.Run("profile", func(t *testing.T) { tryProfile(t, bin) })
}

// block is a fenced block of a Markdown file.
type block struct {
	line   int
	info   string // language
	marker string // of the HTML comment on the line before: "run exit=3", "shows"
	text   string
}

var commentLine = regexp.MustCompile(`^<!-- (.*) -->$`)

func blocks(t *testing.T, name string) (out []block) {
	t.Helper()
	var open *block
	before := ""
	for i, line := range strings.Split(read(t, name), "\n") {
		fence := strings.HasPrefix(line, "```")
		switch {
		case open == nil && fence:
			open = &block{line: i + 1, info: strings.TrimPrefix(line, "```")}
			if m := commentLine.FindStringSubmatch(before); m != nil {
				open.marker = m[1]
			}
		case fence:
			out, open = append(out, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
		before = line
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end", name, open.line)
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// tryCommands runs every block marked "run" in its order in an empty folder,
// and looks for the lines of the block marked "shows" after it.
func tryCommands(t *testing.T, bin, name, lang string) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(bin, filepath.Join(dir, "bin", "noroshi")); err != nil {
		t.Fatal(err)
	}
	// Files of the repository that commands name are read from here.
	here, err := filepath.Abs("internal")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(here, filepath.Join(dir, "internal")); err != nil {
		t.Fatal(err)
	}
	ran, output := 0, ""
	for _, b := range blocks(t, name) {
		words := strings.Fields(b.marker)
		switch {
		case len(words) == 0:
		case words[0] == "run":
			want := 0
			for _, w := range words[1:] {
				if _, err := fmt.Sscanf(w, "exit=%d", &want); err != nil {
					t.Fatalf("%s:%d: marker %q", name, b.line, b.marker)
				}
			}
			var code int
			output, code = run(t, shell, dir, lang, b.text)
			if code != want {
				t.Errorf("%s:%d: exit code %d, want %d\n%s%s", name, b.line, code, want, b.text, output)
			}
			ran++
		case words[0] == "shows":
			for _, miss := range missing(b.text, output) {
				t.Errorf("%s:%d: the command does not print %q; it prints\n%s", name, b.line, miss, output)
			}
		default:
			t.Errorf("%s:%d: marker %q", name, b.line, b.marker)
		}
	}
	if ran < 6 {
		t.Errorf("only %d blocks are marked to be run", ran)
	}
}

// tryProfile checks the template against the profile that ARCHITECTURE.md
// shows, which has to work as it stands there.
func tryProfile(t *testing.T, bin string) {
	dir := t.TempDir()
	i := slices.IndexFunc(blocks(t, "ARCHITECTURE.md"), func(b block) bool { return b.marker == "profile" })
	if i < 0 {
		t.Fatal("ARCHITECTURE.md shows no profile")
	}
	if err := os.WriteFile(filepath.Join(dir, "example.toml"), []byte(blocks(t, "ARCHITECTURE.md")[i].text), 0o644); err != nil {
		t.Fatal(err)
	}
	template := exec.Command(bin, "incident", "template", "ransomware")
	check := exec.Command(bin, "incident", "check", "-", "--profiles", dir, "--profile", "xx-example")
	template.Env, check.Env = environ("en"), environ("en")
	report, err := template.Output()
	if err != nil {
		t.Fatal(err)
	}
	check.Stdin = bytes.NewReader(report)
	out, err := check.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Example report [xx-example]") {
		t.Errorf("%v\n%s", err, out)
	}
}

// environ is this process's environment without what sets the program up.
func environ(lang string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "NOROSHI_") })
	return append(env, "NOROSHI_LANG="+lang)
}

func run(t *testing.T, shell, dir, lang, script string) (output string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, "-e", "-c", script)
	cmd.Dir, cmd.Env = dir, environ(lang)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// missing returns the lines of want that do not stand in got in that order;
// "…" in a line stands for anything.
func missing(want, got string) (out []string) {
	lines := strings.Split(got, "\n")
	for _, w := range strings.Split(strings.TrimSpace(want), "\n") {
		parts := strings.Split(strings.TrimSpace(w), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		re := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		i := slices.IndexFunc(lines, func(l string) bool { return re.MatchString(strings.TrimSpace(l)) })
		if i < 0 {
			out = append(out, w)
			continue
		}
		lines = lines[i+1:]
	}
	return out
}

func TestMissingTellsWhatIsNotThere(t *testing.T) {
	got := missing("a…\nb\nc", "x\n  abc\nc\nb\n")
	if diff := cmp.Diff([]string{"c"}, got); diff != "" {
		t.Error(diff)
	}
}

var (
	heading     = regexp.MustCompile(`^(#{1,6}) (.*)$`)
	commandCell = regexp.MustCompile("`noroshi ([^`]*)`")
	commandWord = regexp.MustCompile(`^[a-z][a-z|-]*$`)
	flagWord    = regexp.MustCompile(`--[a-z][a-z-]*`)
)

// tryTable asks the program for the help of every command the table names,
// and looks for every flag in it.
func tryTable(t *testing.T, bin string) {
	asked := 0
	for _, line := range strings.Split(read(t, "README.md"), "\n") {
		if !strings.HasPrefix(line, "| `noroshi ") {
			continue
		}
		for _, m := range commandCell.FindAllStringSubmatch(strings.ReplaceAll(line, `\|`, "|"), -1) {
			var words []string
			for _, w := range strings.Fields(m[1]) {
				if !commandWord.MatchString(w) {
					break
				}
				words = append(words, w)
			}
			last := len(words) - 1
			for _, leaf := range strings.Split(words[last], "|") {
				path := append(slices.Clone(words[:last]), leaf)
				cmd := exec.Command(bin, append(path, "--help")...)
				cmd.Env = environ("en")
				help, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%v: %v\n%s", path, err, help)
					continue
				}
				asked++
				usage := string(help)
				if !strings.Contains(usage, "noroshi "+strings.Join(path, " ")) && !strings.Contains(usage, "noroshi "+strings.Join(words, " ")) {
					t.Errorf("there is no command %q", "noroshi "+strings.Join(path, " "))
				}
				for _, flag := range flagWord.FindAllString(m[1], -1) {
					if !strings.Contains(usage, flag+" ") && !strings.Contains(usage, flag+"\n") {
						t.Errorf("noroshi %s has no flag %s", strings.Join(path, " "), flag)
					}
				}
			}
		}
	}
	if asked < 15 {
		t.Errorf("only %d commands were found in the table", asked)
	}
}

// TestLanguagesAreEqual holds the two languages of the READMEs and guides
// together: the same headings in number and level, the same blocks, the same
// commands and markers.
func TestLanguagesAreEqual(t *testing.T) {
	shape := func(name string) (levels, fences []string) {
		inside := false
		for _, line := range strings.Split(read(t, name), "\n") {
			if strings.HasPrefix(line, "```") {
				inside = !inside
			}
			if m := heading.FindStringSubmatch(line); m != nil && !inside {
				levels = append(levels, m[1])
			}
		}
		for _, b := range blocks(t, name) {
			text := b.text
			if b.info == "text" { // output, in the reader's language
				text = fmt.Sprint(strings.Count(text, "\n"), " lines")
			}
			text = regexp.MustCompile(`(?m)\s*# .*$`).ReplaceAllString(text, "") // comments too
			fences = append(fences, b.info+" "+b.marker+"\n"+text)
		}
		return levels, fences
	}
	pairs := map[string]string{"README.md": "README.ja.md"}
	guides, err := filepath.Glob("docs/guides/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range guides {
		if who, ok := strings.CutSuffix(g, ".en.md"); ok {
			pairs[g] = who + ".ja.md"
		}
	}
	if 2*(len(pairs)-1) != len(guides) || len(guides) < 8 {
		t.Errorf("of %d guides %d are English", len(guides), len(pairs)-1)
	}
	for en, ja := range pairs {
		enLevels, enFences := shape(en)
		jaLevels, jaFences := shape(ja)
		if diff := cmp.Diff(enLevels, jaLevels); diff != "" {
			t.Error(en, "headings:", diff)
		}
		if diff := cmp.Diff(enFences, jaFences); diff != "" {
			t.Error(en, "blocks:", diff)
		}
	}
}

// documents lists the Markdown files of the repository.
func documents(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && name != "." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(name, ".md") && !strings.Contains(name, "testdata") {
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, name := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(withoutCode(read(t, name)), -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			to := name
			if u.Path != "" {
				to = filepath.Join(filepath.Dir(name), u.Path)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: the link %s leads nowhere", name, m[1])
				continue
			}
			if u.Fragment != "" && !anchors(read(t, to))[u.Fragment] {
				t.Errorf("%s: %s has no heading for #%s", name, to, u.Fragment)
			}
		}
	}
}

// withoutCode returns a document without its fenced blocks and code spans.
func withoutCode(s string) string {
	s = regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(s, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(s, "")
}

// anchors returns the names that a document's headings get.
func anchors(s string) map[string]bool {
	out := map[string]bool{}
	for _, line := range strings.Split(s, "\n") {
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		out[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, m[2])] = true
	}
	return out
}

var (
	span     = regexp.MustCompile("`([^`\n]+)`")
	pathLike = regexp.MustCompile(`^[A-Za-z0-9_.*{},-]+(/[A-Za-z0-9_.*{},-]+)*/?$`)
	testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z0-9][A-Za-z0-9]+\b`)
	suffix   = regexp.MustCompile(`\.(?:go|toml|sql|html|md|css|js|txtar|json)$`)
)

// TestDocumentsNameWhatExists checks every path and every test that a
// document names. Paths are given from the root, or from internal/.
func TestDocumentsNameWhatExists(t *testing.T) {
	tests := map[string]bool{}
	roots := map[string]bool{}
	for _, dir := range []string{".", "internal"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				roots[e.Name()] = true
			}
		}
	}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := os.ReadFile(name)
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`).FindAllSubmatch(src, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	paths := 0
	for _, name := range documents(t) {
		for _, m := range span.FindAllStringSubmatch(regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(read(t, name), ""), -1) {
			code := m[1]
			for _, fn := range testName.FindAllString(code, -1) {
				if !tests[fn] {
					t.Errorf("%s: there is no test %s", name, fn)
				}
			}
			head, _, _ := strings.Cut(code, "/")
			if !pathLike.MatchString(code) || !strings.Contains(code, "/") || !roots[head] || head == "bin" {
				continue
			}
			paths++
			if !exists(code) {
				t.Errorf("%s: there is no %s", name, code)
			}
		}
	}
	if paths < 60 {
		t.Errorf("only %d paths were found", paths)
	}
	if len(tests) < 100 || !tests["TestArchitecture"] {
		t.Error("the tests of the repository were not found:", len(tests), slices.Sorted(maps.Keys(roots)))
	}
}

// exists reports whether a path, with * and {a,b}, names a file or folder
// from the root or from internal/. A name without suffix may be a package's
// name followed by one of its declarations ("base/ledger.Do").
func exists(code string) bool {
	for _, dir := range []string{".", "internal"} {
		for _, p := range braces(strings.TrimSuffix(code, "/")) {
			found, err := filepath.Glob(filepath.Join(dir, p))
			if err == nil && len(found) > 0 {
				return true
			}
			if pkg, name, ok := cutLast(p, "."); ok && !suffix.MatchString(p) {
				if declared(filepath.Join(dir, pkg), name) {
					return true
				}
			}
		}
	}
	return false
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// declared reports whether a package's files declare a name.
func declared(dir, name string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	re := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |var |const |\t)` + regexp.QuoteMeta(name) + `\b`)
	for _, f := range files {
		if src, err := os.ReadFile(f); err == nil && re.Match(bytes.TrimSpace(src)) {
			return true
		}
	}
	return false
}

// braces expands one {a,b}.
func braces(p string) []string {
	before, rest, ok := strings.Cut(p, "{")
	if !ok {
		return []string{p}
	}
	list, after, _ := strings.Cut(rest, "}")
	var out []string
	for _, x := range strings.Split(list, ",") {
		out = append(out, before+x+after)
	}
	return out
}
