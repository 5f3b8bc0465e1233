package sensor

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/sensor/listen"
)

// dropping is a capture in pcapng with one packet, whose statistics say that so
// many more were dropped.
func dropping(t *testing.T, dropped uint64) []byte {
	t.Helper()
	le := binary.LittleEndian
	var out []byte
	block := func(kind uint32, body []byte) {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		n := uint32(len(body) + 12)
		out = le.AppendUint32(le.AppendUint32(out, kind), n)
		out = le.AppendUint32(append(out, body...), n)
	}
	at := uint64(time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC).UnixMicro())
	packet := []byte("\x45\x00\x00\x1d\x00\x01\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x07\x00\x09\x00\x09\x00\x00x")
	block(0x0a0d0d0a, append(le.AppendUint32(nil, 0x1a2b3c4d), 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255))
	block(1, []byte{101, 0, 0, 0, 0, 0, 4, 0}) // raw IP
	epb := le.AppendUint32(nil, 0)
	epb = le.AppendUint32(le.AppendUint32(epb, uint32(at>>32)), uint32(at))
	epb = le.AppendUint32(le.AppendUint32(epb, uint32(len(packet))), uint32(len(packet)))
	block(6, append(epb, packet...))
	isb := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 0), uint32(at>>32)), uint32(at))
	isb = le.AppendUint64(append(isb, 5, 0, 8, 0), dropped)
	block(5, append(isb, 0, 0, 0, 0))
	return out
}

// The hub learns how many packets the capturing system dropped, of all files.
func TestReadingTellsWhatWasLost(t *testing.T) {
	dir := t.TempDir()
	one, two, stats := filepath.Join(dir, "1.pcapng"), filepath.Join(dir, "2.pcapng"), filepath.Join(dir, "stats.json")
	for name, n := range map[string]uint64{one: 900_000, two: 5} {
		if err := os.WriteFile(name, dropping(t, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runFlow(t, nil, detectArgs("--format", "jsonl", "--stats", stats, one, two)...)
	r, err := readStats(stats)
	if err != nil || r.Lost != 900_005 || r.Packets != 2 || r.Bytes != 58 || r.Share() < 0.99 || r.From.Year() != 2026 {
		t.Errorf("%+v %v", r, err)
	}
}

// A quiet hour is a reading, too: a source that says nothing counts as silent.
func TestAQuietHourIsAReading(t *testing.T) {
	dir := t.TempDir()
	name, stats := filepath.Join(dir, "conn.log"), filepath.Join(dir, "stats.json")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Second)
	runFlow(t, nil, detectArgs("--format", "jsonl", "--stats", stats, name)...)
	r, err := readStats(stats)
	if err != nil || r.From.Before(before) || r.Until.Before(r.From) || r.Records != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := r.normal(time.Now(), 0); err != nil {
		t.Errorf("the hub refuses it: %v", err)
	}
}

// Times of packets can be anything; the hub is told ones that it takes.
func TestReadingBelievesNoClock(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for in, want := range map[time.Time]time.Time{time.Unix(0, 0): earliest, now.AddDate(80, 0, 0): now, now.Add(-time.Hour): now.Add(-time.Hour)} {
		if got := believed(in, now); !got.Equal(want) {
			t.Errorf("%v: %v", in, got)
		}
	}
}

// A run that fails leaves no counts of the run before for flow send to send.
func TestDetectForgetsOldStats(t *testing.T) {
	dir := t.TempDir()
	stats := filepath.Join(dir, "stats.json")
	if err := os.WriteFile(stats, []byte(`{"reading":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, talk := runFlow(t, nil, detectArgs("--stats", stats, filepath.Join(dir, "none"))...); code == 0 {
		t.Fatal(talk)
	}
	if _, err := os.Stat(stats); !os.IsNotExist(err) {
		t.Errorf("the old file is there: %v", err)
	}
}

// What exporters lost is counted once, though the kernel counts it again.
func TestHeardCountsLossOnce(t *testing.T) {
	s := listen.Summary{Records: 10, KernelDrops: 3, Unreadable: 1, Foreign: 1, Exporters: make([]listen.Exporter, 2)}
	s.Exporters[0].Lost, s.Exporters[1].LostSets = 5, 2
	if r := heard(&s, time.Now(), time.Now()); r.Lost != 7 || r.Broken != 2 || r.Records != 10 {
		t.Errorf("%+v", r)
	}
	s.KernelDrops = 30
	if r := heard(&s, time.Now(), time.Now()); r.Lost != 30 {
		t.Errorf("%+v", r)
	}
	w := Watched{Packets: 5, Dropped: 6, Oversize: 1, Unread: 2}
	if r := w.reading(time.Now(), time.Now()); r.Lost != 6 || r.Packets != 5 || r.Broken != 3 {
		t.Errorf("%+v", r)
	}
}

// late writes a file when it has been read to its end, as flow detect does at the
// other end of a pipe.
type late struct {
	io.Reader
	file string
	said []byte
}

// Read implements io.Reader.
func (l *late) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err == io.EOF {
		if e := os.WriteFile(l.file, l.said, 0o600); e != nil {
			return n, e
		}
	}
	return n, err
}

// sendTo runs "flow send" against a hub that answers as answer says.
func sendTo(t *testing.T, in string, answer func(n int, w http.ResponseWriter)) (code int, talk string, asked []FeedInput) {
	t.Helper()
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var f FeedInput
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil {
			t.Error(err)
		}
		asked = append(asked, f)
		answer(len(asked), w)
	}))
	defer hub.Close()
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	stats := filepath.Join(t.TempDir(), "stats.json")
	var out, told bytes.Buffer
	env := cli.New(words)
	env.Out, env.Err = &out, &told
	env.In = &late{strings.NewReader(in), stats, []byte(`{"reading":{"from":"2026-11-22T00:00:00Z","until":"2026-11-22T01:00:00Z","packets":1000,"lost":900}}`)}
	root := env.Root("noroshi", "")
	root.AddCommand(Commands(env)...)
	code = env.Run(context.Background(), root, []string{"flow", "send", "--lang", "en", "--hub", hub.URL, "--source", "x", "--stats", stats, "-"})
	return code, out.String() + told.String(), asked
}

func aFinding(i int) string {
	return fmt.Sprintf(`{"kind":"beacon","score":0.9,"src":"192.0.2.1","dst":"n%d.example","start":"2026-11-22T00:00:00Z","end":"2026-11-22T01:00:00Z"}`+"\n", i)
}

// The counts are read after the findings, because flow detect writes them last,
// and go with the first part alone.
func TestSendReadsStatsLast(t *testing.T) {
	var in strings.Builder
	for i := range MaxFindings + 1 {
		in.WriteString(aFinding(i))
	}
	code, talk, asked := sendTo(t, in.String(), func(_ int, w http.ResponseWriter) { fmt.Fprint(w, `{"new":1,"again":2,"unheard":0}`) })
	if code != 0 || len(asked) != 2 || !strings.Contains(talk, "2 new findings, 4 known") {
		t.Fatalf("%d %d %s", code, len(asked), talk)
	}
	if r := asked[0].Reading; r == nil || r.Lost != 900 || r.Findings != MaxFindings+1 || asked[1].Reading != nil || len(asked[1].Findings) != 1 {
		t.Errorf("%+v %+v", asked[0].Reading, asked[1])
	}
}

// What a hub refuses is named by its line, blank and expected ones counted.
func TestSendNamesRefusedLines(t *testing.T) {
	var in strings.Builder
	in.WriteString("\n" + `{"kind":"beacon","allowed":"a test"}` + "\n")
	for i := range MaxFindings + 2 {
		in.WriteString(aFinding(i))
	}
	code, talk, _ := sendTo(t, in.String(), func(n int, w http.ResponseWriter) {
		if n == 1 {
			fmt.Fprint(w, `{}`)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(422)
		fmt.Fprint(w, `{"kind":"invalid","code":"sensor.invalid","args":{"n":2},"places":[{"at":"findings.1.dst","code":"sensor.bad.full"},{"at":"/findings/1/src","code":"sensor.bad.end"},{"at":"findings.9.src","code":"sensor.bad.end"}]}`)
	})
	if code != fault.Invalid.Exit() || !strings.Contains(talk, "refuses 1 finding.") || !strings.Contains(talk, "before that 500 were") ||
		!strings.Contains(talk, "-:504 dst") || !strings.Contains(talk, "-:504 src") {
		t.Errorf("%d %s", code, talk)
	}
}
