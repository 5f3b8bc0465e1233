package hunt

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"noroshi/internal/engine/sigma"
	"noroshi/internal/hunt/starter"
)

// ruleSets are the two sets of rules that are measured, of one run.
var ruleSets = [2]string{"SigmaHQ rules/", "starter rules"}

func setOf(d *Detection) int {
	if strings.HasPrefix(d.Rule.File, Starter+"!") {
		return 1
	}
	return 0
}

// tacticNames are the tactics of ATT&CK by their numbers. What was defense
// evasion until version 18 is two tactics since, and rules use either name.
var tacticNames = map[string][]string{
	"TA0043": {"reconnaissance"}, "TA0042": {"resource-development"}, "TA0001": {"initial-access"}, "TA0002": {"execution"},
	"TA0003": {"persistence"}, "TA0004": {"privilege-escalation"}, "TA0005": {"defense-evasion", "stealth", "defense-impairment"},
	"TA0006": {"credential-access"}, "TA0007": {"discovery"}, "TA0008": {"lateral-movement"}, "TA0009": {"collection"},
	"TA0011": {"command-and-control"}, "TA0010": {"exfiltration"}, "TA0040": {"impact"},
}

// label is what a file of an attack is said to show.
type label struct {
	techniques map[string]bool // T1059.001
	tactics    map[string]bool // TA0002
}

// names reports whether a rule names a technique of the label, or a tactic. A
// technique is named by its own number, its technique's, or a sub-technique's.
func (l *label) names(r *sigma.Rule) (technique, tactic bool) {
	for _, id := range Techniques(r) {
		technique = technique || slices.ContainsFunc(keys(l.techniques), func(t string) bool { return sameTechnique(t, id) })
	}
	for _, name := range Tactics(r) {
		tactic = tactic || slices.ContainsFunc(keys(l.tactics), func(t string) bool { return slices.Contains(tacticNames[t], name) })
	}
	return technique, tactic
}

// renumbered are techniques that have another number since version 19 of ATT&CK:
// labels use the old ones, rules either.
var renumbered = map[string]string{
	"T1562": "T1685", "T1562.001": "T1685", "T1562.002": "T1685.001", "T1562.004": "T1686", "T1562.007": "T1686.001",
	"T1562.008": "T1685.002", "T1562.012": "T1685.004", "T1070.001": "T1685.005", "T1070.002": "T1685.006",
}

func sameTechnique(a, b string) bool {
	a, b = cmp.Or(renumbered[a], a), cmp.Or(renumbered[b], b)
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

func keys(m map[string]bool) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// share is how many of how many.
type share struct{ of, all int }

func (s share) percent() float64 { return 100 * float64(s.of) / float64(max(s.all, 1)) }

func (s share) String() string { return fmt.Sprintf("%d/%d (%.0f %%)", s.of, s.all, s.percent()) }

// folderTactics are the folders of the attack samples; samples of the others
// show several tactics.
var folderTactics = map[string]string{
	"Command and Control": "TA0011", "Credential Access": "TA0006", "Defense Evasion": "TA0005", "Discovery": "TA0007",
	"Execution": "TA0002", "Lateral Movement": "TA0008", "Persistence": "TA0003", "Privilege Escalation": "TA0004",
}

// TestTacticsOfSamples: in how many files of a folder, which is named after a
// tactic, a rule of level low or above names that tactic, and in how many it
// names any.
func TestTacticsOfSamples(t *testing.T) {
	rules := corpusRules(t, sigmaHQ, "rules/", starter.FS())
	archive := corpusFile(t, attackSamples)
	named, any := [2]map[string]bool{{}, {}}, [2]map[string]bool{{}, {}} // sources
	folder := func(source string) string {
		return strings.Split(strings.TrimPrefix(source, archive+"!"), "/")[0]
	}
	report := scanned(t, &Scan{Paths: []string{archive}, Rules: rules, Least: sigma.Low}, func(d *Detection) {
		if d.Correlated() {
			return
		}
		set := setOf(d)
		any[set][d.Source] = true
		if _, tactic := (&label{tactics: map[string]bool{folderTactics[folder(d.Source)]: true}}).names(d.Rule); tactic {
			named[set][d.Source] = true
		}
	})
	countEvents(t, attackSamples, report)
	for set, title := range ruleSets {
		recall, found := map[string]*share{}, map[string]*share{}
		var allNamed, allFound share
		for _, s := range report.Sources {
			if !strings.HasSuffix(s.Name, ".evtx") {
				continue
			}
			f := folder(s.Name)
			if recall[f] == nil {
				recall[f], found[f] = &share{}, &share{}
			}
			count(named[set][s.Name], recall[f], &allNamed, folderTactics[f] != "")
			count(any[set][s.Name], found[f], &allFound, true)
		}
		for _, f := range sortedKeys(recall) {
			t.Logf("%s, %s: the tactic %v, anything %v", title, f, recall[f], found[f])
		}
		t.Logf("%s, all: the tactic %v, anything %v", title, allNamed, allFound)
		if floor := tacticFloors[set]; allNamed.percent() < floor.named || allFound.percent() < floor.any {
			t.Errorf("%s: below the floor of %v percent", title, floor)
		}
	}
}

func count(is bool, a, b *share, counts bool) {
	if !counts {
		return
	}
	for _, s := range []*share{a, b} {
		s.all++
		if is {
			s.of++
		}
	}
}

func sortedKeys[V any](m map[string]V) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// tacticFloors are floors in percent of files, a little below what was measured.
var tacticFloors = [2]struct{ named, any float64 }{{45, 72}, {14, 34}}

// labelLine is a line of a label: a technique, a sub-technique of it, the archive
// that it is about, or a tactic.
var labelLine = regexp.MustCompile(`(?m)^\s*-?\s*(technique|sub-technique|link): *"?([^"\s]+)"?|^\s*- (TA\d{4})`)

// labels reads what the archives of host logs are said to show, by the names of
// the archives.
func labels(t *testing.T) map[string]*label {
	all := map[string]*label{}
	for _, text := range members(t, "mordor/metadata-dev.zip", func(name string) bool { return path.Ext(name) == ".yaml" }) {
		l := &label{map[string]bool{}, map[string]bool{}}
		last := ""
		var files []string
		for _, m := range labelLine.FindAllSubmatch(text, -1) {
			switch value := string(m[2]); {
			case len(m[3]) > 0:
				l.tactics[string(m[3])] = true
			case string(m[1]) == "technique":
				last = value
				l.techniques[last] = true
			case string(m[1]) == "sub-technique" && last != "" && len(value) == 3:
				delete(l.techniques, last)
				l.techniques[last+"."+value] = true
			case string(m[1]) == "link":
				files = append(files, path.Base(value))
			}
		}
		for _, f := range files {
			if all[f] == nil {
				all[f] = &label{map[string]bool{}, map[string]bool{}}
			}
			for k := range l.techniques {
				all[f].techniques[k] = true
			}
			for k := range l.tactics {
				all[f].tactics[k] = true
			}
		}
	}
	return all
}

// background counts the hits that no label explains. An event is explained when
// one of the rules that it is hit by names a technique or a tactic of its
// archive's label; all hits of the others count as false, by their level. What
// an attacker's tool does beside the technique that the label is about, as
// starting itself and talking to its server, counts as false too, so the figure
// is an upper bound.
type background struct {
	byLevel   [sigma.Critical + 1]int
	byRule    map[string]int
	source    string
	record    uint64
	held      []*sigma.Rule // of the event at hand
	explained bool
}

func (b *background) add(d *Detection, explained bool) {
	if d.Source != b.source || d.Record != b.record {
		b.end()
		b.source, b.record = d.Source, d.Record
	}
	b.held = append(b.held, d.Rule)
	b.explained = b.explained || explained
}

func (b *background) end() {
	for _, r := range b.held {
		if !b.explained {
			b.byLevel[r.Level]++
			b.byRule[r.Title]++
		}
	}
	b.held, b.explained = b.held[:0], false
}

// judged is what the rules of one set did in the archives with a label.
type judged struct {
	title string
	named map[string]bool // archive and technique
	hit   map[string]bool // archive
	background
}

func (j *judged) add(d *Detection, archive string, l *label) {
	technique, tactic := l.names(d.Rule)
	j.background.add(d, technique || tactic)
	if d.Rule.Level < sigma.Low {
		return
	}
	j.hit[archive] = true
	for _, want := range keys(l.techniques) {
		if slices.ContainsFunc(Techniques(d.Rule), func(id string) bool { return sameTechnique(want, id) }) {
			j.named[archive+" "+want] = true
		}
	}
}

// recall tells how many techniques were named, of archives in folders.
func (j *judged) recall(t *testing.T, said map[string]*label, folders map[string]string) (all share) {
	recall, any := map[string]*share{}, share{}
	for _, a := range sortedKeys(folders) {
		f := folders[a]
		if recall[f] == nil {
			recall[f] = &share{}
		}
		count(j.hit[a], &any, &share{}, true)
		for _, want := range keys(said[a].techniques) {
			named := j.named[a+" "+want]
			if count(named, recall[f], &all, true); !named {
				t.Logf("%s: %s of %s is not named", j.title, want, a)
			}
		}
	}
	for _, f := range sortedKeys(recall) {
		t.Logf("%s, %s: techniques %v", j.title, f, recall[f])
	}
	t.Logf("%s, all: techniques %v; a hit in %v archives", j.title, all, any)
	return all
}

// noise tells how many hits in 10,000 events no label explains: of level high
// and above, and of all.
func (j *judged) noise(t *testing.T, events uint64) (grave, all float64) {
	j.end()
	line := ""
	for level := range sigma.Critical + 1 {
		per := float64(j.byLevel[level]) * 1e4 / float64(max(events, 1))
		line += fmt.Sprintf(" %v %.2f,", level, per)
		if all += per; level >= sigma.High {
			grave += per
		}
	}
	t.Logf("%s: hits that no label explains per 10,000 events:%s all %.2f", j.title, line, all)
	for _, rule := range noisiest(j.byRule, 8) {
		t.Logf("%s: %d unexplained hits of %s", j.title, j.byRule[rule], rule)
	}
	return grave, all
}

// TestTechniquesOfHostLogs: logs of simulated attacks with what the machines of
// the laboratory do anyway. How many of the techniques that an archive is said
// to show are named by a rule of level low or above that fires in it, and how
// many hits in 10,000 events no label explains.
func TestTechniquesOfHostLogs(t *testing.T) {
	said := labels(t)
	rules := corpusRules(t, sigmaHQ, "rules/", starter.FS())
	root := corpusFile(t, "mordor/host")
	var sets [2]*judged
	for i, title := range ruleSets {
		sets[i] = &judged{title: title, named: map[string]bool{}, hit: map[string]bool{}, background: background{byRule: map[string]int{}}}
	}
	archive := func(source string) string { return path.Base(strings.Split(source, "!")[0]) }
	report := scanned(t, &Scan{Paths: []string{root}, Rules: rules}, func(d *Detection) {
		if l := said[archive(d.Source)]; l != nil && !d.Correlated() {
			sets[setOf(d)].add(d, archive(d.Source), l)
		}
	})
	folders, events := map[string]string{}, uint64(0) // of archives with a label
	for _, s := range report.Sources {
		if a := archive(s.Name); said[a] != nil {
			events += s.Events
			rel, _ := filepath.Rel(root, strings.Split(s.Name, "!")[0])
			folders[a] = path.Dir(path.Dir(filepath.ToSlash(rel)))
		}
	}
	t.Logf("%d archives with a label, %d events", len(folders), events)
	if len(folders) < 53 || events < 221_000 {
		t.Errorf("only %d archives with a label, of %d events", len(folders), events)
	}
	for i, j := range sets {
		recall, floor := j.recall(t, said, folders), techniqueFloors[i]
		grave, all := j.noise(t, events)
		if recall.percent() < floor.techniques || grave > floor.grave || all > floor.all {
			t.Errorf("%s: techniques %v, unexplained hits %.2f of level high and above, %.2f of all; want %+v", j.title, recall, grave, all, floor)
		}
	}
}

func noisiest(hits map[string]int, n int) []string {
	all := sortedKeys(hits)
	slices.SortStableFunc(all, func(a, b string) int { return hits[b] - hits[a] })
	return all[:min(n, len(all))]
}

// techniqueFloors are a floor in percent of techniques, and ceilings of the hits
// per 10,000 events that no label explains, a little worse than measured.
var techniqueFloors = [2]struct{ techniques, grave, all float64 }{{62, 7.5, 85}, {50, 1.8, 2.2}}

// repeated is a stream of EVTX of any size: the fullest chunks of the attack
// samples again and again, each with a header of its own number.
func repeated(t testing.TB, w io.Writer, size int64) error {
	var chunks [][]byte
	files := members(t, attackSamples, func(name string) bool { return path.Ext(name) == ".evtx" })
	for _, name := range sortedKeys(files) {
		for f := files[name]; len(f) >= 4096+1<<16; f = f[1<<16:] {
			c := f[4096 : 4096+1<<16]
			if free := binary.LittleEndian.Uint32(c[48:]); string(c[:8]) == "ElfChnk\x00" && free > 1<<16*7/8 && free <= 1<<16 {
				chunks = append(chunks, c)
			}
		}
	}
	head := make([]byte, 4096)
	copy(head, "ElfFile\x00")
	binary.LittleEndian.PutUint32(head[32:], 128)
	binary.LittleEndian.PutUint16(head[36:], 1)
	binary.LittleEndian.PutUint16(head[38:], 3)
	binary.LittleEndian.PutUint16(head[40:], 4096)
	binary.LittleEndian.PutUint16(head[42:], uint16(min(size>>16, 1<<16-1)))
	binary.LittleEndian.PutUint32(head[124:], crc32.ChecksumIEEE(head[:120]))
	if _, err := w.Write(head); err != nil {
		return err
	}
	number := uint64(1)
	for n, i := int64(0), 0; n < size; n, i = n+1<<16, i+1 {
		c := chunks[i%len(chunks)]
		records := binary.LittleEndian.Uint64(c[16:]) - binary.LittleEndian.Uint64(c[8:])
		for _, at := range []int{8, 24} {
			binary.LittleEndian.PutUint64(c[at:], number)
			binary.LittleEndian.PutUint64(c[at+8:], number+records)
		}
		number += records + 1
		sum := crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:512])
		binary.LittleEndian.PutUint32(c[124:], sum)
		if _, err := w.Write(c); err != nil {
			return err
		}
	}
	return nil
}

// streamed is the size of TestStream's stream in bytes; NOROSHI_TEST_STREAM is
// another one.
const streamed = 500 << 20

// TestStream: a stream through standard input, with all rules of rules/, takes no
// more than 300 MB however long it is.
func TestStream(t *testing.T) {
	corpusFile(t, sigmaHQ)
	size := int64(streamed)
	if s := os.Getenv("NOROSHI_TEST_STREAM"); s != "" {
		var err error
		if size, err = strconv.ParseInt(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStreamChild$", "-test.timeout=0")
	child.Env = append(os.Environ(), "NOROSHI_TEST_STREAM_CHILD=1")
	var out, errs bytes.Buffer
	child.Stdout, child.Stderr = &out, &errs
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	to := bufio.NewWriterSize(in, 1<<20)
	err = repeated(t, to, size)
	if err == nil {
		err = to.Flush()
	}
	in.Close()
	if ended := child.Wait(); ended != nil || err != nil {
		t.Fatalf("%v, %v\n%s%s", err, ended, &out, &errs)
	}
	var events, hits, damaged, peak int64
	at := strings.Index(out.String(), "events ")
	if at < 0 {
		t.Fatalf("the child said %s", &out)
	}
	if _, err := fmt.Sscanf(out.String()[at:], "events %d hits %d damaged %d peak %d", &events, &hits, &damaged, &peak); err != nil {
		t.Fatal(err)
	}
	used := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
	t.Logf("%d MB, %d events, %d hits, peak memory %d MB, %.1f s of processor time", size>>20, events, hits, peak/1e6, used.Seconds())
	if damaged > 0 || events < size/2000 || hits == 0 {
		t.Errorf("%d events, %d hits, %d damaged places", events, hits, damaged)
	}
	if peak > 300e6 {
		t.Errorf("peak memory %d MB, want 300 at most", peak/1e6)
	}
}

// TestStreamChild is the process that TestStream measures, with the limit of
// memory that the command sets.
func TestStreamChild(t *testing.T) {
	if os.Getenv("NOROSHI_TEST_STREAM_CHILD") == "" {
		t.Skip("TestStream starts it")
	}
	debug.SetMemoryLimit(scanMemory)
	s := &Scan{Paths: []string{"-"}, Stdin: os.Stdin, Rules: corpusRules(t, sigmaHQ, "rules/", nil), Least: sigma.Low}
	hits := 0
	report, err := s.Run(context.Background(), func(*Detection) error { hits++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, src := range report.Sources {
		damaged += src.Damaged
	}
	fmt.Printf("events %d hits %d damaged %d peak %d\n", report.Events, hits, damaged, peakMemory())
}
