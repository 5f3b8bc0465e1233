package situation

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
	"noroshi/internal/incident"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

type hub struct {
	*Service
	*testkit.Parts
	t       testing.TB
	country *country.Country
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "incident", FS: incident.Migrations}, db.Source{Noun: "situation", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	c := country.New(t, p)
	i := incident.New(incident.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Threads: p.Threads, Orgs: c.Service, Profiles: incident.Builtin(), Now: p.Clock.Now})
	s := New(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: c.Service, Incidents: i, Now: p.Clock.Now,
		Exposed:  func(context.Context, *db.Tx, string) (int, int, error) { return 7, 1234, nil },
		Answered: func(context.Context, *db.Tx, string) (int, int, int, int, error) { return 7, 5, 3, 0, nil }})
	return &hub{s, p, t, c}
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func (h *hub) as(name string, role gate.Role) context.Context {
	id := h.country.Identity(name, "a", role)
	id.Clearance = 1
	return gate.With(context.Background(), id)
}

func (h *hub) office() context.Context { return h.as("office", gate.OfficeClerk) }
func (h *hub) clerk() context.Context  { return h.as("industry", gate.MinistryClerk) }
func (h *hub) police() context.Context { return h.as("police", gate.PoliceOfficer) }
func (h *hub) wind() context.Context   { return h.as("wind", gate.OperatorReporter) }
func (h *hub) sea() context.Context    { return h.as("sea", gate.OperatorReporter) }

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// opened opens an event with some participants.
func (h *hub) opened(every int, people ...string) Event {
	h.t.Helper()
	e, err := h.Open(h.office(), NewEvent{Title: "電力への侵入", Summary: "2社で同じ手口", About: []string{"CVE-2026-12345"}, EveryHours: every})
	h.must(err)
	for _, name := range people {
		_, err := h.Invite(h.office(), e.ID, h.country.ID(name), everything)
		h.must(err)
	}
	return e
}

func (h *hub) assign(ctx context.Context, e Event, owner, title string, due time.Duration, needs ...ID) Task {
	h.t.Helper()
	n := NewTask{Owner: h.country.ID(owner), Title: title, Needs: needs}
	if due > 0 {
		n.DueAt = h.Clock.Now().Add(due)
	}
	t, err := h.Assign(ctx, e.ID, n)
	h.must(err)
	return t
}

// TestAFirmSeesItsOwnPart is the room with two rivals in it.
func TestAFirmSeesItsOwnPart(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.opened(6, "industry", "police", "wind", "sea")
		a := h.assign(h.office(), e, "wind", "通信の記録を残す", time.Hour)
		h.assign(h.office(), e, "sea", "海の会社の秘密の課題", time.Hour)
		h.assign(h.clerk(), e, "police", "捜査の相談", 0)
		_, err := h.Decide(h.office(), e.ID, "外からの接続を止める", "広がりを防ぐ", h.country.ID("wind"), h.country.ID("sea"))
		h.must(err)
		_, err = h.Decide(h.office(), e.ID, "公表は見送る", "")
		h.must(err)
		_, err = h.Say(h.office(), e.ID, h.country.ID("sea"), thread.Note, "海だけへの連絡")
		h.must(err)
		v, err := h.Get(h.wind(), e.ID, "")
		h.must(err)
		raw, _ := json.Marshal(v)
		for _, hidden := range []string{"秘密の課題", "捜査", "公表", "海だけ", "2社で", "CVE-", h.country.ID("sea"), h.country.ID("police"), h.country.ID("industry")} {
			if strings.Contains(string(raw), hidden) {
				t.Errorf("a firm learns %q: %s", hidden, raw)
			}
		}
		if len(v.Tasks) != 1 || len(v.Decisions) != 1 || v.People != nil || v.Reports != nil || v.Log != nil || v.Event.Title == "" {
			t.Errorf("%+v", v)
		}
		if _, err := h.Task(h.sea(), e.ID, a.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another's task: %v", err)
		}
		if _, err := h.Move(h.sea(), e.ID, a.ID, Done, ""); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
		if _, err := h.Say(h.wind(), e.ID, h.country.ID("sea"), thread.Note, "私から"); err != nil {
			t.Error(err)
		}
		if v, _ := h.Get(h.sea(), e.ID, ""); len(v.Messages) != 1 {
			t.Errorf("a firm writes to the lead, never to another: %+v", v.Messages)
		}
		for name, fn := range map[string]func() error{
			"invite": func() error { _, err := h.Invite(h.wind(), e.ID, h.country.ID("maker"), everything); return err },
			"decide": func() error { _, err := h.Decide(h.wind(), e.ID, "x", ""); return err },
			"assign": func() error {
				_, err := h.Assign(h.wind(), e.ID, NewTask{Owner: h.country.ID("sea"), Title: "x"})
				return err
			},
			"report": func() error { _, err := h.Make(h.wind(), e.ID, ""); return err },
			"close":  func() error { return h.Close(h.wind(), e.ID, "x") },
		} {
			if err := fn(); fault.KindOf(err) != fault.Refused {
				t.Errorf("a firm may not %s: %v", name, err)
			}
		}
		if err := h.Close(h.clerk(), e.ID, "x"); !errors.Is(err, ErrNotLead) || h.Entries(t, "situation.lead", ledger.Refused) != 4 {
			t.Errorf("a member does not lead: %v, %d", err, h.Entries(t, "situation.lead", ledger.Refused))
		}
	})
}

func TestNobodyElseLearnsOfIt(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.opened(6, "industry", "wind")
		task := h.assign(h.office(), e, "wind", "x", 0)
		h.Clock.Pass(6 * time.Hour)
		if n, err := h.Tick(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d %v", n, err)
		}
		in := []string{"office", "industry", "wind"}
		for _, name := range h.country.Names() {
			for _, role := range gate.Roles {
				who := h.as(name, role)
				if slices.Contains(in, name) {
					continue
				}
				if _, err := h.Get(who, e.ID, ""); err == nil {
					t.Errorf("%s as %s opens it", name, role)
				}
				if list, _, err := h.List(who, true, "", 0); err == nil && len(list) > 0 {
					t.Errorf("%s as %s lists it", name, role)
				}
				if _, err := h.Task(who, e.ID, task.ID); err == nil {
					t.Errorf("%s as %s opens a task", name, role)
				}
				if _, _, _, err := h.Report(who, e.ID, 1); err == nil {
					t.Errorf("%s as %s reads the report", name, role)
				}
				if _, err := h.Say(who, e.ID, h.country.ID("wind"), thread.Note, "x"); err == nil {
					t.Errorf("%s as %s writes", name, role)
				}
				if _, err := h.Invite(who, e.ID, h.country.ID(name), everything); err == nil {
					t.Errorf("%s as %s lets itself in", name, role)
				}
			}
		}
		if _, _, _, err := h.Report(h.wind(), e.ID, 1); !errors.Is(err, ErrNone) {
			t.Errorf("a report is for members: %v", err)
		}
		above, err := h.Open(gate.With(context.Background(), func() gate.Identity {
			id := h.country.Identity("office", "b", gate.OfficeClerk)
			id.Clearance = 3
			return id
		}()), NewEvent{Title: "取扱3", Clearance: 3})
		h.must(err)
		if _, err := h.Get(h.office(), above.ID, ""); !errors.Is(err, ErrNone) {
			t.Errorf("above one's clearance: %v", err)
		}
	})
}

func TestTasksWaitForEachOther(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.opened(0, "industry", "wind")
		a := h.assign(h.office(), e, "wind", "記録を残す", time.Hour)
		b := h.assign(h.office(), e, "industry", "記録を調べる", 2*time.Hour, a.ID)
		if _, err := h.Move(h.clerk(), e.ID, b.ID, Started, ""); !errors.Is(err, ErrNeeds) {
			t.Errorf("%v", err)
		}
		if err := h.Depend(h.office(), e.ID, a.ID, b.ID); fault.KindOf(err) != fault.Invalid {
			t.Errorf("they would wait for each other: %v", err)
		}
		if _, err := h.Move(h.office(), e.ID, a.ID, Done, ""); !errors.Is(err, ErrStep) {
			t.Errorf("only its owner ends it: %v", err)
		}
		if _, err := h.Move(h.wind(), e.ID, a.ID, Cannot, ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("who cannot says why: %v", err)
		}
		_, err := h.Move(h.wind(), e.ID, a.ID, Done, "残しました")
		h.must(err)
		_, err = h.Move(h.clerk(), e.ID, b.ID, Started, "")
		h.must(err)
		v, err := h.Task(h.office(), e.ID, b.ID)
		h.must(err)
		if len(v.Needs) != 1 || v.Needs[0].Answer != "残しました" || v.Task.Waits {
			t.Errorf("%+v", v)
		}
		if err := h.Close(h.office(), e.ID, "学んだこと"); !errors.Is(err, ErrUndone) {
			t.Errorf("%v", err)
		}
		_, err = h.Move(h.office(), e.ID, b.ID, Cancelled, "要らなくなった")
		h.must(err)
		if own, err := h.Mine(h.clerk(), 10); err != nil || len(own) != 0 {
			t.Errorf("%v %v", own, err)
		}
		h.must(h.Close(h.office(), e.ID, "記録は先に残す"))
		if _, err := h.Decide(h.office(), e.ID, "x", ""); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
		got, err := h.Get(h.clerk(), e.ID, "")
		h.must(err)
		if got.Event.Lessons != "記録は先に残す" || got.Event.State != Closed {
			t.Errorf("%+v", got.Event)
		}
		if list, _, _ := h.List(h.wind(), false, "", 0); len(list) != 0 {
			t.Error("closed ones are left out")
		}
		if list, _, _ := h.List(h.wind(), true, "", 0); len(list) != 1 {
			t.Error("and stay")
		}
	})
}

func TestAReportEverySixHours(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e := h.opened(6, "industry", "wind", "police")
		a := h.assign(h.office(), e, "wind", "記録を残す", time.Hour)
		h.assign(h.office(), e, "industry", "周知する", 0)
		_, err := h.Decide(h.office(), e.ID, "外からの接続を止める", "")
		h.must(err)
		h.Clock.Pass(5*time.Hour + 30*time.Minute)
		r, err := h.Make(h.office(), e.ID, "広がりは止まった")
		h.must(err)
		if r.Version != 1 || r.Tasks != (TaskCounts{Open: 2, Late: 1}) || len(r.Decisions) != 1 || r.DueAt.IsZero() || r.NextAt.Sub(e.OpenedAt) != 12*time.Hour {
			t.Errorf("%+v", r)
		}
		if r.Exposure[0].Firms != (Range{5, 9}) || r.Exposure[0].Devices != (Range{From: 1000}) || r.Answers[0].Answered != (Range{1, 4}) || r.Answers[0].Fixed != (Range{}) {
			t.Errorf("%+v %+v", r.Exposure, r.Answers)
		}
		if n, err := h.Tick(t.Context()); err != nil || n != 0 {
			t.Errorf("made already: %d %v", n, err)
		}
		h.Clock.Pass(time.Hour)
		_, err = h.Move(h.wind(), e.ID, a.ID, Done, "残しました")
		h.must(err)
		h.Clock.Pass(23 * time.Hour)
		if n, err := h.Tick(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d %v", n, err)
		}
		_, got, _, err := h.Report(h.clerk(), e.ID, 2)
		h.must(err)
		if got.Tasks != (TaskCounts{Open: 1, Done: 1}) || len(got.Finished) != 1 || len(got.Decisions) != 0 || got.By != "" || !got.NextAt.After(h.Clock.Now()) || got.NextAt.Sub(e.OpenedAt)%(6*time.Hour) != 0 {
			t.Errorf("%+v", got)
		}
		_, first, _, err := h.Report(h.clerk(), e.ID, 1)
		h.must(err)
		if first.Judgement != "広がりは止まった" || first.Tasks.Open != 2 {
			t.Errorf("a report stays as it was: %+v", first)
		}
		h.must(h.Narrow(h.office(), e.ID, h.country.ID("police"), Sees{Reports: true}))
		_, cut, _, err := h.Report(h.police(), e.ID, 1)
		h.must(err)
		if len(cut.Open) != 0 || len(cut.Decisions) != 0 || cut.Incidents != nil || cut.Tasks != (TaskCounts{}) || cut.People != 0 {
			t.Errorf("%+v", cut)
		}
		v, err := h.Get(h.police(), e.ID, "")
		h.must(err)
		if len(v.Tasks)+len(v.Decisions)+len(v.People)+len(v.Incidents)+len(v.Log) != 0 || len(v.Reports) != 2 {
			t.Errorf("%+v", v)
		}
	})
}

func TestIncidentsAreJoinedByThoseWhoHaveThem(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		got, err := h.Incidents.Submit(h.wind(), incident.Template(incident.Ransomware).Clone(), "")
		h.must(err)
		e := h.opened(0, "industry", "police", "treasury", "jpcert", "sea")
		if _, err := h.Join(h.as("treasury", gate.MinistryClerk), e.ID, got.Case.ID); !errors.Is(err, incident.ErrNone) {
			t.Errorf("who was not sent it: %v", err)
		}
		if _, err := h.Join(h.wind(), e.ID, got.Case.ID); fault.KindOf(err) != fault.Refused {
			t.Errorf("a firm: %v", err)
		}
		i, err := h.Join(h.clerk(), e.ID, got.Case.ID)
		h.must(err)
		if _, err := h.Join(h.clerk(), e.ID, got.Case.ID); !errors.Is(err, ErrTwice) {
			t.Errorf("%v", err)
		}
		v, err := h.Get(h.police(), e.ID, "")
		h.must(err)
		raw, _ := json.Marshal(v)
		if len(v.Incidents) != 1 || v.Incidents[0].Number != got.Case.Number || strings.Contains(string(raw), h.country.ID("wind")) {
			t.Errorf("its reporter is named to nobody: %s", raw)
		}
		if diff := cmp.Diff(i, v.Incidents[0]); diff != "" {
			t.Error(diff)
		}
		if v, _ := h.Get(h.sea(), e.ID, ""); len(v.Incidents) != 0 {
			t.Errorf("%+v", v.Incidents)
		}
	})
}

func TestWhatIsWrongSaysWhere(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for name, c := range map[string]struct {
			n  NewEvent
			at string
		}{
			"no title":   {NewEvent{}, "title"},
			"no CVE":     {NewEvent{Title: "x", About: []string{"bug"}}, "about"},
			"never ends": {NewEvent{Title: "x", EveryHours: 169}, "every_hours"},
			"above":      {NewEvent{Title: "x", Clearance: 2}, "clearance"},
			"label":      {NewEvent{Title: "x", TLP: "WHITE"}, "tlp"},
		} {
			_, err := h.Open(h.office(), c.n)
			if f := fault.Of(err); err == nil || f.Kind != fault.Invalid || len(f.Places) != 1 || f.Places[0].At != c.at {
				t.Errorf("%s: %v", name, err)
			}
		}
		e := h.opened(0, "wind")
		for name, c := range map[string]struct {
			n  NewTask
			at string
		}{
			"nobody":         {NewTask{Title: "x"}, "owner"},
			"not in it":      {NewTask{Title: "x", Owner: h.country.ID("sea")}, "owner"},
			"past":           {NewTask{Title: "x", Owner: h.country.ID("wind"), DueAt: h.Clock.Now()}, "due_at"},
			"needs what":     {NewTask{Title: "x", Owner: h.country.ID("wind"), Needs: []ID{"none"}}, "needs"},
			"without a name": {NewTask{Owner: h.country.ID("wind")}, "title"},
		} {
			_, err := h.Assign(h.office(), e.ID, c.n)
			if f := fault.Of(err); err == nil || f.Kind != fault.Invalid || len(f.Places) != 1 || f.Places[0].At != c.at {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"commission", "hub"} {
			if _, err := h.Invite(h.office(), e.ID, h.country.ID(name), everything); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s takes no part: %v", name, err)
			}
		}
		if _, err := h.Invite(h.office(), e.ID, h.country.ID("wind"), everything); !errors.Is(err, ErrTwice) {
			t.Errorf("%v", err)
		}
		mine, err := h.Open(h.clerk(), NewEvent{Title: "所管の事態"})
		h.must(err)
		if _, err := h.Invite(h.clerk(), mine.ID, h.country.ID("bank"), everything); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a ministry invites its own sectors: %v", err)
		}
		_, err = h.Invite(h.clerk(), mine.ID, h.country.ID("wind"), everything)
		h.must(err)
	})
}

func TestRanges(t *testing.T) {
	for n, want := range map[int]string{-1: "0", 0: "0", 1: "1–4", 4: "1–4", 5: "5–9", 49: "20–49", 50: "50–99", 999: "500–999", 1000: "1000+", 123456: "1000+"} {
		if got := sayRange(RangeOf(n)); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestNextHour(t *testing.T) {
	due := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]time.Duration{-time.Minute: 0, 0: 6 * time.Hour, time.Minute: 6 * time.Hour, 25 * time.Hour: 30 * time.Hour} {
		if got := next(due, 6, due.Add(after)); got != due.Add(want) {
			t.Errorf("%s after: %s", after, got)
		}
	}
	if !next(due, 0, due).IsZero() {
		t.Error("no beat, no hour")
	}
}
