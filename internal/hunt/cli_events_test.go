package hunt

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// TestEventText: a text is written as encoding/json writes it, whatever it holds.
func TestEventText(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 7))
	letters := []string{"a", `"`, `\`, "\n", "\x00", "\x1f", "\x7f", "<", "&", "語", "\u2028", "\u2029", "\xff", "\xe3\x81", "😀", "\b", "\f", "\r", "\t"}
	for range 20_000 {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(letters[rng.IntN(len(letters))])
		}
		s := b.String()
		if want, err := json.Marshal(strings.ToValidUTF8(eachByte(s), "\uFFFD")); err != nil || string(appendText(nil, s)) != string(want) {
			t.Fatalf("%q: %s, want %s", s, appendText(nil, s), want)
		}
		if got := appendText(nil, []byte(s)); !json.Valid(got) {
			t.Fatalf("%q: %s", s, got)
		}
	}
}

// eachByte puts a letter between bytes that are none, so that each is replaced
// by one of its own, as appendText does.
func eachByte(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			b.WriteString("\uFFFD")
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// TestEventFields: kinds of values, and lists of fields that stand several times.
func TestEventFields(t *testing.T) {
	names := event.NewNames()
	var out strings.Builder
	w := &rowWriter{w: &out, names: names}
	row := event.Row{Source: "a\"b", Record: 7}
	for range 2 {
		out.Reset()
		row.Reset()
		row.Record = 7
		for _, f := range []struct {
			name, value string
			kind        event.Kind
		}{{"EventID", "4688", event.Number}, {"x", "1", event.Number}, {"s", "t", event.Text}, {"x", "0x1", event.Number}, {"x", "-2.5e3", event.Number}, {"b", "TRUE", event.Bool},
			{"n", "", event.Null}, {"e", "", event.Text}, {"z", "007", event.Number}} {
			row.AddString(names.ID(f.name), f.kind, f.value)
		}
		if err := w.write(&row); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"source":"a\"b","record":7,"time":"","channel":"","provider":"","event_id":4688,"fields":{"EventID":4688,"x":[1,"0x1",-2.5e3],"s":"t","b":true,"n":null,"e":"","z":"007"}}` + "\n"
	if out.String() != want {
		t.Errorf("%s, want %s", out.String(), want)
	}
}
