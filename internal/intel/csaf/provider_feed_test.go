package csaf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func rolieOf(s *site, entries ...string) []byte {
	return []byte(`{"feed":{"id":"f","title":"t","updated":"2026-01-01T00:00:00Z","entry":[` + strings.Join(entries, ",") + `]}}`)
}

func rolieEntry(s *site, id, file, updated string) string {
	u := s.URL + "/white/" + file
	return fmt.Sprintf(`{"id":"%s","title":"t","link":[{"rel":"self","href":"%s"},{"rel":"hash","href":"%s.sha256"}],"published":"%s","updated":"%s","content":{"type":"application/json","src":"%s"}}`, id, u, u, updated, updated, u)
}

// A feed whose entries do not hold what they say: what is only odd is told,
// what could hide another document is refused.
func TestWalkFeed(t *testing.T) {
	s := newSite(t)
	s.etag = true
	s.set("/provider-metadata.json", metadata(s.URL, "csaf_provider", `{"rolie":{"feeds":[{"summary":"x","tlp_label":"GREEN","url":"`+s.URL+`/feed.json"},{"summary":"gone","tlp_label":"RED","url":"`+s.URL+`/gone.json"}]}}`, ""))
	s.publish(t, "/white/2026/kd-1.json", document20("kd-1", "2026"), nil)
	s.publish(t, "/white/2020/kd-2.json", document20("kd-2", "2026"), nil)
	s.publish(t, "/white/2026/kd-3.json", document20("kd-3", "2026"), nil)
	s.set("/feed.json", rolieOf(s, rolieEntry(s, "kd-1", "2026/kd-1.json", "2026-02-03T00:00:00Z"),
		rolieEntry(s, "KD-2", "2020/kd-2.json", "2026-02-02T00:00:00Z"), rolieEntry(s, "kd-9", "2026/kd-3.json", "2026-02-01T00:00:00Z")))
	p := &Provider{Get: overHTTP(s.Client())}
	got, res := walkAll(t, p, s.URL+"/provider-metadata.json", State{})
	if !slices.Equal(got.docs, []string{"kd-1", "kd-2"}) || res.Failed != 2 {
		t.Errorf("%+v %+v", got, res)
	}
	want := []string{"csaf.note_label", "csaf.note_no_signature", "csaf.note_year", "csaf.other_id", "csaf.unreachable"}
	if !slices.Equal(codes(res), want) {
		t.Errorf("%v, want %v", codes(res), want)
	}
	// Only the entry that failed is tried again, although the feed is unchanged.
	n := s.fetched("/white/2026/kd-1.json")
	got, res = walkAll(t, p, s.URL+"/provider-metadata.json", res.State)
	if len(got.docs) != 0 || s.fetched("/white/2026/kd-1.json") != n || s.fetched("/white/2026/kd-3.json") != 2 {
		t.Errorf("%+v %+v", got, res)
	}
	// It is corrected, and another comes.
	s.publish(t, "/white/2026/kd-4.json", document20("kd-4", "2026"), nil)
	s.set("/feed.json", rolieOf(s, rolieEntry(s, "kd-1", "2026/kd-1.json", "2026-02-03T00:00:00Z"),
		rolieEntry(s, "KD-2", "2020/kd-2.json", "2026-02-02T00:00:00Z"), rolieEntry(s, "kd-3", "2026/kd-3.json", "2026-02-01T00:00:00Z"),
		rolieEntry(s, "kd-4", "2026/kd-4.json", "2026-02-03T00:00:00Z")))
	got, res = walkAll(t, p, s.URL+"/provider-metadata.json", res.State)
	if !slices.Equal(got.docs, []string{"kd-3", "kd-4"}) || s.fetched("/white/2026/kd-1.json") != n {
		t.Errorf("%+v %+v", got, res)
	}
}

// A walk that is broken off goes on where it was.
func TestWalkGoesOn(t *testing.T) {
	s := newSite(t)
	var lines strings.Builder
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const all = 200
	for i := range all {
		id := fmt.Sprintf("kd-%03d", i)
		s.publish(t, "/d/2026/"+id+".json", document20(id, "2026"), nil)
		fmt.Fprintf(&lines, "2026/%s.json,%s\n", id, at.Add(time.Duration(i)*time.Hour).Format(time.RFC3339))
	}
	s.set("/d/changes.csv", []byte(lines.String()))
	p := &Provider{Get: overHTTP(s.Client())}
	stop := errors.New("stop")
	seen := map[string]int{}
	n := 0
	res, err := p.Walk(context.Background(), s.URL+"/d/", State{}, func(d *Document) error {
		if n++; n > 100 {
			return stop
		}
		seen[d.Head.ID]++
		return nil
	})
	if !errors.Is(err, stop) || n != 101 {
		t.Fatal(n, err)
	}
	// Whoever stores takes the documents and the state together; what was taken
	// after the state's last step comes again.
	res, err = p.Walk(context.Background(), s.URL+"/d/", res.State, func(d *Document) error { seen[d.Head.ID]++; return nil })
	if err != nil || len(seen) != all || res.Documents != all-64 || res.Unchanged != 64 {
		t.Errorf("%d seen, %+v, %v", len(seen), res.Documents, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = p.Walk(ctx, s.URL+"/d/", State{}, func(*Document) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
