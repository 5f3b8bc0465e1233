package incident

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
)

// paper is a draft without a database: two people write on it.
type paper struct {
	t    *testing.T
	body *draftBody
	rev  int64
}

func newPaper(t *testing.T) *paper {
	return &paper{t, &draftBody{Report: NewReport(Other), Scope: map[string]string{}, Trail: map[string][]step{}}, 1}
}

func (p *paper) save(who string, base int64, c Changes) int64 {
	p.t.Helper()
	cells, err := c.cells()
	if err != nil {
		p.t.Fatal(err)
	}
	if p.body.merge(cells, base, p.rev+1, author{person: who}, night.Add(time.Duration(p.rev)*time.Minute)) {
		p.rev++
	}
	raw, err := json.Marshal(p.body) // what is sealed is what comes back
	if err != nil {
		p.t.Fatal(err)
	}
	again := &draftBody{}
	if err := json.Unmarshal(raw, again); err != nil {
		p.t.Fatal(err)
	}
	if d := cmp.Diff(p.body.Report, again.Report); d != "" {
		p.t.Fatalf("the draft changed by being kept: %s", d)
	}
	p.body = again
	return p.rev
}

func title(s string) Changes {
	return Changes{Values: map[FieldID]Value{"event.title": KnownValue(s)}}
}

func (p *paper) title() string {
	s, _ := p.body.Report.Value("event.title").Text()
	return s
}

func TestTwoEditorsMergeByField(t *testing.T) {
	p := newPaper(t)
	base := p.save("a", 1, title("最初"))
	// Both opened the draft at the same revision and write different fields.
	p.save("a", base, Changes{Values: map[FieldID]Value{"event.title": KnownValue("ランサム")}})
	p.save("b", base, Changes{Severity: ptr(Act), Consents: map[string]bool{"share_with_nco_consent": true}, Scope: map[string]string{"designated": "yes"}})
	if len(p.body.Clashes) != 0 || p.title() != "ランサム" || p.body.Report.Severity != Act || !p.body.Report.Consent("share_with_nco_consent") || p.body.Scope["designated"] != "yes" {
		t.Errorf("%+v %+v", p.body.Report, p.body.Clashes)
	}
}

func ptr[T any](v T) *T { return &v }

// A page sends all of its fields, also those its reader did not touch.
func TestAFieldNobodyTouchedIsNoClash(t *testing.T) {
	p := newPaper(t)
	base := p.save("a", 1, title("古い題"))
	p.save("a", base, title("新しい題"))
	mine := title("古い題") // as it stood on b's page
	mine.Severity = ptr(Attend)
	p.save("b", base, mine)
	if len(p.body.Clashes) != 0 || p.title() != "新しい題" || p.body.Report.Severity != Attend {
		t.Errorf("%q %v %+v", p.title(), p.body.Report.Severity, p.body.Clashes)
	}
}

func TestBothValuesOfAClashAreKept(t *testing.T) {
	p := newPaper(t)
	base := p.save("a", 1, title("共通"))
	p.save("a", base, title("Aの題"))
	rev := p.save("b", base, title("Bの題"))
	cs := p.body.clashes()
	if len(cs) != 1 || p.title() != "Aの題" {
		t.Fatalf("%q %+v", p.title(), cs)
	}
	c := cs[0]
	if c.Field != "event.title" || c.Kept.Person != "a" || c.Other.Person != "b" || c.Other.Value.V != "Bの題" || c.Kept.Value.V != "Aの題" || c.Other.At.IsZero() || c.Kept.At.IsZero() {
		t.Errorf("%+v", c)
	}
	// b's page goes on saving what stands in it, from the new revision: that
	// must not run over a.
	rev = p.save("b", rev, title("Bの題、続き"))
	rev = p.save("a", rev, title("Aの題、続き"))
	if cs = p.body.clashes(); len(cs) != 1 || p.title() != "Aの題、続き" || cs[0].Other.Value.V != "Bの題、続き" {
		t.Fatalf("%q %+v", p.title(), cs)
	}
	if p.body.resolve(c.Choice, true, rev+1, "a", night) {
		t.Error("a chose a value they did not see")
	}
	if !p.body.resolve(cs[0].Choice, true, rev+1, "a", night) || p.title() != "Bの題、続き" || len(p.body.Clashes) != 0 {
		t.Errorf("%q %+v", p.title(), p.body.Clashes)
	}
}

func TestAClashEndsWhenBothAgree(t *testing.T) {
	p := newPaper(t)
	base := p.save("a", 1, title("共通"))
	p.save("a", base, title("Aの題"))
	rev := p.save("b", base, title("Bの題"))
	p.save("b", rev, title("Aの題"))
	if len(p.body.Clashes) != 0 {
		t.Errorf("%+v", p.body.Clashes)
	}
}

func TestKeepingWhatStandsIsAChoiceToo(t *testing.T) {
	p := newPaper(t)
	base := p.save("a", 1, title("共通"))
	p.save("a", base, title("Aの題"))
	p.save("b", base, title("Bの題"))
	p.save("c", base, title("Cの題"))
	if len(p.body.clashes()) != 2 {
		t.Fatalf("%+v", p.body.clashes())
	}
	p.body.resolve(p.body.clashes()[0].Choice, false, p.rev+1, "a", night)
	if cs := p.body.clashes(); len(cs) != 1 || cs[0].Other.Person != "c" || p.title() != "Aの題" {
		t.Errorf("%+v", cs)
	}
}

func TestTakingAnAnswerBackIsAChange(t *testing.T) {
	p := newPaper(t)
	base := p.save("a", 1, title("題"))
	p.save("b", base, Changes{Values: map[FieldID]Value{"event.title": {}}})
	if p.body.Report.Value("event.title").Answered() {
		t.Error("still there")
	}
	p.save("a", base, title("題、長く"))
	if cs := p.body.clashes(); len(cs) != 1 || cs[0].Kept.Value.Answered() {
		t.Errorf("%+v", cs)
	}
}

func TestAnotherKindLosesNothing(t *testing.T) {
	p := newPaper(t)
	p.body.Report = Template(Ransomware).Clone()
	before := len(p.body.asked().Values)
	base := p.save("a", 1, Changes{Kind: ptr(Cause)})
	if err := p.body.asked().Validate(); err != nil {
		t.Errorf("what is sent holds answers its kind does not ask: %v", err)
	}
	p.save("a", base, Changes{Kind: ptr(Ransomware)})
	if after := len(p.body.asked().Values); after != before {
		t.Errorf("%d answers, had %d", after, before)
	}
}

func TestChangesThatCannotBeAcceptedAreNamed(t *testing.T) {
	_, err := Changes{
		Values:   map[FieldID]Value{"event.title": KnownValue(""), "no.such": KnownValue("x"), "event.recognised_at": KnownValue("yesterday")},
		Kind:     ptr(Kind("fire")),
		TLP:      ptr(TLP("")),
		Severity: ptr(Severity("high")),
		Class:    ptr("none/such"),
		Consents: map[string]bool{"anything": true},
		Scope:    map[string]string{"q\u202e": "x", "ok": "a\x00"},
	}.cells()
	var at []string
	for _, p := range fault.Of(err).Places {
		at = append(at, p.At)
	}
	want := []string{"/class", "/consents/anything", "/kind", "/scope/ok", "/scope/q\u202e", "/severity", "/tlp", "/values/event.recognised_at", "/values/event.title", "/values/no.such"}
	if !errors.Is(err, ErrInvalid) || !slices.Equal(at, want) {
		t.Errorf("%v\n got %q\nwant %q", err, at, want)
	}
}

func TestDecodeValues(t *testing.T) {
	got, err := DecodeValues(map[string]json.RawMessage{
		"event.title": json.RawMessage(`"題"`), "event.recognised_at": json.RawMessage(`{"unknown":true}`), "operator.employees": json.RawMessage(`null`),
	})
	if err != nil || got["event.title"].V != "題" || got["event.recognised_at"].State != Unknown {
		t.Errorf("%+v %v", got, err)
	}
	if v, ok := got["operator.employees"]; !ok || v.Answered() {
		t.Errorf("null must take the answer back: %+v", v)
	}
	_, err = DecodeValues(map[string]json.RawMessage{"event.title": json.RawMessage(`7`), "x": json.RawMessage(`1`), "event.summary": json.RawMessage(`{"a":`)})
	if n := len(fault.Of(err).Places); !errors.Is(err, ErrUnparsable) || n != 3 {
		t.Errorf("%d places: %v", n, err)
	}
}

// Whatever two people do, in whatever order, no value that somebody wrote last
// is gone: it stands in the draft, or it is the other side of a clash.
func TestNothingIsLostWhateverTheOrder(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		p := newPaper(t)
		base := map[string]int64{"a": 1, "b": 1}
		wrote := map[string]string{} // what each wrote last and did not see replaced
		for i := range 12 {
			who := []string{"a", "b"}[rng.IntN(2)]
			if rng.IntN(3) == 0 { // loads the page again and accepts what stands there
				base[who] = p.rev
				if p.title() != wrote[who] && p.body.clash("/values/event.title", who) < 0 {
					delete(wrote, who)
				}
				continue
			}
			text := fmt.Sprintf("%s%d", who, i)
			base[who], wrote[who] = p.save(who, base[who], title(text)), text
			other := map[string]string{"a": "b", "b": "a"}[who]
			if p.title() == text { // written over what they saw
				if p.body.clash("/values/event.title", other) < 0 {
					delete(wrote, other)
				}
			}
			if p.title() != text && p.body.clash("/values/event.title", who) < 0 {
				t.Fatalf("seed %d step %d: %s wrote %q, which is nowhere: %q %+v", seed, i, who, text, p.title(), p.body.Clashes)
			}
		}
		for who, text := range wrote {
			i := p.body.clash("/values/event.title", who)
			if p.title() != text && (i < 0 || string(p.body.Clashes[i].JSON) != `"`+text+`"`) {
				t.Fatalf("seed %d: %q of %s is lost: %q %+v", seed, text, who, p.title(), p.body.Clashes)
			}
		}
	}
}

func FuzzDecodeValues(f *testing.F) {
	for _, s := range []string{`{"event.title":"題"}`, `{"event.title":null,"x":1}`, `{"operator.employees":{"min":1,"max":2}}`, `{"event.recognised_at":{"unknown":true}}`, `{"contact.duty":{"name":"a"}}`, `{"event.title":[[[]]]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in map[string]json.RawMessage
		if json.Unmarshal(raw, &in) != nil {
			return
		}
		values, err := DecodeValues(in)
		if err != nil {
			if len(fault.Of(err).Places) == 0 {
				t.Errorf("refused without a place: %v", err)
			}
			return
		}
		cells, err := Changes{Values: values}.cells()
		if err != nil {
			return
		}
		b := &draftBody{Report: NewReport(Other), Scope: map[string]string{}, Trail: map[string][]step{}}
		b.merge(cells, 1, 2, author{person: "a"}, night)
		for at, want := range cells {
			if got := b.get(at); string(got) != string(want) {
				t.Errorf("%s went in as %s and came out as %s", at, want, got)
			}
		}
	})
}
