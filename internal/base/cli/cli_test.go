package cli

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

func run(t *testing.T, fn func() error, args ...string) (code int, stderr string) {
	t.Helper()
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	e := &Env{In: strings.NewReader(""), Out: &out, Err: &errs, Words: words}
	root := e.Root("probe", "probe")
	root.AddCommand(&cobra.Command{Use: "go", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return fn() }})
	return e.Run(t.Context(), root, args), errs.String()
}

func TestExitCodes(t *testing.T) {
	t.Setenv("NOROSHI_LANG", "en")
	for _, c := range []struct {
		name string
		err  error
		args []string
		want int
		says string
	}{
		{"done", nil, []string{"go"}, 0, ""},
		{"a fault's own code", fault.New(fault.Unmet, "cli.cannot_read", "file", "x"), []string{"go"}, 3, "Cannot read x"},
		{"a plain error is ours", errors.New("disk on fire"), []string{"go"}, 1, "hint: disk on fire"},
		{"an unknown flag", nil, []string{"go", "--nonsense"}, 2, "nonsense"},
		{"an unknown command", nil, []string{"went"}, 2, "went"},
		{"an argument too many", nil, []string{"go", "x"}, 2, "hint"},
	} {
		code, stderr := run(t, func() error { return c.err }, c.args...)
		if code != c.want || !strings.Contains(strings.ToLower(stderr), strings.ToLower(c.says)) {
			t.Errorf("%s: exit %d, want %d; %q", c.name, code, c.want, stderr)
		}
	}
}

func TestReadFileLimits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if raw, err := ReadFile(name, 5); err != nil || string(raw) != "12345" {
		t.Errorf("%q %v", raw, err)
	}
	if _, err := ReadFile(name, 4); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := ReadFile(name+"x", 4); fault.KindOf(err) != fault.Usage {
		t.Errorf("not there: %v", err)
	}
}

func TestAMistakeInJSONIsSaidWithItsPlace(t *testing.T) {
	for in, want := range map[string]struct{ code, place string }{
		`{"name": "a", "port": 443}`:  {},
		"{}\n":                        {},
		`{"name": "a", "port": "x"}`:  {"cli.json_place", "port"},
		`{"name": "a", "extra": 1}`:   {"cli.json_unknown", "extra"},
		`["a"]`:                       {"cli.json_place", "/"},
		`{"name": "a"`:                {"cli.json", ""},
		``:                            {"cli.json", ""},
		`{"name": "a"} {"name": "b"}`: {"cli.json_more", ""},
	} {
		var v struct {
			Name string `json:"name"`
			Port int    `json:"port"`
		}
		f := fault.Of(ParseJSON("f.json", []byte(in), &v))
		if want.code == "" {
			if f != nil {
				t.Errorf("%s: %v", in, f)
			}
			continue
		}
		if f == nil || f.Code != want.code || f.Kind != fault.Usage || f.Args["file"] != "f.json" || want.place != "" && f.Args["place"] != want.place {
			t.Errorf("%s: %v, want %s at %q", in, f, want.code, want.place)
		}
	}
}

// TestATokenOfTheHubStaysWithTheHub verifies the ledger of somebody else with
// a token in the environment.
func TestATokenOfTheHubStaysWithTheHub(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { said = r.Header.Get("Authorization") }))
	defer other.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, token, tokenFile string
		args                   []string
		want                   string
	}{
		{"environment", "secret", "", nil, ""},
		{"file in the environment", "", file, nil, ""},
		{"environment, same hub", "secret", "", []string{"--hub", other.URL + "/"}, "Bearer secret"},
		{"given for this run", "", "", []string{"--token-file", file}, "Bearer from-file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("NOROSHI_TOKEN", c.token)
			t.Setenv("NOROSHI_TOKEN_FILE", c.tokenFile)
			t.Setenv("NOROSHI_HUB", "https://hub.example")
			said = ""
			e := &Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Words: words}
			root := e.Root("probe", "probe")
			c2 := &cobra.Command{Use: "go", RunE: func(*cobra.Command, []string) error {
				hub, err := e.HubAt(other.URL + "/ledger")
				if err != nil {
					return err
				}
				return hub.Do(t.Context(), "GET", "/ledger/checkpoint", nil, nil, "")
			}}
			e.HubFlags(c2)
			another := &cobra.Command{Use: "stay"} // whose flags are made later
			e.HubFlags(another)
			root.AddCommand(c2, another)
			if code := e.Run(t.Context(), root, append([]string{"go"}, c.args...)); code != 0 || said != c.want {
				t.Errorf("exit %d, told %q, want %q", code, said, c.want)
			}
		})
	}
}

// TestWhoHasNoTokenIsToldHowToGiveOne answers as a hub does that knows nobody.
func TestWhoHasNoTokenIsToldHowToGiveOne(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]string{"": "--token-file", "stale": "does not accept"} {
		t.Setenv("NOROSHI_LANG", "en")
		t.Setenv("NOROSHI_TOKEN", token)
		t.Setenv("NOROSHI_TOKEN_FILE", "")
		var errs bytes.Buffer
		e := &Env{In: strings.NewReader(""), Out: io.Discard, Err: &errs, Words: words}
		root := e.Root("probe", "probe")
		c := &cobra.Command{Use: "go", RunE: func(*cobra.Command, []string) error { return fault.New(fault.Unauthenticated, "gate.sign_in") }}
		e.HubFlags(c)
		root.AddCommand(c)
		if code := e.Run(t.Context(), root, []string{"go"}); code != 3 || !strings.Contains(errs.String(), want) {
			t.Errorf("token %q: exit %d, %s", token, code, errs.String())
		}
	}
}
