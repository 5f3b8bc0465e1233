package starter

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
)

// tally counts events, and hits by the file of the rule.
type tally struct {
	h      *hunter
	events int
	hits   map[string]int
	files  map[string][]string // of each rule, where it fired
}

func newTally(h *hunter) *tally {
	return &tally{h: h, hits: map[string]int{}, files: map[string][]string{}}
}

// read runs a file through the rules.
func (n *tally) read(name string, r io.Reader) {
	t := n.h.t
	var head [4096]byte
	k, err := io.ReadFull(r, head[:])
	if err != nil && err != io.ErrUnexpectedEOF {
		return
	}
	kind := format.Detect(head[:k], name)
	split := format.NewSplitter(io.MultiReader(bytes.NewReader(head[:k]), r), kind, 0)
	decode := format.NewDecoder(kind, format.Options{Names: n.h.names})
	n.h.begin(func(r *sigma.Rule) {
		n.hits[r.File]++
		if of := n.files[r.File]; len(of) == 0 || of[len(of)-1] != name {
			n.files[r.File] = append(of, name)
		}
	})
	defer n.h.end()
	for b := (format.Block{}); ; {
		if err := split.Next(&b); err != nil {
			if err != io.EOF {
				t.Errorf("%s: %v", name, err)
			}
			return
		}
		_, err := decode.Rows(&b, &n.h.row, func(row *event.Row) error {
			n.events++
			n.h.see(row)
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

// member reads a file of an archive, if it is a log.
func (n *tally) member(archive, name string, r io.Reader) {
	if packed, ok := strings.CutSuffix(name, ".gz"); ok {
		z, err := gzip.NewReader(r)
		if err != nil {
			n.h.t.Fatal(err)
		}
		name, r = packed, z
	}
	if isLog(name) {
		n.read(filepath.Base(archive)+"!"+name, r)
	}
}

// archive reads the logs of a .zip or .tar.gz; other files are passed over.
func (n *tally) archive(file string) {
	switch {
	case strings.HasSuffix(file, ".zip"):
		z, err := zip.OpenReader(file)
		if err != nil {
			n.h.t.Fatal(err)
		}
		defer z.Close()
		for _, member := range z.File {
			r, err := member.Open()
			if err != nil {
				n.h.t.Fatal(err)
			}
			n.member(file, member.Name, r)
			r.Close()
		}
	case strings.HasSuffix(file, ".tar.gz"):
		n.tarball(file)
	}
}

func (n *tally) tarball(file string) {
	f, err := os.Open(file)
	if err != nil {
		n.h.t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		n.h.t.Fatal(err)
	}
	for t := tar.NewReader(z); ; {
		member, err := t.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			n.h.t.Fatal(err)
		}
		n.member(file, member.Name, t)
	}
}

// walk reads every archive below a folder.
func (n *tally) walk(root string) {
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n.archive(file)
		}
		return err
	})
	if err != nil {
		n.h.t.Fatal(err)
	}
}

func isLog(name string) bool {
	return slices.Contains([]string{".json", ".log", ".evtx"}, path.Ext(name)) && !strings.HasPrefix(path.Base(name), "._")
}

// noisiest is how many hits in 10,000 events are too many for one rule.
const noisiest = 10

// TestNoise: logs of attack simulations, most of whose events are what the
// machines and networks of the laboratory do anyway. A rule that fires on many
// events there is too wide.
func TestNoise(t *testing.T) {
	h := newHunter(t, load(t))
	for _, x := range []struct {
		folder string
		events int // at least
		most   float64
	}{{"mordor", 200_000, 15}, {"copyleft/flows", 50_000, 5}} {
		t.Run(path.Base(x.folder), func(t *testing.T) {
			n := newTally(h)
			n.walk(shared(t, x.folder))
			if n.events < x.events {
				t.Errorf("only %d events were read", n.events)
			}
			if per := n.tell(t); per > x.most {
				t.Errorf("%.2f hits per 10,000 events", per)
			}
		})
	}
}

// TestRecall: how many files of attack samples show something.
func TestRecall(t *testing.T) {
	h := newHunter(t, load(t))
	n := newTally(h)
	n.walk(shared(t, "copyleft/evtx"))
	n.tell(t)
	shown := map[string]bool{}
	for rule, files := range n.files {
		if path.Base(rule) == "security_log_cleared.yml" { // who recorded the samples did that
			continue
		}
		for _, f := range files {
			shown[f] = true
		}
	}
	t.Logf("%d files show something", len(shown))
	if len(shown) < recalled {
		t.Errorf("%d files show something, fewer than %d", len(shown), recalled)
	}
}

// recalled is the floor of TestRecall, of 128 files.
const recalled = 33

// tell logs the rules that fired, the noisiest first, and returns the hits per
// 10,000 events of all.
func (n *tally) tell(t *testing.T) float64 {
	total := 0
	for _, hits := range n.hits {
		total += hits
	}
	per := func(hits int) float64 { return float64(hits) * 1e4 / float64(max(n.events, 1)) }
	t.Logf("%d events, %d hits of %d rules, %.2f per 10,000 events", n.events, total, len(n.hits), per(total))
	rules := slices.SortedFunc(maps.Keys(n.hits), func(a, b string) int {
		return cmp.Or(n.hits[b]-n.hits[a], strings.Compare(a, b))
	})
	for _, rule := range rules {
		t.Logf("%6d %6.2f per 10,000 in %d files  %s", n.hits[rule], per(n.hits[rule]), len(n.files[rule]), rule)
		if n.events > 1e5 && per(n.hits[rule]) > noisiest {
			t.Errorf("%s: %d hits in %d events", rule, n.hits[rule], n.events)
		}
	}
	return per(total)
}

// TestRawLogs: lines as devices, servers, clouds and tools write them go all the
// way to the rule that their file is named for.
func TestRawLogs(t *testing.T) {
	h := newHunter(t, load(t))
	files, err := filepath.Glob(filepath.Join("testdata", "raw", "*"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := newTally(h)
		n.read(file, bytes.NewReader(data))
		want := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) + ".yml"
		if !slices.ContainsFunc(slices.Collect(maps.Keys(n.hits)), func(rule string) bool { return path.Base(rule) == want }) {
			t.Errorf("%s: %d events, fired %v", file, n.events, n.hits)
		}
	}
}
