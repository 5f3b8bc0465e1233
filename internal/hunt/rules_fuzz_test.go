package hunt

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Whatever comes in as a detection is refused by name or kept within bounds, and
// whatever it holds, nothing private may be released of it.
func FuzzIncoming(f *testing.F) {
	good, _ := json.Marshal(LineInput{Line: Line{Time: "2026-11-01T00:00:00Z", Kind: "rule", Rule: LineRule{ID: "r", Level: "high"}, Host: "PC1.corp.example.jp", Why: []Why{{Field: "x", Value: "http://a.example.net/ 10.0.0.1"}}}, Event: map[string]string{"a": "192.168.0.1"}})
	f.Add(good)
	f.Add([]byte(`{"kind":"correlation","rule":{"title":"t"},"time":"","last":"9999-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"kind":"rule","rule":{"id":"\u0000"},"why":[{"value":"https://127.0.0.1"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var l LineInput
		if json.Unmarshal(raw, &l) != nil {
			return
		}
		d, ok := l.incoming()
		if !ok {
			return
		}
		_, cut, code := d.normal(time.Now())
		if code != "" {
			return
		}
		size := 0
		for _, w := range d.Why {
			size += len(w.Field) + len(w.Op) + len(w.Want) + len(w.Value)
		}
		for k, v := range d.Event {
			size += len(k) + len(v)
		}
		if size > 2*maxEvent || len(d.Host) > maxName || len(d.Attack) > maxTechniques || !utf8.ValidString(d.Host+d.User+d.Rule.ID) || strings.ContainsRune(d.Host, 0) {
			t.Errorf("%d bytes are kept of %+v", size, d)
		}
		for _, a := range d.Attack {
			if !isTechnique(a) {
				t.Errorf("%q is a technique", a)
			}
		}
		x := Finding{Host: d.Host, User: d.User, Examples: []Example{d.example(cut)}}
		for _, r := range releasable(&x, nil) {
			if a, err := netip.ParseAddr(r.Value); err == nil && (a.IsPrivate() || a.IsLoopback()) || strings.Contains(r.Value, "@") && r.Type == "url" && strings.Contains(strings.SplitN(r.Value, "/", 4)[2], "@") {
				t.Errorf("%+v may leave", r)
			}
		}
	})
}

// A zip of rules of anybody is an edition or a fault, never more memory than its
// bounds.
func FuzzUnpackBook(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	f.Add(zipBook(f, map[string]string{"a.yml": goodRule, "b.txt": "x"}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		set, err := unpackBook(raw)
		if err != nil {
			return
		}
		size := 0
		for _, file := range set.Files {
			size += len(file.Text)
		}
		if size > maxUnpack || len(set.Files) == 0 {
			t.Errorf("%d files of %d bytes", len(set.Files), size)
		}
	})
}
