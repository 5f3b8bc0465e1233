package selection

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector/sieve"
)

// corpus calls each with every capture of the shared data.
func corpus(t *testing.T, each func(name string, raw []byte)) {
	t.Helper()
	zips, err := filepath.Glob("../../../shared/data/pcap/*.zip")
	if err != nil || len(zips) == 0 {
		if os.Getenv("NOROSHI_TEST_ALL") != "" {
			t.Fatal("../shared/data/pcap is not there")
		}
		t.Skip("../shared/data/pcap is not there")
	}
	for _, name := range zips {
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(r)
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			if r, err := capture.NewReader(bytes.NewReader(raw)); err == nil {
				r.Wipe()
				each(filepath.Base(name)+"/"+f.Name, raw)
			}
		}
		z.Close()
	}
}

// TestEveryPacketIsAccountedForInEveryCapture runs over every capture of the
// corpus in each direction and in all of them: nothing is lost, nothing is
// selected in a direction that was not ordered, and what the directions select one
// by one they select together.
func TestEveryPacketIsAccountedForInEveryCapture(t *testing.T) {
	b := newBench(t)
	b.list = overridden(t, "port,tcp/80,corpus,hanako\nport,tcp/443,corpus,hanako\nport,udp/53,corpus,hanako\nport,tcp/25,corpus,hanako\nsuffix,bro.org,,\n")
	list, err := ReadSelectors("list", []byte(b.list))
	if err != nil {
		t.Fatal(err)
	}
	sides, err := ReadPrefixes("list", []byte("10.0.0.0/8\n192.168.0.0/16\n172.16.0.0/12\n141.142.0.0/16\nfd00::/8\n"))
	if err != nil {
		t.Fatal(err)
	}
	grants := map[string]approval.Grant{}
	for name, ways := range map[string][]geo.Class{"ff": {geo.FF}, "fd": {geo.FD}, "df": {geo.DF}, "all": {geo.FF, geo.FD, geo.DF}} {
		raw, err := os.ReadFile(b.order(name, func(o *approval.Order) {
			o.Directions, o.From, o.Until = ways, time.Unix(0, 0), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
		}))
		if err != nil {
			t.Fatal(err)
		}
		if grants[name], err = approval.Open(raw, b.verifier()); err != nil {
			t.Fatal(err)
		}
	}
	files, packets := 0, uint64(0)
	var selected [4]uint64
	corpus(t, func(name string, raw []byte) {
		files++
		stats := countOf(t, raw)
		var single, all sieve.Amount
		for i, way := range []string{"ff", "fd", "df", "all"} {
			g := grants[way]
			st, err := Run(context.Background(), Job{Grant: g, Selectors: list, Prefixes: sides, Flows: 4096,
				Sources: []Source{{Name: name, Open: func() (io.ReadCloser, error) { return fileOf(raw), nil }}},
				Put: func(k Kept) error {
					if way != "all" && k.Direction.String() != way || bytes.Contains(k.Line, []byte("[")) {
						t.Errorf("%s, order of %s: %s", name, way, k.Line)
					}
					return nil
				}})
			if err != nil && codeOf(err) != ErrSource.Code {
				t.Errorf("%s, %s: %v", name, way, err)
				continue
			}
			if st.Form == "" {
				continue // it broke off before its first packet
			}
			conserved(t, st)
			if st.Seen.Packets != uint64(stats.Packets) || st.Seen.Bytes != uint64(stats.Wire) {
				t.Errorf("%s, %s: %+v seen of %+v", name, way, st.Seen, stats)
			}
			got := sieve.Amount{Packets: st.Selected.Packets, Bytes: st.Selected.Bytes}
			selected[i] += got.Packets
			if way == "all" {
				all = got
				packets += st.Seen.Packets
			} else {
				single = single.Plus(got)
			}
		}
		if single != all {
			t.Errorf("%s: %+v selected one direction after the other, %+v together", name, single, all)
		}
	})
	t.Logf("%d captures, %d packets; selected ff %d, fd %d, df %d, together %d", files, packets, selected[0], selected[1], selected[2], selected[3])
	if files < 500 || selected[1] == 0 || selected[2] == 0 {
		t.Error("too little was tried")
	}
}

// slice is bytes that are no live source.
type slice struct{ *bytes.Reader }

func (slice) Close() error               { return nil }
func (slice) Stat() (os.FileInfo, error) { return os.Stat("doc.go") } // a regular file

func fileOf(raw []byte) io.ReadCloser { return slice{bytes.NewReader(raw)} }

func countOf(t *testing.T, raw []byte) capture.Stats {
	r, err := capture.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]capture.Packet, 512)
	for err == nil {
		_, err = r.Next(batch)
	}
	r.Wipe()
	return r.Stats()
}
