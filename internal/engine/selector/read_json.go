package selector

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"noroshi/internal/engine/stix"
)

// jsonLine reads one object whose members are named as the columns of CSV.
func (in *reading) jsonLine(n int, line string) {
	var o struct{ Type, Value, Source, Act, Approval, Expires, Reason, By string }
	d := json.NewDecoder(bytes.NewReader([]byte(line)))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil || o.Value == "" || d.More() {
		in.broken(n, "", &ShapeError{BadJSON, shown(line)})
		return
	}
	in.fields(n, [8]string{o.Type, o.Value, o.Source, o.Act, o.Approval, o.Expires, o.Reason, o.By})
}

// isBundle reports whether the first object is a bundle of STIX: it has a
// member "objects", or its type says so.
func isBundle(data []byte) bool {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false
		}
		if key == "objects" {
			return true
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return false
		}
		if key == "type" {
			return string(value) == `"bundle"`
		}
	}
	return false
}

// errBreaks is given for a bundle that cannot be read to its end.
var errBreaks = errors.New("selector: the bundle breaks off")

// stix reads the indicators of a bundle (STIX 2.1 §4.7, §8), one object at a
// time. An error means that the bundle cannot be read to its end.
func (in *reading) stix(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	fail := func() error {
		in.broken(1+bytes.Count(data[:min(int(d.InputOffset()), len(data))], []byte("\n")), "", &ShapeError{BadBundle, ""})
		return errBreaks
	}
	if _, err := d.Token(); err != nil {
		return fail()
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fail()
		}
		if key != "objects" {
			var skip json.RawMessage
			if err := d.Decode(&skip); err != nil {
				return fail()
			}
			continue
		}
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return fail()
		}
		for n := 1; d.More() && !in.full; n++ {
			var o indicator
			in.r.Lines++
			if err := d.Decode(&o); err != nil {
				var wrong *json.UnmarshalTypeError
				if !errors.As(err, &wrong) {
					return fail()
				}
				in.broken(n, shown(o.ID), &ShapeError{BadSTIX, shown(wrong.Field)})
				continue
			}
			in.indicator(n, &o)
		}
		if in.full {
			return nil
		}
		if _, err := d.Token(); err != nil {
			return fail()
		}
	}
	if _, err := d.Token(); err != nil {
		return fail()
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) { // a second object would be lost
		return fail()
	}
	return nil
}

// indicator is what is read of an object.
type indicator struct {
	Type, ID, Pattern string
	Language          string `json:"pattern_type"`
	Until             string `json:"valid_until"`
	Revoked           bool
}

// indicator adds what any one match of the pattern would be. A pattern that
// asks for several things at once is refused: one of them alone would select
// more than was meant.
func (in *reading) indicator(n int, o *indicator) {
	if o.Type != "indicator" || o.Revoked || o.Language != "" && o.Language != "stix" {
		in.r.Passed++
		return
	}
	p, err := stix.ParsePattern(o.Pattern)
	if err != nil {
		in.broken(n, shown(o.ID), &ShapeError{BadSTIX, shown(o.Pattern)})
		return
	}
	expires, err := expiresAt(o.Until)
	if err != nil {
		in.broken(n, shown(o.ID), err)
		return
	}
	found, exact := p.Simple()
	if len(found) == 0 {
		in.r.Passed++
		return
	}
	if !exact {
		in.broken(n, shown(o.ID), &ShapeError{BadNarrower, shown(o.Pattern)})
		return
	}
	some := false
	for _, one := range found {
		for _, s := range selectorsOf(&one) {
			s.Source, s.Expires, some = o.ID, expires, true
			in.add(n, shown(o.ID), s)
		}
	}
	if !some {
		in.r.Passed++
	}
}

// selectorsOf returns what is selected for one part of a pattern: none for what
// traffic does not show, such as the hash of a file.
func selectorsOf(s *stix.Simple) []Selector {
	switch s.Kind {
	case stix.SimpleAddress:
		return []Selector{{Kind: Address, Value: s.Value}}
	case stix.SimpleDomain:
		return []Selector{{Kind: Domain, Value: s.Value}}
	case stix.SimpleURL:
		return []Selector{{Kind: URI, Value: s.Value}}
	case stix.SimpleCertHash:
		if s.Name == "SHA-1" || s.Name == "SHA-256" {
			return []Selector{{Kind: Certificate, Value: s.Value}}
		}
	case stix.SimplePort: // whatever the protocol
		return []Selector{{Kind: Port, Value: "tcp/" + s.Value}, {Kind: Port, Value: "udp/" + s.Value}}
	case stix.SimpleOther:
		switch s.Name {
		case "x_ja3":
			return []Selector{{Kind: JA3, Value: s.Value}}
		case "x_ja4":
			return []Selector{{Kind: JA4, Value: s.Value}}
		}
	}
	return nil
}
