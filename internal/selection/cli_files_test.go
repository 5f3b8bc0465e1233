package selection

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// runFiles runs "selection" in a language, with standard output put to out when
// that is a file.
func runFiles(t *testing.T, lang string, out *os.File, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	words, err := text.Load(cli.Words, os.DirFS("."), approval.Words)
	if err != nil {
		t.Fatal(err)
	}
	var said, errs bytes.Buffer
	e := &cli.Env{In: strings.NewReader(""), Out: &said, Err: &errs, Words: words, Now: time.Now}
	if out != nil {
		e.Out = out
	}
	args = append(append([]string{"selection"}, args...), "--lang", lang)
	e.Listen(args)
	root := e.Root("noroshi", "noroshi")
	root.AddCommand(Commands(e)...)
	code = e.Run(t.Context(), root, args)
	if both := said.String() + errs.String(); strings.Contains(both, "[selection.") || strings.Contains(both, "[approval.") {
		t.Errorf("words are missing in %q", both)
	}
	return code, said.String(), errs.String()
}

// TestAKeyPutIntoAFileHasItsVerifierBeside is "selection key > KEY".
func TestAKeyPutIntoAFileHasItsVerifierBeside(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("the system does not tell the names of open files")
	}
	name := filepath.Join(t.TempDir(), "KEY")
	for range 2 { // a second time replaces both
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		code, _, errs := runFiles(t, "en", f, "key")
		f.Close()
		secret, err1 := os.ReadFile(name)
		public, err2 := os.ReadFile(name + ".pub")
		if code != 0 || err1 != nil || err2 != nil || !strings.Contains(errs, string(public)) {
			t.Fatal(code, errs, err1, err2)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the secret key can be read by others: %v", info.Mode())
		}
		e, err := ReadExecutor(secret)
		if err != nil || e.Verifier() != strings.TrimSpace(string(public)) {
			t.Errorf("%v: %s is not the verifier", err, public)
		}
		if strings.Contains(errs, "PRIVATE") {
			t.Error("the secret key was said")
		}
	}
	// What is no verifier is not replaced.
	if err := os.WriteFile(name+".pub", []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if code, _, errs := runFiles(t, "en", f, "key"); code != 1 || !strings.Contains(errs, "is there already") {
		t.Error(code, errs)
	}
	// Into a pipe, both are said.
	if code, out, errs := runFiles(t, "ja", nil, "key"); code != 0 || !strings.HasPrefix(out, "PRIVATE+KEY+") || !strings.Contains(errs, "検証鍵") {
		t.Error(code, errs)
	}
}

func TestCommandsOnFilesInBothLanguages(t *testing.T) {
	b := newBench(t)
	list := b.write("list.txt", []byte(b.list))
	pcap := b.capture("a.pcap", traffic(5, "x")...)
	key := filepath.Join(b.dir, "KEY")
	if code, _, errs := runFiles(t, "en", nil, "key", "-o", key); code != 0 {
		t.Fatal(errs)
	}
	for lang, want := range map[string][]string{
		"en": {"Order over 3 selectors", "Selected: 5 packets", "The statement holds: 5 records", "Not checked:"},
		"ja": {"選別の条件3件", "選別したもの：5パケット", "記録5件", "確かめていないこと"},
	} {
		code, paper, errs := runFiles(t, lang, nil, "order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-05", "--cap", "100", "--cap", "1MB", "--sign", key)
		if code != 0 || !strings.Contains(errs, want[0]) {
			t.Fatal(code, errs)
		}
		o, err := approval.ReadOrder([]byte(paper))
		if err != nil || o.Cap != (approval.Quantity{Packets: 100, Bytes: 1e6}) || o.From != time.Date(2026, 10, 31, 15, 0, 0, 0, time.UTC) || o.Until != time.Date(2026, 11, 5, 15, 0, 0, 0, time.UTC) {
			t.Errorf("%v: %+v", err, o)
		}
		order, out := b.write(lang+".json", []byte(paper)), filepath.Join(b.dir, lang)
		code, said, errs := runFiles(t, lang, nil, "run", "--order", order, "--selectors", list, "--authority", key+".pub", "--out", out, pcap)
		if code != 0 || !strings.Contains(said, want[1]) {
			t.Fatal(code, said, errs)
		}
		if code, said, errs = runFiles(t, lang, nil, "verify", out, "--authority", key+".pub"); code != 0 || !strings.Contains(said, want[2]) || !strings.Contains(said, want[3]) {
			t.Error(code, said, errs)
		}
		if code, said, _ = runFiles(t, lang, nil, "verify", out, "--authority", key+".pub", "--json"); code != 0 || !strings.Contains(said, `"unchecked": [`) {
			t.Error(code, said)
		}
		if code, _, errs = runFiles(t, lang, nil, "run", "--order", order, "--selectors", list, "--authority", key+".pub", "--out", out, pcap); code != 1 || !strings.Contains(errs, map[string]string{"en": "hint: ", "ja": "ヒント："}[lang]) {
			t.Error(code, errs)
		}
	}
	for _, args := range [][]string{
		{"order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01"},
		{"order", "--selectors", list, "--direction", "fd", "--from", "yesterday", "--to", "2026-11-05"},
		{"order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-05", "--cap", "1.5GB"},
		{"order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-05", "--cap", "0"},
		{"order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-05", "--cap", "1", "--cap", "2"},
		{"order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-05", "--addresses", "both"},
		{"order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-05", "--sign", list},
		{"run", "--selectors", list, "--authority", key + ".pub", "--out", filepath.Join(b.dir, "x"), pcap},
		{"run", "--order", b.dir + "/absent", "--selectors", list, "--authority", key + ".pub", "--out", filepath.Join(b.dir, "x"), pcap},
		{"run", "--order", filepath.Join(b.dir, "en.json"), "--selectors", list, "--authority", key + ".pub", "--out", filepath.Join(b.dir, "x"), b.dir + "/absent"},
		{"run", "--order", filepath.Join(b.dir, "en.json"), "--selectors", list, "--authority", key + ".pub", "--domestic", list, "--out", filepath.Join(b.dir, "x"), pcap},
		{"verify", b.dir + "/absent", "--authority", key + ".pub"},
		{"verify", b.dir},
		{"key", "--name", "two words"},
	} {
		for _, lang := range []string{"en", "ja"} {
			if code, _, errs := runFiles(t, lang, nil, args...); code != 2 || len(errs) < 5 {
				t.Errorf("%v: exit %d, %s", args, code, errs)
			}
		}
	}
	if code, _, errs := runFiles(t, "en", nil, "verify", b.dir, "--authority", key+".pub"); code != 3 {
		t.Errorf("a folder without a run: exit %d, %s", code, errs)
	}
}

// TestEveryCodeOfTheFilesHasWords looks for a sentence for each code that stands
// in the sources of runs on files.
func TestEveryCodeOfTheFilesHasWords(t *testing.T) {
	words, err := text.Load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range []string{"fields.go", "selectors.go", "prefixes.go", "statement.go", "run.go", "source.go", "files.go", "journal.go", "verify.go", "cli_key.go", "cli_order.go", "cli_run.go", "cli_verify.go"} {
		raw, err := fs.ReadFile(os.DirFS("."), name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(selection\.[a-z_.]+[a-z_])"`).FindAllStringSubmatch(string(raw), -1) {
			if n++; !words.Has(m[1]) {
				t.Errorf("%s: no words for %s", name, m[1])
			}
		}
	}
	verify, err := os.ReadFile("verify.go")
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.ReadFile("verify_output.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\.wrong\([^"]*(?:"[^",]*"[^",]*)?, "([a-z_]+)"`).FindAllSubmatch(append(verify, output...), -1) {
		if n++; !words.Has("selection.verify." + string(m[1])) {
			t.Errorf("no words for what is wrong: %s", m[1])
		}
	}
	for _, e := range allEnds {
		if !words.Has("selection.statement.ended." + string(e)) {
			t.Errorf("no words for the end %s", e)
		}
	}
	for _, m := range regexp.MustCompile(`unchecked[A-Z][a-z]+ += "([a-z]+)"`).FindAllSubmatch(verify, -1) {
		if n++; !words.Has("selection.verify.unchecked." + string(m[1])) {
			t.Errorf("no words for what is not checked: %s", m[1])
		}
	}
	if n < 60 {
		t.Errorf("only %d codes found", n)
	}
}

// A name with the end of a line in it is refused: nothing behind it is lost unsaid.
func TestNamesOfAnOrderAreOneLine(t *testing.T) {
	b := newBench(t)
	list := b.write("list.txt", []byte(b.list))
	for _, flag := range []string{"--recipients", "--targets"} {
		code, out, errs := runFiles(t, "en", nil, "order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-30", flag, "office,a\nb")
		if code != 2 || out != "" || !strings.Contains(errs, flag+" is one line") {
			t.Errorf("exit %d, %q, %s", code, out, errs)
		}
	}
}
