package executor

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

// served is the hub over HTTP, for whoever has the machine's token.
func (w *world) served() (at string) {
	w.t.Helper()
	s := httptest.NewServer(w.handled())
	w.t.Cleanup(s.Close)
	return s.URL
}

// handled is the hub's API, for whoever has the machine's token.
func (w *world) handled() http.Handler {
	w.t.Helper()
	words, err := text.Load(cli.Words, httpd.Words, gate.Words, act.Words, Words)
	w.must(err)
	r := httpd.New(httpd.Options{Words: words, DB: w.DB, Ring: w.Ring, Now: w.Clock.Now, Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		if c.Bearer == "machine" {
			who, _ := gate.From(w.machine("machine"))
			return who, nil
		}
		who, ok := w.officer(c.Bearer) // whose token is their name
		if !ok {
			return gate.Identity{}, gate.ErrSignIn
		}
		who.Session, who.Token, who.Scopes = "", "token-"+c.Bearer, []string{"act.*", "measure.read"}
		return who, nil
	}})
	act.Routes(r, w.acts)
	return r
}

// TestProcess is the process that TestKilled starts.
func TestProcess(t *testing.T) {
	if os.Getenv("EXECUTOR_DIR") == "" {
		t.Skip("started by TestKilled")
	}
	begun := time.Now()
	start, err := time.Parse(time.RFC3339Nano, os.Getenv("EXECUTOR_NOW"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(os.Getenv("EXECUTOR_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	hub, err := fetch.NewHub(os.Getenv("EXECUTOR_HUB"), "machine", "ja")
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("EXECUTOR_DIR")
	h, err := Open(t.Context(), Config{Dir: filepath.Join(dir, "hand"), Authorities: []note.Verifier{v}, Guard: Guarded{Names: []string{"www.wind.example"}}, Settle: 50 * time.Millisecond,
		Equipment: []Equipment{{Name: "box", Kinds: driver.Kinds, Driver: &box{file: filepath.Join(dir, "equipment.json")}}}, Now: func() time.Time { return start.Add(time.Since(begun)) }})
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Run(t.Context(), hub, func(err error) { t.Log(err) })
}

// A process of its own, told over HTTP, is killed again and again at any moment
// while orders are approved and undone. In the end the equipment holds what the
// hub says is live and nothing else, and every order was taken once.
func TestKilled(t *testing.T) {
	w := newWorld(t)
	at := w.served()
	begun := time.Now()
	start := func() *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^TestProcess$", "-test.timeout=120s")
		c.Env = append(os.Environ(), "EXECUTOR_DIR="+w.dir, "EXECUTOR_HUB="+at, "EXECUTOR_KEY="+w.key, "EXECUTOR_NOW="+testkit.Start.Add(time.Since(begun)).Format(time.RFC3339Nano))
		w.must(c.Start())
		return c
	}
	kill := func(c *exec.Cmd) {
		_ = c.Process.Kill() // SIGKILL: nothing is tidied
		_ = c.Wait()
	}
	rng := rand.New(rand.NewPCG(9, 9))
	var asked []act.Order
	for i := range 12 {
		c := start()
		if i%2 == 0 {
			asked = append(asked, w.ask("n"+string(rune('a'+i))+".example", "m"+string(rune('a'+i))+".example"))
		}
		for range 3 {
			time.Sleep(time.Duration(rng.IntN(120)) * time.Millisecond)
			for _, o := range asked {
				_, _ = w.acts.Approve(w.as("admin", gate.OperatorAdmin), o.ID, act.Decision{Digest: o.Digest})
				if rng.IntN(6) == 0 {
					_, _ = w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "外す。")
				}
			}
		}
		kill(c)
		w.Clock.Pass(11 * time.Second) // what was sent is asked for again
	}
	c := start()
	defer kill(c)
	settled := func() bool {
		for _, o := range asked {
			v := w.show(o.ID)
			if v.State == act.Asked && !v.DriedAt.IsZero() {
				w.approve(o)
			}
			if v.State == act.Asked || v.State == act.Approved || v.State == act.Sent || v.State == act.Ending {
				return false
			}
		}
		return true
	}
	for end := time.Now().Add(60 * time.Second); !settled(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			for _, o := range asked {
				v := w.show(o.ID)
				t.Logf("%s: %s %s, told %s", v.Number, v.State, v.Reason, v.ToldAt)
			}
			t.Fatal("it never comes to rest")
		}
		w.Clock.Pass(50 * time.Millisecond)
	}
	want := 0
	states := map[act.State]int{}
	for _, o := range asked {
		v := w.show(o.ID)
		if states[v.State]++; v.State == act.Live {
			want += v.Task.Count
		}
	}
	if got := len(w.box.names()); got != want {
		t.Errorf("the equipment holds %d, the hub says %d: %v", got, want, states)
	}
	if n := w.Entries(t, "act.take", "done"); n > len(asked) {
		t.Errorf("%d intents of %d orders", n, len(asked))
	}
	t.Logf("%v", states)
}
