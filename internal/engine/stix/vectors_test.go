package stix

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
)

// shared returns the path of a file of the shared test data, and skips the
// test where there is none.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := "../../../../shared/data/" + name
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") != "" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data here: %v", err)
	}
	return path
}

type vectors struct {
	Observations map[string][]json.RawMessage
	Matcher      []struct{ Group, Test, Expect, Pattern, Observations string }
	Validator    []struct{ Test, Expect, Pattern string }
}

func readVectors(t testing.TB) (v vectors) {
	raw, err := os.ReadFile(shared(t, "stix/stix-pattern-vectors-dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Every vector of the matcher's own suite comes out as written there.
func TestMatchVectors(t *testing.T) {
	v := readVectors(t)
	seen := map[string]int{}
	for _, m := range v.Matcher {
		var got string
		p, err := ParsePattern(m.Pattern)
		if err != nil {
			got = "parse-error"
		} else {
			obs, err := ReadObserved(v.Observations[m.Observations])
			if err != nil {
				t.Fatal(err)
			}
			ok, err := p.Match(obs)
			switch {
			case errors.Is(err, ErrKinds):
				got = "match-error"
			case err != nil:
				t.Errorf("%s: %v", m.Pattern, err)
			case ok:
				got = "match"
			default:
				got = "nomatch"
			}
		}
		if got != m.Expect {
			t.Errorf("%s %s: %s, want %s (%v)", m.Test, m.Pattern, got, m.Expect, err)
		}
		seen[m.Expect]++
	}
	t.Log(seen)
	if len(v.Matcher) < 150 || seen["match"] < 60 {
		t.Errorf("only %v", seen)
	}
}

// Every vector of the validator's suite is accepted or refused as written.
func TestValidateVectors(t *testing.T) {
	v := readVectors(t)
	for _, m := range v.Validator {
		_, err := ParsePattern(m.Pattern)
		if (err == nil) != (m.Expect == "valid") {
			t.Errorf("%s %s: %v, want %s", m.Test, m.Pattern, err, m.Expect)
		}
	}
	if len(v.Validator) < 50 {
		t.Errorf("only %d", len(v.Validator))
	}
}
