package notice

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// many registers operators and returns them as recipients.
func (h *house) many(n int) (out []NewRecipient) {
	h.t.Helper()
	for i := range n {
		number, err := org.CompleteNumber(fmt.Sprintf("8888%08d", i+1))
		if err != nil {
			h.t.Fatal(err)
		}
		o, err := h.Country.Register(org.Local(context.Background()), org.Org{Number: number, Name: text.Both{JA: fmt.Sprintf("事業者%04d（架空）", i), EN: fmt.Sprintf("Firm%04d", i)}, Kinds: []org.Kind{org.Operator}, Sectors: []string{"electricity"}})
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, NewRecipient{Org: string(o.ID), Versions: Kinds, Why: []text.Both{duo("貴社の台帳にあります。", "It stands in your register.")}})
	}
	return out
}

// BenchmarkSend sends to 1,000 recipients; an operation ends when the letter
// lies in each of their lists.
func BenchmarkSend(b *testing.B) {
	run := func(b *testing.B, d *db.DB) {
		h := newHouse(b, d)
		to := h.many(1000)
		for b.Loop() {
			b.StopTimer()
			n, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: to})
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: 1, Despite: true}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("sqlite", func(b *testing.B) { run(b, testkit.DB(b, sources()...)) })
	b.Run("postgres", func(b *testing.B) { run(b, testkit.Postgres(b, sources()...)) })
}

// A hub that is killed at any moment has sent a notice to all or to nobody,
// and to all once Send returned.
func TestKilledWhileSending(t *testing.T) {
	if dir := os.Getenv("NOROSHI_NOTICE_VICTIM"); dir != "" {
		victim(t, dir)
		return
	}
	dir := t.TempDir()
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledWhileSending$")
		cmd.Env = append(os.Environ(), "NOROSHI_NOTICE_VICTIM="+filepath.Join(dir, fmt.Sprint(round)))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var sent []string
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			id, ok := strings.CutPrefix(lines.Text(), "sent ")
			if !ok {
				continue
			}
			if sent = append(sent, id); len(sent) == 4+3*round {
				time.AfterFunc(time.Duration(round)*3*time.Millisecond, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
			}
		}
		cmd.Wait() //nolint:errcheck // killed
		if len(sent) < 4 {
			t.Fatalf("only %d were sent before the end", len(sent))
		}
		d, err := db.Open(context.Background(), filepath.Join(dir, fmt.Sprint(round), "hub.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range sent {
			if n := testkit.Count(t, d, "SELECT count(*) FROM notice_recipient WHERE notice_id = $1 AND delivered_at > 0", id); n != 50 {
				t.Errorf("%s reached %d of 50", id, n)
			}
			if n := testkit.Count(t, d, "SELECT count(*) FROM notice_outbox WHERE notice_id = $1", id); n != 50 {
				t.Errorf("%s has %d of 50 in the outbox", id, n)
			}
		}
		if n := testkit.Count(t, d, "SELECT count(*) FROM notice_notice n WHERE n.stage = 'draft' AND EXISTS (SELECT 1 FROM notice_recipient r WHERE r.notice_id = n.id AND r.delivered_at > 0)"); n != 0 {
			t.Errorf("%d drafts reached somebody", n)
		}
		d.Close()
	}
}

// victim sends until it is killed, and says so after each.
func victim(t *testing.T, dir string) {
	d, err := db.Open(context.Background(), filepath.Join(dir, "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Migrate(context.Background(), sources()...); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, d)
	to := h.many(50)
	for range 1000 {
		n, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: to})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: 1, Despite: true}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("sent " + n.ID)
	}
}
