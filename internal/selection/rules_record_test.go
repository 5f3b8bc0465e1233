package selection

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/engine/deid"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

var lineOrder = approval.Order{ID: "approval-1", Kind: approval.ForeignDomestic, Directions: []geo.Class{geo.FD}, Fields: []string{"src", "dst", "app", "name"}, Addresses: "plain",
	From: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 12, 22, 0, 0, 0, 0, time.UTC)}

// lineRules know one selector, and the prefixes that come with the program.
func lineRules(t testing.TB, o approval.Order) lineRule {
	t.Helper()
	p, err := ReadPrefixes("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return lineRule{order: o, guard: p, known: map[string]selector.Selector{"s:0123456789abcdef": {Kind: selector.Address, Value: "198.18.66.6"},
		"s:00000000000000aa": {Kind: selector.Suffix, Value: ".example"}}}
}

const goodLine = `{"start":"2026-11-22T00:01:00.000000Z","end":"2026-11-22T00:01:05.000000Z","src":"198.18.66.6","dst":"192.0.2.7","pkts":3,"bytes":300,"app":"tls","direction":"fd","selector":"s:0123456789abcdef","approval":"approval-1","retain_until":"2026-12-22T00:00:00Z","provenance":"fd"}`

func TestLinesOfARecord(t *testing.T) {
	u := lineRules(t, lineOrder)
	if c, err := u.readRecord([]byte(goodLine)); err != nil || c.Provenance != "fd" || c.Selector != "s:0123456789abcdef" || c.Personal {
		t.Fatalf("%+v %v", c, err)
	}
	w, err := deid.NewWorking("")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Wipe()
	hiddenName := w.Names(0).Of(deid.Host, []byte("taro.example")).String()
	person := strings.Replace(strings.Replace(goodLine, `"app":"tls"`, `"app":"tls","name":"`+hiddenName+`.example"`, 1), "0123456789abcdef", "00000000000000aa", 1)
	if c, err := u.readRecord([]byte(person)); err != nil || !c.Personal {
		t.Errorf("a pseudonym: %+v %v", c, err)
	}
	for name, edit := range map[string][2]string{
		"a field of content":       {`"pkts"`, `"subject":"x","pkts"`},
		"a field not in the order": {`"pkts"`, `"ja3":"x","pkts"`},
		"a twin of a field":        {`"src":"198.18.66.6"`, `"src":"in clear","\u017frc":"198.18.66.6"`},
		"a long s":                 {`"src":"198.18.66.6"`, `"src":"in clear","ſrc":"198.18.66.6"`},
		"a name of its own":        {`"direction"`, `"name":"taro@example.jp","direction"`},
		"a domestic source":        {`198.18.66.6`, `202.232.2.164`},
		"another selector":         {`s:0123456789abcdef`, `s:0123456789abcdee`},
		"what it does not find":    {`198.18.66.6`, `198.18.66.7`},
		"a count beyond all":       {`"pkts":3`, `"pkts":18446744073709551615`},
		"another order of fields":  {`"pkts":3,"bytes":300`, `"bytes":300,"pkts":3`},
		"a field twice":            {`"pkts":3`, `"pkts":3,"Pkts":3`},
		"an object":                {`"tls"`, `{"a":1}`},
		"a list":                   {`"tls"`, `["a"]`},
		"behind it":                {`"fd"}`, `"fd"} {}`},
		"outward":                  {`"direction":"fd"`, `"direction":"df"`},
		"domestic":                 {`"direction":"fd"`, `"direction":"dd"`},
		"another label":            {`"provenance":"fd"`, `"provenance":"ff"`},
		"no label":                 {`"provenance":"fd"`, `"provenance":""`},
		"another order":            {`approval-1`, `approval-2`},
		"no selector":              {`s:0123456789abcdef`, ``},
		"no packet":                {`"pkts":3`, `"pkts":0`},
		"too early":                {`"start":"2026-11-22T00:01`, `"start":"2026-11-21T00:01`},
		"too late":                 {`"start":"2026-11-22T00:01`, `"start":"2026-12-22T00:01`},
		"ends before it starts":    {`"end":"2026-11-22T00:01:05`, `"end":"2026-11-22T00:00:05`},
		"for ever":                 {`"2026-12-22T00:00:00Z"`, `"0001-01-01T00:00:00Z"`},
		"a long text":              {`"tls"`, `"` + strings.Repeat("x", 301) + `"`},
		"words":                    {`"tls"`, `"what was said to whom"`},
		"no address":               {`198.18.66.6`, `somebody`},
		"a sentence for a name":    {`"app":"tls"`, `"name":"what was said"`},
		"white space":              {`"pkts":3`, `"pkts": 3`},
		"two lines":                {`"tls"`, `"a\nb"`},
	} {
		line := strings.Replace(goodLine, edit[0], edit[1], 1)
		if line == goodLine {
			t.Fatalf("%s: nothing was edited", name)
		}
		if _, err := u.readRecord([]byte(line)); err == nil {
			t.Errorf("%s was taken: %s", name, line)
		}
	}
	hidden := lineOrder
	hidden.Addresses = "pseudonym"
	if _, err := lineRules(t, hidden).readRecord([]byte(goodLine)); err == nil {
		t.Error("an address in clear was taken where pseudonyms were ordered")
	}
	pact := lineOrder
	pact.Kind = approval.Agreement
	if _, err := lineRules(t, pact).readRecord([]byte(goodLine)); err == nil {
		t.Error("a record under an agreement lost that it is")
	}
}

// Whatever comes in, what is taken has only fields that the order allows, the
// order's direction and label, and no structure in it.
func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(goodLine))
	f.Add([]byte(`{"pkts":1}`))
	f.Add([]byte(`[]`))
	allowed := map[string]bool{"src": true, "dst": true, "app": true, "name": true}
	for _, a := range Always {
		allowed[a] = true
	}
	u := lineRules(f, lineOrder)
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := u.readRecord(line)
		if err != nil {
			return
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		for k, v := range got {
			if !allowed[strings.ToLower(k)] && string(v) != "null" {
				t.Fatalf("%q was taken", k)
			}
			if b := bytes.TrimSpace(v); len(b) > 0 && (b[0] == '{' || b[0] == '[') {
				t.Fatalf("%q has structure", k)
			}
		}
		if c.Provenance != "fd" || c.Approval != "approval-1" || len(line) > maxLineBytes {
			t.Fatalf("%+v", c)
		}
	})
}
