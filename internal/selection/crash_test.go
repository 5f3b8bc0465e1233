package selection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/deid"
)

// canary is in every payload, and may be nowhere else.
const canary = "CANARY-7f3a91-this-was-said"

// spread tells where in a folder, or below, some bytes are.
func spread(t testing.TB, dir string, what []byte, except ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.Contains(except, name) {
			return err
		}
		raw, err := os.ReadFile(name)
		if bytes.Contains(raw, what) {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestHelperRun is a run in a process of its own, for tests that kill or stop it.
// It reads a capture from standard input, slowly given.
func TestHelperRun(t *testing.T) {
	order := os.Getenv("NOROSHI_TEST_RUN")
	if order == "" {
		t.Skip("only in a process of its own")
	}
	paper, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile(order + ".list")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(order + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	j := FileJob{Order: order, Paper: paper, ListName: "list", List: list, Dir: os.Getenv("NOROSHI_TEST_DIR")}
	j.Authorities = append(j.Authorities, mustVerifier(t, string(key)))
	j.Sources = []Source{{Name: "-", Open: func() (io.ReadCloser, error) { return io.NopCloser(os.Stdin), nil }}}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	end := make(chan os.Signal, 1)
	notifyStop(end)
	go func() { <-end; stop() }()
	st, err := RunFiles(ctx, j)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(st.Ended)
}

// TestACrashLeavesNoDump has the process of a run abort while payload is in its
// memory: what it writes then says where it stood and nothing of what it read.
func TestACrashLeavesNoDump(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", nil)
	c, w := b.start(order, "out")
	var said bytes.Buffer
	c.Stdout, c.Stderr, c.Dir = &said, &said, b.dir
	c.Env = append(c.Env, "GOTRACEBACK=crash")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	undecided := sent{0, berne, kyoto, 6, 5000, 80, []byte("GET /" + canary)}
	if _, err := w.Write(captureOf(t, undecided)); err != nil {
		t.Fatal(err)
	}
	await(t, "the copy of the list", func() bool {
		_, err := os.Stat(filepath.Join(b.dir, "out", fileSelected+underWay))
		return err == nil
	})
	if limits, err := os.ReadFile("/proc/" + strconv.Itoa(c.Process.Pid) + "/limits"); err == nil && !regexp.MustCompile(`Max core file size +0 +0`).Match(limits) {
		t.Errorf("limits:\n%s", limits)
	}
	if err := c.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := c.Wait(); err == nil {
		t.Error("it did not abort")
	}
	if !bytes.Contains(said.Bytes(), []byte("goroutine")) || bytes.Contains(said.Bytes(), []byte(canary)) {
		t.Errorf("it said:\n%s", said.Bytes())
	}
	if found := spread(t, b.dir, []byte(canary)); found != nil {
		t.Errorf("payload is in %v", found)
	}
}

// child starts TestHelperRun, and gives it packets without end.
func (b *bench) child(order, out string) (*exec.Cmd, *io.PipeWriter) {
	b.t.Helper()
	c, w := b.start(order, out)
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	return c, w
}

func (b *bench) start(order, out string) (*exec.Cmd, *io.PipeWriter) {
	b.t.Helper()
	b.write(filepath.Base(order)+".list", []byte(b.list))
	b.write(filepath.Base(order)+".pub", []byte(b.authority.Verifier()))
	c := exec.Command(os.Args[0], "-test.run=^TestHelperRun$", "-test.v")
	c.Env = append(os.Environ(), "NOROSHI_TEST_RUN="+order, "NOROSHI_TEST_DIR="+filepath.Join(b.dir, out), "TMPDIR="+b.dir)
	r, w := io.Pipe()
	c.Stdin = r
	return c, w
}

// await waits until something is so.
func await(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

func TestARunThatIsKilledIsFoundAndWhatItLeftIsDestroyed(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", func(o *approval.Order) { o.Cap.Packets = 100_000 })
	c, w := b.child(order, "out")
	raw := captureOf(t, trafficEach(5000, 5*time.Second, canary)...)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(b.dir, "out", fileSelected+underWay)
	await(t, "records on disk", func() bool { info, err := os.Stat(part); return err == nil && info.Size() > 0 })
	if _, err := b.verify("out"); !errors.Is(err, ErrUnverified) {
		t.Errorf("a run under way verifies: %v", err)
	}
	// Another run on the same order has to wait.
	if _, err := RunFiles(context.Background(), b.job(order, "second", b.capture("a.pcap", traffic(1, "x")...))); !errors.Is(err, approval.ErrBusy) {
		t.Errorf("two at once: %v", err)
	}
	// Also where somebody removed the lock.
	if err := os.Remove(order + ".lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := RunFiles(context.Background(), b.job(order, "second", filepath.Join(b.dir, "a.pcap"))); !errors.Is(err, approval.ErrBusy) {
		t.Errorf("two at once, the lock removed: %v", err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	_ = c.Wait()
	if found := spread(t, b.dir, []byte(canary)); found != nil {
		t.Errorf("payload is in %v", found)
	}
	var told []Use
	job := b.job(order, "third", filepath.Join(b.dir, "a.pcap"))
	job.Found = func(u Use) { told = append(told, u) }
	st, err := RunFiles(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !slices.Equal(told[0].Destroyed, []string{fileSelected + underWay}) {
		t.Errorf("told %+v", told)
	}
	if left := entries(t, filepath.Join(b.dir, "out")); left != nil {
		t.Errorf("left: %v", left)
	}
	if st.Before.Packets < 10_000 || st.Before.Packets > 100_000 {
		t.Errorf("%d packets of the cap count as used by the run that was killed after 10,000", st.Before.Packets)
	}
	var what []string
	for _, u := range uses(t, order) {
		if u.What != Reserved {
			what = append(what, u.What)
		}
	}
	if want := []string{Begun, Refused, Refused, Crashed, Begun, Over}; !slices.Equal(what, want) {
		t.Errorf("the journal says %v", what)
	}
	if _, err := b.verify("third"); err != nil {
		t.Error(err)
	}
}

// TestARunThatIsKilledAtAnyMomentIsWholeOrGone kills runs at many moments of
// their short life. The next start finds either a whole run or clears away what
// there is, and the journal follows.
func TestARunThatIsKilledAtAnyMomentIsWholeOrGone(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", nil)
	raw := captureOf(t, trafficEach(2000, 5*time.Second, canary)...)
	pcap := b.capture("a.pcap", traffic(1, "x")...)
	whole, gone, crashed := 0, 0, 0
	for i := range 12 {
		out := fmt.Sprintf("out%d", i)
		c, w := b.child(order, out)
		go func() { _, _ = w.Write(raw); w.Close() }()
		// From the first trace of the run on; the moments before it are dull.
		await(t, "the run", func() bool { _, err := os.Stat(filepath.Join(b.dir, out)); return err == nil })
		time.Sleep(time.Duration(i*i) * 300 * time.Microsecond)
		_ = c.Process.Kill()
		_ = c.Wait()
		w.Close()
		job := b.job(order, fmt.Sprintf("next%d", i), pcap)
		job.Found = func(Use) { crashed++ }
		if _, err := RunFiles(context.Background(), job); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		left := entries(t, filepath.Join(b.dir, out))
		if len(left) > 0 && slices.Contains(left, fileStatement) {
			whole++
			if v, err := b.verify(out); err != nil {
				t.Errorf("%d: %v in %v", i, v.Wrong, left)
			}
		} else if len(left) > 0 {
			t.Errorf("%d: left %v", i, left)
		} else {
			gone++
		}
	}
	t.Logf("%d whole, %d gone, %d told", whole, gone, crashed)
	if found := spread(t, b.dir, []byte(canary)); found != nil {
		t.Errorf("payload is in %v", found)
	}
	open := map[string]bool{}
	for _, u := range uses(t, order) {
		switch u.What {
		case Begun:
			open[u.Run] = true
		case Over, Crashed:
			delete(open, u.Run)
		}
	}
	if len(open) > 0 {
		t.Errorf("never ended: %v", open)
	}
}

func TestARunThatIsStoppedEndsWithAStatement(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		b := newBench(t)
		order := b.order("order.json", nil)
		c, w := b.child(order, "out")
		if _, err := w.Write(captureOf(t, trafficEach(5000, 5*time.Second, canary)...)); err != nil {
			t.Fatal(err)
		}
		await(t, "records on disk", func() bool {
			info, err := os.Stat(filepath.Join(b.dir, "out", fileSelected+underWay))
			return err == nil && info.Size() > 0
		})
		at := time.Now()
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		await(t, "a statement", func() bool { _, err := os.Stat(filepath.Join(b.dir, "out", fileStatement)); return err == nil })
		t.Logf("%v: ended in %v", sig, time.Since(at))
		w.Close()
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
		v, err := b.verify("out")
		if err != nil || v.Statement.Ended != EndStopped || v.Statement.Selected.Packets == 0 {
			t.Errorf("%v, %s", err, v.Statement.Ended)
		}
		conserved(t, v.Statement)
		if found := spread(t, b.dir, []byte(canary)); found != nil {
			t.Errorf("payload is in %v", found)
		}
	}
}

func TestAnOrderThatIsTakenAwayEndsTheRunWithinASecond(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", nil)
	r, w := io.Pipe()
	job := b.job(order, "out")
	job.Sources = []Source{{Name: "-", Open: func() (io.ReadCloser, error) { return r, nil }}}
	type end struct {
		st  Statement
		err error
	}
	done := make(chan end, 1)
	go func() {
		st, err := RunFiles(context.Background(), job)
		done <- end{st, err}
	}()
	if _, err := w.Write(captureOf(t, traffic(100, canary)...)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	at := time.Now()
	if err := os.Remove(order); err != nil {
		t.Fatal(err)
	}
	e := <-done
	if took := time.Since(at); took > 30*time.Second { // a second, and what a busy machine adds
		t.Errorf("it took %v", took)
	} else {
		t.Logf("ended in %v", took)
	}
	if !errors.Is(e.err, approval.ErrWithdrawn) || e.st.Ended != EndWithdrawn {
		t.Errorf("%v, %s", e.err, e.st.Ended)
	}
	conserved(t, e.st)
	w.Close()
}

func TestAPeriodThatEndsByTheClockEndsTheRunWithinASecond(t *testing.T) {
	b := newBench(t)
	until := time.Now().Add(5 * time.Second).Truncate(time.Second)
	order := b.order("order.json", func(o *approval.Order) { o.From, o.Until = epoch, until })
	r, w := io.Pipe()
	defer w.Close()
	job := b.job(order, "out")
	job.Sources = []Source{{Name: "-", Open: func() (io.ReadCloser, error) { return r, nil }}}
	go func() { _, _ = w.Write(captureOf(t, traffic(100, canary)...)) }()
	st, err := RunFiles(context.Background(), job)
	if late := time.Since(until); err != nil || st.Ended != EndExpired || late < 0 || late > 30*time.Second { // a second, and what a busy machine adds
		t.Errorf("%v, %s, %v late", err, st.Ended, late)
	} else {
		t.Logf("ended %v after the period", late)
	}
	if _, err := b.verify("out"); err != nil {
		t.Error(err)
	}
}

// TestAClockThatIsSetEndsARunAtTheEarlierOfBothEnds sets the machine's clock while
// packets are waited for: forward beyond the period, as after a sleep, which ends the
// run at once; and back, which does not make the period longer.
func TestAClockThatIsSetEndsARunAtTheEarlierOfBothEnds(t *testing.T) {
	for name, c := range map[string]struct{ period, by, within time.Duration }{
		"forward": {24 * time.Hour, 25 * time.Hour, 30 * time.Second},
		"back":    {3 * time.Second, -24 * time.Hour, 33 * time.Second},
	} {
		b := newBench(t)
		until := time.Now().Add(c.period).Truncate(time.Second)
		order := b.order("order.json", func(o *approval.Order) { o.From, o.Until = epoch, until })
		r, w := io.Pipe()
		defer w.Close()
		var set atomic.Int64
		job := b.job(order, "out")
		job.Now = func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
		job.Sources = []Source{{Name: "-", Open: func() (io.ReadCloser, error) { return r, nil }}}
		go func() {
			_, _ = w.Write(captureOf(t, traffic(100, canary)...))
			set.Store(int64(c.by))
		}()
		begun := time.Now()
		st, err := RunFiles(context.Background(), job)
		if took := time.Since(begun); err != nil || st.Ended != EndExpired || took > c.within {
			t.Errorf("%s: %v, %s after %v", name, err, st.Ended, took)
		}
		conserved(t, st)
		if v, err := b.verify("out"); err != nil {
			t.Errorf("%s: %v %v", name, err, v.Wrong)
		}
		if found := spread(t, b.dir, []byte(canary)); found != nil {
			t.Errorf("%s: payload is in %v", name, found)
		}
	}
}

// TestWhatWaitsIsDestroyedByOurClock gives packets that no selector decided, and
// then nothing: they may not wait for the next packet.
func TestWhatWaitsIsDestroyedByOurClock(t *testing.T) {
	b := newBench(t)
	r, w := io.Pipe()
	job := b.job(b.order("order.json", nil), "out")
	job.Sources = []Source{{Name: "-", Open: func() (io.ReadCloser, error) { return r, nil }}}
	done := make(chan Statement, 1)
	go func() {
		st, err := RunFiles(context.Background(), job)
		if err != nil {
			t.Error(err)
		}
		done <- st
	}()
	half := []byte("GET / HTTP/1.1\r\nHost: harm") // a request that is not whole
	if _, err := w.Write(captureOf(t, sent{0, berne, kyoto, 6, 5000, 80, half})); err != nil {
		t.Fatal(err)
	}
	time.Sleep(6 * time.Second)
	w.Close()
	st := <-done
	if st.Stay.Longest == 0 || st.Stay.Longest > 5_000_000 { // two seconds, and what a busy machine adds
		t.Errorf("held for %d µs while nothing came for 6 s", st.Stay.Longest)
	}
	conserved(t, st)
}

// fullDisk takes so many bytes and no more.
type fullDisk struct {
	f    io.WriteCloser
	left int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.left)
	d.left -= n
	n, err := d.f.Write(p[:n])
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

func (d *fullDisk) Close() error { return d.f.Close() }

func TestAFullDiskLeavesNothingSelectedOrNot(t *testing.T) {
	for _, room := range []int{0, 1000, 300 << 10, 600 << 10} {
		b := newBench(t)
		order := b.order("order.json", nil)
		f := FileJob(b.job(order, "out", b.capture("a.pcap", trafficEach(3000, time.Second, canary)...)))
		r := &fileRun{FileJob: f, journal: journal{f.Order + ".uses"}, create: func(name string) (io.WriteCloser, error) {
			w, err := createNew(name)
			return &fullDisk{w, room}, err
		}}
		st, err := r.run(context.Background())
		if codeOf(err) != ErrOutput.Code || fault.KindOf(err).Exit() != 1 || st.Ended != EndOutput {
			t.Fatalf("room for %d: %v, %s", room, err, st.Ended)
		}
		conserved(t, st)
		if st.Selected.Packets != 0 || len(st.Selected.BySelector) != 0 {
			t.Errorf("room for %d: selected %+v", room, st.Selected)
		}
		if raw, err := os.ReadFile(filepath.Join(b.dir, "out", fileSelected)); err != nil || len(raw) != 0 {
			t.Errorf("room for %d: %d bytes of output, %v", room, len(raw), err)
		}
		if found := spread(t, b.dir, []byte(canary), filepath.Join(b.dir, "a.pcap")); found != nil {
			t.Errorf("payload is in %v", found)
		}
		if v, err := b.verify("out"); err != nil {
			t.Errorf("room for %d: %v %+v", room, err, v)
		}
		if all := uses(t, order); all[len(all)-1].Ended != EndOutput || all[len(all)-1].Packets == 0 {
			t.Errorf("the journal says %+v", all[len(all)-1])
		}
	}
}

func TestADeviceThatIsFullLeavesNothing(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	b := newBench(t)
	f := b.job(b.order("order.json", nil), "out", b.capture("a.pcap", traffic(10, canary)...))
	r := &fileRun{FileJob: f, journal: journal{f.Order + ".uses"}, create: func(string) (io.WriteCloser, error) { return full, nil }}
	if st, err := r.run(context.Background()); !errors.Is(err, ErrOutput) || st.Ended != EndOutput {
		t.Errorf("%v, %s", err, st.Ended)
	}
}

func TestPayloadIsNowhereAfterARun(t *testing.T) {
	b := newBench(t)
	key, err := deid.New("trial-1")
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	said := "GET /" + canary + " HTTP/1.1\r\nHost: " + strings.ToLower(canary) + ".bad.example.org\r\nCookie: " + canary + "\r\n\r\n"
	all := append(traffic(100, canary), sent{200 * time.Millisecond, berne, kyoto, 6, 5000, 80, []byte(said)})
	pcap := b.capture("a.pcap", all...)
	order := b.order("order.json", func(o *approval.Order) { o.Fields = slices.Clone(Fields) })
	job := b.job(order, "out", pcap)
	job.Vault = &public
	st, err := RunFiles(context.Background(), job)
	if err != nil || st.Selected.Packets != 101 || st.Pseudonyms != public.ID {
		t.Fatalf("%v %+v", err, st)
	}
	for _, what := range [][]byte{[]byte(canary), []byte(strings.ToLower(canary)), []byte("CANARY"), []byte("canary")} {
		if found := spread(t, b.dir, what, pcap); found != nil {
			t.Errorf("%s is in %v", what, found)
		}
	}
	v, err := b.verify("out")
	if err != nil {
		t.Fatalf("%v %+v", err, v)
	}
	raw, err := os.ReadFile(filepath.Join(b.dir, "out", fileVault))
	if err != nil {
		t.Fatal(err)
	}
	if vault, err := deid.OpenVault(key, raw); err != nil || vault.Len() != 1 {
		t.Errorf("the vault: %v", err)
	}
}

func TestAJournalThatWasChangedStopsEverything(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", nil)
	pcap := b.capture("a.pcap", traffic(5, "x")...)
	for _, out := range []string{"one", "two"} {
		if _, err := RunFiles(context.Background(), b.job(order, out, pcap)); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(order + ".uses")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(was), "\n")
	for what, raw := range map[string]string{
		"the first line gone": strings.Join(lines[1:], ""), "one gone": lines[0] + lines[1] + lines[3], "changed": strings.Replace(string(was), `"packets":10`, `"packets":1`, 1),
		"swapped": lines[0] + lines[2] + lines[1] + lines[3], "not JSON": "x\n" + string(was),
	} {
		b.write("order.json.uses", []byte(raw))
		if _, err := RunFiles(context.Background(), b.job(order, "three", pcap)); !errors.Is(err, ErrJournal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A line that a crash cut off is taken away, and that is told.
	b.write("order.json.uses", []byte(string(was)+`{"at":"2026`))
	if _, err := RunFiles(context.Background(), b.job(order, "four", pcap)); err != nil {
		t.Fatal(err)
	}
	if all := uses(t, order); all[4].What != Torn {
		t.Errorf("%+v", all[4])
	}
}

// lastRead remembers the buffer it was given.
type lastRead struct {
	io.Reader
	b []byte
}

func (l *lastRead) Read(p []byte) (int, error) {
	l.b = p
	return l.Reader.Read(p)
}

func TestAPatientReaderHandsOnEverythingAndKeepsNothing(t *testing.T) {
	want := bytes.Repeat([]byte(canary), 20_000)
	src := &lastRead{Reader: iotest.HalfReader(bytes.NewReader(want))}
	p := newPatient(src, func() error { return nil })
	got, err := io.ReadAll(p)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
	}
	if bytes.Contains(src.b, []byte("CANARY")) {
		t.Error("what was handed on is still there")
	}
	p.close()
	// A source that never answers is left when idle says so, for good.
	r, w := io.Pipe()
	defer w.Close()
	p = newPatient(r, func() error { return errEnough })
	defer p.close()
	for range 3 {
		if n, err := p.Read(make([]byte, 10)); n != 0 || err != errEnough {
			t.Errorf("%d, %v", n, err)
		}
	}
}
