package org

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
)

// Number is a corporate number (法人番号): 13 digits of which the first is
// the check digit of the other twelve.
type Number string

// ParseNumber reads a corporate number as people write it: full-width digits,
// spaces and hyphens are accepted. Faults: org.number.digits,
// org.number.length, org.number.check.
func ParseNumber(s string) (Number, error) {
	var b strings.Builder
	for _, r := range norm.NFKC.String(clip(s)) {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ' || r == '-' || r == '‐' || r == '−' || r == 'ー':
		default:
			return "", fault.New(fault.Invalid, "org.number.digits")
		}
	}
	n := b.String()
	if len(n) != 13 {
		return "", fault.New(fault.Invalid, "org.number.length", "n", len(n))
	}
	if n[0] != checkDigit(n[1:]) {
		return "", fault.New(fault.Invalid, "org.number.check", "number", n)
	}
	return Number(n), nil
}

// CompleteNumber puts the check digit before a base number of twelve digits.
func CompleteNumber(base string) (Number, error) {
	if len(base) != 12 || strings.Trim(base, "0123456789") != "" {
		return "", fault.New(fault.Invalid, "org.number.base")
	}
	return Number(string(checkDigit(base)) + base), nil
}

// checkDigit computes 9 − (Σ Pn×Qn mod 9), where Pn is the n-th digit of the
// base number from its right end and Qn is 1 for odd n, 2 for even n.
// Source: 法人番号の指定等に関する省令 (平成26年財務省令第70号) art 2.
func checkDigit(base string) byte {
	sum := 0
	for i := range len(base) {
		p := int(base[len(base)-1-i] - '0')
		sum += p * (1 + i%2)
	}
	return byte('0' + 9 - sum%9)
}

// maxInput bounds any single line of text a person types here; it is cut
// before anything expensive looks at it, and lengths are checked after.
const maxInput = 2000

// clip cuts overlong input, so that normalising it stays cheap.
func clip(s string) string {
	if len(s) > maxInput {
		return s[:maxInput]
	}
	return s
}
