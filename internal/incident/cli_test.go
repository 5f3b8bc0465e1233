package incident

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// run runs the command line as a user would.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	var out, talk bytes.Buffer
	env := cli.New(words)
	env.Out, env.Err, env.Now = &out, &talk, func() time.Time { return checkNow }
	root := env.Root("noroshi", "")
	root.AddCommand(Commands(env))
	code = env.Run(context.Background(), root, append([]string{"incident"}, args...))
	return code, out.String(), talk.String()
}

func save(t *testing.T, raw string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCommandTemplateChecksClean(t *testing.T) {
	for _, k := range Kinds {
		code, out, _ := run(t, "template", string(k))
		if code != 0 || !json.Valid([]byte(out)) {
			t.Fatalf("template %s: %d", k, code)
		}
		if code, _, talk := run(t, "check", save(t, out)); code != 0 {
			t.Errorf("check %s: %d %s", k, code, talk)
		}
	}
	if code, _, _ := run(t, "template", "flood"); code != 2 {
		t.Errorf("unknown kind: %d", code)
	}
}

func TestCommandCheck(t *testing.T) {
	_, whole, _ := run(t, "template", "ransomware")
	r, err := DecodeReport([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	delete(r.Values, "event.outline")
	delete(r.Values, "personal.count")
	raw, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file := save(t, string(raw))

	code, out, talk := run(t, "check", file, "--json")
	var res struct {
		Clean   bool
		Missing []struct {
			Field  string
			Wanted []struct {
				Profile string
				By      struct {
					Due *time.Time
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &res); err != nil {
		t.Fatal(err)
	}
	if code != 3 || res.Clean || len(res.Missing) != 2 || res.Missing[0].Field != "event.outline" || talk == "" {
		t.Errorf("%d %+v %s", code, res, talk)
	}
	if n := len(res.Missing[0].Wanted); n < 4 {
		t.Errorf("the outline is wanted by %d", n)
	}
	code, out, _ = run(t, "check", file, "--profile", "jp-ppc", "--lang", "en")
	if code != 3 || !strings.Contains(out, "personal.count") || !strings.Contains(out, "Personal Information Protection Commission") || strings.Contains(out, "jp-act42") {
		t.Errorf("%d\n%s", code, out)
	}
	code, out, _ = run(t, "check", file, "--profile", "jp-police", "--submitted", "jp-police/consult=2026-11-06T10:00+09:00")
	if code != 3 || !strings.Contains(out, "event.outline") {
		t.Errorf("%d\n%s", code, out)
	}
	for name, args := range map[string][]string{
		"no such profile":    {"check", file, "--profile", "nope"},
		"no such file":       {"check", file + "x"},
		"no such folder":     {"check", file, "--profiles", file},
		"bad submission":     {"check", file, "--submitted", "jp-act42=yesterday"},
		"not JSON":           {"check", save(t, `{"format": 1,`)},
		"unknown key":        {"check", save(t, strings.Replace(whole, `"values"`, `"valeus"`, 1))},
		"no argument":        {"check"},
		"render to nowhere":  {"render", file},
		"render to a format": {"render", file, "--out", t.TempDir(), "--format", "pdf"},
	} {
		code, out, talk := run(t, args...)
		if code != 2 || out != "" || talk == "" || strings.Contains(talk, "[incident.") {
			t.Errorf("%s: %d %q %q", name, code, out, talk)
		}
	}
	late := strings.ReplaceAll(whole, "2026-11-05T02:10", "2026-12-05T02:10")
	if code, _, talk := run(t, "check", save(t, late)); code != 3 || !strings.Contains(talk, "recognised_at") {
		t.Errorf("a time to come: %d %s", code, talk)
	}
}

func TestCommandRender(t *testing.T) {
	_, whole, _ := run(t, "template", "ransomware")
	file, dir := save(t, whole), filepath.Join(t.TempDir(), "new", "forms")
	code, out, talk := run(t, "render", file, "--out", dir, "--json")
	if code != 0 {
		t.Fatal(code, talk)
	}
	var res struct{ Files []rendered }
	if err := json.Unmarshal([]byte(out), &res); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, f := range res.Files {
		raw, err := os.ReadFile(f.File)
		if err != nil {
			t.Fatal(err)
		}
		seen[f.Format]++
		switch f.Format {
		case "json":
			if !json.Valid(raw) {
				t.Errorf("%s is not JSON", f.File)
			}
		case "xlsx":
			if _, err := excelize.OpenReader(bytes.NewReader(raw)); err != nil {
				t.Errorf("%s: %v", f.File, err)
			}
		case "html":
			if !bytes.HasPrefix(raw, []byte("<!doctype html>")) {
				t.Errorf("%s is no page", f.File)
			}
		}
		if !f.InForce {
			t.Errorf("%s is not in force and was rendered unasked", f.Profile)
		}
	}
	if strings.Contains(talk, "event.outline") {
		t.Errorf("a complete report lacks something: %s", talk)
	}
	var part map[string]any
	if err := json.Unmarshal([]byte(whole), &part); err != nil {
		t.Fatal(err)
	}
	delete(part["values"].(map[string]any), "event.outline")
	raw, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	code, out, talk = run(t, "render", save(t, string(raw)), "--out", t.TempDir(), "--format", "html")
	if code != 0 || !strings.Contains(out, ".html\n") || !strings.Contains(talk, "1項目") || !strings.Contains(talk, "（event.outline）を書いてください") {
		t.Errorf("an incomplete report: %d %s %s", code, out, talk)
	}
	if seen["xlsx"] != 5 || seen["json"] != 5 || seen["html"] != 5 || seen["ics"] != 1 {
		t.Errorf("%v", seen)
	}
	code, out, _ = run(t, "render", file, "--out", t.TempDir(), "--format", "html", "--all", "--redacted")
	if n := strings.Count(out, ".html\n"); code != 0 || n != len(Builtin().All) {
		t.Errorf("%d pages of all", n)
	}
	if code, _, _ := run(t, "render", file, "--out", filepath.Join(file, "x")); code != 1 {
		t.Errorf("a folder that cannot be made: %d", code)
	}
}
