package sighting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/sensor"
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
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "sensor", FS: sensor.Migrations}, db.Source{Noun: "sighting", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	c := country.New(t, p)
	sensors := sensor.Open(sensor.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: c.Service, Now: p.Clock.Now})
	say := func(lang text.Lang, f sensor.Finding, named bool) string {
		return fmt.Sprint(f.Kind, " ", lang, " ", named)
	}
	return &hub{Open(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Blobs: p.Blobs, Orgs: c.Service, Now: p.Clock.Now, Sensors: sensors, Say: say}), p, t, c}
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

func (h *hub) as(name string, clearance int, role gate.Role) context.Context {
	id := h.country.Identity(name, "a", role)
	id.Clearance = clearance
	return gate.With(context.Background(), id)
}

func (h *hub) wind() context.Context    { return h.as("wind", 1, gate.OperatorReporter) }
func (h *hub) sea() context.Context     { return h.as("sea", 1, gate.OperatorReporter) }
func (h *hub) analyst() context.Context { return h.as("office", 2, gate.OfficeAnalyst) }

func (h *hub) record(ctx context.Context, n New) Sighting {
	h.t.Helper()
	x, err := h.Record(ctx, n)
	if err != nil {
		h.t.Fatal(err)
	}
	return x
}

func TestNormal(t *testing.T) {
	for _, c := range []struct {
		in      string
		product bool
		t       Type
		out     string
	}{
		{"hxxps://Evil[.]Example:443/a?b#frag", false, URL, "https://evil.example/a?b"},
		{"http://198.51.100.7:8080", false, URL, "http://198.51.100.7:8080/"},
		{"http://[2001:DB8::1]/x", false, URL, "http://[2001:db8::1]/x"},
		{"evil[.]example.", false, Domain, "evil.example"},
		{"１９８.５１.100[.]7", false, Address, "198.51.100.7"},
		{"198.51.100.7/24", false, Address, "198.51.100.0/24"},
		{"2001[:]db8::1", false, Address, "2001:db8::1"},
		{" cve-2026-12345 ", false, Vulnerability, "CVE-2026-12345"},
		{"D41D8CD98F00B204E9800998ECF8427E", false, Hash, "d41d8cd98f00b204e9800998ecf8427e"},
		{"日本語.example", false, Domain, "xn--wgv71a119e.example"},
		{"Orvane  EdgeGate 410 9.1", true, Product, "Orvane EdgeGate 410 9.1"},
		{"Orvane EdgeGate 410", false, "", ""},
		{"javascript:alert(1)", false, "", ""},
		{"https://", false, "", ""},
		{"", true, "", ""},
		{strings.Repeat("a", maxValue+1), true, "", ""},
	} {
		typ, out, ok := Normal(c.in, c.product)
		if typ != c.t || out != c.out || ok != (c.t != "") {
			t.Errorf("%q: %s %q %v", c.in, typ, out, ok)
		}
	}
	for v, want := range map[string]string{"https://evil.example/a.b": "hxxps://evil[.]example/a.b", "198.51.100.7": "198.51.100[.]7"} {
		typ, _, _ := Normal(v, false)
		if got := Defang(typ, v); got != want {
			t.Errorf("%s: %s", v, got)
		}
		if _, back, _ := Normal(Defang(typ, v), false); back != v {
			t.Errorf("%s does not come back: %s", v, back)
		}
	}
}

func FuzzNormal(f *testing.F) {
	for _, s := range []string{"hxxp://a[.]example/", "CVE-2026-1", "10.0.0.0/8", "x y", "http://[::ffff:1.2.3.4]/", "ftp://a:b@c.example:21/%zz"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, product bool) {
		typ, v, ok := Normal(s, product)
		if !ok {
			return
		}
		if t2, again, ok := Normal(v, product); !ok || again != v || t2 != typ {
			t.Fatalf("%q → %s %q → %s %q", s, typ, v, t2, again)
		}
	})
}

func TestWhatCannotBeRecorded(t *testing.T) {
	now := testkit.Start
	for name, c := range map[string]struct {
		n  New
		at string
	}{
		"no kind":              {New{Value: "evil.example"}, "what"},
		"a value that is none": {New{What: Indicator, Value: "!!"}, "value"},
		"a CVE as indicator":   {New{What: Indicator, Value: "CVE-2026-12345"}, "what"},
		"exploited without":    {New{What: Exploited, Value: "evil.example"}, "what"},
		"tomorrow":             {New{What: Indicator, Value: "evil.example", LastAt: now.AddDate(0, 0, 1)}, "last_at"},
		"turned round":         {New{What: Indicator, Value: "evil.example", FirstAt: now, LastAt: now.AddDate(0, 0, -1)}, "first_at"},
		"no such label":        {New{What: Indicator, Value: "evil.example", TLP: "WHITE"}, "tlp"},
		"above one's own":      {New{What: Indicator, Value: "evil.example", Clearance: 2}, "clearance"},
		"a long note":          {New{What: Indicator, Value: "evil.example", Note: strings.Repeat("あ", maxNote+1)}, "note"},
		"no such origin":       {New{What: Indicator, Value: "evil.example", Origin: "rumour"}, "origin"},
		"many":                 {New{What: Indicator, Value: "evil.example", Count: maxCount + 1}, "count"},
		"no CVE":               {New{What: Behaviour, Value: "x", Vulnerability: "bug 7"}, "vulnerability"},
	} {
		_, err := c.n.normal(now, 1)
		f := fault.Of(err)
		if err == nil || f.Kind != fault.Invalid || len(f.Places) != 1 || f.Places[0].At != c.at {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := New{What: Exploited, Vulnerability: "cve-2026-12345"}.normal(now, 0)
	if err != nil || s.Value != "CVE-2026-12345" || s.Vulnerability != s.Value || s.Count != 1 || !s.FirstAt.Equal(now) {
		t.Errorf("%+v %v", s, err)
	}
}

func TestTheVictimStaysHidden(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		hidden := h.record(h.wind(), New{What: Exploited, Value: "CVE-2026-12345", Victim: "風の子会社", Ref: "incident/1", Note: "入口", Count: 3})
		named := h.record(h.wind(), New{What: Indicator, Value: "hxxp://evil[.]example/x", Named: true})
		red := h.record(h.wind(), New{What: Indicator, Value: "198.51.100.7", TLP: "RED"})
		above := h.record(h.as("wind", 3, gate.OperatorReporter), New{What: Indicator, Value: "198.51.100.8", Clearance: 3})
		if _, err := h.Attach(h.wind(), hidden.ID, strings.NewReader("log"), "wind.log"); err != nil {
			t.Fatal(err)
		}
		x, err := h.Get(h.analyst(), hidden.ID)
		if err != nil || x.Org != "" || x.Victim != "" || x.Ref != "" || x.Entry != "" || len(x.Files) != 0 || x.Note != "入口" || x.Value != "CVE-2026-12345" {
			t.Errorf("%+v %v", x, err)
		}
		if x, err = h.Get(h.analyst(), named.ID); err != nil || x.Org != h.country.ID("wind") {
			t.Errorf("%+v %v", x, err)
		}
		mine, err := h.Get(h.wind(), hidden.ID)
		if err != nil || mine.Org != h.country.ID("wind") || len(mine.Files) != 1 || mine.Victim == "" {
			t.Fatalf("%+v %v", mine, err)
		}
		if _, _, err := h.Download(h.analyst(), hidden.ID, mine.Files[0].ID); !errors.Is(err, ErrNone) {
			t.Errorf("evidence: %v", err)
		}
		for _, id := range []string{red.ID, above.ID} {
			if _, err := h.Get(h.analyst(), id); !errors.Is(err, ErrNone) {
				t.Errorf("%v", err)
			}
		}
		if _, err := h.Get(h.wind(), above.ID); !errors.Is(err, ErrNone) {
			t.Errorf("above one's clearance: %v", err)
		}
		for _, name := range h.country.Names() {
			for _, role := range gate.Roles {
				who := h.as(name, 3, role)
				if name == "wind" || name == "office" && role == gate.OfficeAnalyst || role == gate.OfficeAnalyst {
					continue
				}
				if _, err := h.Get(who, hidden.ID); err == nil {
					t.Errorf("%s as %s reads another's sighting", name, role)
				}
				if got, _, err := h.List(who, Filter{Value: "evil.example"}); err == nil && len(got) > 0 {
					t.Errorf("%s as %s lists another's sighting", name, role)
				}
				if err := h.Withdraw(who, hidden.ID, ""); err == nil {
					t.Errorf("%s as %s withdraws another's sighting", name, role)
				}
				if _, err := h.Attach(who, hidden.ID, strings.NewReader("x"), "x"); err == nil {
					t.Errorf("%s as %s attaches to another's sighting", name, role)
				}
			}
		}
		if _, err := h.Record(h.as("industry", 3, gate.MinistryClerk), New{What: Exploited, Value: "CVE-2026-12345"}); fault.KindOf(err) != fault.Refused {
			t.Errorf("%v", err)
		}
		if h.Entries(t, "sighting.record", ledger.Refused) != 1 {
			t.Error("a refusal has to be on the record")
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM sighting_fact WHERE tag LIKE '%evil%' OR ref LIKE '%evil%'"); n != 0 {
			t.Error("a value stands in clear")
		}
	})
}

func TestTheSameThingIsFoundAsTheSame(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		a := h.record(h.wind(), New{What: Indicator, Value: "hxxp://Evil[.]example:80/", Count: 2})
		h.record(h.sea(), New{What: Indicator, Value: "http://evil.example"})
		h.record(h.sea(), New{What: Exploited, Value: "CVE-2026-12345"})
		got, _, err := h.List(h.analyst(), Filter{Value: "http://evil[.]example/"})
		if err != nil || len(got) != 2 {
			t.Fatalf("%v %v", got, err)
		}
		seen := func(value string) (s Seen) {
			t.Helper()
			err := h.Parts.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
				s, err = h.SeenValue(t.Context(), tx, value)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		if s := seen("http://evil.example/"); s.Orgs != 2 || s.Times != 3 || s.Sightings != 2 {
			t.Errorf("%+v", s)
		}
		if err := h.Withdraw(h.wind(), a.ID, "見まちがい"); err != nil {
			t.Fatal(err)
		}
		if err := h.Withdraw(h.wind(), a.ID, ""); !errors.Is(err, ErrWithdrawn) {
			t.Errorf("%v", err)
		}
		if s := seen("http://evil.example/"); s.Orgs != 1 || s.Times != 1 {
			t.Errorf("%+v", s)
		}
		if got, _, _ := h.List(h.wind(), Filter{}); len(got) != 0 {
			t.Errorf("withdrawn ones are left out: %v", got)
		}
		if got, _, _ := h.List(h.wind(), Filter{Withdrawn: true}); len(got) != 1 {
			t.Errorf("they stay on the record: %v", got)
		}
	})
}

func TestPagesOfTheList(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for range 7 {
			h.record(h.wind(), New{What: Exploited, Value: "CVE-2026-12345"})
			h.record(h.sea(), New{What: Exploited, Value: "CVE-2026-12345"})
		}
		var n int
		f := Filter{Limit: 3}
		for range 10 {
			got, next, err := h.List(h.wind(), f)
			if err != nil {
				t.Fatal(err)
			}
			n += len(got)
			if f.Cursor = next; next == "" {
				break
			}
		}
		if n != 7 {
			t.Errorf("%d of one's own 7", n)
		}
	})
}

func TestEvidenceComesBack(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.record(h.wind(), New{What: Indicator, Value: "evil.example", Named: true})
		m, err := h.Attach(h.wind(), x.ID, strings.NewReader("a log"), "a.log")
		if err != nil {
			t.Fatal(err)
		}
		_, r, err := h.Download(h.analyst(), x.ID, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if raw, _ := io.ReadAll(r); !bytes.Equal(raw, []byte("a log")) {
			t.Errorf("%q", raw)
		}
		y := h.record(h.wind(), New{What: Indicator, Value: "other.example"})
		if _, _, err := h.Download(h.wind(), y.ID, m.ID); !errors.Is(err, ErrNone) {
			t.Errorf("of another sighting: %v", err)
		}
		if _, err := h.Attach(h.wind(), x.ID, bytes.NewReader(make([]byte, testkit.MaxBlob+1)), "b"); !errors.Is(err, blob.ErrTooLarge) {
			t.Errorf("%v", err)
		}
	})
}

func TestAnEventTellsOfIt(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		if err := h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := h.Put(t.Context(), tx, h.country.ID("wind"), "entry", New{What: Exploited, Value: "CVE-2026-12345", Origin: FromNotice, Ref: "notice/1"})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM bus_event WHERE subject = 'sighting.recorded' AND data LIKE '%\"vulnerability\":\"CVE-2026-12345\"%'"); n != 1 {
			t.Errorf("%d events", n)
		}
		names, err := h.Names(h.wind(), Sighting{Org: h.country.ID("wind")})
		if err != nil || names[org.ID(h.country.ID("wind"))] == "" {
			t.Errorf("%v %v", names, err)
		}
	})
}

// What a sighting came from is typed by people, and lies open nowhere.
func TestNothingTypedLiesOpen(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		x := h.record(h.wind(), New{What: Indicator, Value: "http://evil.example", Note: "配電の監視で", Victim: "霧沢の工場", Ref: "当直の記録 198.51.100.7"})
		got, err := h.Get(h.wind(), x.ID)
		if err != nil || got.Ref != x.Ref || got.Ref == "" {
			t.Errorf("%+v %v", got, err)
		}
		for _, word := range []string{"evil", "配電", "霧沢", "198.51.100.7"} {
			if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM sighting_fact WHERE id || org_id || what || type || tag || vulnerability || origin || ref || person LIKE $1", "%"+word+"%"); n != 0 {
				t.Errorf("%s lies open", word)
			}
		}
	})
}
