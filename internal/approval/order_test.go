package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
	"noroshi/internal/testkit"
)

func sample() Order {
	from := time.Date(2027, 10, 1, 0, 0, 0, 0, time.UTC)
	return Order{ID: "a-1", Kind: ForeignForeign, Asker: "office", Directions: []geo.Class{geo.FF}, Link: "K-2", From: from, Until: from.AddDate(0, 3, 0), Cap: Quantity{Bytes: 1 << 40},
		Selectors: hash("a"), Targets: []string{"重要インフラへの侵入"}, Fields: []string{"src", "dst"}, Addresses: "plain", RetainDays: 30, Recipients: []string{"警察庁"},
		Grounds: "疑い <a> & b", NoOther: "ほかにない", Necessity: "これだけ", Conditions: []string{"夜間"}, IssuedAt: from}
}

func TestAnOrderIsWhatWasSigned(t *testing.T) {
	signer, verifier, _ := testkit.Key(t, "commission.example")
	o := sample()
	o.From, o.Until = o.From.In(time.FixedZone("JST", 9*3600)), o.Until.Add(time.Millisecond)
	o.Fields = []string{"src", "dst", "src"}
	paper, err := o.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(paper, verifier)
	if err != nil {
		t.Fatal(err)
	}
	got := g.Order()
	if got.ID != o.ID || !got.From.Equal(o.From) || got.From.Location() != time.UTC || got.Until.Nanosecond() != 0 || len(got.Fields) != 2 || g.Authority() != "commission.example" || g.Digest() != got.Digest() {
		t.Errorf("%+v", g)
	}
	draft, err := o.Sign(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(draft, verifier)
	wants(t, "a draft", err, ErrUnsigned)
	if x, err := ReadOrder(draft); err != nil || x.Digest() != g.Digest() {
		t.Errorf("%v", err)
	}
	_, other, _ := testkit.Key(t, "commission.example")
	_, err = Open(paper, other)
	wants(t, "another key of the same name", err, ErrSignature)
	_, err = Open(paper)
	wants(t, "no key", err, ErrSignature)
	wants(t, "the zero Grant", Grant{}.Covers(Scope{Directions: o.Directions, Selectors: o.Selectors}), ErrNoGrant)
}

// TestNoEditOfAnOrderIsAccepted changes every field, nested ones too, of a paper
// whose signature stays.
func TestNoEditOfAnOrderIsAccepted(t *testing.T) {
	signer, verifier, _ := testkit.Key(t, "commission.example")
	o := sample()
	o.Cap.Packets, o.Party, o.Subjects, o.Run, o.Extends = 5, "p", []string{"s"}, "r", "e"
	paper, err := o.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Order     map[string]json.RawMessage `json:"order"`
		Signature string                     `json:"signature"`
	}
	if err := json.Unmarshal(paper, &p); err != nil {
		t.Fatal(err)
	}
	again := func(field, value string) []byte { // the same text with one value in place of another
		var compact bytes.Buffer
		if err := json.Compact(&compact, paper); err != nil {
			t.Fatal(err)
		}
		old := `"` + field + `":` + string(compactOf(t, p.Order[field]))
		if value == "" {
			return indented(t, bytes.Replace(bytes.Replace(compact.Bytes(), []byte(old+","), nil, 1), []byte(","+old), nil, 1))
		}
		return indented(t, bytes.Replace(compact.Bytes(), []byte(old), []byte(value), 1))
	}
	if len(p.Order) != 23 {
		t.Errorf("%d fields: the sample leaves some out", len(p.Order))
	}
	for field, raw := range p.Order {
		was := string(compactOf(t, raw))
		for name, edited := range map[string][]byte{
			"left out":    again(field, ""),
			"another":     again(field, `"`+field+`":`+other(was)),
			"twice":       again(field, `"`+field+`":`+was+`,"`+field+`":`+was),
			"in capitals": again(field, `"`+strings.ToUpper(field)+`":`+was),
			"null":        again(field, `"`+field+`":null`),
		} {
			if bytes.Equal(edited, paper) {
				t.Fatalf("%s %s: not edited", field, name)
			}
			if _, err := Open(edited, verifier); err == nil {
				t.Errorf("%s %s was accepted", field, name)
			}
		}
	}
	for name, edited := range map[string]string{
		"an unknown field":        strings.Replace(string(paper), `"order": {`, `"order": {"content": true,`, 1),
		"an unknown nested field": strings.Replace(string(paper), `"packets": 5`, `"packets": 5, "all": true`, 1),
		"an unknown outer field":  strings.Replace(string(paper), `"order":`, `"note": 1, "order":`, 1),
		"two orders":              strings.Replace(string(paper), `"order":`, `"order": {}, "order":`, 1),
		"two signatures":          strings.Replace(string(paper), `"signature":`, `"signature": "x", "signature":`, 1),
		"something behind":        string(paper) + "{}",
		"cut":                     string(paper[:len(paper)-2]),
		"empty":                   "",
		"null":                    "null",
		"no space":                string(compactOf(t, paper)),
		"more space":              " " + string(paper),
		"two ends":                string(paper) + "\n\n",
		"another signature":       strings.Replace(string(paper), "example ", "example A", 1),
	} {
		if _, err := Open([]byte(edited), verifier); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if same := indented(t, compactOf(t, paper)); !bytes.Equal(same, paper) { // the edits are the only differences
		t.Errorf("a paper is written otherwise: %s", same)
	}
	if _, err := Open(append(bytes.Clone(paper), '\n'), verifier); err != nil {
		t.Errorf("with the end of its line: %v", err)
	}
	unsorted := o
	unsorted.Fields = []string{"src", "dst"}
	if raw, err := (signed{Order: unsorted.canonical(), Signature: p.Signature}).encode(); err != nil {
		t.Fatal(err)
	} else if _, err := Open(raw, verifier); !errors.Is(err, ErrForm) {
		t.Errorf("an order in another form: %v", err)
	}
}

func indented(t *testing.T, compact []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestOneSignatureOnly: a second line under the same words makes another paper.
func TestOneSignatureOnly(t *testing.T) {
	signer, verifier, _ := testkit.Key(t, "commission.example")
	stranger, _, _ := testkit.Key(t, "stranger.example")
	paper, err := sample().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	var p signed
	if err := json.Unmarshal(paper, &p); err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(p.Signature, "\n\n")
	other, err := sample().Sign(stranger)
	if err != nil {
		t.Fatal(err)
	}
	var q signed
	if err := json.Unmarshal(other, &q); err != nil {
		t.Fatal(err)
	}
	_, foreign, _ := strings.Cut(q.Signature, "\n\n")
	for name, signature := range map[string]string{"twice": p.Signature + line, "a stranger's behind": p.Signature + foreign, "a stranger's in front": strings.TrimSuffix(p.Signature, line) + foreign + line} {
		raw, err := signed{p.Order, signature}.encode()
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(raw, verifier)
		wants(t, name, err, ErrSignature)
	}
}

func compactOf(t *testing.T, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// other is another JSON value of the same kind.
func other(raw string) string {
	switch raw[0] {
	case '"':
		if strings.HasSuffix(raw, `Z"`) {
			return `"2031-01-01T00:00:00Z"`
		}
		if raw == `"ff"` {
			return `"fd"`
		}
		return `"` + "x" + raw[1:]
	case '[':
		return strings.Replace(raw, `["`, `["x`, 1)
	case '{':
		return strings.Replace(raw, "5", "6", 1)
	}
	return raw + "1"
}

func TestWhatAnOrderNeeds(t *testing.T) {
	for at, edit := range map[string]func(*Order){
		"id":             func(o *Order) { o.ID = "" },
		"kind":           func(o *Order) { o.Kind = "all" },
		"directions":     func(o *Order) { o.Directions = nil },
		"link":           func(o *Order) { o.Link = "" },
		"until":          func(o *Order) { o.Until = o.From },
		"cap":            func(o *Order) { o.Cap = Quantity{} },
		"selectors":      func(o *Order) { o.Selectors = "aa" },
		"fields":         func(o *Order) { o.Fields = nil },
		"addresses":      func(o *Order) { o.Addresses = "" },
		"retain_days":    func(o *Order) { o.RetainDays = 0 },
		"grounds":        func(o *Order) { o.Grounds = " " },
		"no_other_means": func(o *Order) { o.NoOther = "" },
		"necessity":      func(o *Order) { o.Necessity = strings.Repeat("x", maxWords+1) },
		"issued_at":      func(o *Order) { o.IssuedAt = time.Time{} },
		"recipients":     func(o *Order) { o.Recipients = []string{""} },
		"party":          func(o *Order) { o.Kind = Agreement },
		"overridden":     func(o *Order) { o.Overridden = 1 },
		"executor":       func(o *Order) { o.Kind, o.Executor = Trial, "nobody" },
		"subjects":       func(o *Order) { o.Kind = Reidentify },
	} {
		o := sample()
		edit(&o)
		_, err := o.Normal()
		if !errors.Is(err, ErrOrder) || fault.Of(err).Places[0].At != at && len(fault.Of(err).Places) == 1 {
			t.Errorf("%s: %v", at, err)
		}
	}
	for _, way := range []geo.Class{geo.FD, geo.DF, geo.DD, geo.Unknown} {
		o := sample()
		o.Directions = []geo.Class{way}
		if _, err := o.Normal(); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func FuzzReadOrder(f *testing.F) {
	signer, verifier, _ := testkit.Key(f, "commission.example")
	paper, err := sample().Sign(signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(paper)
	f.Add([]byte(`{"order":{},"signature":""}`))
	first, err := Open(paper, verifier)
	if err != nil {
		f.Fatal(err)
	}
	want := first.Digest()
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := Open(raw, verifier)
		if err == nil && g.Digest() != want {
			t.Fatalf("another order was opened: %s", raw)
		}
		if o, err := ReadOrder(raw); err == nil {
			if _, err := ReadOrder(mustSign(t, o)); err != nil {
				t.Fatalf("what was read cannot be read again: %v", err)
			}
		}
		_, _ = OpenInstruction(raw, verifier)
	})
}

func mustSign(t *testing.T, o Order) []byte {
	t.Helper()
	raw, err := signed{Order: o.canonical()}.encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
