package match

import (
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// naiveRouted is naive for the rules whose logsource means the row, with the
// other names of its fields added in the plainest way.
func naiveRouted(rules []*sigma.Rule, routes *sigma.Routes, row *event.Row, names *event.Names) []int {
	channel, provider, id := string(row.Get(event.Channel)), string(row.Get(event.Provider)), string(row.Get(event.EventID))
	for _, n := range routes.Namings(row.Log, channel, provider, id) {
		if row.Find(names.ID(n.To)) >= 0 {
			continue
		}
		var from [][]byte
		for _, f := range n.From {
			from = append(from, row.Get(names.ID(f)))
		}
		if text, ok := n.Append(nil, from...); ok {
			row.Add(names.ID(n.To), event.Text, text)
		}
	}
	get := remembered(sigma.Values(row, names))
	fits := map[sigma.Logsource]bool{}
	var hits []int
	for i, r := range rules {
		to, _ := routes.For(r.Logsource)
		fit, ok := fits[r.Logsource]
		if !ok {
			fit = to.Matches(row.Log, channel, provider, id)
			fits[r.Logsource] = fit
		}
		if fit && r.Expr != nil && sigma.Eval(to.Expr(r.Expr), get) {
			hits = append(hits, i)
		}
	}
	return hits
}

// defaultRoutes reads the routes once for all tests.
var defaultRoutes = sync.OnceValue(sigma.DefaultRoutes)

// TestCorpus compares the index with the slow evaluation on all rules of
// SigmaHQ and events of real attacks, with and without routing.
func TestCorpus(t *testing.T) {
	names := event.NewNames()
	limit, archives := 3*time.Second, 8
	if os.Getenv("NOROSHI_TEST_ALL") == "1" {
		limit, archives = 40*time.Second, 1
	}
	rows := corpus(t, names, 40, archives)
	rules := sigmaHQ(t, "rules")
	routes := defaultRoutes()
	plain, err := New(rules, names, Options{NoRouting: true})
	if err != nil {
		t.Fatal(err)
	}
	routed, err := New(rules, names, Options{Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	a, b := plain.NewMatcher(), routed.NewMatcher()
	done, hits, routedHits := 0, 0, 0
	rand.New(rand.NewPCG(1, 6)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	for end := time.Now().Add(limit); done < len(rows) && (done < 20 || time.Now().Before(end)); done++ {
		row := rows[done]
		got, want := a.Match(row, nil), naive(rules, row, names)
		if !slices.Equal(got, want) {
			t.Fatalf("match says %v, eval %v: %s", got, want, described(row, names))
		}
		hits += len(got)
		copied := event.Row{Source: row.Source, Record: row.Record, Time: row.Time, Log: row.Log} // with a text of its own
		for i, f := range row.Fields {
			copied.Add(f.Name, f.Kind, row.Value(i))
		}
		got, want = b.Match(row, nil), naiveRouted(rules, routes, &copied, names)
		if !slices.Equal(got, want) {
			t.Fatalf("match with routing says %v, eval %v: %s", got, want, described(row, names))
		}
		routedHits += len(got)
		for _, h := range got {
			if why := b.Explain(row, h); len(why) == 0 {
				t.Errorf("%s: no reason", rules[h].Title)
			}
		}
	}
	t.Logf("%d rules, %d events, %d hits, with routing %d", len(rules), done, hits, routedHits)
	if hits == 0 {
		t.Error("no hits prove nothing")
	}
}
