package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/gate"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
)

// TestTheCommissionCosignsAServedHub follows a hub that knows the auditor's key:
// the cosignature goes to the hub from the auditor's side alone, the hub serves it
// and shows it to the commission.
func TestTheCommissionCosignsAServedHub(t *testing.T) {
	c := built(t, 6, 0)
	dir := t.TempDir()
	own := filepath.Join(dir, "auditor")
	secret, vkey, err := tlog.NewCosigner("auditor/commission", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	witness, err := tlog.ReadWitness(vkey)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := c.h.Orgs.IssueToken(c.as(t, "commission", gate.CommissionMember), "監査", []string{"ledger.audit"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	file, logKey := filepath.Join(dir, "token"), filepath.Join(dir, "ledger.vkey")
	for name, data := range map[string]string{file: token, logKey: c.h.Ledger.VKey + "\n", filepath.Join(own, "auditor.key"): secret + "\n"} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.h.Ledger.Witnesses, c.h.Ledger.Wait = []note.Verifier{witness}, 15*time.Minute
	if err := c.h.Ledger.Settle(t.Context()); err != nil { // what was just done: the log is not silent
		t.Fatal(err)
	}
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.h.Run(ctx, l) }()
	defer func() { stop(); <-ended }()
	if s, err := c.h.witnessing(t.Context()); err != nil || !s.Waits {
		t.Fatalf("before the first cosignature nothing waits: %+v %v", s, err)
	}
	var r oversight.Round
	if code := audit(t, &r, "follow", "http://"+l.Addr().String(), "--key", logKey, "--dir", own, "--once", "--token-file", file); code != 0 || !r.Cosigned || !r.Sent {
		t.Fatalf("exit %d: cosigned %v, sent %v, %+v %+v", code, r.Cosigned, r.Sent, r.Alarms, r.Violations)
	}
	s, err := c.h.witnessing(t.Context())
	if err != nil || s.Waits || s.Witnesses[0].Size != r.Size {
		t.Errorf("after it: %+v %v", s, err)
	}
	res, err := http.Get("http://" + l.Addr().String() + "/ledger/cosigned")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var served strings.Builder
	if err := res.Write(&served); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(served.String(), "\r\n\r\n")
	if at, said, err := tlog.Cosignatures([]byte(body), []note.Verifier{c.h.Ledger.Verifier}, []note.Verifier{witness}); err != nil || len(said) != 1 || at.Size != r.Size {
		t.Errorf("served: %+v %v %v", at, said, err)
	}
	// Nobody but who audits may send one, and a browser's page tells the commission.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String()+"/ledger/cosignature", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a credential: %v %v", res, err)
	}
}
