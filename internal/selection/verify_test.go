package selection

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/selector"
	"noroshi/internal/testkit"
)

// ran is a finished run with a vault-less output, and its files.
func ran(t testing.TB) (*bench, map[string][]byte) {
	t.Helper()
	b := newBench(t)
	if _, err := RunFiles(context.Background(), b.job(b.order("order.json", func(o *approval.Order) { o.Cap.Packets = 1000 }), "out", b.capture("a.pcap", traffic(20, "x")...))); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range entries(t, filepath.Join(b.dir, "out")) {
		raw, err := os.ReadFile(filepath.Join(b.dir, "out", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = raw
	}
	for _, name := range []string{fileOrder, fileSelectors, filePrefixes, fileSelected, fileStatement, fileUses} {
		if files[name] == nil {
			t.Fatalf("no %s in %v", name, entries(t, filepath.Join(b.dir, "out")))
		}
	}
	return b, files
}

// with verifies the run with one file put in place of another.
func (b *bench) with(name string, raw, was []byte) (*Verified, error) {
	b.write(filepath.Join("out", name), raw)
	defer b.write(filepath.Join("out", name), was)
	return b.verify("out")
}

func TestVerifyFailsOnAnyByteThatIsAnother(t *testing.T) {
	b, files := ran(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for name, was := range files {
		n := min(len(was), 60)
		for i := range n {
			at := rng.IntN(len(was))
			if i < 10 { // the beginnings and ends too
				at = min(i/2, len(was)-1)
				if i%2 == 1 {
					at = len(was) - 1 - at
				}
			}
			raw := bytes.Clone(was)
			raw[at] ^= byte(1 << rng.IntN(8))
			if _, err := b.with(name, raw, was); !errors.Is(err, ErrUnverified) {
				t.Errorf("%s, byte %d %q instead of %q: %v", name, at, raw[at], was[at], err)
			}
		}
		for what, raw := range map[string][]byte{"empty": nil, "longer": append(bytes.Clone(was), '\n'), "shorter": was[:len(was)-1], "twice": append(bytes.Clone(was), was...)} {
			if _, err := b.with(name, raw, was); !errors.Is(err, ErrUnverified) {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
		if err := os.Remove(filepath.Join(b.dir, "out", name)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.verify("out"); !errors.Is(err, ErrUnverified) {
			t.Errorf("%s is missing: %v", name, err)
		}
		b.write(filepath.Join("out", name), was)
	}
	if _, err := b.verify("out"); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// leaves lists the paths of all values in a JSON document, and how to change one.
func leaves(v any, path string, visit func(path string, set func(any) func(), old any)) {
	switch v := v.(type) {
	case map[string]any:
		for k, old := range v {
			visit(path+"/"+k, func(x any) func() { v[k] = x; return func() { v[k] = old } }, old)
			leaves(old, path+"/"+k, visit)
		}
	case []any:
		for i, old := range v {
			visit(fmt.Sprintf("%s/%d", path, i), func(x any) func() { v[i] = x; return func() { v[i] = old } }, old)
			leaves(old, fmt.Sprintf("%s/%d", path, i), visit)
		}
	}
}

// TestVerifyFailsOnAnyFieldEvenWhenSignedAgain changes one value of the statement
// after the other and signs again, with the key of the run itself: the order, the
// list, the records or the journal beside the order say otherwise.
func TestVerifyFailsOnAnyFieldEvenWhenSignedAgain(t *testing.T) {
	b := newBench(t)
	executor := newKey(t, "executor")
	job := b.job(b.order("order.json", func(o *approval.Order) { o.Cap.Packets = 1000 }), "out", b.capture("a.pcap", traffic(20, "x")...))
	job.Signer = executor
	if _, err := RunFiles(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(filepath.Join(b.dir, "out", fileStatement))
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(was, &doc); err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(job.Order + ".uses")
	if err != nil {
		t.Fatal(err)
	}
	against := Against{Authorities: []note.Verifier{b.verifier()}, Journal: journal}
	tried := 0
	leaves(doc, "", func(path string, set func(any) func(), old any) {
		for _, x := range []any{nil, "x", 7.0, -1.0, []any{}, map[string]any{"x": 1.0}, "2001-01-01T00:00:00Z", "df", true} {
			if fmt.Sprint(x) == fmt.Sprint(old) {
				continue
			}
			undo := set(x)
			raw, err := json.Marshal(doc)
			undo()
			var st Statement
			if err != nil || json.Unmarshal(raw, &st) != nil {
				continue
			}
			if e := executor.sign(&st); e != nil {
				t.Fatal(e)
			}
			if bytes.Equal(st.encode(), was) {
				continue // the same said otherwise
			}
			tried++
			b.write("out/"+fileStatement, st.encode())
			if _, err := Verify(filepath.Join(b.dir, "out"), against); !errors.Is(err, ErrUnverified) {
				t.Errorf("%s is %v, was %v: %v", path, x, old, err)
			}
		}
	})
	if tried < 100 {
		t.Errorf("only %d changes tried", tried)
	}
}

func TestVerifyNamesAStatementSignedAgainWithAnotherKey(t *testing.T) {
	b, files := ran(t)
	st, err := ReadStatement(files[fileStatement])
	if err != nil {
		t.Fatal(err)
	}
	if err := newKey(t, "mallory").sign(&st); err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(filepath.Join(b.dir, "order.json.uses"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(filepath.Join(b.dir, "out"), Against{Authorities: []note.Verifier{b.verifier()}, Journal: journal}); err != nil {
		t.Errorf("against the journal beside the order: %v", err)
	}
	v, err := b.with(fileStatement, st.encode(), files[fileStatement])
	if !errors.Is(err, ErrUnverified) || !slices.ContainsFunc(v.Wrong, func(w fault.Place) bool { return w.Code == "selection.verify.resigned" }) {
		t.Errorf("%v, %+v", err, v)
	}
}

// TestARunForgedAsAWholeIsNotVouchedFor rewrites records, statement and the copy of
// the journal with a key of its own. The journal beside the order tells; without
// it nothing vouches for who signed, and that is said.
func TestARunForgedAsAWholeIsNotVouchedFor(t *testing.T) {
	b, files := ran(t)
	st, err := ReadStatement(files[fileStatement])
	if err != nil {
		t.Fatal(err)
	}
	if v, err := b.verify("out"); err != nil || !v.Anchored || v.Vouched != VouchedBeside || v.Beside == "" || slices.Contains(v.Unchecked, uncheckedJournal) {
		t.Fatalf("%v %+v", err, v)
	}
	mallory := newKey(t, "mallory")
	all, err := ReadJournal(files[fileUses])
	if err != nil {
		t.Fatal(err)
	}
	all[len(all)-1].Executor = mallory.Verifier()
	forge := func(paper string) {
		all[len(all)-1].Paper = paper
		var lines []byte
		last := ""
		for _, u := range all {
			lines, last = appendUse(lines, u, last)
		}
		st.Hashes.Journal = DigestOf(lines)
		if err := mallory.sign(&st); err != nil {
			t.Fatal(err)
		}
		b.write("out/"+fileUses, lines)
		b.write("out/"+fileStatement, st.encode())
	}
	forge(all[len(all)-1].Paper)
	if _, err := b.verify("out"); !errors.Is(err, ErrUnverified) {
		t.Errorf("beside the true journal: %v", err)
	}
	forge(filepath.Join(b.dir, "nowhere"))
	if v, err := b.verify("out"); !errors.Is(err, ErrUnproved) || v.Anchored || v.Vouched != "" || !slices.Contains(v.Unchecked, uncheckedJournal) || !slices.Contains(v.Unchecked, uncheckedExecutor) {
		t.Errorf("with no journal there: %v, %+v", err, v)
	}
	// A journal of the forger's that tells the same, unpacked where the folder says.
	forge(filepath.Join(b.dir, "unpacked.json"))
	raw, err := os.ReadFile(filepath.Join(b.dir, "out", fileUses))
	if err != nil {
		t.Fatal(err)
	}
	stated, err := os.ReadFile(filepath.Join(b.dir, "out", fileStatement))
	if err != nil {
		t.Fatal(err)
	}
	over, _ := appendUse(nil, overOf(&st, stated, st.EndedAt), DigestOf(bytes.TrimSuffix(raw[bytes.LastIndexByte(raw[:len(raw)-1], '\n')+1:], []byte{'\n'})))
	b.write("unpacked.json.uses", append(raw, over...))
	if v, err := b.verify("out"); !errors.Is(err, ErrUnproved) || v.Anchored || v.Beside == "" || len(v.Wrong) > 0 {
		t.Errorf("a journal that came with the folder: %v, %+v", err, v)
	}
	if v, err := Verify(filepath.Join(b.dir, "out"), Against{Authorities: []note.Verifier{b.verifier()}, Journal: append(raw, over...)}); err != nil {
		t.Errorf("the forged journal is none: %v, %+v", err, v)
	}
	journal, err := os.ReadFile(filepath.Join(b.dir, "order.json.uses"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(filepath.Join(b.dir, "out"), Against{Authorities: []note.Verifier{b.verifier()}, Journal: journal}); !errors.Is(err, ErrUnverified) {
		t.Errorf("with the true journal: %v", err)
	}
}

// TestOnlyOnesOwnJournalIsBelievedUnasked: beside the order a journal vouches for
// who signed while it is the file that the run wrote to and nobody else may write
// there; a copy of it does with --journal.
func TestOnlyOnesOwnJournalIsBelievedUnasked(t *testing.T) {
	b, _ := ran(t)
	name := filepath.Join(b.dir, "order.json.uses")
	tried := func(what string, want error) {
		t.Helper()
		if v, err := b.verify("out"); !errors.Is(err, want) || v.Beside == "" || v.Anchored != (want == nil) {
			t.Errorf("%s: %v, %q %q", what, err, v.Beside, v.Vouched)
		}
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := numberOf(info); n == 0 {
		testkit.Skip(t, "files have no numbers here")
	}
	tried("as it was written", nil)
	if err := os.Chmod(name, 0o620); err != nil {
		t.Fatal(err)
	}
	tried("others may write", ErrUnproved)
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	tried("again ours alone", nil)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b.write("copy", raw)
	if err := os.Rename(filepath.Join(b.dir, "copy"), name); err != nil {
		t.Fatal(err)
	}
	tried("a copy", ErrUnproved)
	if v, err := Verify(filepath.Join(b.dir, "out"), Against{Authorities: []note.Verifier{b.verifier()}, Journal: raw}); err != nil || v.Vouched != VouchedJournal {
		t.Errorf("the copy, given: %v", err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(b.dir, "out", fileUses), name); err != nil {
		t.Fatal(err)
	}
	tried("a link", ErrUnproved)
}

// TestAnOrderNamesWhoSigns: with the executor's key in the order no other key
// carries it out, and the authority's is all that verifying takes, wherever the
// folder lies.
func TestAnOrderNamesWhoSigns(t *testing.T) {
	b := newBench(t)
	executor := newKey(t, "executor")
	job := b.job(b.order("order.json", func(o *approval.Order) { o.Executor = executor.Verifier() }), "out", b.capture("a.pcap", traffic(20, "x")...))
	for _, other := range []*Executor{nil, newKey(t, "executor")} {
		job.Signer = other
		if _, err := RunFiles(context.Background(), job); !errors.Is(err, ErrExecutor) {
			t.Errorf("another key: %v", err)
		}
	}
	job.Signer = executor
	st, err := RunFiles(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(job.Order+".uses", filepath.Join(b.dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if v, err := b.verify("out"); err != nil || v.Vouched != VouchedOrder {
		t.Errorf("%v %q", err, v.Vouched)
	}
	if err := newKey(t, "executor").sign(&st); err != nil {
		t.Fatal(err)
	}
	b.write("out/"+fileStatement, st.encode())
	if _, err := b.verify("out"); !errors.Is(err, ErrUnverified) {
		t.Errorf("signed by another of the same name: %v", err)
	}
}

// TestWhatMeetsAWarningStandsInOrderAndStatement: a list that a second person let
// pass a warning runs only under an order whose authority saw how many.
func TestWhatMeetsAWarningStandsInOrderAndStatement(t *testing.T) {
	b := newBench(t)
	build := selector.NewBuilder(selector.Options{Lister: "one"})
	for _, x := range []selector.Selector{{Value: ohio.String()}, {Value: "8.8.8.8", Reason: "it is misused", By: "another"}} {
		if _, err := build.Add(x); err != nil {
			t.Fatal(err)
		}
	}
	file, err := build.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b.list = string(file)
	capture := b.capture("a.pcap", traffic(20, "x")...)
	if _, err := RunFiles(context.Background(), b.job(b.order("silent.json", nil), "none", capture)); !errors.Is(err, ErrOverrides) {
		t.Errorf("an order that says nothing of it: %v", err)
	}
	job := b.job(b.order("order.json", func(o *approval.Order) { o.Overridden = 1 }), "out", capture)
	job.Signer = newKey(t, "executor")
	st, err := RunFiles(context.Background(), job)
	if err != nil || st.Overridden != 1 || st.Selected.Records != 20 {
		t.Fatalf("%v %+v", err, st)
	}
	if v, err := b.verify("out"); err != nil || v.Statement.Overridden != 1 {
		t.Errorf("%v", err)
	}
	st.Overridden = 0
	if err := job.Signer.sign(&st); err != nil {
		t.Fatal(err)
	}
	b.write("out/"+fileStatement, st.encode())
	if v, err := b.verify("out"); !errors.Is(err, ErrUnverified) || !slices.ContainsFunc(v.Wrong, func(w fault.Place) bool { return strings.Contains(w.At, "overridden") }) {
		t.Errorf("a statement that says nothing of it: %v", err)
	}
}

// TestTheStatementTellsOfTunnelPorts: what is unknown only because of a port can be
// told from what is unknown.
func TestTheStatementTellsOfTunnelPorts(t *testing.T) {
	b := newBench(t)
	port := sent{after: time.Second, src: ohio, dst: tokyo, proto: 17, from: 4789, to: 53, payload: []byte("x")}
	st, err := RunFiles(context.Background(), b.job(b.order("order.json", nil), "out", b.capture("a.pcap", append(traffic(2, "x"), port)...)))
	if err != nil || st.TunnelPort.Packets != 1 || st.Dropped.Unknown != st.TunnelPort {
		t.Errorf("%v %+v of %+v", err, st.TunnelPort, st.Dropped.Unknown)
	}
	if _, err := b.verify("out"); err != nil {
		t.Error(err)
	}
}

func TestVerifyOfWhatIsNoFileEnds(t *testing.T) {
	b, files := ran(t)
	b.write("out/raw.pcap", []byte("x"))
	if v, err := b.verify("out"); err != nil || !slices.Equal(v.Strange, []string{"raw.pcap"}) {
		t.Errorf("%v %+v", err, v)
	}
	for name := range files {
		file := filepath.Join(b.dir, "out", name)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/dev/zero", file); err != nil {
			t.Skip(err)
		}
		if _, err := b.verify("out"); !errors.Is(err, ErrUnverified) {
			t.Errorf("%s is a device: %v", name, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		b.write("out/"+name, files[name])
	}
}

// TestVerifyComparesRecordsWithTheOrder forges records as an executor could who
// signs what he wants: everything that the order does not allow is found.
func TestVerifyComparesRecordsWithTheOrder(t *testing.T) {
	b := newBench(t)
	executor := newKey(t, "executor")
	job := b.job(b.order("order.json", nil), "out", b.capture("a.pcap", traffic(1, "x")...))
	job.Signer = executor
	if _, err := RunFiles(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(b.dir, "out")
	line, err := os.ReadFile(filepath.Join(dir, fileSelected))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, fileStatement))
	if err != nil {
		t.Fatal(err)
	}
	st, err := ReadStatement(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{`"pkts":1`, `"pkts":[1,1]`}, {`"pkts":1`, `"pkts":2`}, {`"bytes":29`, `"bytes":30`}, {`"direction":"fd"`, `"direction":"df"`},
		{`"direction":"fd"`, `"direction":"ff"`}, {`"provenance":"fd"`, `"provenance":"ff"`}, {`"provenance":"fd"`, `"provenance":"fd","note":"x"`},
		{`"approval":"trial-1"`, `"approval":"trial-2"`}, {`"retain_until":"2`, `"retain_until":"3`}, {`"src":"128.146.216.51"`, `"src":"133.11.0.10"`},
		{`"src":"128.146.216.51"`, `"src":"78.46.10.20"`}, {`"dst":"133.11.0.10"`, `"dst":"78.46.10.20"`}, {`"dst":"133.11.0.10"`, `"dst":"10.0.0.1"`},
		{`"dst":"133.11.0.10"`, `"dst":"133.011.0.10"`}, {`"start":"2026`, `"start":"2025`}, {`"end":"2026`, `"end":"2027`}, {`"selector":"s:`, `"selector":"t:`},
		{`"proto":17`, `"proto":17,"vlan":5`}, {`"proto":17`, `"proto":17,"payload":"abc"`}, {`"pkts":1`, `"pkts":1,"pkts":1`}, {`,"bytes"`, `, "bytes"`},
		{`"direction"`, `"name":"taro.example.jp","direction"`}, {`"direction"`, `"ja3":"zz","direction"`}, {`"direction"`, `"tunnel":"gre","direction"`}, {`"direction"`, `"app":"taro","direction"`},
	} {
		forged := strings.Replace(string(line), edit[0], edit[1], 1)
		if forged == string(line) {
			t.Fatalf("no %s in %s", edit[0], line)
		}
		st.Hashes.Output = DigestOf([]byte(forged))
		if err := executor.sign(&st); err != nil {
			t.Fatal(err)
		}
		b.write("out/"+fileSelected, []byte(forged))
		v, err := b.with(fileStatement, st.encode(), raw)
		if !errors.Is(err, ErrUnverified) {
			t.Errorf("%s: %v", edit[1], err)
			continue
		}
		named := false
		for _, w := range v.Wrong {
			named = named || strings.HasPrefix(w.At, fileSelected) || strings.Contains(w.At, "select")
		}
		if !named {
			t.Errorf("%s: only %+v", edit[1], v.Wrong)
		}
	}
}

// FuzzReadStatement looks that what is accepted is what would be written.
func FuzzReadStatement(f *testing.F) {
	e := newKey(f, "x")
	st := Statement{Form: StatementForm, Run: "r"}
	if err := e.sign(&st); err != nil {
		f.Fatal(err)
	}
	f.Add(st.encode())
	f.Add([]byte(`{"form":"noroshi selection statement v1"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if st, err := ReadStatement(raw); err == nil && !bytes.Equal(st.encode(), raw) {
			t.Errorf("%q is accepted", raw)
		}
	})
}

// FuzzReadKept looks the same of records.
func FuzzReadKept(f *testing.F) {
	f.Add([]byte(`{"start":"2026-11-02T03:00:00.000000Z","end":"2026-11-02T03:00:00.000000Z","pkts":1,"bytes":29,"direction":"fd","selector":"s:1","approval":"a","retain_until":"x","provenance":"fd"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, ok := readKept(raw)
		if again, err := json.Marshal(&l); ok && err == nil && !bytes.ContainsAny(again, `\`) && !bytes.Equal(again, raw) {
			t.Errorf("%q is accepted, %q would be written", raw, again)
		}
	})
}

// FuzzReadJournal looks that no line that was changed is accepted.
func FuzzReadJournal(f *testing.F) {
	lines, last := appendUse(nil, Use{What: Begun, Run: "r", Order: "o"}, "")
	more, _ := appendUse(nil, Use{What: Over, Run: "r", Packets: 5}, last)
	f.Add(append(lines, more...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		all, err := ReadJournal(raw)
		if err != nil {
			return
		}
		var again []byte
		prev := ""
		for _, u := range all {
			line, err := json.Marshal(u)
			if err != nil || u.Prev != prev {
				t.Fatal(err, u)
			}
			again = append(append(again, line...), '\n')
			prev = DigestOf(line)
		}
		if !bytes.HasPrefix(raw, again) || bytes.IndexByte(raw[len(again):], '\n') >= 0 {
			t.Errorf("%q is read as %q", raw, again)
		}
	})
}
