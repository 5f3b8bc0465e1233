package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

func write(t *testing.T, src string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hub.toml")
	if err := os.WriteFile(name, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEnvironmentOverFileOverDefault(t *testing.T) {
	file := write(t, "[hub]\nlisten = \"127.0.0.1:1\"\nname = \"丘\"\n\n[ledger]\ninterval = \"30s\"\n")
	l, err := Read(file, []string{"PATH=/bin", "NOROSHI_HUB_LISTEN=127.0.0.1:2", "NOROSHI_LIMITS_UPLOAD_MB=7", "NOROSHI_HUB_SECURE=true", "NOROSHI_LANG=en", "NOROSHI_HUB=http://x"})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Hub.Listen, want.Hub.Name = "127.0.0.1:2", "丘"
	want.Ledger.Interval, want.Hub.Secure = 30*time.Second, true
	want.Limits.UploadMB = 7
	if d := cmp.Diff(want, l.Value); d != "" {
		t.Error(d)
	}
	got := map[string]string{}
	for _, s := range l.Settings() {
		got[s.Key] = string(s.From) + " " + s.Where
	}
	for key, want := range map[string]string{
		"hub.listen": "env NOROSHI_HUB_LISTEN", "hub.name": "file " + file + ":3 hub.name", "ledger.interval": "file " + file + ":6 ledger.interval", "log.format": "default log.format",
	} {
		if got[key] != want {
			t.Errorf("%s comes from %q, want %q", key, got[key], want)
		}
	}
}

func TestDefaultsAreInBounds(t *testing.T) {
	if _, err := Read("", nil); err != nil {
		t.Fatal(err)
	}
	c := Default()
	for _, p := range []string{c.Database(), c.KeyDir(), c.LedgerDir(), c.LedgerKey()} {
		if !strings.HasPrefix(p, c.Hub.DataDir) {
			t.Errorf("%s is outside the data folder", p)
		}
	}
}

func TestBadConfigurationNamesTheLine(t *testing.T) {
	for _, tc := range []struct {
		name, src string
		env       []string
		code      string
		at        []string // "place code"; F is the file
	}{
		{"unknown key", "[hub]\n# x\nlistn = \"a\"\n", nil, "config.wrong", []string{"F:3 hub.listn config.unknown"}},
		{"unknown section", "[hb]\nlisten = \"a\"\n", nil, "config.wrong", []string{"F:1 hb config.unknown"}},
		{"unknown key at top", "listen = \"a\"\n", nil, "config.wrong", []string{"F:1 listen config.unknown"}},
		{"section that is no table", "hub = 3\n", nil, "config.wrong", []string{"F:1 hub config.unknown"}},
		{"deeper than a section", "[hub.listen]\nx = 1\n", nil, "config.wrong", []string{"F:1 hub.listen config.kind", "F:2 hub.listen.x config.unknown"}},
		{"wrong kind", "[limits]\nupload_mb = \"20\"\n", nil, "config.wrong", []string{"F:2 limits.upload_mb config.kind"}},
		{"number for a time", "[ledger]\ninterval = 30\n", nil, "config.wrong", []string{"F:2 ledger.interval config.kind"}},
		{"not a time", "[ledger]\ninterval = \"soon\"\n", nil, "config.wrong", []string{"F:2 ledger.interval config.kind"}},
		{"out of bounds", "[limits]\nupload_mb = 0\n[log]\nformat = \"fr\"\n", nil, "config.wrong", []string{"F:4 log.format config.choice", "F:2 limits.upload_mb config.between"}},
		{"half a certificate", "[tls]\ncert = \"c.pem\"\n", nil, "config.wrong", []string{"F:2 tls.cert config.pair"}},
		{"not TOML", "[hub]\nlisten = \n", nil, "config.syntax", nil},
		{"key twice", "[hub]\nname = \"a\"\nname = \"b\"\n", nil, "config.syntax", nil},
		{"bad address in the environment", "", []string{"NOROSHI_HUB_LISTEN=here"}, "config.wrong", []string{"NOROSHI_HUB_LISTEN config.address"}},
		{"misspelt variable", "", []string{"NOROSHI_HUB_LISTN=a", "NOROSHI_TLS_=b"}, "config.wrong", []string{"NOROSHI_HUB_LISTN config.unknown", "NOROSHI_TLS_ config.unknown"}},
		{"variable of the wrong kind", "", []string{"NOROSHI_HUB_SECURE=maybe"}, "config.wrong", []string{"NOROSHI_HUB_SECURE config.kind"}},
		{"url with a path", "", []string{"NOROSHI_HUB_BASE_URL=https://a.example/x"}, "config.wrong", []string{"NOROSHI_HUB_BASE_URL config.url"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := write(t, tc.src)
			_, err := Read(file, tc.env)
			f := fault.Of(err)
			if f == nil || f.Code != tc.code || f.Kind != fault.Usage {
				t.Fatalf("got %v, want %s", err, tc.code)
			}
			var at []string
			for _, p := range f.Places {
				at = append(at, strings.Replace(p.At, file, "F", 1)+" "+p.Code)
			}
			if d := cmp.Diff(tc.at, at); d != "" {
				t.Error(d)
			}
			said(t, err)
		})
	}
	_, err := Read("no-such-file.toml", nil)
	if fault.Of(err).Code != "config.no_file" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

// said fails when a sentence of the fault lacks words or an argument.
func said(t *testing.T, err error) {
	t.Helper()
	cat, lerr := text.Load(Words, cli.Words)
	if lerr != nil {
		t.Fatal(lerr)
	}
	for _, lang := range text.Langs {
		m := cat.Printer(lang, nil).Fault(err)
		all := m.Title + m.Hint
		for _, p := range m.Places {
			all += p.Say
		}
		if strings.ContainsAny(all, "[{") && !strings.Contains(all, `["a"`) {
			t.Errorf("%s: %s", lang, all)
		}
	}
}

func TestDumpIsAFileAgainAndHidesSecrets(t *testing.T) {
	l, err := Read("", []string{"NOROSHI_LIMITS_METRICS_TOKEN=0123456789abcdef-secret", "NOROSHI_HUB_DATABASE=postgres://u:hunter2@db.example/x?password=hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.Dump(&b); err != nil {
		t.Fatal(err)
	}
	if s := b.String(); strings.Contains(s, "secret\"") || strings.Contains(s, "hunter2") || !strings.Contains(s, "db.example") || !strings.Contains(s, "# NOROSHI_HUB_DATABASE") {
		t.Errorf("dump:\n%s", s)
	}
	again, err := Load(Default(), write(t, b.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Value.Hub.DB, again.Value.Hub.DB, l.Value.Limits.Metrics, again.Value.Limits.Metrics = "", "", "", ""
	if d := cmp.Diff(l.Value, again.Value); d != "" {
		t.Error(d)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "[hub]\nlisten = \"a\"\n", "hub.listen = \"a\"", "[[hub]]\n", "hub = {listen = \"x\"}", "[hub]\n\"listen\" = 'a'\n", "a.b.c = 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		l := &Loaded[Config]{Value: Default(), File: "f", docs: map[string]string{}}
		l.walk()
		if err := l.decode(src); err != nil && fault.Of(err).Kind != fault.Usage {
			t.Errorf("%q: %v", src, err)
		}
	})
}

func TestCommands(t *testing.T) {
	cat, err := text.Load(Words, cli.Words)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (out, talk string, code int) {
		var o, e bytes.Buffer
		env := cli.New(cat)
		env.Out, env.Err = &o, &e
		root := env.Root("noroshi", "")
		root.AddCommand(Command(env))
		code = env.Run(t.Context(), root, append([]string{"--lang", "en", "config"}, args...))
		return o.String(), e.String(), code
	}
	good, bad := write(t, "[hub]\nname = \"丘\"\n"), write(t, "[hub]\nnmae = \"丘\"\n")
	if out, _, code := run("check", "--config", good); code != 0 || !strings.Contains(out, "in order") {
		t.Errorf("check: %d %s", code, out)
	}
	if _, talk, code := run("check", "--config", bad); code != 2 || !strings.Contains(talk, ":2 hub.nmae: There is no such setting; the nearest is hub.name") {
		t.Errorf("check of a bad file: %d %s", code, talk)
	}
	if out, _, code := run("dump", "--config", good); code != 0 || !strings.Contains(out, `name = "丘" # `+good+":2") {
		t.Errorf("dump: %d %s", code, out)
	}
	if out, _, code := run("dump", "--json"); code != 0 || !strings.Contains(out, `"key": "hub.listen"`) || !strings.Contains(out, `"from": "default"`) {
		t.Errorf("dump --json: %d %s", code, out)
	}
}

func TestWitnessesAreChecked(t *testing.T) {
	const good = "auditor/x+2a6fd8ce+BCcQ5Ot9k8G6N2pJy8H0v5Zp1m0Yq0r5qgQWQb3bXw1y"
	for text, want := range map[string]string{
		"[witness]\nkeys = [\"" + good + "\"]\n":                          "config.witness",
		"[witness]\nwait = \"30s\"\n":                                     "config.between",
		"[witness]\nurls = [\"https://w.example/\"]\n":                    "config.witness_none",
		"[witness]\nurls = [\"ftp://w.example/\"]\n":                      "config.url",
		"[ledger]\nbeat = \"1s\"\n":                                       "config.between",
		"[witness]\nevery = \"1h\"\n":                                     "config.between",
		"[witness]\nurls = [\"https://u:p@w.example/\"]\nwait = \"0s\"\n": "config.url",
	} {
		_, err := Read(write(t, text), nil)
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Places) == 0 || f.Places[0].Code != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, vkey, err := tlog.NewCosigner("auditor/x", strings.NewReader(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Read(write(t, "[witness]\nkeys = [\""+vkey+"\"]\nurls = [\"https://w.example:8443/log\"]\nwait = \"0s\"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if w := l.Value.Witness; len(w.Verifiers()) != 1 || w.Verifiers()[0].Name() != "auditor/x" || w.Hosts()[0] != "w.example:8443" {
		t.Errorf("%+v", w)
	}
}
