package incident

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// world is a hub with a small country on it.
type world struct {
	*Service
	t    testing.TB
	orgs map[string]org.ID
	time time.Time
}

// night is when the tests' incident happens.
var night = time.Date(2026, 11, 5, 2, 18, 0, 0, text.JST)

func newWorld(t testing.TB) *world {
	dir := t.TempDir()
	ctx := context.Background()
	d, err := db.Open(ctx, filepath.Join(dir, "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.Migrate(ctx, db.Source{Noun: "bus", FS: bus.Migrations}, db.Source{Noun: "key", FS: key.Migrations}, db.Source{Noun: "ledger", FS: ledger.Migrations},
		db.Source{Noun: "blob", FS: blob.Migrations}, db.Source{Noun: "thread", FS: thread.Migrations}, db.Source{Noun: "org", FS: org.Migrations}, db.Source{Noun: "incident", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	ring, err := key.OpenRing(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	signer, verifier, vkey, err := ledger.OpenSigner(filepath.Join(dir, "keys", "ledger.key"), "example/ledger")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, orgs: map[string]org.ID{}, time: night.Add(6 * time.Hour)}
	now := func() time.Time { return w.time }
	l := ledger.New(ledger.Config{DB: d, Dir: filepath.Join(dir, "ledger"), Signer: signer, Verifier: verifier, VKey: vkey, Log: slog.New(slog.DiscardHandler)})
	keys := key.NewStore(ring)
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), ring, 20<<20)
	if err != nil {
		t.Fatal(err)
	}
	orgs, err := org.New(org.Config{DB: d, Ledger: l, Keys: keys, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := LoadProfiles(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Service = New(Config{DB: d, Ledger: l, Keys: keys, Blobs: blobs, Threads: thread.New(keys), Orgs: orgs, Profiles: profiles, Now: now})
	for i, o := range []struct {
		name, kind string
		sectors    []string
	}{
		{"wind", "operator", []string{"electricity"}}, {"sea", "operator", []string{"electricity"}}, {"bank", "operator", []string{"finance"}},
		{"ministry", "ministry", []string{"electricity", "gas"}}, {"treasury", "ministry", []string{"finance"}},
		{"office", "office", nil}, {"police", "police", nil}, {"privacy", "privacy", nil}, {"jpcert", "jpcert", nil}, {"commission", "commission", nil},
	} {
		number, err := org.CompleteNumber(fmt.Sprintf("%012d", 700000000001+i))
		if err != nil {
			t.Fatal(err)
		}
		made, err := orgs.Register(org.Local(ctx), org.Org{Number: number, Name: text.Both{JA: o.name + "（架空）", EN: o.name}, Kinds: []org.Kind{org.Kind(o.kind)}, Sectors: o.sectors})
		if err != nil {
			t.Fatal(err)
		}
		w.orgs[o.name] = made.ID
	}
	return w
}

// as is a person of an organisation with roles; who tells persons apart.
func (w *world) as(o, who string, roles ...gate.Role) context.Context {
	kinds := map[string]string{"wind": "operator", "sea": "operator", "bank": "operator", "treasury": "ministry"}
	kind := kinds[o]
	if kind == "" {
		kind = o
	}
	return gate.With(context.Background(), gate.Identity{Person: o + "/" + who, Org: string(w.orgs[o]), Kinds: []string{kind}, Roles: roles, Lang: "ja"})
}

func (w *world) reporter() context.Context { return w.as("wind", "a", gate.OperatorReporter) }
func (w *world) clerk() context.Context    { return w.as("ministry", "c", gate.MinistryClerk) }

func (w *world) report(kind Kind) *Report {
	w.t.Helper()
	r := Template(kind)
	if r == nil {
		w.t.Fatalf("no template of %s", kind)
	}
	return r
}

func (w *world) submit(ctx context.Context) Submitted {
	w.t.Helper()
	got, err := w.Submit(ctx, w.report(Ransomware), "")
	if err != nil {
		w.t.Fatalf("submit: %v", err)
	}
	return got
}

func TestOneReportReachesEveryRecipientAndNobodyElse(t *testing.T) {
	w := newWorld(t)
	got := w.submit(w.reporter())
	if got.Case.Number == "" || got.Promise == "" || len(got.Clocks) == 0 {
		t.Fatalf("%+v", got)
	}
	for _, c := range []struct {
		who  context.Context
		want int
	}{
		{w.reporter(), 1}, {w.clerk(), 1}, {w.as("office", "o", gate.OfficeClerk), 1},
		{w.as("sea", "a", gate.OperatorReporter), 0}, {w.as("treasury", "c", gate.MinistryClerk), 0},
	} {
		list, _, err := w.List(c.who, Filter{})
		if err != nil || len(list) != c.want {
			id, _ := gate.From(c.who)
			t.Errorf("%s sees %d cases, want %d: %v", id.Person, len(list), c.want, err)
		}
	}
	if _, _, err := w.List(w.as("commission", "m", gate.CommissionMember), Filter{}); fault.KindOf(err) != fault.Refused {
		t.Errorf("the commission has no desk of cases: %v", err)
	}
}

func TestAReportOpensForAPurposeOnly(t *testing.T) {
	w := newWorld(t)
	id := w.submit(w.reporter()).Case.ID
	for _, c := range []struct {
		name, purpose string
		who           context.Context
		want          error
	}{
		{"no purpose", "", w.clerk(), ErrPurpose},
		{"sanction", "sanction", w.clerk(), ErrBarred},
		{"not one of theirs", "personal_data", w.clerk(), ErrPurposeUnknown},
		{"supervision alone", "supervision", w.clerk(), ErrSupervision},
		{"receipt", "receive", w.clerk(), nil},
		{"another ministry", "receive", w.as("treasury", "c", gate.MinistryClerk), ErrNone},
		{"another operator", "", w.as("sea", "a", gate.OperatorReporter), ErrNone},
		{"the commission", "receive", w.as("commission", "m", gate.CommissionMember), gate.ErrRole},
		{"its reporter", "", w.reporter(), nil},
	} {
		v, err := w.Open(c.who, id, 0, c.purpose)
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if (v.Report != nil) != (c.want == nil) {
			t.Errorf("%s: report %v", c.name, v.Report != nil)
		}
	}
	readings, _, err := w.Readings(w.reporter(), id, "", 0)
	if err != nil || len(readings) != 1 || readings[0].Purpose != "receive" || readings[0].OrgName == "" {
		t.Errorf("%+v %v", readings, err)
	}
	rows, _, err := w.Ledger.Entries(t.Context(), ledger.Filter{Object: objectOf(id)})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for _, r := range rows {
		if r.Entry.Outcome == ledger.Refused {
			refused[r.Entry.Reason] = true
		}
	}
	for _, code := range []string{ErrBarred.Code, ErrPurposeUnknown.Code, ErrSupervision.Code, gate.ErrRole.Code} {
		if !refused[code] {
			t.Errorf("the refusal %s is not on the record: %v", code, refused)
		}
	}
}

func TestSupervisionTakesTwoAndTellsTheReporter(t *testing.T) {
	w := newWorld(t)
	id := w.submit(w.reporter()).Case.ID
	boss := w.as("ministry", "boss", gate.MinistrySuper)
	x, err := w.AskSupervision(boss, id, "命令の要否を確かめるため")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.DecideSupervision(boss, id, x.ID, true); !errors.Is(err, ErrSamePerson) {
		t.Errorf("alone: %v", err)
	}
	if err := w.DecideSupervision(w.clerk(), id, x.ID, true); !errors.Is(err, gate.ErrRole) {
		t.Errorf("a clerk: %v", err)
	}
	if told, err := w.Supervisions(w.reporter(), id); err != nil || len(told) != 0 {
		t.Errorf("told before: %v %v", told, err)
	}
	if err := w.DecideSupervision(w.as("ministry", "other", gate.MinistrySuper), id, x.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := w.DelayReadings(boss, id, "security", "調べている", w.time.AddDate(0, 0, 10)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Open(boss, id, 0, "supervision"); err != nil {
		t.Fatal(err)
	}
	told, err := w.Supervisions(w.reporter(), id)
	if err != nil || len(told) != 1 || told[0].Reason != "命令の要否を確かめるため" {
		t.Errorf("%+v %v", told, err)
	}
	if rs, _, err := w.Readings(w.reporter(), id, "", 0); err != nil || len(rs) != 1 {
		t.Errorf("a supervision is never hidden: %+v %v", rs, err)
	}
	w.time = w.time.AddDate(0, 0, Rules().Supervision.Days+1)
	if _, err := w.Open(boss, id, 0, "supervision"); !errors.Is(err, ErrSupervision) {
		t.Errorf("after its end: %v", err)
	}
}

func TestDelayedReadingsAreShownLater(t *testing.T) {
	w := newWorld(t)
	id := w.submit(w.reporter()).Case.ID
	boss := w.as("ministry", "boss", gate.MinistrySuper)
	for _, c := range []struct {
		ground string
		days   int
		ok     bool
	}{{"", 1, false}, {"investigation", 1000, false}, {"investigation", -1, false}, {"investigation", 30, true}} {
		if err := w.DelayReadings(boss, id, c.ground, "理由", w.time.AddDate(0, 0, c.days)); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := w.Open(boss, id, 0, "analyse"); err != nil {
		t.Fatal(err)
	}
	count := func(who context.Context) int {
		t.Helper()
		rs, _, err := w.Readings(who, id, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(rs)
	}
	member := w.as("commission", "m", gate.CommissionMember)
	if count(w.reporter()) != 0 || count(member) != 1 {
		t.Errorf("reporter %d, commission %d", count(w.reporter()), count(member))
	}
	w.time = w.time.AddDate(0, 0, 31)
	if count(w.reporter()) != 1 {
		t.Error("not shown after the date")
	}
}

func TestAcknowledgementQuestionsAndFeedbackComeBack(t *testing.T) {
	w := newWorld(t)
	id := w.submit(w.reporter()).Case.ID
	a, err := w.Acknowledge(w.clerk(), id, "経-101")
	if err != nil || a.Promise == "" {
		t.Fatalf("%+v %v", a, err)
	}
	if _, err := w.Acknowledge(w.clerk(), id, ""); fault.KindOf(err) != fault.Conflict {
		t.Errorf("twice: %v", err)
	}
	if _, err := w.Ask(w.clerk(), id, "影響する範囲はどこまでですか"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Answer(w.reporter(), id, string(w.orgs["treasury"]), "だれも聞いていない"); !errors.Is(err, ErrNone) {
		t.Errorf("an answer to nobody: %v", err)
	}
	if list, _, err := w.List(w.reporter(), Filter{Waiting: true}); err != nil || len(list) != 1 {
		t.Errorf("the question waits for the reporter: %v %v", list, err)
	}
	if _, err := w.Answer(w.reporter(), id, string(w.orgs["ministry"]), "遠隔保守の網だけです"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Give(w.clerk(), id, "同業へ注意を促しました", "版を上げてください"); err != nil {
		t.Fatal(err)
	}
	v, err := w.Open(w.reporter(), id, 0, "")
	if err != nil || len(v.Messages) != 2 || len(v.Feedback) != 1 || v.Feedback[0].Advice != "版を上げてください" {
		t.Fatalf("%d messages, %d feedback, %v", len(v.Messages), len(v.Feedback), err)
	}
	stamped := 0
	for _, d := range v.Deliveries {
		if d.AckedNumber == "経-101" && d.AckedEntry == a.Receipt.Entry {
			stamped++
		}
	}
	if stamped == 0 {
		t.Errorf("no stamp: %+v", v.Deliveries)
	}
	other, err := w.Open(w.as("office", "o", gate.OfficeClerk), id, 0, "receive")
	if err != nil || len(other.Messages) != 0 || len(other.Feedback) != 0 {
		t.Errorf("the office sees the ministry's conversation: %+v %v", other.Messages, err)
	}
	for _, d := range other.Deliveries {
		if d.Org != string(w.orgs["office"]) {
			t.Errorf("the office sees another's delivery: %+v", d)
		}
	}
}

func TestFollowUpsAreVersions(t *testing.T) {
	w := newWorld(t)
	first := w.submit(w.reporter())
	v, err := w.Open(w.reporter(), first.Case.ID, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	next := v.Report.Next(Followup)
	next.Values["event.outline"] = KnownValue("調べが進みました。侵入は遠隔保守の網に限られます。")
	if _, err := w.Submit(w.as("sea", "a", gate.OperatorReporter), next, ""); !errors.Is(err, ErrStage) {
		t.Errorf("another operator's follow-up: %v", err)
	}
	second, err := w.Submit(w.reporter(), next, "")
	if err != nil || second.Case.Version != 2 || second.Case.Number != first.Case.Number {
		t.Fatalf("%+v %v", second.Case, err)
	}
	if _, err := w.Submit(w.reporter(), next, ""); !errors.Is(err, ErrRevision) {
		t.Errorf("the same version twice: %v", err)
	}
	changes, err := w.Compare(w.clerk(), first.Case.ID, 2, "receive")
	if err != nil || len(changes) == 0 {
		t.Errorf("%+v %v", changes, err)
	}
	if err := w.Withdraw(w.reporter(), first.Case.ID, "誤報でした"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Submit(w.reporter(), next.Next(Final), ""); !errors.Is(err, ErrClosed) {
		t.Errorf("after withdrawal: %v", err)
	}
	if list, _, err := w.List(w.clerk(), Filter{State: Withdrawn}); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
}

func TestASubmissionThatIsNotReadyChangesNothing(t *testing.T) {
	w := newWorld(t)
	empty := NewReport(DDoS)
	if _, err := w.Submit(w.reporter(), empty, ""); !errors.Is(err, ErrIncomplete) || len(fault.Of(err).Places) == 0 {
		t.Errorf("%v", err)
	}
	ahead := w.report(Ransomware)
	ahead.Values["event.recognised_at"] = KnownValue(w.time.Add(time.Hour).Format(time.RFC3339))
	if _, err := w.Submit(w.reporter(), ahead, ""); !errors.Is(err, ErrFuture) {
		t.Errorf("%v", err)
	}
	if list, _, err := w.List(w.reporter(), Filter{}); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	if _, err := w.Submit(w.as("wind", "v", gate.OperatorViewer), w.report(DDoS), ""); !errors.Is(err, gate.ErrRole) {
		t.Errorf("a viewer submits: %v", err)
	}
}

// BenchmarkSubmit measures accepted submissions with 64 writers while the
// ledger is published.
func BenchmarkSubmit(b *testing.B) {
	w := newWorld(b)
	ctx, stop := context.WithCancel(w.reporter())
	ended := make(chan error)
	go func() { ended <- w.Ledger.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		<-ended
	})
	r := w.report(Ransomware)
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.Submit(ctx, r, ""); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submissions/s")
}
