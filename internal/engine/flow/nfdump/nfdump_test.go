package nfdump

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/flow/export"
)

// skip skips the test with a reason, or fails it where all has to run.
func skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("NOROSHI_TEST_ALL") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// sample returns the flow file of ../shared/data: layout 1, not compressed.
func sample(t testing.TB) []byte {
	t.Helper()
	z, err := zip.OpenReader("../../../../../shared/data/copyleft/flows/slips-dev.zip")
	if err != nil {
		skip(t, "no shared data: "+err.Error())
	}
	defer z.Close()
	f, err := z.Open("dataset/test1-malicious.nfdump")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// tool returns the program nfdump, the independent reader and writer.
func tool(t testing.TB) string {
	t.Helper()
	p, err := exec.LookPath("nfdump")
	if err != nil {
		skip(t, "nfdump is not installed")
	}
	return p
}

// read returns every row of a file as a line.
func read(t testing.TB, raw []byte) (lines []string, s Stats) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	b := export.NewBatch(100, func(b *export.Batch) {
		for i := range b.Len() {
			lines = append(lines, line(b, i))
		}
	})
	for {
		if err = r.Next(b); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	b.Flush()
	return lines, r.Stats()
}

func line(b *export.Batch, i int) string {
	ms := func(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.000") }
	dport := fmt.Sprint(b.DstPort[i])
	if b.Proto[i] == 1 || b.Proto[i] == 58 {
		kind, code := b.TypeCode(i)
		dport = fmt.Sprintf("%d.%d", kind, code)
	}
	ip := func(a export.Addr) string { return netip.AddrFrom16(a).Unmap().String() }
	return strings.Join([]string{ms(b.Start[i]), ms(b.End[i]), ip(b.Src[i]), ip(b.Dst[i]),
		fmt.Sprint(b.SrcPort[i]), dport, fmt.Sprint(b.Proto[i]), flagLetters(b.Flags[i]), fmt.Sprint(b.Packets[i]), fmt.Sprint(b.Bytes[i]),
		fmt.Sprint(b.RevPackets[i]), fmt.Sprint(b.RevBytes[i]), fmt.Sprint(b.In[i]), fmt.Sprint(b.Out[i]), fmt.Sprint(b.SrcAS[i]), fmt.Sprint(b.DstAS[i]),
		fmt.Sprint(b.SrcMask[i]), fmt.Sprint(b.DstMask[i]), fmt.Sprint(b.Tos[i])}, "|")
}

func flagLetters(f uint8) string {
	s := []byte("........")
	for i, c := range []byte("CEUAPRSF") {
		if f&(0x80>>i) != 0 {
			s[i] = c
		}
	}
	return string(s)
}

const format = "fmt:%ts|%te|%sa|%da|%sp|%dp|%pr|%flg|%pkt|%byt|%opkt|%obyt|%in|%out|%sas|%das|%smk|%dmk|%tos"

// told returns what nfdump itself says of a file.
func told(t testing.TB, program, file string) (lines []string) {
	t.Helper()
	cmd := exec.Command(program, "-r", file, "-q", "-N", "-6", "-o", format)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(l), "|")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		lines = append(lines, strings.Join(f, "|"))
	}
	return lines
}

// TestSample compares the sample, as it is and rewritten by nfdump in its own
// layout with every compression, with what nfdump says of it.
func TestSample(t *testing.T) {
	raw := sample(t)
	got, s := read(t, raw)
	if len(got) == 0 || s.Records != uint64(len(got)) || s.Malformed != 0 || s.Skipped != 0 {
		t.Fatalf("%d rows, %+v", len(got), s)
	}
	t.Logf("%+v", s)
	program := tool(t)
	dir := t.TempDir()
	first := filepath.Join(dir, "sample")
	if err := os.WriteFile(first, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	want := told(t, program, first)
	same(t, "layout 1", want, got)
	for _, how := range []string{"", "-z", "-y", "-j"} {
		file := filepath.Join(dir, "rewritten"+how)
		args := []string{"-r", first, "-w", file}
		if how != "" {
			args = append(args, how)
		}
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, s := read(t, raw)
		t.Logf("%q: %d bytes, %+v", how, len(raw), s)
		same(t, "layout 2 "+how, want, got)
	}
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: nfdump has %d records, we %d", what, len(want), len(got))
	}
	bad := 0
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			if bad++; bad <= 3 {
				t.Errorf("%s, record %d:\nnfdump %s\nours   %s", what, i, want[i], got[i])
			}
		}
	}
}
