package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/incident"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// The child of the crash test is this test binary again, told by these
// variables to be a hub under load.
const (
	crashDir = "NOROSHI_CRASH_DIR"
	crashDB  = "NOROSHI_CRASH_DB"
	writers  = 8
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashChild(dir, os.Getenv(crashDB)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func crashHub(ctx context.Context, dir, database string) (*Hub, error) {
	words, err := Words()
	if err != nil {
		return nil, err
	}
	cfg := config.Default()
	cfg.Hub.DataDir, cfg.Hub.DB, cfg.Ledger.Interval = dir, database, 20*time.Millisecond
	return OpenHub(ctx, cfg, words, slog.New(slog.DiscardHandler), Options{Cost: org.Cost{Memory: 64, Time: 1, Lanes: 1}})
}

// crashOrgs registers a reporter and a ministry the first time, and finds
// them later.
func crashOrgs(ctx context.Context, h *Hub) (reporter gate.Identity, err error) {
	list, _, err := h.Orgs.List(org.Local(ctx), org.Filter{})
	if err != nil {
		return reporter, err
	}
	ids := map[string]org.ID{}
	for _, o := range list {
		ids[o.Name.EN] = o.ID
	}
	for i, o := range []org.Org{
		{Name: text.Both{JA: "風の電力（架空）", EN: "Wind"}, Kinds: []org.Kind{org.Operator}, Sectors: []string{"electricity"}},
		{Name: text.Both{JA: "所管省（架空）", EN: "Ministry"}, Kinds: []org.Kind{org.Ministry}, Sectors: []string{"electricity"}},
		{Name: text.Both{JA: "国家統括室（架空）", EN: "Office"}, Kinds: []org.Kind{org.Office}},
	} {
		if ids[o.Name.EN] != "" {
			continue
		}
		if o.Number, err = org.CompleteNumber(fmt.Sprintf("%012d", 700000000001+i)); err != nil {
			return reporter, err
		}
		made, err := h.Orgs.Register(org.Local(ctx), o)
		if err != nil {
			return reporter, err
		}
		ids[o.Name.EN] = made.ID
	}
	return gate.Identity{Person: "reporter", Org: string(ids["Wind"]), Kinds: []string{"operator"}, Roles: []gate.Role{gate.OperatorReporter}}, nil
}

// crashChild submits reports until it is killed, and says each one that was
// accepted, after it was.
func crashChild(dir, database string) error {
	ctx := context.Background()
	h, err := crashHub(ctx, dir, database)
	if err != nil {
		return err
	}
	who, err := crashOrgs(ctx, h)
	if err != nil {
		return err
	}
	go h.Ledger.Run(ctx) //nolint:errcheck // dies with the process
	go h.Bus.Run(ctx)    //nolint:errcheck
	ctx = gate.With(ctx, who)
	var mu sync.Mutex
	failed := make(chan error, writers)
	for range writers {
		go func() {
			for {
				got, err := h.Incidents.Submit(ctx, incident.Template(incident.Ransomware), "")
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println(got.Case.ID, got.Receipt.Entry) // one write: whole lines only
				mu.Unlock()
			}
		}()
	}
	return <-failed
}

// TestKilledAnywhereLosesNothing kills a hub under load at random moments.
// Whatever it accepted is there afterwards, the ledger verifies, and every
// checkpoint it ever published is continued by the last.
func TestKilledAnywhereLosesNothing(t *testing.T) {
	rounds := 20
	if testkit.All() {
		rounds = 200
	}
	t.Run("sqlite", func(t *testing.T) { crash(t, "", rounds) })
	t.Run("postgres", func(t *testing.T) {
		source := os.Getenv("NOROSHI_TEST_DB")
		if source == "" {
			testkit.Skip(t, "NOROSHI_TEST_DB names no PostgreSQL")
		}
		crash(t, ownSchema(t, source), max(10, rounds/10))
	})
}

func ownSchema(t *testing.T, source string) string {
	u, err := url.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	schema := "crash_" + strings.ToLower(rand.Text()[:16])
	admin := func(sql string) {
		d, err := db.Open(context.Background(), source)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Write(context.Background(), func(tx *db.Tx) error { _, err := tx.Exec(context.Background(), sql); return err }); err != nil {
			t.Fatal(err)
		}
	}
	admin("CREATE SCHEMA " + schema)
	t.Cleanup(func() { admin("DROP SCHEMA " + schema + " CASCADE") })
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func crash(t *testing.T, database string, rounds int) {
	dir := t.TempDir()
	accepted := map[string]string{} // case → entry
	var published []tlog.Checkpoint
	rng := mrand.New(mrand.NewPCG(20261001, uint64(rounds)))
	for round := range rounds {
		for id, entry := range crashOnce(t, dir, database, time.Duration(rng.IntN(120))*time.Millisecond) {
			accepted[id] = entry
		}
		if raw, err := os.ReadFile(filepath.Join(dir, "ledger", tlog.CheckpointPath)); err == nil {
			c, err := tlog.OpenCheckpoint(raw)
			if err != nil {
				t.Fatalf("round %d: the checkpoint on the disk: %v", round, err)
			}
			published = append(published, c)
		}
	}
	if len(accepted) < rounds || len(published) < rounds/2 {
		t.Fatalf("%d accepted and %d checkpoints in %d rounds: the test tests nothing", len(accepted), len(published), rounds)
	}
	h, err := crashHub(t.Context(), dir, database)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	waitSettled(t, h)
	who, err := crashOrgs(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	waitSettled(t, h)
	ctx := gate.With(t.Context(), who)
	entries := map[string]bool{}
	res, err := tlog.Verify(t.Context(), os.DirFS(h.Config.LedgerDir()), tlog.Options{
		Keys: []note.Verifier{h.Ledger.Verifier}, Earlier: published,
		Replay: func(_ uint64, leaf []byte) error {
			e, err := ledger.ParseEntry(leaf)
			if err == nil && entries[e.ID] {
				err = fmt.Errorf("entry %s is in the log twice", e.ID)
			}
			entries[e.ID] = true
			return err
		},
	})
	if err != nil {
		t.Fatalf("ledger: %v", err)
	}
	for id, entry := range accepted {
		if !entries[entry] {
			t.Errorf("accepted report %s: its entry is not in the ledger", id)
		}
		if v, err := h.Incidents.Open(ctx, id, 0, ""); err != nil || v.Report == nil {
			t.Errorf("accepted report %s: %v", id, err)
		}
	}
	t.Logf("%d kills, %d reports accepted and found, %d ledger entries verified, %d checkpoints continued", rounds, len(accepted), res.Entries, len(published))
}

// waitSettled publishes what is committed, once the lease of the killed
// process has run out.
func waitSettled(t *testing.T, h *Hub) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := h.Ledger.Settle(t.Context())
		if err == nil {
			return
		}
		if !errors.Is(err, ledger.ErrNotHolder) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// crashOnce starts a child, lets it accept something, kills it after a while
// and returns what it said it accepted.
func crashOnce(t *testing.T, dir, database string, after time.Duration) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), crashDir+"="+dir, crashDB+"="+database)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(2*time.Minute, func() { c.Process.Kill() })
	defer stuck.Stop()
	said := map[string]string{}
	lines := bufio.NewScanner(out)
	for first := true; lines.Scan(); first = false {
		if first {
			time.AfterFunc(after, func() { c.Process.Kill() })
		}
		id, entry, ok := strings.Cut(lines.Text(), " ")
		if ok && len(entry) == 36 { // a line may be cut by the kill
			said[id] = entry
		}
	}
	if err := c.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the child ended by itself: %v %s", err, stderr.String())
	}
	return said
}
