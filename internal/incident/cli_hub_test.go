package incident

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/testkit"
)

// terminal runs noroshi against a hub, as somebody.
func (d *door) terminal(t *testing.T, hub, who string, args ...string) (out, talk string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	env := cli.New(allWords(t))
	env.Out, env.Err = &o, &e
	root := env.Root("noroshi", "")
	root.AddCommand(Commands(env))
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(who+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code = env.Run(t.Context(), root, append(args, "--hub", hub, "--token-file", file))
	return o.String(), e.String(), code
}

func TestTheCommandsSubmitListAndShow(t *testing.T) {
	d := newDoor(t, newHouse(t, testkit.DB(t, sources()...)))
	server := httptest.NewServer(d)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, sample(t, Ransomware), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, talk, code := d.terminal(t, server.URL, asReporter, "incident", "list", "--lang", "en"); code != 0 || out != "" || !strings.Contains(talk, "no reports") {
		t.Errorf("%d %s %s", code, out, talk)
	}
	out, talk, code := d.terminal(t, server.URL, asReporter, "incident", "submit", file, "--json")
	if code != 0 {
		t.Fatalf("%d %s", code, talk)
	}
	var got struct{ Case Case }
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Case.Number == "" {
		t.Fatalf("%v %s", err, out)
	}
	out, talk, code = d.terminal(t, server.URL, asReporter, "incident", "submit", file, "--lang", "en") // the answer was lost
	if code != 0 || !strings.Contains(out, "Accepted: "+got.Case.Number+" (version 1)") || !strings.Contains(out, "Sent to: ") {
		t.Errorf("%d %s %s", code, out, talk)
	}
	if n := testkit.Count(t, d.Parts.DB, "SELECT count(*) FROM incident_case"); n != 1 {
		t.Errorf("%d cases of one file", n)
	}
	out, _, code = d.terminal(t, server.URL, asClerk, "incident", "list", "--waiting", "--state", "open")
	if code != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(out, "受付番号") || !strings.Contains(out, got.Case.Number) || !strings.Contains(out, "試験wind") {
		t.Errorf("%d %s", code, out)
	}
	if _, talk, code = d.terminal(t, server.URL, asClerk, "incident", "show", got.Case.ID); code != 3 || !strings.Contains(talk, "目的") {
		t.Errorf("%d %s", code, talk)
	}
	out, talk, code = d.terminal(t, server.URL, asClerk, "incident", "show", got.Case.ID, "--purpose", "receive")
	title, _ := Template(Ransomware).Value("event.title").Text()
	if code != 0 || !strings.Contains(out, title) || !strings.Contains(out, "TLP:") {
		t.Errorf("%d %s %s", code, out, talk)
	}
	for _, name := range []string{got.Case.Number, strings.ToLower(got.Case.Number), strings.ReplaceAll(got.Case.Number, "-", ""), "　Ｎ－" + got.Case.Number[2:], got.Case.ID} {
		out, talk, code = d.terminal(t, server.URL, asReporter, "incident", "show", name)
		if code != 0 || !strings.HasPrefix(out, got.Case.Number+"  対応中") || !strings.Contains(out, "提出先：") || !strings.Contains(out, "に提出済み") {
			t.Errorf("%s: %d %s %s", name, code, out, talk)
		}
	}
	if _, talk, code = d.terminal(t, server.URL, asRival, "incident", "show", got.Case.Number); code != 1 || talk == "" {
		t.Errorf("%d %s", code, talk)
	}
	if _, talk, code = d.terminal(t, server.URL, asRival, "incident", "show", got.Case.ID); code != 1 || talk == "" {
		t.Errorf("%d %s", code, talk)
	}
	if _, talk, code = d.terminal(t, server.URL, "nobody", "incident", "list"); code != 3 {
		t.Errorf("%d %s", code, talk)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{\n  \"format\": 1,\n  \"kid\": \"ddos\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, talk, code = d.terminal(t, server.URL, asReporter, "incident", "submit", broken); code != 2 || !strings.Contains(talk, "3:3 /kid") {
		t.Errorf("%d %s", code, talk)
	}
	server.Close()
	if _, talk, code = d.terminal(t, server.URL, asReporter, "incident", "submit", file); code != 1 || talk == "" {
		t.Errorf("no hub: %d %s", code, talk)
	}
}
