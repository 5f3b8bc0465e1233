package intel

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/testkit"
)

// TestVictim is the process that TestKilledInTheMiddle kills.
func TestVictim(t *testing.T) {
	at := os.Getenv("NOROSHI_INTEL_VICTIM")
	if at == "" {
		t.Skip("is run by TestKilledInTheMiddle")
	}
	d, err := db.Open(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	h := newHub(t, d)
	h.batch = 50
	waits := 0
	h.Now = func() time.Time { // once for each batch: after some the kill is awaited, with one half written
		if waits++; waits > 30 {
			time.Sleep(time.Minute)
		}
		return h.Clock.Now()
	}
	if _, err := h.Import(analyst, Request{Feed: "nvd", Whole: true}, os.Getenv("NOROSHI_INTEL_FILE")); err != nil {
		t.Fatal(err)
	}
}

// An import that is killed, as power cuts kill, shows nothing of itself; the
// next finishes it without writing again what was staged.
func TestKilledInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Migrate(t.Context(), sources()...); err != nil {
		t.Fatal(err)
	}
	h := newHub(t, d)
	file := filepath.Join(t.TempDir(), "nvd.json.gz")
	writeNVD(t, file, 4000, 0)
	c := exec.Command(os.Args[0], "-test.run=^TestVictim$")
	c.Env = append(os.Environ(), "NOROSHI_INTEL_VICTIM="+path, "NOROSHI_INTEL_FILE="+file)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	staged := func() int { return testkit.Count(t, d, "SELECT count(*) FROM intel_record") }
	for end := time.Now().Add(time.Minute); staged() < 500 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // it was killed
	n := staged()
	if n < 500 || n >= 4000 {
		t.Fatalf("killed when %d were staged", n)
	}
	if h.says("cpe:a:vendor1:product1") != nil || h.Entries(t, "intel.import", "done") != 0 || h.events() != nil {
		t.Error("half an import is seen")
	}
	first := h.oldest(1)
	h.Clock.Pass(2 * stale)
	got, err := h.Import(analyst, Request{Feed: "nvd", Whole: true}, file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Counts.Added != 4000 || staged() != 4000 || h.oldest(1) != first || h.says("cpe:a:vendor1:product1") == nil {
		t.Errorf("%+v, %d records", got.Counts, staged())
	}
}
