package selection

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// runSelector runs "selector" or "selftest" in a language and returns the exit
// code and both outputs.
func runSelector(t *testing.T, lang, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	words, err := text.Load(cli.Words, os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	now := func() time.Time { return time.Date(2027, 11, 22, 1, 2, 3, 0, time.UTC) }
	e := &cli.Env{In: strings.NewReader(stdin), Out: &out, Err: &errs, Words: words, Now: now}
	args = append(args, "--lang", lang)
	e.Listen(args)
	root := e.Root("noroshi", "noroshi")
	root.AddCommand(selectorCommand(e), selftestCommand(e))
	code = e.Run(t.Context(), root, args)
	if both := out.String() + errs.String(); strings.Contains(both, "[selector.") || strings.Contains(strings.ReplaceAll(both, "{x}", ""), "{") && !strings.Contains(both, `"`) {
		t.Errorf("words are missing in %q", both)
	}
	return code, out.String(), errs.String()
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const listOfAll = "# one of each kind\n203.0.113.9\n203.0.113.64/26\nevil[.]example\n*.bad.example\n" +
	"e7d705a3286e19ea42f587b344ee6865\nt13d1516h2_8daaf6152771_b186095e22b6\nhxxp://c2.example/gate/{id}.php\n" +
	"AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD\ntcp/4444\n\"cmd.exe /c \"\n203.0.113.9\n"

func TestSelectorCompile(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		dir := t.TempDir()
		out := filepath.Join(dir, "list.sel")
		code, stdout, stderr := runSelector(t, lang, listOfAll, "selector", "compile", "-o", out, "--act", "act-1", "--approval", "ap-1", "--expires", "2028-01-01T00:00:00+09:00")
		if code != 0 {
			t.Fatal(code, stderr)
		}
		if want := map[string]string{"ja": "選別の条件 10 件", "en": "10 selectors"}[lang]; !strings.Contains(stdout, want) {
			t.Errorf("%q without %q", stdout, want)
		}
		if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		code, stdout, stderr = runSelector(t, lang, "", "selector", "info", out)
		for _, want := range []string{"act-1", "ap-1", "2028-01-01T00:00:00+09:00"} {
			if code != 0 || !strings.Contains(stdout, want) {
				t.Errorf("%d %q %q without %q", code, stdout, stderr, want)
			}
		}
		code, stdout, stderr = runSelector(t, lang, "", "selftest", "--selectors", out)
		if code != 0 || !strings.Contains(stdout, "10") {
			t.Errorf("%d %q %q", code, stdout, stderr)
		}
		// A list that is not compiled is tested as well.
		plain := put(t, filepath.Join(dir, "list.txt"), listOfAll)
		if code, _, stderr := runSelector(t, lang, "", "selftest", "--selectors", plain); code != 0 {
			t.Error(code, stderr)
		}
	}
}

func TestSelectorSeveralLists(t *testing.T) {
	dir := t.TempDir()
	one, two := put(t, filepath.Join(dir, "one"), "203.0.113.9\nevil.example\n"), put(t, filepath.Join(dir, "two"), "value,source\n203.0.113.9,x\n203.0.113.10,x\n")
	for _, args := range [][]string{{"--from", one, "--from", two}, {"--from", one, two}, {one, two}} {
		code, stdout, stderr := runSelector(t, "en", "", append([]string{"selector", "compile", "-o", filepath.Join(dir, "out")}, args...)...)
		if code != 0 || !strings.Contains(stdout, "3 selectors") || !strings.Contains(stdout, "1 duplicates") {
			t.Errorf("%v: %d %s %s", args, code, stdout, stderr)
		}
	}
}

func TestSelectorRefuses(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "list.sel")
	broken := "8.8.8.8\n10.0.0.1/8\n203.0.113.9/24\nco.jp\n443\ntcp/443\n0.0.0.0/1\nzz zz\nx*y.example\nhex:00\nhttp://h.example:81/\n203.0.113.9:80\nlocalhost\ncom\n198.41.0.4\n" +
		"d41d8cd98f00b204e9800998ecf8427e\nhex:00000000\n203.0.113.9\n"
	for _, lang := range []string{"ja", "en"} {
		code, _, stderr := runSelector(t, lang, broken, "selector", "compile", "-o", out)
		if code != 2 || !strings.Contains(stderr, "-:3: ") || !strings.Contains(stderr, "203.0.113.0/24") || !strings.Contains(stderr, "17") {
			t.Errorf("%d %s", code, stderr)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatal("a refused list was written")
		}
	}
	code, stdout, stderr := runSelector(t, "en", broken, "selector", "compile", "-o", out, "--skip-broken", "--json")
	if code != 0 || !strings.Contains(stdout, `"selectors": 1,`) || !strings.Contains(stderr, "17 lines left out (8 met a warning list)") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
	for _, args := range [][]string{{"selector", "compile"}, {"selector", "compile", "-o", out, "--now", "today"}, {"selector", "compile", "-o", out, "--from", out},
		{"selector", "compile", "-o", out, "--warning", put(t, filepath.Join(dir, "w.json"), "{}")}, {"selector", "compile", "-o", put(t, filepath.Join(dir, "other"), "text")}, {"selftest"},
		{"selector", "info", filepath.Join(dir, "missing")}, {"selector", "compile", "-o", out, "--sign", put(t, filepath.Join(dir, "k"), "no key")}} {
		if code, _, stderr := runSelector(t, "ja", "203.0.113.9\n", args...); code != 2 || stderr == "" {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
}

// TestSelectorSecondPerson takes a warned selector in with a second person, and
// leaves it out without one.
func TestSelectorSecondPerson(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "list.sel")
	list := func(reason, by string) string {
		return "type,value,source,act,approval,expires,reason,by\naddress,8.8.8.8,item-1,act-1,ap-1,2028-01-01T00:00:00Z," + reason + "," + by + "\naddress,192.0.2.9,item-1,act-1,ap-1,,,\n"
	}
	for _, c := range []struct {
		reason, by, lister string
		code               int
		says               string
	}{{"", "", "Sato", 0, "public resolver"}, {"abused", "", "Sato", 2, "both a reason"}, {"abused", " SATO", "Sato", 2, "must be another"}, {"abused", "Suzuki", "", 2, "--lister"}, {"abused", "Suzuki", "Sato", 0, ""}} {
		args := []string{"selector", "compile", "-o", out}
		if c.lister != "" {
			args = append(args, "--lister", c.lister)
		}
		code, _, stderr := runSelector(t, "en", list(c.reason, c.by), args...)
		if code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%+v: %d %s", c, code, stderr)
		}
	}
	code, stdout, _ := runSelector(t, "en", "", "selector", "info", out)
	if code != 0 || !strings.Contains(stdout, "8.8.8.8 (Suzuki: abused)") {
		t.Errorf("%d %s", code, stdout)
	}
}

func TestSelectorSigned(t *testing.T) {
	dir := t.TempDir()
	secret, public, err := note.GenerateKey(nil, "authority.example")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := note.GenerateKey(nil, "authority.example")
	if err != nil {
		t.Fatal(err)
	}
	key, pub, wrong := put(t, filepath.Join(dir, "KEY"), secret+"\n"), put(t, filepath.Join(dir, "KEY.pub"), public+"\n"), put(t, filepath.Join(dir, "other.pub"), other)
	out := filepath.Join(dir, "list.sel")
	if code, _, stderr := runSelector(t, "en", listOfAll, "selector", "compile", "-o", out, "--sign", key); code != 0 {
		t.Fatal(code, stderr)
	}
	if code, stdout, stderr := runSelector(t, "en", "", "selector", "info", out, "--authority", pub); code != 0 || !strings.Contains(stdout, "signed by authority.example") {
		t.Error(code, stdout, stderr)
	}
	if code, _, stderr := runSelector(t, "en", "", "selector", "info", out, "--authority", wrong); code != 3 || !strings.Contains(stderr, "not signed with the key") {
		t.Error(code, stderr)
	}
	if code, _, stderr := runSelector(t, "en", "", "selector", "info", put(t, filepath.Join(dir, "p"), listOfAll), "--authority", pub); code == 0 {
		t.Error(code, stderr)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/3] ^= 1
	if code, _, stderr := runSelector(t, "ja", "", "selftest", "--selectors", put(t, filepath.Join(dir, "bent"), string(raw))); code != 3 {
		t.Error(code, stderr)
	}
}
