package sensor

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
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
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "sensor", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	c := country.New(t, p)
	return &hub{Open(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: c.Service, Now: p.Clock.Now}), p, t, c}
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func (h *hub) as(name string, role gate.Role) context.Context {
	return gate.With(context.Background(), h.country.Identity(name, "a", role))
}

func (h *hub) admin() context.Context { return h.as("wind", gate.OperatorAdmin) }
func (h *hub) night() context.Context { return h.as("wind", gate.OperatorReporter) }
func (h *hub) other() context.Context { return h.as("sea", gate.OperatorAdmin) }

func (h *hub) source() Source {
	h.t.Helper()
	x, err := h.Register(h.admin(), NewSource{Name: "本社の外部接続", Kind: Interface, Basis: OwnNetwork, Networks: "192.0.2.0/24"})
	if err != nil {
		h.t.Fatal(err)
	}
	return x
}

func (h *hub) beacon(score float64, minutes int) Found {
	end := h.Clock.Now().Add(time.Duration(minutes) * time.Minute).UTC().Truncate(time.Microsecond)
	return Found{Kind: "beacon", Score: score, Attack: []string{"T1071.001"}, Src: "192.0.2.41", Dst: "203.0.113.84", Start: end.Add(-time.Hour), End: end,
		Evidence: json.RawMessage(`{"scores":{"interval":0.97},"times":12,"name":"cdn.example","series":[300,301.5,299]}`)}
}

func (h *hub) take(id string, lost uint64, found ...Found) TakenIn {
	h.t.Helper()
	now := h.Clock.Now()
	out, err := h.Take(h.night(), id, Reading{From: now.Add(-time.Hour), Until: now, Packets: 1000, Bytes: 500_000, Records: 40, Lost: lost}, found)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestPermit(t *testing.T) {
	for _, c := range []struct {
		in   string
		must bool
		out  Basis
		err  error
	}{
		{"", false, OwnNetwork, nil}, {"", true, "", ErrNoBasis}, {"consent", true, Consent, nil}, {"acquisition", false, "", ErrAcquisition}, {"mine", false, "", ErrBasis},
	} {
		if got, err := Permit(c.in, c.must); got != c.out || !errors.Is(err, c.err) {
			t.Errorf("Permit(%q, %v) = %q, %v", c.in, c.must, got, err)
		}
	}
}

func TestPermitState(t *testing.T) {
	for in, want := range map[string]error{"": ErrNoBasis, "consent": ErrStateBasis, "acquisition": ErrAcquisition, "own-network": nil, "test": nil} {
		if _, err := PermitState(in); !errors.Is(err, want) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestSourceNeedsABasis(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for at, n := range map[string]NewSource{
			"basis":     {Name: "x", Kind: Logs},
			"networks":  {Name: "x", Kind: Logs, Basis: OwnNetwork},
			"reason":    {Name: "x", Kind: Logs, Basis: Consent},
			"names_why": {Name: "x", Kind: Logs, Basis: Test, FullNames: true},
			"name":      {Kind: Logs, Basis: Test},
			"kind":      {Name: "x", Kind: "radio", Basis: Test},
		} {
			_, err := h.Register(h.admin(), n)
			if f := fault.Of(err); f == nil || f.Code != ErrInvalid.Code || len(f.Places) != 1 || f.Places[0].At != at {
				t.Errorf("%s: %v", at, err)
			}
		}
		if _, err := h.Register(h.admin(), NewSource{Name: "x", Kind: Logs, Basis: Acquisition}); !errors.Is(err, ErrAcquisition) {
			t.Errorf("acquisition: %v", err)
		}
		state := NewSource{Name: "x", Kind: Logs, Basis: Consent, Reason: "they agreed"}
		if _, err := state.normal(true); fault.KindOf(err) != fault.Invalid {
			t.Errorf("the State reads by consent: %v", err)
		}
		if _, err := h.Register(h.as("office", gate.OfficeAnalyst), state); fault.KindOf(err) != fault.Refused {
			t.Errorf("an analyst registers: %v", err)
		}
		if _, err := h.Register(h.admin(), state); err != nil {
			t.Error(err)
		}
		if _, err := h.Register(h.night(), NewSource{Name: "x", Kind: Logs, Basis: Test}); fault.KindOf(err) != fault.Refused {
			t.Errorf("a reporter registers: %v", err)
		}
	})
}

func TestSourcesAreTheirOwn(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		h.take(x.ID, 25)
		if _, _, err := h.Source(h.other(), x.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another reads it: %v", err)
		}
		if _, err := h.Take(h.other(), x.ID, Reading{From: x.At, Until: x.At}, nil); !errors.Is(err, ErrNone) {
			t.Errorf("another feeds it: %v", err)
		}
		if list, _, err := h.Sources(h.other(), "", 10); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
		list, _, err := h.Sources(h.night(), "", 10)
		if err != nil || len(list) != 1 || list[0].Name != "本社の外部接続" || list[0].Last == nil || list[0].Last.Lost != 25 || list[0].Last.Share() < 0.02 {
			t.Fatalf("%+v %v", list, err)
		}
		got, readings, err := h.Source(h.night(), x.ID)
		if err != nil || len(readings) != 1 || got.Networks != "192.0.2.0/24" || got.SeenAt.IsZero() {
			t.Errorf("%+v %v %v", got, readings, err)
		}
		if err := h.End(h.admin(), x.ID, "moved"); err != nil {
			t.Fatal(err)
		}
		if err := h.End(h.admin(), x.ID, "again"); !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
		if _, err := h.Take(h.night(), x.ID, Reading{From: x.At, Until: x.At}, nil); !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
	})
}

func TestFindingLives(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		if out := h.take(x.ID, 0, h.beacon(0.93, 0)); out != (TakenIn{New: 1}) {
			t.Fatalf("%+v", out)
		}
		list, _, err := h.Findings(h.night(), Filter{Open: true})
		if err != nil || len(list) != 1 || list[0].Rank != Act || list[0].Src != "192.0.2.41" || list[0].State != Fresh {
			t.Fatalf("%+v %v", list, err)
		}
		id := list[0].ID
		if _, err := h.Finding(h.other(), id); !errors.Is(err, ErrNone) {
			t.Errorf("another reads it: %v", err)
		}
		// The same again the next hour is the same finding.
		h.Clock.Pass(time.Hour)
		if out := h.take(x.ID, 0, h.beacon(0.6, 0)); out != (TakenIn{Again: 1}) {
			t.Errorf("%+v", out)
		}
		f, err := h.Finding(h.night(), id)
		if err != nil || f.Times != 2 || f.Rank != Attend || f.End.Sub(f.Start) != 2*time.Hour {
			t.Fatalf("%+v %v", f, err)
		}
		if _, err := h.Decide(h.night(), id, f.Version-1, Decision{State: Taken}); !errors.Is(err, ErrStale) {
			t.Errorf("an old version: %v", err)
		}
		if _, err := h.Decide(h.night(), id, f.Version, Decision{State: Benign}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("harmless without reason: %v", err)
		}
		until := h.Clock.Now().Add(48 * time.Hour)
		if f, err = h.Decide(h.night(), id, f.Version, Decision{State: Benign, Note: "監視", UntilAt: until}); err != nil {
			t.Fatal(err)
		}
		h.Clock.Pass(time.Hour)
		if out := h.take(x.ID, 0, h.beacon(0.7, 0)); out != (TakenIn{Unheard: 1}) {
			t.Errorf("harmless: %+v", out)
		}
		if list, _, _ = h.Findings(h.night(), Filter{Open: true}); len(list) != 0 {
			t.Errorf("it waits although harmless: %+v", list)
		}
		h.Clock.Pass(72 * time.Hour)
		if n, err := h.Tally(h.night()); err != nil || n[Attend] != 1 {
			t.Errorf("its time is over: %v %v", n, err)
		}
		if out := h.take(x.ID, 0, h.beacon(0.9, 0)); out.New != 1 {
			t.Errorf("its time is over: %+v", out)
		}
		if f, err = h.Finding(h.night(), id); err != nil || f.State != Fresh || f.Note != "監視" {
			t.Errorf("%+v %v", f, err)
		}
	})
}

func TestRelease(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		h.take(x.ID, 0, h.beacon(0.9, 0))
		list, _, err := h.Findings(h.night(), Filter{})
		if err != nil {
			t.Fatal(err)
		}
		id := list[0].ID
		released := func() (err error) {
			return h.DB.Read(context.Background(), func(tx *db.Tx) error {
				f, err := h.Released(context.Background(), tx, h.country.Identity("wind", "a", gate.OperatorViewer).Org, id)
				if err == nil && f.Releasable != "203.0.113.84" {
					t.Errorf("other end %q", f.Releasable)
				}
				return err
			})
		}
		if err := released(); !errors.Is(err, ErrNone) {
			t.Errorf("before: %v", err)
		}
		if _, err := h.Release(h.other(), id, false); !errors.Is(err, ErrNone) {
			t.Errorf("another releases: %v", err)
		}
		if _, err := h.Release(h.night(), id, false); err != nil {
			t.Fatal(err)
		}
		if err := released(); err != nil {
			t.Errorf("after: %v", err)
		}
		if _, err := h.Release(h.night(), id, false); !errors.Is(err, ErrAlready) {
			t.Errorf("twice: %v", err)
		}
		hidden := h.beacon(0.9, 0)
		hidden.Dst, hidden.Src = "{0a1b2c3d4e5f:30}.example", ""
		h.take(x.ID, 0, hidden)
		list, _, err = h.Findings(h.night(), Filter{State: Fresh, Limit: 1})
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		if _, err := h.Release(h.night(), list[0].ID, false); !errors.Is(err, ErrNothing) {
			t.Errorf("a name nobody can look for: %v", err)
		}
	})
}

func TestPaging(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.source()
		var found []Found
		for i := range 25 {
			f := h.beacon(float64(i%10)/10, -i%4)
			f.Src = "192.0.2." + string(rune('a'+i)) + "x"
			found = append(found, f)
		}
		h.take(x.ID, 0, found...)
		seen, last, cursor := map[string]bool{}, Rank(-1), ""
		for {
			list, next, err := h.Findings(h.night(), Filter{Cursor: cursor, Limit: 4})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range list {
				if seen[f.ID] || f.Rank < last {
					t.Errorf("%s out of order or twice", f.ID)
				}
				seen[f.ID], last = true, f.Rank
			}
			if cursor = next; next == "" {
				break
			}
		}
		if len(seen) != 25 {
			t.Errorf("%d of 25", len(seen))
		}
	})
}

func TestEvidenceCannotCarryWords(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	good := Found{Kind: "beacon", Score: 1, Src: "192.0.2.1", Dst: "+2.mail.{0a1b2c3d4e5f:30}.example", Start: now, End: now}
	if _, err := good.normal(now, false); err != nil {
		t.Fatal(err)
	}
	for at, f := range map[string]func(*Found){
		"evidence 1": func(f *Found) { f.Evidence = json.RawMessage(`{"note":"this is a sentence"}`) },
		"evidence 2": func(f *Found) { f.Evidence = json.RawMessage(`{"x":"` + strings.Repeat("a", 97) + `"}`) },
		"evidence 3": func(f *Found) { f.Evidence = json.RawMessage(`{"a sentence as a key":1}`) },
		"evidence 4": func(f *Found) { f.Evidence = json.RawMessage(`[1]`) },
		"evidence 5": func(f *Found) { f.Evidence = json.RawMessage(`{"a":{"b":{"c":{"d":{"e":1}}}}}`) },
		"evidence 6": func(f *Found) {
			f.Evidence = json.RawMessage(`{"a":[` + strings.Repeat("1,", 3000) + `1]}`)
		},
		"evidence 7": func(f *Found) { f.Evidence = json.RawMessage(`{"a":1} {"b":2}`) },
		"score":      func(f *Found) { f.Score = 1.5 },
		"attack":     func(f *Found) { f.Attack = []string{"T1071.1"} },
		"dst":        func(f *Found) { f.Dst = "two words" },
		"kind":       func(f *Found) { f.Kind = "a kind" },
		"start":      func(f *Found) { f.End = now.Add(time.Hour) },
	} {
		bad := good
		f(&bad)
		_, err := bad.normal(now, false)
		want, _, _ := strings.Cut(at, " ")
		if x := fault.Of(err); x == nil || len(x.Places) != 1 || x.Places[0].At != want {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func TestEveryWordIsUsed(t *testing.T) { testkit.Said(t, "sensor", Words) }
