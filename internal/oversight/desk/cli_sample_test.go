package desk

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
)

// TestAHubThatRefusesTheNonceHidesNoSample plans a sample and reveals it to a hub
// that will not have it, or is not there: the sample is known all the same.
func TestAHubThatRefusesTheNonceHidesNoSample(t *testing.T) {
	h := lite(t)
	h.power(40)
	nonce := NewNonce()
	plan, err := h.Plan(h.as("commission/inspector"), Planning{Strata: []Stratum{{"use", 10}}, Why: "x", Commitment: oversight.Commitment(nonce)})
	h.must(err)
	h.tick()
	dir := t.TempDir()
	key, secret := filepath.Join(dir, "ledger.vkey"), filepath.Join(dir, "secret")
	h.must(os.WriteFile(key, []byte(h.Parts.Ledger.VKey), 0o600))
	h.must(os.WriteFile(secret, []byte(nonce), 0o600))
	cat, err := text.Load(Words, cli.Words, oversight.Words, approval.Words)
	h.must(err)

	takes, told := false, ""
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		told = string(raw)
		if takes {
			_, _ = io.WriteString(w, `{}`)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"kind":"refused","code":"desk.busy","title":"no"}`)
	}))
	defer hub.Close()
	run := func(base string) (code int, got Redrawn, errs string) {
		t.Helper()
		var o, e bytes.Buffer
		env := &cli.Env{In: strings.NewReader(""), Out: &o, Err: &e, Words: cat, Now: h.Clock.Now}
		root := env.Root("noroshi", "")
		root.AddCommand(Commands(env))
		code = env.Run(t.Context(), root, []string{"oversight", "sample", h.Parts.Ledger.Dir, "--key", key, "--plan", plan.Number, "--secret", secret, "--hub", base, "--lang", "en", "--json"})
		if err := json.Unmarshal(o.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v %s %s", base, err, o.String(), e.String())
		}
		return code, got, e.String()
	}
	code, mine, errs := run(hub.URL)
	if code == 0 || !strings.Contains(errs, "did not confirm") || !strings.Contains(told, nonce) {
		t.Errorf("a hub that refuses: %d %q, it was told %q", code, errs, told)
	}
	if len(mine.Sample) != 10 || !mine.Kept || mine.Seed == "" {
		t.Errorf("no sample: %+v", mine)
	}
	if code, got, errs := run("http://127.0.0.1:1"); code == 0 || !strings.Contains(errs, "did not confirm") || got.Seed != mine.Seed {
		t.Errorf("a hub that is not there: %d %q %+v", code, errs, got)
	}
	takes = true
	if code, got, errs := run(hub.URL); code != 0 || !strings.Contains(errs, "was revealed") || !slices.Equal(got.Sample, mine.Sample) {
		t.Errorf("a hub that takes it: %d %q %+v", code, errs, got)
	}

	// What the desk draws of the same nonce is what was drawn here.
	_, err = h.Reveal(h.as("commission/inspector"), plan.ID, Revealing{nonce})
	h.must(err)
	h.tick()
	again := newInspection(os.DirFS(h.Parts.Ledger.Dir), h.look.keys, h.Kinds)
	h.must(again.whole(t.Context(), time.Time{}))
	if fact := again.watch.plans[plan.ID]; !fact.Drawn || fact.Seed != mine.Seed || !slices.Equal(fact.Sample, mine.Sample) {
		t.Errorf("the ledger says %+v, and here it is %+v", fact, mine)
	}
}
