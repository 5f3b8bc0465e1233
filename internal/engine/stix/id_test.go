package stix

import (
	"archive/zip"
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Values and ids of the examples in the standard with Errata 01 and of other
// programs that build ids.
func TestIDs(t *testing.T) {
	for _, c := range []struct {
		kind, name string
		value      any
		id         string
	}{
		{"ipv4-addr", "value", "198.51.100.3", "28bb3599-77cd-5a82-a950-b5bc3caf07c4"},
		{"ipv4-addr", "value", "198.51.100.8", "6c83081b-13af-5e30-ba30-6f401772a083"},
		{"ipv6-addr", "value", "2001:db8::1", "6469e3a9-b053-5e34-a025-9396ae051d26"},
		{"domain-name", "value", "example.com", "bedb4899-d24b-5401-bc86-8f6b4cc18ec7"},
		{"domain-name", "value", "control.example.com", "427e3664-0043-5865-b454-97df26649bde"},
		{"autonomous-system", "number", 15139, "3aa27478-50b5-5ab8-9da9-cdc12b657fff"},
	} {
		if got, ok := ID(c.kind, map[string]any{c.name: c.value, "x": 1}); !ok || got != c.kind+"--"+c.id {
			t.Errorf("%v: %s", c.value, got)
		}
	}
	if _, ok := ID("process", map[string]any{"pid": 1}); ok {
		t.Error("a process has no deterministic id")
	}
	if _, ok := ID("url", map[string]any{"value": func() {}}); ok {
		t.Error("a function is not JSON")
	}
}

// The sample bundle was made before Errata 01 and names other ids, but two of
// its objects share an id exactly when ours do.
func TestSampleIDs(t *testing.T) {
	z, err := zip.OpenReader(shared(t, "stix/python-stix2-testdata.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("sco-examples-bundle.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(f)
	d.UseNumber()
	var list []map[string]any
	if err := d.Decode(&list); err != nil {
		t.Fatal(err)
	}
	ours, theirs, n := map[string]string{}, map[string]string{}, 0
	for _, o := range list {
		id, _ := o["id"].(string)
		kind, uuid, _ := strings.Cut(id, "--")
		if len(uuid) != 36 || uuid[14] != '5' || kind == "process" {
			continue // an id of version 4
		}
		got, ok := ID(kind, o)
		if !ok {
			t.Errorf("%s has no id", id)
		}
		if was, known := ours[id]; known && was != got {
			t.Errorf("%s: %s and %s", id, was, got)
		}
		if was, known := theirs[got]; known && was != id {
			t.Errorf("%s: %s and %s", got, was, id)
		}
		ours[id], theirs[got] = got, id
		n++
	}
	if n < 60 {
		t.Errorf("only %d objects", n)
	}
}

func TestObjects(t *testing.T) {
	a := Address(netip.MustParseAddr("198.51.100.3"))
	if a.ID() != "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4" {
		t.Error(a.ID())
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 60_700_000, time.UTC)
	tr := Traffic{Start: at, End: at.Add(time.Second), Src: a.ID(), Dst: Domain("example.com").ID(), SrcPort: 2000, DstPort: 443,
		Protocols: []string{"ipv4", "tcp"}, SrcBytes: 10, DstBytes: -1, SrcPackets: 1, DstPkts: -1}.Object()
	m := Maker{By: "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff", At: at}
	raw, err := Bundle(m.ObservedData(at, at, 1, a, tr), a, a, tr, m.Indicator("[ipv4-addr:value = '198.51.100.3']", "x", at, time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Bundle(m.ObservedData(at, at, 1, a, tr), a, a, tr, m.Indicator("[ipv4-addr:value = '198.51.100.3']", "x", at, time.Time{}))
	if string(raw) != string(again) {
		t.Error("the same objects make two bundles")
	}
	var b struct{ Objects []map[string]any }
	if json.Unmarshal(raw, &b) != nil || len(b.Objects) != 4 {
		t.Errorf("%d objects: %s", len(b.Objects), raw)
	}
	seen, err := ReadObserved([]json.RawMessage{raw})
	if err != nil || len(seen) != 1 {
		t.Fatal(seen, err)
	}
	for pattern, want := range map[string]bool{
		"[network-traffic:dst_port = 443 AND network-traffic:src_ref.value ISSUBSET '198.51.100.0/24']": true,
		"[network-traffic:dst_ref.value = 'example.com']":                                               false, // the name itself is not in the observation
		"[network-traffic:start = t'2026-01-02T03:04:05.0607Z']":                                        true,
	} {
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Match(seen); got != want || err != nil {
			t.Errorf("%s: %v %v", pattern, got, err)
		}
	}
	if got := Time(at); got != "2026-01-02T03:04:05.0607Z" {
		t.Error(got)
	}
}

func TestCanonical(t *testing.T) {
	got, ok := canonical(nil, map[string]any{"b": []any{1e21, 1e-7, 0.1, int64(5), math.Copysign(0, -1), true, nil}, "a\u2028": "\n\x01\"é", "\U0001f600": 1, "\ufb33": 2}, 0)
	want := "{\"a\u2028\":\"\\n\\u0001\\\"é\",\"b\":[1e+21,1e-7,0.1,5,0,true,null],\"\U0001f600\":1,\"\ufb33\":2}"
	if !ok || string(got) != want {
		t.Errorf("%s\n%s", got, want)
	}
}
