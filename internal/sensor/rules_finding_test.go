package sensor

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What is kept of evidence is what was looked at: a key that is there twice
// would show the check one value and keep the other.
func TestEvidenceIsKeptAsItWasChecked(t *testing.T) {
	for name, bad := range map[string]string{
		"a key twice":          `{"a":"the minister said: meet at dawn","a":1}`,
		"a key twice below":    `{"parts":{"a":1,"a":2}}`,
		"a list of words":      `{"a":[` + strings.TrimSuffix(strings.Repeat(`"swordfish",`, maxWordList+1), ",") + `]}`,
		"many words":           `{` + strings.TrimSuffix(keysOf(12, `"`+strings.Repeat("dGhl", 24)+`"`), ",") + `}`,
		"a number as a letter": `{"a":` + strings.Repeat("7", maxDigits+1) + `}`,
		"many keys":            `{` + strings.TrimSuffix(keysOf(maxKeys+1, "1"), ",") + `}`,
		"a picture of words":   `{"grid":[` + strings.TrimSuffix(strings.Repeat(`"swordfish",`, maxWordList+1), ",") + `]}`,
		"a long picture":       `{"grid":[` + strings.TrimSuffix(strings.Repeat(`"0f",`, maxRasterRows+1), ",") + `]}`,
		"cut off":              `{"a":1`,
		"more behind it":       `{"a":1}]`,
		"nothing":              `null`,
		"not UTF-8":            "{\"a\":\"\xff\"}",
	} {
		if out := evident([]byte(bad)); out != nil {
			t.Errorf("%s is taken: %s", name, out)
		}
	}
	grid := `["` + strings.Repeat("0f", 15) + `"` + strings.Repeat(`,"`+strings.Repeat("f0", 15)+`"`, 23) + `]`
	good := `{ "z" : 1.50, "grid":` + grid + `,"ordinary":` + grid + `,"a":[true,null,"x"] }`
	want := `{"a":[true,null,"x"],"grid":` + grid + `,"ordinary":` + grid + `,"z":1.50}`
	if out := evident([]byte(good)); string(out) != want {
		t.Errorf("%s", out)
	}
}

func keysOf(n int, value string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"k` + strings.Repeat("x", i%30) + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `":` + value + `,`)
	}
	return b.String()
}

// FuzzEvidence: what is taken is within the bounds, and taking it again changes
// nothing.
func FuzzEvidence(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"b","grid":["0f"],"parts":{"x":0.5}}`, `{"a":1,"a":2}`, `{"a":[[[1]]]}`, `[1]`, `{"a":"\u003c"}`, `{"a`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out := evident(b)
		if out == nil {
			return
		}
		if !json.Valid(out) || !bytes.Equal(evident(out), out) && len(out) <= maxEvidence {
			t.Fatalf("%s", out)
		}
		if strings.ContainsAny(string(out), " \n\t") {
			t.Fatalf("a blank: %q", out)
		}
	})
}
