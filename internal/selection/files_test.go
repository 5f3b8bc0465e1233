package selection

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/deid"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector/sieve"
	"noroshi/internal/sensor/synth"
)

func TestARunKeepsWhatTheOrderAllowsAndVerifies(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", nil)
	st, err := RunFiles(context.Background(), b.job(order, "out", b.capture("a.pcap", traffic(50, "x")...)))
	if err != nil {
		t.Fatal(err)
	}
	conserved(t, st)
	if st.Seen.Packets != 250 || st.Selected.Packets != 50 || st.Dropped.Direction.Packets != 100 || st.Dropped.Domestic.Packets != 50 || st.Dropped.Unselected.Packets != 50 {
		t.Errorf("statement %+v", st)
	}
	if st.Ended != EndInput || st.ExecutorKey != "run" || st.Pseudonyms != "forgotten" {
		t.Errorf("ended %s, key %s, pseudonyms %s", st.Ended, st.ExecutorKey, st.Pseudonyms)
	}
	raw, err := os.ReadFile(filepath.Join(b.dir, "out", fileSelected))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if l["direction"] != "fd" || l["provenance"] != "fd" || l["src"] != ohio.String() || l["pkts"] != 1.0 || l["approval"] != "trial-1" {
			t.Errorf("record %s", line)
		}
	}
	v, err := b.verify("out")
	if err != nil {
		t.Fatalf("%v: %v", err, v.Wrong)
	}
	if v.Records != st.Selected.Records || v.Records != 50 {
		t.Errorf("%d records verified, %d selected", v.Records, st.Selected.Records)
	}
}

func TestWhatIsRefusedReadsNothingAndIsOnRecord(t *testing.T) {
	b := newBench(t)
	good := b.order("good.json", nil)
	pcap := b.capture("a.pcap", traffic(5, "x")...)
	other := newKey(t, "other")
	tests := map[string]struct {
		order string
		edit  func(*FileJob)
		code  string
	}{
		"unsigned":        {b.write("unsigned.json", unsigned(t, good)), nil, "approval.order.unsigned"},
		"another key":     {good, func(j *FileJob) { j.Authorities = []note.Verifier{mustVerifier(t, other.Verifier())} }, ErrSigner.Code},
		"no authority":    {good, func(j *FileJob) { j.Authorities = nil }, "approval.order.signature"},
		"changed":         {b.write("changed.json", replaced(t, good, `"retain_days": 30`, `"retain_days": 31`)), nil, "approval.order.signature"},
		"another link":    {b.write("link.json", replaced(t, good, `"link": "files"`, `"link": "other"`)), nil, "approval.order.signature"},
		"field twice":     {b.write("twice.json", replaced(t, good, `"retain_days": 30`, `"retain_days": 30, "retain_days": 30`)), nil, "approval.order.form"},
		"unknown field":   {b.write("more.json", replaced(t, good, `"retain_days": 30`, `"retain_days": 30, "all": true`)), nil, "approval.order.form"},
		"field of a cap":  {b.write("cap.json", replaced(t, good, `"retain_days": 30`, `"cap": {"packets": 5, "flows": 1}, "retain_days": 30`)), nil, "approval.order.form"},
		"not JSON":        {b.write("not.json", []byte("hello")), nil, "approval.order.form"},
		"direction":       {good, func(j *FileJob) { j.Directions = []geo.Class{geo.DF} }, "approval.grant.direction"},
		"wider direction": {good, func(j *FileJob) { j.Directions = []geo.Class{geo.FD, geo.FF} }, "approval.grant.direction"},
		"domestic":        {good, func(j *FileJob) { j.Directions = []geo.Class{geo.DD} }, "approval.grant.direction"},
		"another list":    {good, func(j *FileJob) { j.List = append(slices.Clone(j.List), "# a remark\n"...) }, "approval.grant.selectors"},
		"over":            {b.order("over.json", func(o *approval.Order) { o.From, o.Until = epoch.Add(-48*time.Hour), epoch.Add(-24*time.Hour) }), nil, "approval.grant.period"},
		"not yet":         {b.order("early.json", func(o *approval.Order) { o.From, o.Until = epoch.Add(24*time.Hour), epoch.Add(48*time.Hour) }), nil, "approval.grant.period"},
		"issued tomorrow": {b.order("tomorrow.json", func(o *approval.Order) { o.IssuedAt = o.IssuedAt.Add(24 * time.Hour) }), nil, "selection.run.clock"},
		"clock set back":  {good, func(j *FileJob) { j.Now = func() time.Time { return time.Now().AddDate(-1, 0, 0) } }, "selection.run.clock"},
		"unknown to us":   {b.order("fields.json", func(o *approval.Order) { o.Fields = []string{"src", "payload"} }), nil, "selection.fields.unknown"},
		"re-identify": {b.order("re.json", func(o *approval.Order) {
			o.Kind, o.Subjects, o.Run, o.Grounds, o.NoOther, o.Necessity = approval.Reidentify, []string{"p:mail:x"}, "r", "g", "n", "n"
		}), nil, "approval.grant.kind"},
		"the commission's": {b.order("ff.json", func(o *approval.Order) {
			o.Kind, o.Directions, o.Cap.Packets, o.Grounds, o.NoOther, o.Necessity = approval.ForeignForeign, []geo.Class{geo.FF}, 5, "g", "n", "n"
		}), nil, ErrHub.Code},
		"another's key":    {good, func(j *FileJob) { j.Vault = &deid.Public{ID: "0123456789abcdef", Approval: "trial-2"} }, ErrVault.Code},
		"of another order": {b.write("mixed.json", mixed(t, b)), nil, "approval.order.signature"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.t = t
			before := len(uses(t, test.order))
			j := b.job(test.order, "refused "+name, pcap)
			opened := false
			open := j.Sources[0].Open
			j.Sources[0].Open = func() (io.ReadCloser, error) { opened = true; return open() }
			if test.edit != nil {
				test.edit(&j)
			}
			st, err := RunFiles(context.Background(), j)
			if codeOf(err) != test.code || st.Form != "" {
				t.Fatalf("got %v, want %s", err, test.code)
			}
			if k := fault.KindOf(err); k.Exit() != 3 {
				t.Errorf("exit %d", k.Exit())
			}
			if opened && test.code != "approval.grant.period" {
				t.Error("the capture was opened")
			}
			if left := entries(t, j.Dir); !slices.Equal(left, []string{fileRefusals}) {
				t.Errorf("left: %v", left)
			}
			var r Refusal
			if raw, err := os.ReadFile(filepath.Join(j.Dir, fileRefusals)); err != nil || json.Unmarshal(raw, &r) != nil || r.Code != test.code {
				t.Errorf("recorded: %+v", r)
			}
			all := uses(t, test.order)
			if len(all) <= before || all[len(all)-1].What != Refused || all[len(all)-1].Code != test.code {
				t.Errorf("the journal says %+v", all)
			}
		})
	}
}

func mustVerifier(t testing.TB, key string) note.Verifier {
	t.Helper()
	v, err := ReadVerifier([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func unsigned(t testing.TB, order string) []byte {
	raw, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	o, err := approval.ReadOrder(raw)
	if err != nil {
		t.Fatal(err)
	}
	draft, err := o.Sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	return draft
}

// mixed is an order with the signature of another.
func mixed(t testing.TB, b *bench) []byte {
	var one, two struct {
		Order     json.RawMessage `json:"order"`
		Signature string          `json:"signature"`
	}
	for name, to := range map[string]any{"one.json": &one, "two.json": &two} {
		raw, err := os.ReadFile(b.order(name, func(o *approval.Order) { o.ID = name }))
		if err == nil {
			err = json.Unmarshal(raw, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	one.Signature = two.Signature
	raw, err := json.MarshalIndent(one, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func replaced(t testing.TB, file, old, with string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(raw, []byte(old)) {
		t.Fatalf("%v: no %s", err, old)
	}
	return bytes.Replace(raw, []byte(old), []byte(with), 1)
}

func entries(t testing.TB, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

func uses(t testing.TB, order string) []Use {
	t.Helper()
	raw, err := os.ReadFile(order + ".uses")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	all, err := ReadJournal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheCapCountsOverAllRunsOfAnOrder(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", func(o *approval.Order) { o.Cap.Packets = 130 })
	pcap := b.capture("a.pcap", traffic(50, "x")...) // 100 pass the gate: of Ohio and of Berne
	st, err := RunFiles(context.Background(), b.job(order, "one", pcap))
	if err != nil || st.Ended != EndInput || st.Taken().Packets != 100 {
		t.Fatalf("first run: %v, %s, %+v", err, st.Ended, st.Taken())
	}
	st, err = RunFiles(context.Background(), b.job(order, "two", pcap))
	if err != nil || st.Ended != EndCap || st.Taken().Packets != 30 || st.Before.Packets != 100 {
		t.Fatalf("second run: %v, %s, %+v, before %+v", err, st.Ended, st.Taken(), st.Before)
	}
	conserved(t, st)
	if _, err := b.verify("two"); err != nil {
		t.Error(err)
	}
	if _, err = RunFiles(context.Background(), b.job(order, "three", pcap)); !errors.Is(err, approval.ErrSpent) {
		t.Errorf("third run: %v", err)
	}
}

func TestAPeriodThatEndsMeanwhileEndsTheRun(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", func(o *approval.Order) { o.Until = epoch.Add(time.Second) })
	st, err := RunFiles(context.Background(), b.job(order, "out", b.capture("a.pcap", traffic(2000, "x")...)))
	if last := epoch.Add(999 * time.Millisecond); err != nil || st.Ended != EndPeriod || st.Seen.Packets != 5000 || !st.First.Equal(epoch) || !st.Last.Equal(last) {
		t.Fatalf("%v, %s, %d seen", err, st.Ended, st.Seen.Packets)
	}
	conserved(t, st)
	if _, err := b.verify("out"); err != nil {
		t.Error(err)
	}
}

func TestPseudonymsStandForAddressesAndNamesKeepWhatTheSelectorNames(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", func(o *approval.Order) { o.Addresses = "pseudonym" })
	question := func(name string) []byte {
		q := []byte{0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
		for label := range strings.SplitSeq(name, ".") {
			q = append(append(q, byte(len(label))), label...)
		}
		return append(q, 0, 0, 1, 0, 1)
	}
	pcap := b.capture("a.pcap",
		sent{0, berne, tokyo, 17, 5000, 53, question("evil.example.net")},
		sent{time.Millisecond, berne, tokyo, 17, 5001, 53, question("taro.yamada.bad.example.org")},
		sent{time.Millisecond, berne, tokyo, 17, 5002, 53, question("harmless.example.com")})
	st, err := RunFiles(context.Background(), b.job(order, "out", pcap))
	if err != nil || st.Selected.Records != 2 {
		t.Fatalf("%v: %+v", err, st.Selected)
	}
	raw, err := os.ReadFile(filepath.Join(b.dir, "out", fileSelected))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"taro", "yamada", "harmless", berne.String(), tokyo.String()} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%s is in the output:\n%s", secret, raw)
		}
	}
	for _, kept := range []string{`"name":"evil.example.net"`, `.bad.example.org"`, `"src":"p:net:`, `"name":"p:host:`} {
		if !bytes.Contains(raw, []byte(kept)) {
			t.Errorf("%s is not in the output:\n%s", kept, raw)
		}
	}
	v, err := b.verify("out")
	if err != nil || !slices.Contains(v.Unchecked, uncheckedDirection) {
		t.Errorf("%v, not checked %v", err, v.Unchecked)
	}
}

func TestAFolderWithARunInItIsLeftAlone(t *testing.T) {
	b := newBench(t)
	pcap := b.capture("a.pcap", traffic(5, "x")...)
	if _, err := RunFiles(context.Background(), b.job(b.order("one.json", nil), "out", pcap)); err != nil {
		t.Fatal(err)
	}
	before := entries(t, filepath.Join(b.dir, "out"))
	if _, err := RunFiles(context.Background(), b.job(b.order("two.json", nil), "out", pcap)); !errors.Is(err, ErrDir) {
		t.Fatal(err)
	}
	if after := entries(t, filepath.Join(b.dir, "out")); !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
	if _, err := b.verify("out"); err != nil {
		t.Error(err)
	}
}

func TestASourceThatIsNoCaptureLeavesNothing(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", nil)
	_, err := RunFiles(context.Background(), b.job(order, "out", b.write("a.txt", []byte("this is no capture at all"))))
	if codeOf(err) != ErrSource.Code || len(entries(t, filepath.Join(b.dir, "out"))) != 0 {
		t.Fatalf("%v, left %v", err, entries(t, filepath.Join(b.dir, "out")))
	}
	// After a whole capture, what it gave is kept.
	st, err := RunFiles(context.Background(), b.job(order, "out", b.capture("a.pcap", traffic(5, "x")...), filepath.Join(b.dir, "a.txt")))
	if codeOf(err) != ErrSource.Code || st.Ended != EndUnreadable || st.Selected.Packets != 5 {
		t.Fatalf("%v: %+v", err, st)
	}
	if _, err := b.verify("out"); err != nil {
		t.Error(err)
	}
	if n := len(uses(t, order)); n != 4 {
		t.Errorf("%d lines in the journal", n)
	}
}

func TestAnEmptyCaptureHasAStatement(t *testing.T) {
	b := newBench(t)
	st, err := RunFiles(context.Background(), b.job(b.order("order.json", nil), "out", b.write("a.pcap", nil)))
	if err != nil || st.Seen != (sieve.Amount{}) || st.Ended != EndInput {
		t.Fatal(err, st)
	}
	if _, err := b.verify("out"); err != nil {
		t.Error(err)
	}
}

func TestAListWithAMillionBrokenLinesIsRefusedByLine(t *testing.T) {
	raw := []byte("evil.example.net\n" + strings.Repeat("10.0.0.300\n", 1_000_000))
	_, err := ReadSelectors("list.txt", raw)
	f := fault.Of(err)
	if !errors.Is(err, ErrSelectors) || f.Args["n"] != 1_000_000 || len(f.Places) != 21 || f.Places[0].At != "list.txt:2" || f.Places[20].Args["n"] != 999_980 {
		t.Errorf("%v", f)
	}
}

// TestClocksThatJumpLoseNothing gives packets whose times go back and forth
// within the period, and a clock of this machine that does.
func TestClocksThatJumpLoseNothing(t *testing.T) {
	b := newBench(t)
	var all []sent
	for i, hour := range []int{12, 2, 23, 0, 7, 7, 1} {
		for _, s := range traffic(100, "x") {
			s.after += time.Duration(hour)*time.Hour + time.Duration(i)*time.Minute
			all = append(all, s)
		}
	}
	job := b.job(b.order("order.json", nil), "out", b.capture("a.pcap", all...))
	asked := 0
	job.Now = func() time.Time {
		asked++
		return time.Now().Add(time.Duration(asked%3) * time.Hour)
	}
	st, err := RunFiles(context.Background(), job)
	if err != nil || st.Ended != EndInput || st.Seen.Packets != 3500 || st.Selected.Packets != 700 {
		t.Fatalf("%v, %s, %+v", err, st.Ended, st.Seen)
	}
	conserved(t, st)
	if v, err := b.verify("out"); err != nil {
		t.Errorf("%v %+v", err, v.Wrong)
	}
}

func TestAListServesOnlyTheActsOfTheOrder(t *testing.T) {
	b := newBench(t)
	b.list = "type,value,act\naddress," + ohio.String() + ",act-1\ndomain,evil.example.net,act-2\n"
	pcap := b.capture("a.pcap", traffic(5, "x")...)
	_, err := RunFiles(context.Background(), b.job(b.order("one.json", func(o *approval.Order) { o.Targets = []string{"act-1"} }), "one", pcap))
	if !errors.Is(err, ErrTargets) {
		t.Error(err)
	}
	if _, err := RunFiles(context.Background(), b.job(b.order("two.json", func(o *approval.Order) { o.Targets = []string{"act-1", "act-2"} }), "two", pcap)); err != nil {
		t.Error(err)
	}
}

// TestNothingRunsWithoutCover tries the run itself, as the hub calls it, with
// Grants that do not cover it: no source is opened and nothing handed on.
func TestNothingRunsWithoutCover(t *testing.T) {
	b := newBench(t)
	list, err := ReadSelectors("list", []byte(b.list))
	if err != nil {
		t.Fatal(err)
	}
	other, err := ReadSelectors("list", []byte(b.list+"more.example.net\n"))
	if err != nil {
		t.Fatal(err)
	}
	sides, err := ReadPrefixes("", nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := ReadPrefixes("list", []byte("133.0.0.0/8\n10.0.0.0/8\n"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(edit func(*approval.Order)) approval.Grant {
		raw, err := os.ReadFile(b.order("order.json", edit))
		if err != nil {
			t.Fatal(err)
		}
		g, err := approval.Open(raw, b.verifier())
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	good := open(func(o *approval.Order) { o.Cap.Bytes = 1000 })
	agreed := open(func(o *approval.Order) {
		o.Kind, o.Party, o.Cap.Packets, o.Grounds, o.NoOther, o.Necessity = approval.Agreement, "party", 5, "g", "n", "n"
		o.IssuedAt, o.Until = epoch.Add(-time.Hour), time.Now().Add(time.Hour)
	})
	base := Job{Grant: good, Selectors: list, Prefixes: sides}
	for name, test := range map[string]struct {
		edit func(*Job)
		want error
	}{
		"zero":       {func(j *Job) { j.Grant = approval.Grant{} }, approval.ErrNoGrant},
		"direction":  {func(j *Job) { j.Directions = []geo.Class{geo.FF} }, approval.ErrDirection},
		"unknown":    {func(j *Job) { j.Directions = []geo.Class{geo.Unknown} }, approval.ErrDirection},
		"link":       {func(j *Job) { j.Link = "another" }, approval.ErrLink},
		"list":       {func(j *Job) { j.Selectors = other }, approval.ErrSelectors},
		"no list":    {func(j *Job) { j.Selectors = nil }, approval.ErrSelectors},
		"no sides":   {func(j *Job) { j.Prefixes = nil }, ErrPrefixes},
		"spent":      {func(j *Job) { j.Used.Bytes = 1000 }, approval.ErrSpent},
		"overspent":  {func(j *Job) { j.Used.Bytes = 1 << 63 }, approval.ErrSpent},
		"withdrawn":  {func(j *Job) { j.Alive = func() error { return approval.ErrWithdrawn } }, approval.ErrWithdrawn},
		"expired":    {func(j *Job) { j.Alive = func() error { return approval.ErrExpired } }, approval.ErrExpired},
		"made up":    {func(j *Job) { j.Grant, j.Prefixes = agreed, made }, ErrMadeUp},
		"over":       {func(j *Job) { j.Grant, j.Now = agreed, func() time.Time { return time.Now().Add(2 * time.Hour) } }, ErrOver},
		"clock":      {func(j *Job) { j.Now = func() time.Time { return time.Unix(0, 0) } }, ErrClock},
		"agreed, ff": {func(j *Job) { j.Grant, j.Directions = agreed, []geo.Class{geo.FF} }, approval.ErrDirection},
	} {
		j := base
		test.edit(&j)
		j.Sources = []Source{{Name: name, Open: func() (io.ReadCloser, error) { t.Errorf("%s: opened", name); return nil, os.ErrNotExist }}}
		j.Put = func(Kept) error { t.Errorf("%s: a record", name); return nil }
		if st, err := Run(context.Background(), j); !errors.Is(err, test.want) || st.Form != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestALineBetweenCountriesGivesUpOnlyWhatIsSought runs over made-up minutes of a
// line between countries: what people write in it is nowhere afterwards, also not
// with every field kept.
func TestALineBetweenCountriesGivesUpOnlyWhatIsSought(t *testing.T) {
	b := newBench(t)
	b.list = overridden(t, "address,"+synth.LinkServer.String()+",made up,hanako\nsuffix,"+synth.LinkDomain+",made up,hanako\n")
	var raw bytes.Buffer
	if err := synth.WriteLink(&raw, synth.LinkConfig{Seed: 7, Start: epoch, Talks: 3000}); err != nil {
		t.Fatal(err)
	}
	pcap := b.write("link.pcap", raw.Bytes())
	var table strings.Builder
	for _, p := range synth.LinkOwn() {
		fmt.Fprintf(&table, "%s,JP\n", p)
	}
	for _, p := range synth.LinkAway() {
		fmt.Fprintf(&table, "%s,ZA\n", p)
	}
	var single Chosen
	for _, ways := range [][]geo.Class{{geo.FD}, {geo.DF}, {geo.FF}, {geo.FF, geo.FD, geo.DF}} {
		name := fmt.Sprint(ways)
		job := b.job(b.order(name+".json", func(o *approval.Order) { o.Directions, o.Fields, o.Overridden = ways, slices.Clone(Fields), 1 }), name, pcap)
		job.TableName, job.Table = "table.csv", []byte(table.String())
		st, err := RunFiles(context.Background(), job)
		if err != nil {
			t.Fatal(err)
		}
		conserved(t, st)
		if v, err := b.verify(name); err != nil {
			t.Errorf("%s: %v", name, v.Wrong)
		}
		if len(ways) == 1 {
			single = Chosen{single.Packets + st.Selected.Packets, single.Bytes + st.Selected.Bytes, single.Records + st.Selected.Records}
			if st.Selected.Records == 0 {
				t.Errorf("%s: nothing selected of %+v", name, st.Seen)
			}
		} else if st.Selected.Chosen != single {
			t.Errorf("one direction after the other %+v, together %+v", single, st.Selected.Chosen)
		}
		if st.Dropped.Domestic.Packets == 0 || st.Dropped.Unselected.Packets == 0 {
			t.Errorf("%s: dropped %+v", name, st.Dropped)
		}
		if st.Stay.Batch > 1_000_000 || st.Stay.Longest > 1_000_000 {
			t.Errorf("%s: stayed %+v", name, st.Stay)
		}
	}
	who, _, _ := strings.Cut(synth.LinkMailbox, "@")
	for _, what := range []string{synth.LinkContent, synth.LinkMailbox, who} {
		if !bytes.Contains(raw.Bytes(), []byte(what)) {
			t.Fatalf("%s is not in the traffic", what)
		}
		if found := spread(t, b.dir, []byte(what), pcap); found != nil {
			t.Errorf("%s is in %v", what, found)
		}
	}
}

// TestATableAddsToWhatIsDomesticAndTakesNothingAway runs under an order that is no
// trial with a table that lists next to nothing of Japan: what the program's own
// table takes for domestic stays so.
func TestATableAddsToWhatIsDomesticAndTakesNothingAway(t *testing.T) {
	b := newBench(t)
	list, err := ReadSelectors("list", []byte(b.list))
	if err != nil {
		t.Fatal(err)
	}
	sides, err := ReadPrefixes("list", []byte("133.11.0.0/16\n78.46.0.0/16\n")) // not Kyoto; Berne is taken in
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(b.order("order.json", func(o *approval.Order) {
		o.Kind, o.Directions, o.Cap.Packets, o.Grounds, o.NoOther, o.Necessity = approval.ForeignForeign, []geo.Class{geo.FF}, 5000, "g", "n", "n"
		o.Until = time.Now().Add(time.Hour)
	}))
	if err != nil {
		t.Fatal(err)
	}
	g, err := approval.Open(raw, b.verifier())
	if err != nil {
		t.Fatal(err)
	}
	pcap := b.capture("a.pcap", sent{0, kyoto, ohio, 17, 1, 2, nil}, sent{0, kyoto, tokyo, 17, 1, 2, nil}, sent{0, berne, ohio, 17, 1, 2, nil}, sent{0, ohio, ohio, 17, 1, 2, nil})
	st, err := Run(context.Background(), Job{Grant: g, Selectors: list, Prefixes: sides, Put: func(Kept) error { return nil },
		Sources: []Source{{Name: pcap, Open: func() (io.ReadCloser, error) { return os.Open(pcap) }}}})
	if err != nil || st.Selected.Packets != 1 || st.Dropped.Domestic.Packets != 1 || st.Dropped.Direction.Packets != 2 || st.Hashes.Guard == "" {
		t.Errorf("%v: selected %+v, dropped %+v", err, st.Selected.Chosen, st.Dropped)
	}
}

func TestAJournalThatIsTakenAwayIsMissed(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", func(o *approval.Order) { o.Cap.Packets = 15 })
	pcap := b.capture("a.pcap", traffic(5, "x")...)
	if _, err := RunFiles(context.Background(), b.job(order, "one", pcap)); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(order + ".uses")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := bytes.Cut(was, []byte{'\n'})
	for what, raw := range map[string][]byte{"empty": nil, "shorter": append(first, '\n')} {
		b.write("order.json.uses", raw)
		if _, err := RunFiles(context.Background(), b.job(order, "two", pcap)); !errors.Is(err, ErrJournal) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.Remove(order + ".uses"); err != nil {
		t.Fatal(err)
	}
	if _, err := RunFiles(context.Background(), b.job(order, "two", pcap)); !errors.Is(err, ErrJournal) {
		t.Errorf("gone: %v", err)
	}
	// By another name it is the same order.
	b.write("order.json.uses", was)
	link := filepath.Join(b.dir, "link.json")
	if err := os.Symlink(order, link); err != nil {
		t.Skip(err)
	}
	st, err := RunFiles(context.Background(), b.job(link, "three", pcap))
	if err != nil || st.Before.Packets != 10 || st.Ended != EndCap {
		t.Errorf("%v, before %+v, %s", err, st.Before, st.Ended)
	}
}
