package indicator

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"noroshi/internal/engine/stix"
)

// maxDepth bounds objects within objects; maxItem one STIX object or MISP
// attribute, in bytes as JSON.
const (
	maxDepth = 32
	maxItem  = 4 << 20
)

// json walks a document of any size, one item of its lists at a time: objects
// of a STIX bundle, attributes of a MISP event and of the objects in it.
func (in *sink) json(r io.Reader) error {
	d := json.NewDecoder(r)
	if err := in.value(d, 0); err != nil {
		var wrong *json.SyntaxError
		if errors.As(err, &wrong) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return ErrJSON // the decoder's own words would quote the text
		}
		return err
	}
	return nil
}

func (in *sink) value(d *json.Decoder, depth int) error {
	if depth > maxDepth {
		return ErrJSON
	}
	t, err := d.Token()
	if err != nil {
		return err
	}
	return in.rest(d, t, depth)
}

// rest walks a value whose first token has been read.
func (in *sink) rest(d *json.Decoder, t json.Token, depth int) error {
	switch t {
	case json.Delim('{'):
		for d.More() && in.err == nil {
			name, err := d.Token()
			if err != nil {
				return err
			}
			switch name {
			case "objects":
				err = in.each(d, depth, in.object)
			case "Attribute":
				err = in.each(d, depth, in.attribute)
			default:
				err = in.value(d, depth+1)
			}
			if err != nil {
				return err
			}
		}
	case json.Delim('['):
		for d.More() && in.err == nil {
			if err := in.value(d, depth+1); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	if in.err != nil {
		return nil
	}
	_, err := d.Token()
	return err
}

// each reads the elements of a list, or walks what is no list.
func (in *sink) each(d *json.Decoder, depth int, take func(json.RawMessage)) error {
	var all json.RawMessage
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return in.rest(d, t, depth+1)
	}
	for d.More() && in.err == nil {
		all = all[:0]
		if err := d.Decode(&all); err != nil {
			return err
		}
		if len(all) <= maxItem {
			take(all)
		} else {
			in.Overlong++
		}
	}
	if in.err != nil {
		return nil
	}
	_, err = d.Token()
	return err
}

// object takes a STIX object: indicators with STIX patterns.
func (in *sink) object(raw json.RawMessage) {
	var o struct {
		Type, ID, Name, Pattern string
		Kind                    string `json:"pattern_type"`
		Revoked                 bool
	}
	if json.Unmarshal(raw, &o) != nil || o.Type != "indicator" {
		return
	}
	if o.Revoked {
		in.Muted++
		return
	}
	if o.Kind != "" && o.Kind != "stix" {
		in.Unknown++
		return
	}
	p, err := stix.ParsePattern(o.Pattern)
	if err != nil {
		in.Invalid++
		return
	}
	found, exact := p.Simple()
	if !exact {
		in.Inexact++
		return
	}
	for _, s := range found {
		if e, ok := fromSimple(s); ok {
			e.Name, e.ID = o.Name, o.ID
			in.put(e)
		} else {
			in.Unknown++
		}
	}
}

func fromSimple(s stix.Simple) (e Entry, ok bool) {
	switch s.Kind {
	case stix.SimpleAddress:
		return address(s.Prefix.String())
	case stix.SimpleDomain:
		return host(s.Value)
	case stix.SimpleURL:
		if scheme := strings.Index(s.Value, "://"); scheme > 0 && len(s.Value) <= 2048 {
			return classifyURL(s.Value, s.Value[scheme+3:])
		}
	case stix.SimpleHash, stix.SimpleCertHash:
		e.Kind = File
		if s.Kind == stix.SimpleCertHash {
			e.Kind = Certificate
		}
		var err error
		e.Sum, err = hex.DecodeString(s.Value)
		return e, err == nil
	case stix.SimpleOther:
		if s.Name == "x_ja3" || s.Name == "x_ja4" {
			return typed(strings.TrimPrefix(s.Name, "x_"), s.Value)
		}
	}
	return e, false
}

// attribute takes a MISP attribute. One that is not marked for detection
// (to_ids) is left out; of a composite one, such as ip-dst|port or domain|ip,
// each part that can be looked for is taken.
func (in *sink) attribute(raw json.RawMessage) {
	var a struct {
		Type, Value, UUID, Comment string
		ForDetection               *bool `json:"to_ids"`
		Deleted                    bool
	}
	if json.Unmarshal(raw, &a) != nil {
		in.Unknown++
		return
	}
	if a.Deleted || a.ForDetection != nil && !*a.ForDetection {
		in.Muted++
		return
	}
	kinds, values := strings.Split(a.Type, "|"), strings.SplitN(a.Value, "|", 2)
	took := false
	for i, kind := range kinds {
		if i >= len(values) || !known(kind) {
			continue
		}
		if e, ok := typed(kind, values[i]); ok {
			e.Name, e.ID = a.Comment, a.UUID
			in.put(e)
			took = true
		}
	}
	if !took {
		in.Unknown++
	}
}

// known are the types of MISP attributes that name something to look for.
func known(kind string) bool {
	switch kind {
	case "ip-src", "ip-dst", "ip", "domain", "hostname", "url", "uri", "link-url", "md5", "sha1", "sha256", "sha512",
		"ja3-fingerprint-md5", "ja4", "ja4-fingerprint", "x509-fingerprint-md5", "x509-fingerprint-sha1", "x509-fingerprint-sha256":
		return true
	}
	return false
}
