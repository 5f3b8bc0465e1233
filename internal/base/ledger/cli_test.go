package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

// TestASlipIsNoTampering asks a hub's ledger over HTTP in the ways that go
// wrong, without an auditor's token.
func TestASlipIsNoTampering(t *testing.T) {
	words, err := text.Load(Words, cli.Words, fetch.Words)
	if err != nil {
		t.Fatal(err)
	}
	b, ctx := open(t), t.Context()
	rcpt, err := b.Do(ctx, &Act{Verb: "probe.put", Object: "probe/1"}, put(ctx, "1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /ledger/", http.StripPrefix("/ledger", b.Files(func(*http.Request) bool { return false })))
	mux.HandleFunc("GET /api/v1/proofs/{entry}", func(w http.ResponseWriter, r *http.Request) {
		p, err := b.Prove(r.Context(), r.PathValue("entry"))
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintln(w, `{"code":"ledger.no_entry","kind":"not_found"}`)
			return
		}
		_ = json.NewEncoder(w).Encode(p)
	})
	hub := httptest.NewServer(mux)
	defer hub.Close()
	dir := t.TempDir()
	own, other := filepath.Join(dir, "own.vkey"), filepath.Join(dir, "other.vkey")
	_, _, vkey, err := OpenSigner(filepath.Join(dir, "other.key"), "other.example/ledger")
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{own: b.VKey, other: vkey} {
		if err := os.WriteFile(name, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad := filepath.Join(dir, "bad")
	if err := os.CopyFS(bad, os.DirFS(b.Dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, "tile", "entries", "000.p", "1"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"the ledger's folder is forgotten", []string{"verify", hub.URL + "/", "--key", own}, 2, "mean " + hub.URL + "/ledger?"},
		{"a key of another hub", []string{"verify", hub.URL + "/ledger", "--key", other}, 2, "key is for other.example/ledger; the ledger says ledger.example/noroshi"},
		{"a key of another hub, in a folder", []string{"verify", b.Dir, "--key", other}, 2, "key is for other.example/ledger"},
		{"an earlier checkpoint", []string{"verify", b.Dir, "--key", own, "--since", filepath.Join(b.Dir, "checkpoint")}, 0, ""},
		{"no token", []string{"verify", hub.URL + "/ledger", "--key", own}, 1, "cannot be read: The hub refused (HTTP 401)"},
		{"no token, in Japanese", []string{"verify", hub.URL + "/ledger", "--key", own, "--lang", "ja"}, 1, "読めません：ハブが断りました"},
		{"tampered", []string{"verify", bad, "--key", own}, 3, "has the wrong length or form"},
		{"tampered, in Japanese", []string{"verify", bad, "--key", own, "--lang", "ja"}, 3, "長さか形が違います"},
		{"an id is proven by the hub", []string{"prove", rcpt.Entry, "--hub", hub.URL, "--key", own}, 0, "c2sp.org/tlog-proof"},
		{"an id, by the ledger's URL", []string{"prove", rcpt.Entry, "--ledger", hub.URL + "/ledger"}, 0, "c2sp.org/tlog-proof"},
		{"an id, the key of another", []string{"prove", rcpt.Entry, "--hub", hub.URL, "--key", other}, 2, "key is for"},
		{"an unknown id", []string{"prove", "00000000-0000-7000-8000-000000000000", "--hub", hub.URL}, 1, "no record of that number"},
		{"a number is for auditors", []string{"prove", "0", "--hub", hub.URL}, 3, "scope ledger.audit"},
		{"a report's number too", []string{"prove", "N-YBVF-XYJ9", "--hub", hub.URL}, 3, "are for auditors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"NOROSHI_HUB", "NOROSHI_TOKEN", "NOROSHI_TOKEN_FILE"} {
				t.Setenv(name, "")
			}
			t.Setenv("NOROSHI_LANG", "en")
			var said bytes.Buffer
			env := &cli.Env{In: strings.NewReader(""), Out: &said, Err: &said, Words: words}
			env.Listen(c.args)
			root := env.Root("noroshi", "")
			root.AddCommand(Commands(env))
			if code := env.Run(ctx, root, append([]string{"ledger"}, c.args...)); code != c.code || !strings.Contains(said.String(), c.says) {
				t.Errorf("exit %d, want %d: %s", code, c.code, said.String())
			}
			if m := regexp.MustCompile(`\b(ledger|fetch|cli)\.[a-z_]+\b`).FindString(said.String()); m != "" && m != "ledger.audit" && m != "ledger.example" {
				t.Errorf("a key is shown: %s in %s", m, said.String())
			}
		})
	}
}

// TestEveryProblemHasASentence holds the codes of the engine and the words
// together.
func TestEveryProblemHasASentence(t *testing.T) {
	words, err := text.Load(Words, cli.Words)
	if err != nil {
		t.Fatal(err)
	}
	env := &cli.Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Words: words}
	for _, code := range []tlog.Code{tlog.Missing, tlog.Unexpected, tlog.Stale, tlog.Beyond, tlog.Unreadable, tlog.Malformed,
		tlog.Differs, tlog.Unsigned, tlog.TooLarge, tlog.Forked, tlog.Refused} {
		for _, lang := range text.Langs {
			got := sentence(env, words.Printer(lang, nil), &tlog.Problem{Code: code, Path: "tile/0/000", Entry: 7})
			if strings.Contains(got, "ledger.problem") || !strings.Contains(got, "tile/0/000") || !strings.Contains(got, "7") {
				t.Errorf("%s %s: %q", code, lang, got)
			}
		}
	}
}
