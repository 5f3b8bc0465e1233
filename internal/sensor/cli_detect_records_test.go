package sensor

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/sensor/synth"
	"noroshi/internal/testkit"
)

// What is found in a capture is found in the records that were written of it, from
// a file, packed, and from a pipe, by the byte.
func TestDetectReadsWhatReadWrites(t *testing.T) {
	var b bytes.Buffer
	c := small
	c.Length, c.Only = 90*time.Minute, nil
	if err := synth.WriteCapture(&b, c); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key := putIn(t, dir, "key", strings.Repeat("k", 32))
	packets, lines := putIn(t, dir, "day.pcap", b.String()), filepath.Join(dir, "day.jsonl")
	for _, names := range []string{"short", "full"} {
		args := func(in string) []string {
			return detectArgs("--key", key, "--names", names, "--reason", "a test", "--format", "jsonl", "--min-score", "0", in)
		}
		if code, _, talk := runFlow(t, nil, "read", "--basis", "test", "--key", key, "--names", names, "--reason", "a test", "--format", "jsonl", "--out", lines, packets); code != 0 {
			t.Fatal(talk)
		}
		code, want, talk := runFlow(t, nil, args(packets)...)
		if code != 0 || strings.Count(want, "\n") < 5 {
			t.Fatalf("%d %s\n%s", code, talk, want)
		}
		raw, err := os.ReadFile(lines)
		if err != nil {
			t.Fatal(err)
		}
		z, _ := zstd.NewWriter(nil)
		for name, in := range map[string]string{"": lines, "packed": putIn(t, dir, "day.jsonl.zst", string(z.EncodeAll(raw, nil))), "piped": "-"} {
			code, got, talk := runFlow(t, raw, args(in)...)
			if code != 0 || got != want {
				t.Errorf("%s %s: %d %s\n%s", names, name, code, talk, firstOther(got, want))
			}
		}
	}
}

// firstOther are the first lines in which two texts differ.
func firstOther(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + "\nwant\n" + b[i]
		}
	}
	return strconv.Itoa(len(a)) + " lines, want " + strconv.Itoa(len(b))
}

// What one run has read the next goes on from, and a line that is still being
// written waits for it.
func TestDetectGoesOnInRecords(t *testing.T) {
	var b []byte
	for i := range 30 {
		at := time.Date(2026, 11, 4, 0, 5*i, 0, 0, time.UTC).UnixNano()
		r := record.Record{Start: at, End: at + 1e9, Src: netip.MustParseAddr("10.20.1.1"), Dst: netip.MustParseAddr("198.51.100.1"), SrcPort: 40000, DstPort: 443, Proto: 6,
			App: record.TLSApp, State: record.Closed, Packets: [2]uint64{9, 9}, Bytes: [2]uint64{900, 900}, Payload: [2]uint64{300, 300}}
		b = append(record.AppendJSON(b, &r), '\n')
	}
	dir := t.TempDir()
	whole, state := putIn(t, dir, "whole.jsonl", string(b)), filepath.Join(dir, "state")
	_, want, _ := runFlow(t, nil, detectArgs("--format", "jsonl", whole)...)
	name := ""
	for i, n := range []int{len(b)/2 + 7, len(b)*2/3 + 7, len(b)} {
		name = putIn(t, dir, "log.jsonl", string(b[:n]))
		stats := filepath.Join(dir, "stats.json")
		code, got, talk := runFlow(t, nil, detectArgs("--format", "jsonl", "--state", state, "--stats", stats, name)...)
		var s detectStats
		raw, _ := os.ReadFile(stats)
		if err := json.Unmarshal(raw, &s); err != nil || code != 0 || s.Files[0].Kind != "records" || (s.Files[0].Cut == 1) != (i < 2) || (s.Files[0].From > 0) != (i > 0) {
			t.Fatalf("%d %v %s\n%s", code, err, talk, raw)
		}
		if i == 2 && (got != want || s.Detect.Records != 30 || !strings.Contains(got, "beacon")) {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
	bad := putIn(t, dir, "bad.jsonl", string(b)+"\n"+`{"start":"a secret"}`+"\n")
	if code, out, talk := runFlow(t, nil, detectArgs("--lang", "en", bad)...); code != 2 || !strings.Contains(talk, "line 32 of") || strings.Contains(talk+out, "secret") {
		t.Errorf("%d %s", code, talk)
	}
	long := putIn(t, dir, "long.jsonl", string(b)+strings.Repeat(" ", 2*maxRecordLine)+"\n")
	if code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", long)...); code != 2 || !strings.Contains(talk, "line 31 of") {
		t.Errorf("%d %s", code, talk)
	}
}

// Of every capture that there is: what its records are when they were written and
// read again, and what is found in all of them together. Times have microseconds
// in what is written, and so in what is compared.
func TestRecordsOfCapturesTurnRound(t *testing.T) {
	captures := 0
	for _, full := range []bool{false, true} {
		// Every machine of a capture may be one's own, so that something is found.
		var home []netip.Prefix
		for i := range 111 {
			home = append(home, netip.MustParsePrefix(strconv.Itoa(2*i)+".0.0.0/8"))
		}
		direct, again := detect.New(detect.Config{Home: home}), detect.New(detect.Config{Home: home})
		naming := record.NewNaming([32]byte{1}, full)
		parser := record.NewParser(naming)
		var room record.Room
		var back record.Record
		eachCapture(t, func(name string, b []byte) {
			r, err := capture.NewReader(bytes.NewReader(b))
			if err != nil {
				return
			}
			captures++
			_, err = flow.Read(r, flow.Options{Key: [32]byte{1}, Full: full}, func(r *record.Record) error {
				line := record.AppendJSON(nil, r)
				if err := parser.Parse(line, &back, &room); err != nil {
					t.Errorf("%s: %v\n%s", name, err, line)
					return nil
				}
				if got := record.AppendJSON(nil, &back); !bytes.Equal(got, line) {
					t.Errorf("%s:\n%s\n%s", name, line, got)
				}
				direct.Add(r)
				again.Add(&back)
				return nil
			})
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Logf("%s: %v", name, err)
			}
		})
		got, want := findingLines(t, again), findingLines(t, direct)
		if got != want || strings.Count(want, "\n") < 10 {
			t.Errorf("full %v: %s", full, firstOther(got, want))
		}
		t.Logf("full %v: %d findings", full, strings.Count(want, "\n"))
	}
	t.Logf("%d captures", captures/2)
}

func findingLines(t *testing.T, d *detect.Detector) (all string) {
	r := d.Finish()
	for i := range r.Findings {
		b, err := r.Findings[i].JSON("")
		if err != nil {
			t.Fatal(err)
		}
		all += string(b) + "\n"
	}
	return all
}

// eachCapture calls fn with the captures of the shared data.
func eachCapture(t *testing.T, fn func(name string, b []byte)) {
	dir := os.Getenv("NOROSHI_SHARED")
	if dir == "" {
		dir = "../../../shared"
	}
	names, _ := filepath.Glob(filepath.Join(dir, "data", "pcap", "*.zip"))
	if len(names) == 0 {
		testkit.Skip(t, "the shared captures are not here")
	}
	for _, name := range names {
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			if ext := filepath.Ext(f.Name); ext != ".pcap" && ext != ".pcapng" && ext != ".cap" && ext != ".trace" {
				continue
			}
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			_ = in.Close()
			fn(filepath.Base(name)+"!"+f.Name, b)
		}
		_ = z.Close()
	}
}

// Whoever reads a stream and is interrupted hears what was found until then.
func TestDetectIsInterrupted(t *testing.T) {
	day := dayLog(t, small)
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{"-", putIn(t, t.TempDir(), "conn.log", string(day))} {
		var out, talk bytes.Buffer
		env := cli.New(words)
		ctx, cancel := context.WithCancel(t.Context())
		env.In, env.Out, env.Err = &cancelled{bytes.NewReader(day), cancel}, &out, &talk
		if in != "-" {
			cancel()
		}
		root := env.Root("noroshi", "")
		root.AddCommand(Commands(env)...)
		code := env.Run(ctx, root, append([]string{"flow"}, detectArgs("--format", "jsonl", in)...))
		if found := strings.Contains(out.String(), `"kind"`); found != (in == "-") || (code == 0) != found {
			t.Errorf("%s: %d %s\n%s", in, code, talk.String(), out.String())
		}
		cancel()
	}
}

// cancelled is a stream at whose end somebody interrupts.
type cancelled struct {
	io.Reader
	cancel func()
}

func (c *cancelled) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil {
		c.cancel()
	}
	return n, err
}
