package stix

import (
	"net/netip"
	"strconv"
	"strings"
)

// SimpleKind says what a simple indicator names.
type SimpleKind uint8

// What a simple indicator can name.
const (
	SimpleAddress  SimpleKind = iota + 1 // one address or a network: Prefix is set
	SimpleDomain                         // a domain name, lower case
	SimpleURL                            // a URL as written
	SimpleHash                           // a file's hash, lower case hexadecimal
	SimpleCertHash                       // a certificate's hash, lower case hexadecimal
	SimplePort                           // a destination port in decimal
	SimpleOther                          // x_ja3, x_ja4 and other texts of network-traffic; Name tells
)

// Simple is one thing that a pattern looks for.
type Simple struct {
	Kind   SimpleKind
	Name   string // the last key of the path: "value", "SHA-256", "x_ja4"
	Value  string
	Prefix netip.Prefix
}

// Simple returns the addresses, names, URLs and hashes any one of which is
// enough to satisfy the pattern. exact is false when the pattern asks for more
// than that: a match of one of them is then only a reason to look closer, and
// when it asks for something else entirely, nothing is returned.
func (p *Pattern) Simple() (found []Simple, exact bool) {
	exact = simpleObservation(p.Root, &found)
	return found, exact
}

func simpleObservation(o *Observation, found *[]Simple) bool {
	exact := len(o.Qualifiers) == 0
	switch o.Join {
	case Alone:
		return simpleComparison(o.Test, found) && exact
	case Or:
		left := simpleObservation(o.Left, found)
		return simpleObservation(o.Right, found) && left && exact
	}
	simpleObservation(o.Left, found)
	simpleObservation(o.Right, found)
	return false
}

func simpleComparison(c *Comparison, found *[]Simple) bool {
	switch c.Join {
	case Or:
		left := simpleComparison(c.Left, found)
		return simpleComparison(c.Right, found) && left
	case And:
		// dst_ref.type = 'ipv4-addr' says no more than the address itself.
		if saysType(c.Left) {
			return simpleComparison(c.Right, found)
		}
		if saysType(c.Right) {
			return simpleComparison(c.Left, found)
		}
		simpleComparison(c.Left, found)
		simpleComparison(c.Right, found)
		return false
	}
	return simpleTest(c, found)
}

func saysType(c *Comparison) bool {
	steps := c.Path.Steps
	return c.Join == Alone && c.Op == Equal && !c.Negate && len(steps) == 2 && steps[1].Key == "type" && strings.HasSuffix(steps[0].Key, "_ref")
}

func simpleTest(c *Comparison, found *[]Simple) bool {
	if c.Negate || c.mixed || c.Op != Equal && c.Op != In && c.Op != IsSubset {
		return false
	}
	exact := len(c.Values) > 0
	for _, v := range c.Values {
		s, ok := simpleValue(&c.Path, v, c.Op)
		if ok {
			*found = append(*found, s)
		}
		exact = exact && ok
	}
	return exact
}

func simpleValue(path *Path, v Literal, op Op) (s Simple, ok bool) {
	last := path.Steps[len(path.Steps)-1].Key
	s = Simple{Name: last, Value: v.Text}
	one := len(path.Steps) == 1
	if path.Type == "network-traffic" && one && last == "dst_port" && v.Kind == Int && v.Int >= 0 && v.Int <= 65535 {
		s.Kind, s.Value = SimplePort, strconv.FormatInt(v.Int, 10)
		return s, true
	}
	if v.Kind != String || v.Text == "" {
		return s, false
	}
	value := one && last == "value"
	switch path.Type {
	case "ipv4-addr", "ipv6-addr":
		return s.address(value)
	case "domain-name":
		s.Kind, s.Value = SimpleDomain, strings.ToLower(strings.TrimSuffix(v.Text, "."))
		return s, value && op != IsSubset
	case "url":
		s.Kind = SimpleURL
		return s, value && op != IsSubset
	case "network-traffic":
		if last == "value" && len(path.Steps) == 2 && (path.Steps[0].Key == "dst_ref" || path.Steps[0].Key == "src_ref") {
			if s, ok = s.address(true); !ok {
				s.Kind, s.Value = SimpleDomain, strings.ToLower(strings.TrimSuffix(v.Text, "."))
			}
			return s, true
		}
		s.Kind = SimpleOther
		return s, one && strings.HasPrefix(last, "x_") && op != IsSubset
	case "file", "x509-certificate":
		if s.Kind = SimpleHash; path.Type == "x509-certificate" {
			s.Kind = SimpleCertHash
		}
		s.Value = strings.ToLower(v.Text)
		return s, len(path.Steps) == 2 && path.Steps[0].Key == "hashes" && op != IsSubset
	}
	return s, false
}

func (s Simple) address(path bool) (Simple, bool) {
	var ok bool
	s.Kind = SimpleAddress
	s.Prefix, ok = parsePrefix(s.Value)
	return s, ok && path
}
