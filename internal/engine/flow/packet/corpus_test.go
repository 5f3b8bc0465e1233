package packet

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
)

// corpus is where the index of captures lies. Without it the test is skipped;
// NOROSHI_TEST_ALL=1 makes that a failure.
const corpus = "../../../../../shared/data"

// row is one capture of the index: its packets and, per layer, the packets that
// contain it, as another program counted them.
type row struct {
	name    string
	packets int64
	layers  map[string]int64
	cut     bool  // the list of layers was cut at twelve, the most frequent first
	least   int64 // the smallest count in the list
}

func readIndex(t testing.TB) []row {
	t.Helper()
	rows := rowsIfHere(t)
	if rows == nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal("no shared captures here")
		}
		t.Skip("no shared captures here")
	}
	return rows
}

// rowsIfHere returns the rows of the index, none where it is absent.
func rowsIfHere(t testing.TB) []row {
	t.Helper()
	f, err := os.Open(filepath.Join(corpus, "pcap", "pcap-index.csv"))
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, rec := range records[1:] {
		n, err := strconv.ParseInt(rec[4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		r := row{name: rec[0], packets: n, layers: map[string]int64{}}
		list := strings.Fields(rec[9])
		for _, e := range list {
			i := strings.LastIndexByte(e, ':')
			n, err := strconv.ParseInt(e[i+1:], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			r.layers[e[:i]], r.least = n, n
		}
		r.cut = len(list) == 12
		rows = append(rows, r)
	}
	return rows
}

// archives opens zip files once.
type archives map[string]*zip.ReadCloser

// load returns a capture by its name in the index, nil when it is not here.
func (a archives) load(t testing.TB, name string) []byte {
	t.Helper()
	file, member, inside := strings.Cut(name, "!")
	file = filepath.Join(corpus, filepath.FromSlash(path.Clean(file)))
	if !inside {
		b, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			return nil
		} else if err != nil {
			t.Fatal(err)
		}
		return b
	}
	z := a[file]
	if z == nil {
		var err error
		if z, err = zip.OpenReader(file); os.IsNotExist(err) {
			return nil
		} else if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { z.Close() })
		a[file] = z
	}
	f, err := z.Open(member)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// counted reads a whole capture.
func counted(t testing.TB, b []byte) (*Counter, capture.Stats) {
	t.Helper()
	c := new(Counter)
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]capture.Packet, 512)
	for {
		n, err := r.Next(batch)
		c.Add(batch[:n])
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	c.Settle()
	return c, r.Stats()
}

var compared = []string{"ip", "ipv6", "tcp", "udp", "icmp", "icmpv6"}

func (c *Counter) layer(name string) int64 {
	for i, n := range c.Layers {
		if LayerName(i) == name {
			return n
		}
	}
	return -1
}

// TestCorpus compares every capture of the index: packets, and the packets that
// contain each compared layer. The index lists the twelve most frequent layers
// of a capture; of a layer that a full list leaves out no more than its smallest
// count may be found. No capture is excepted.
func TestCorpus(t *testing.T) {
	rows := readIndex(t)
	open := archives{}
	absent, equal, packets := 0, 0, int64(0)
	for _, r := range rows {
		b := open.load(t, r.name)
		if b == nil {
			absent++
			continue
		}
		c, stats := counted(t, b)
		packets += c.Packets
		if stats.Damaged+stats.Oversize > 0 {
			t.Errorf("%s: %+v", r.name, stats)
		}
		var bad []string
		if c.Packets != r.packets {
			bad = append(bad, "packets "+strconv.FormatInt(c.Packets, 10)+" want "+strconv.FormatInt(r.packets, 10))
		}
		for _, l := range compared {
			got, want := c.layer(l), r.layers[l]
			if got != want && !(want == 0 && r.cut && got <= r.least) {
				bad = append(bad, l+" "+strconv.FormatInt(got, 10)+" want "+strconv.FormatInt(want, 10))
			}
		}
		if bad == nil {
			equal++
			continue
		}
		t.Errorf("%s: %s", r.name, strings.Join(bad, ", "))
	}
	t.Logf("%d captures equal, %d absent, of %d; %d packets", equal, absent, len(rows), packets)
	if equal+absent < len(rows) || equal < 900 {
		t.Errorf("%d captures equal and %d absent, of %d", equal, absent, len(rows))
	}
}
