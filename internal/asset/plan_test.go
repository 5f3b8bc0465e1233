package asset

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"noroshi/internal/base/fault"
)

func rowsOf(items ...Item) []Row {
	rows := make([]Row, len(items))
	for i, it := range items {
		rows[i] = Row{Place: "row " + strconv.Itoa(i+2), Number: i + 2, Item: it}
	}
	return rows
}

func counter() func() ID {
	n := 0
	return func() ID { n++; return ID("n" + strconv.Itoa(n)) }
}

// register gives items ids, as a store would have.
func register(items ...Item) []Item {
	for i := range items {
		items[i].ID = ID("e" + strconv.Itoa(i+1))
	}
	return items
}

func TestPlan(t *testing.T) {
	p := func(s string) Item { // "id=A-1 maker=Orvane …"
		pairs := []string{"maker", "Orvane", "product", "EdgeGate 410"}
		for _, w := range strings.Fields(s) {
			k, v, _ := strings.Cut(w, "=")
			pairs = append(pairs, k, v)
		}
		return piece(t, pairs...)
	}
	for _, c := range []struct {
		name     string
		existing []string
		rows     []string
		remove   bool
		want     string // outcome per row, then counts of what is left
	}{
		{"new", nil, []string{"id=A-1", "id=A-2"}, false, "added added | removed 0 untouched 0"},
		{"by id, whatever else differs", []string{"id=A-1 version=1 site=x"}, []string{"id=A-1 version=2 site=y"}, false, "changed[version site] | removed 0 untouched 0"},
		{"an empty cell says nothing", []string{"id=A-1 version=1 zone=dmz kind=vpn"}, []string{"id=A-1"}, false, "unchanged | removed 0 untouched 0"},
		{"without id, by looks", []string{"site=x version=1"}, []string{"site=x version=2"}, false, "changed[version] | removed 0 untouched 0"},
		{"another site is another piece", []string{"site=x"}, []string{"site=y"}, false, "added | removed 0 untouched 1"},
		{"gone from the list, kept unless asked", []string{"id=A-1", "id=A-2"}, []string{"id=A-2"}, false, "unchanged | removed 0 untouched 1"},
		{"gone from the list, taken out when asked", []string{"id=A-1", "id=A-2"}, []string{"id=A-2"}, true, "unchanged | removed 1 untouched 0"},
		{"a line twice", nil, []string{"id=A-1", "id=A-1", "site=x", "site=x"}, false, "added duplicate=row_2 added duplicate=row_4 | removed 0 untouched 0"},
		{"one id, two stories", nil, []string{"id=A-1 version=1", "id=A-1 version=2"}, false, "added invalid:asset.plan.id_twice | removed 0 untouched 0"},
		{"an id is given to what looks the same", []string{"site=x version=1"}, []string{"id=A-9 site=x"}, false, "changed[id] | removed 0 untouched 0"},
		{"an id is not given where two look the same", []string{"site=x version=1", "site=x version=2"}, []string{"id=A-9 site=x"}, false, "added | removed 0 untouched 2"},
		{"another's id is never taken over", []string{"id=A-1 site=x"}, []string{"id=A-9 site=x"}, false, "added | removed 0 untouched 1"},
		{"two of the same looks keep their own rows", []string{"version=1", "version=2"}, []string{"version=2", "version=1"}, true, "unchanged unchanged | removed 0 untouched 0"},
		{"two of the same looks, one upgraded: not guessed", []string{"version=1", "version=2"}, []string{"version=1", "version=3"}, true, "unchanged added | removed 1 untouched 0"},
		{"the more silent row does not steal", []string{"version=1 zone=dmz", "version=2"}, []string{"version=1", "version=2"}, true, "unchanged unchanged | removed 0 untouched 0"},
		{"addresses in another order", []string{"id=A addresses=10.0.0.1;10.0.0.2"}, []string{"id=A addresses=10.0.0.2;10.0.0.1"}, false, "unchanged | removed 0 untouched 0"},
		{"wrong together", []string{"id=A introduced_at=2026-05-01"}, []string{"id=A changed_at=2026-04-01"}, false, "invalid:asset.plan.dates_crossed | removed 0 untouched 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ex, in []Item
			for _, s := range c.existing {
				ex = append(ex, p(s))
			}
			for _, s := range c.rows {
				in = append(in, p(s))
			}
			got := NewPlan(register(ex...), rowsOf(in...), c.remove)
			var words []string
			for _, r := range got.Rows {
				w := string(r.Outcome)
				var fields []string
				for _, ch := range r.Changes {
					fields = append(fields, ch.Field)
				}
				if fields != nil {
					w += "[" + strings.Join(fields, " ") + "]"
				}
				if r.SameAs != "" {
					w += "=" + strings.ReplaceAll(r.SameAs, " ", "_")
				}
				if r.Outcome == Invalid {
					w += ":" + r.Problems[0].Code
				}
				words = append(words, w)
			}
			s := fmt.Sprintf("%s | removed %d untouched %d", strings.Join(words, " "), len(got.Removed), got.Untouched)
			if s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

func TestPlanSpellingIsNoChange(t *testing.T) {
	a := piece(t, "id", "A-1", "maker", "株式会社カナギ電子", "product", "KX-2200")
	b := piece(t, "id", "A-1", "maker", "ｶﾅｷﾞ電子", "product", "ＫＸ－２２００")
	if got := NewPlan(register(a), rowsOf(b), false); got.Changes() {
		t.Errorf("%+v", got.Rows[0].Changes)
	}
}

func TestPlanKeepsWhatAListDoesNotSay(t *testing.T) {
	ex := register(piece(t, "id", "A-1", "maker", "Fortinet", "product", "FortiGate 60F", "kind", "vpn", "quantity", "5"))
	for list, want := range map[string]string{
		"id,maker,product\nA-1,Fortinet,FortiGate 60F\n":                        "vpn 5",
		"id,maker,product,kind,quantity\nA-1,Fortinet,FortiGate 60F, ,\n":       "vpn 5",
		"id,maker,product,kind,quantity\nA-1,Fortinet,FortiGate 60F,router,1\n": "router 1",
		"id,maker,product,kind,quantity\nA-2,Fortinet,FortiGate 60F,,\n":        "firewall 1", // new: filled in
	} {
		var rows []Row
		if _, err := Read("x.csv", strings.NewReader(list), int64(len(list)), func(r Row) error { rows = append(rows, r); return nil }); err != nil {
			t.Fatal(err)
		}
		p := NewPlan(ex, rows, false)
		if got := fmt.Sprint(p.Rows[0].Item.Kind, " ", p.Rows[0].Item.Quantity); got != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
}

func TestPlanIsAllOrNothing(t *testing.T) {
	ex := register(piece(t, "id", "A-1", "maker", "Orvane", "product", "EdgeGate"))
	rows := rowsOf(piece(t, "id", "A-2", "maker", "Orvane", "product", "EdgeGate"), piece(t, "id", "A-1", "maker", "Orvane", "product", "EdgeGate", "version", "2"))
	rows = append(rows, Row{Place: "row 4", Number: 4, Problems: []fault.Place{{At: "row 4, column C", Code: "asset.import.maker_empty", Args: fault.Args{"row": 4, "col": "C"}}}})
	p := NewPlan(ex, rows, true)
	got, err := p.Apply(ex, counter())
	f := fault.Of(err)
	if got != nil || f.Kind != fault.Invalid || f.Code != "asset.plan.invalid" || f.Args["n"] != 1 || len(f.Places) != 1 || f.Places[0].At != "row 4, column C" {
		t.Errorf("%v, %v", got, err)
	}
	if p.Counts != (PlanCounts{Rows: 3, Added: 1, Changed: 1, Invalid: 1}) {
		t.Errorf("%+v", p.Counts)
	}
}

// Small worlds collide often: few names, few values, many empty cells.
func world(t *rapid.T) Item {
	var d Draft
	pick := func(f Field, of ...string) { d.Values[f] = rapid.SampledFrom(of).Draw(t, f.String()) }
	pick(FieldKey, "", "", "", "A", "B", "C")
	pick(FieldKind, "", "vpn", "other", "router")
	pick(FieldMaker, "Orvane", "ｵﾙｳﾞｪｲﾝ", "オルヴェイン株式会社")
	pick(FieldProduct, "EdgeGate 410", "edgegate-410", "KX")
	pick(FieldVersion, "", "1", "2")
	pick(FieldSite, "", "", "東")
	pick(FieldAddresses, "", "", "10.0.0.1", "10.0.0.2; 10.0.0.1", "10.0.0.1; 10.0.0.2")
	pick(FieldQuantity, "", "2")
	pick(FieldService, "", "給電", "連絡")
	pick(FieldIntroduced, "", "2026-03-31", "2026-05-01")
	pick(FieldChanged, "", "2026-04-01", "2026-06-01")
	if rapid.Bool().Draw(t, "further") {
		d.Further = map[string]string{rapid.SampledFrom([]string{"棚", "rack"}).Draw(t, "name"): rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value")}
	}
	it, _ := New(&d, nil) // dates may cross; such an Item is still a fair input here
	if !it.Changed.IsZero() && it.Changed.Before(it.Introduced) {
		it.Changed = Date{}
	}
	return it
}

// worldRows are rows of a list, some of which leave kind or quantity to New.
func worldRows(t *rapid.T) []Row {
	rows := rowsOf(rapid.SliceOfN(rapid.Custom(world), 0, 7).Draw(t, "rows")...)
	for i := range rows {
		rows[i].KindAssumed = rows[i].Item.Kind == KindOther || rapid.Bool().Draw(t, "kind assumed")
		rows[i].QuantityAssumed = rows[i].Item.Quantity == 1 && rapid.Bool().Draw(t, "quantity assumed")
	}
	return rows
}

func worldRegister(t *rapid.T) []Item {
	var out []Item
	keys := map[string]bool{}
	for _, it := range rapid.SliceOfN(rapid.Custom(world), 0, 7).Draw(t, "register") {
		if it.Key != "" && keys[it.Key] {
			it.Key = ""
		}
		keys[it.Key] = true
		out = append(out, it)
	}
	return register(out...)
}

func TestPlanTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ex := worldRegister(t)
		rows := worldRows(t)
		remove := rapid.Bool().Draw(t, "remove")
		first := NewPlan(ex, rows, remove)
		if c := first.Counts; c.Rows != len(rows) || c.Added+c.Changed+c.Unchanged+c.Duplicate+c.Invalid != c.Rows {
			t.Fatalf("counts do not add up: %+v", c)
		}
		next, err := first.Apply(ex, counter())
		if (err != nil) != (first.Counts.Invalid > 0) {
			t.Fatalf("%d invalid, error %v", first.Counts.Invalid, err)
		}
		if err != nil {
			return
		}
		if len(next) != len(ex)+first.Counts.Added-first.Counts.Removed {
			t.Fatalf("%d after %d and %+v", len(next), len(ex), first.Counts)
		}
		second := NewPlan(next, rows, remove)
		if second.Changes() || second.Counts.Invalid > 0 {
			for _, r := range second.Rows {
				t.Logf("%s %s %+v", r.Place, r.Outcome, r.Changes)
			}
			t.Fatalf("the same list again: %+v", second.Counts)
		}
		again, err := second.Apply(next, counter())
		if err != nil || cmp.Diff(next, again) != "" {
			t.Fatalf("applying nothing changed something: %v", err)
		}
	})
}

// No row may vanish, and nothing recorded may be emptied by an import.
func TestPlanLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ex := worldRegister(t)
		rows := worldRows(t)
		p := NewPlan(ex, rows, false)
		next, err := p.Apply(ex, counter())
		if err != nil {
			return
		}
		byID := map[ID]*Item{}
		for i := range next {
			byID[next[i].ID] = &next[i]
		}
		for i := range ex {
			now := byID[ex[i].ID]
			if now == nil {
				t.Fatalf("%s vanished", ex[i].ID)
			}
			for _, f := range Fields() {
				if ex[i].Value(f) != "" && now.Value(f) == "" {
					t.Fatalf("%s of %s was emptied", f, ex[i].ID)
				}
			}
		}
		for _, r := range rows {
			found := false
			for i := range next {
				found = found || addsNothing(&r.Item, &next[i], assumed{r.KindAssumed, r.QuantityAssumed})
			}
			if !found {
				t.Fatalf("what %s says is nowhere", r.Place)
			}
		}
	})
}

func manyItems(n int) []Item {
	base := Item{Kind: KindVPN, Maker: "Orvane", MakerName: "Orvane", MakerKey: "orvane", Product: "EdgeGate 410", ProductName: "EdgeGate 410", ProductKey: "edgegate410", Quantity: 1}
	rng := rand.New(rand.NewPCG(1, 2))
	out := make([]Item, n)
	for i := range out {
		out[i] = base
		out[i].Key = "A-" + strconv.Itoa(i)
		out[i].Sealed = Sealed{Version: strconv.Itoa(rng.IntN(9)), Zone: Zones()[rng.IntN(5)], Addresses: []string{fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)}}
	}
	return out
}

func BenchmarkPlan100k(b *testing.B) {
	rows := rowsOf(manyItems(100_000)...)
	ex := register(manyItems(100_000)...)
	b.ReportAllocs()
	for b.Loop() {
		if p := NewPlan(ex, rows, true); p.Changes() {
			b.Fatal("nothing to change")
		}
	}
}

// A list of alike rows must not take quadratic time.
func TestPlanOfAlikeRowsIsBounded(t *testing.T) {
	items := manyItems(30_000)
	for i := range items {
		items[i].Key, items[i].Sealed.Addresses = "", nil
		items[i].Sealed.Version = strconv.Itoa(i)
	}
	p := NewPlan(nil, rowsOf(items...), false)
	next, err := p.Apply(nil, counter())
	if err != nil || p.Counts.Added != len(items) {
		t.Fatalf("%v %+v", err, p.Counts)
	}
	for i := range next {
		next[i].Service = "給電" // somebody filled in more than the list says
	}
	if p = NewPlan(next, rowsOf(items...), false); p.Counts.Rows != len(items) {
		t.Fatalf("%+v", p.Counts)
	}
}
