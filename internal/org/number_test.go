package org

import (
	"errors"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
)

func TestParseNumber(t *testing.T) {
	for _, c := range []struct{ in, want, code string }{
		{"7000012050002", "7000012050002", ""}, // the National Tax Agency's, the ministry's own worked example
		{"８７００１１０００５９０１", "8700110005901", ""},
		{"8 7001-1000-5901", "8700110005901", ""},
		{"8700110005902", "", "org.number.check"}, // one digit off
		{"8700110009501", "", "org.number.check"}, // two digits changed places
		{"870011000590", "", "org.number.length"},
		{"", "", "org.number.length"},
		{"8700110005901 株式会社", "", "org.number.digits"},
		{strings.Repeat("8", 1_000_000), "", "org.number.length"},
	} {
		got, err := ParseNumber(c.in)
		if string(got) != c.want || c.code == "" && err != nil || c.code != "" && !errors.Is(err, fault.New(fault.Invalid, c.code)) {
			t.Errorf("%.30q: %q, %v", c.in, got, err)
		}
	}
}

// Every single wrong digit is found, which is what the check digit is for,
// but for 0 ↔ 9, which are equal modulo 9.
func TestNumberFindsEveryWrongDigit(t *testing.T) {
	n, err := CompleteNumber("999901000123")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 13 {
		for d := byte('0'); d <= '9'; d++ {
			b := []byte(n)
			was := b[i]
			b[i] = d
			same := (was-'0')%9 == (d-'0')%9
			if _, err := ParseNumber(string(b)); (err == nil) != (same && (i > 0 || was == d)) {
				t.Errorf("place %d, %c for %c: %v", i, d, was, err)
			}
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"7000012050002", "７０００", "x", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if again, err := ParseNumber(string(n)); err != nil || again != n {
			t.Errorf("%q does not read back: %q, %v", n, again, err)
		}
	})
}
