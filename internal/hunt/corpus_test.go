package hunt

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/hunt/starter"
)

// Archives of the shared test data.
const (
	sigmaHQ        = "sigma/sigma-rules.zip"
	ownSamples     = "sigma/sigma-regression-dev.zip"
	attackSamples  = "copyleft/evtx/evtx-attack-samples-dev.zip"
	hayabusaHQ     = "sigma/hayabusa-rules.zip"
	indexOfSamples = "copyleft/evtx/evtx-index.csv"
)

// corpusFile returns the path of shared test data, and skips the test without it
// unless NOROSHI_TEST_ALL=1 requires it.
func corpusFile(t testing.TB, name string) string {
	t.Helper()
	file := filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(file); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the shared test data is not here: %v", err)
	}
	return file
}

// corpusRules loads the rules in a folder of an archive, and own, which may be
// nil.
func corpusRules(t testing.TB, archive, folder string, own fs.FS) *RuleSet {
	t.Helper()
	file := corpusFile(t, archive)
	set, err := LoadRules(context.Background(), []string{file}, own, sigma.Options{})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := func(r *sigma.Rule) bool {
		return !strings.HasPrefix(r.File, Starter+"!") && !strings.HasPrefix(r.File, file+"!"+folder)
	}
	set.Rules = slices.DeleteFunc(set.Rules, elsewhere)
	set.Correlations = slices.DeleteFunc(set.Correlations, elsewhere)
	return set
}

// scanned runs a scan to its end.
func scanned(t testing.TB, s *Scan, emit func(*Detection)) *Report {
	t.Helper()
	report, err := s.Run(context.Background(), func(d *Detection) error {
		emit(d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Passed {
		if !strings.Contains(path.Base(p.Name), "LICENSE") {
			t.Errorf("%s could not be read: %v", p.Name, p.Err)
		}
	}
	return report
}

// members returns the files of an archive by name, those that want approves.
func members(t testing.TB, archive string, want func(name string) bool) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(corpusFile(t, archive))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all := map[string][]byte{}
	for _, f := range z.File {
		if !want(f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if all[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return all
}

var (
	sampleRule  = regexp.MustCompile(`(?m)^rule_metadata:\s*\n\s*- id: (\S+)`)
	sampleCount = regexp.MustCompile(`match_count: (\d+)`)
)

// moreHits are the samples that have more events of their rule than is stated:
// three files are dropped, and three keys are set, which the rules ask for in
// nothing but these words.
var moreHits = map[string]int{
	"8fbf3271-1ef6-4e94-8210-03c2317947f6": 3,
	"45e112d0-7759-4c2a-aa36-9f8fb79d3393": 3,
}

// TestRulesOnTheirSamples reads the archive in which SigmaHQ keeps samples, with
// all its rules: each rule fires on its own sample as often as is stated there,
// in the file of Windows as in the same events as JSON.
func TestRulesOnTheirSamples(t *testing.T) {
	rules := corpusRules(t, sigmaHQ, "rules", nil)
	archive := corpusFile(t, ownSamples)
	hits := map[[2]string]int{} // by folder and kind of file, and rule
	report := scanned(t, &Scan{Paths: []string{archive}, Rules: rules, Workers: 2}, func(d *Detection) {
		if hits[[2]string{d.Source, d.Rule.ID}]++; len(d.Why) == 0 {
			t.Errorf("%s fired on %s for no reason", d.Rule.Title, d.Source)
		}
	})
	countEvents(t, ownSamples, report)
	fired, stated := 0, 0
	infos := members(t, ownSamples, func(name string) bool { return path.Base(name) == "info.yml" })
	for name, info := range infos {
		rule := string(sampleRule.FindSubmatch(info)[1])
		want := moreHits[rule]
		if m := sampleCount.FindSubmatch(info); m != nil {
			stated++
			if want == 0 {
				want, _ = strconv.Atoi(string(m[1]))
			}
		}
		base := archive + "!" + path.Dir(name) + "/" + rule
		for _, ext := range []string{".evtx", ".json", ".raw"} {
			if !hasSource(report, base+ext) {
				continue
			}
			n := hits[[2]string{base + ext, rule}]
			if n == 0 || want > 0 && n != want {
				t.Errorf("%s fired %d times on its sample, want %d", name, n, want)
			} else if ext != ".json" {
				fired++
			}
		}
	}
	t.Logf("%d of %d rules fired on their samples, %d of them as often as stated; %d events", fired, len(infos), stated, report.Events)
	if fired != len(infos) || fired < 106 {
		t.Errorf("%d rules fired on their samples, want %d", fired, len(infos))
	}
}

func hasSource(r *Report, name string) bool {
	for _, s := range r.Sources {
		if s.Name == name {
			return true
		}
	}
	return false
}

// countEvents compares how many events came from the EVTX files of an archive
// with an index that another program made. What is carved out of damaged files
// is not in the index, so these may have more.
func countEvents(t *testing.T, archive string, r *Report) {
	t.Helper()
	raw, err := os.ReadFile(corpusFile(t, indexOfSamples))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*Source{}
	for _, s := range r.Sources {
		got[strings.TrimPrefix(s.Name, corpusFile(t, archive)+"!")] = s
	}
	files, damaged := 0, 0
	for _, l := range lines[1:] {
		if l[0] != path.Base(archive) {
			continue
		}
		files++
		s := got[l[1]]
		if s == nil || s.Kind != format.EVTX || s.Ended != nil {
			t.Errorf("%s was not read to its end: %+v", l[1], s)
			continue
		}
		want, err := strconv.ParseUint(l[4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if s.Damaged > 0 {
			damaged++
		}
		if s.Events != want && (s.Damaged == 0 || s.Events < want) {
			t.Errorf("%s has %d events, want %d", l[1], s.Events, want)
		}
	}
	t.Logf("%s: %d files have the events of the index, %d of them are damaged", path.Base(archive), files, damaged)
	if want := map[string]int{ownSamples: 105, attackSamples: 127}[archive]; files != want {
		t.Errorf("%d files of %s are in the index, want %d", files, archive, want)
	}
}

// told writes detections as the command does.
type told struct {
	bytes.Buffer
	lines int
}

func (o *told) take(t testing.TB) func(*Detection) {
	sink := &jsonSink{Encoder: json.NewEncoder(&o.Buffer)}
	return func(d *Detection) {
		if err := sink.take(d); err != nil {
			t.Fatal(err)
		}
		o.lines++
	}
}

// TestWorkersAgree: who shares the work changes nothing of what is told, nor
// of the counts.
func TestWorkersAgree(t *testing.T) {
	rules := corpusRules(t, sigmaHQ, "rules/", starter.FS())
	var paths []string
	for _, name := range []string{attackSamples, "mordor/host/windows/lateral_movement", "mordor/apt29-day1-zeek.zip"} {
		paths = append(paths, corpusFile(t, name))
	}
	var first told
	one := scanned(t, &Scan{Paths: paths, Rules: rules, Workers: 1}, first.take(t))
	for _, workers := range []int{4} {
		var o told
		r := scanned(t, &Scan{Paths: paths, Rules: rules, Workers: workers}, o.take(t))
		if !bytes.Equal(first.Bytes(), o.Bytes()) {
			t.Errorf("%d workers tell %d lines, one tells %d, and they are not the same", workers, o.lines, first.lines)
		}
		if r.Events != one.Events || r.Bytes != one.Bytes || r.Match.Hits != one.Match.Hits || r.Combined != one.Combined {
			t.Errorf("%d workers: %+v, one: %+v", workers, r, one)
		}
	}
	t.Logf("%d lines, %d bytes, of %d events", first.lines, first.Len(), one.Events)
	if first.lines < 1000 {
		t.Errorf("only %d lines to compare", first.lines)
	}
}

// TestHayabusaRules: every rule of Hayabusa loads, and some find something in the
// samples of attacks.
func TestHayabusaRules(t *testing.T) {
	rules := corpusRules(t, hayabusaHQ, "", nil)
	byRule := map[string]int{}
	report := scanned(t, &Scan{Paths: []string{corpusFile(t, attackSamples)}, Rules: rules}, func(d *Detection) { byRule[d.Rule.Title]++ })
	for _, r := range rules.Rejected {
		if said := strings.TrimPrefix(r.Error(), corpusFile(t, hayabusaHQ)+"!"); !strings.HasPrefix(said, "config/") { // settings, no rules
			t.Error(said)
		}
	}
	t.Logf("%d rules and %d correlations loaded, %d rejected; %d of them found something in %d events", len(rules.Rules), len(rules.Correlations),
		len(rules.Rejected), len(byRule), report.Events)
	if n := len(rules.Rules) + len(rules.Correlations); n < hayabusaLoaded || len(byRule) < hayabusaFound {
		t.Errorf("%d rules loaded and %d found something, want %d and %d", n, len(byRule), hayabusaLoaded, hayabusaFound)
	}
}

// Floors of TestHayabusaRules.
const hayabusaLoaded, hayabusaFound = 199, 52
