package feed

import (
	"strings"

	"noroshi/internal/engine/jsonscan"
)

// readKEV reads CISA's catalogue of known exploited vulnerabilities, as its
// JSON Schema describes it.
func (p *reading) readKEV() error {
	if k, err := p.scan.Kind(); err != nil {
		return err
	} else if k != jsonscan.Object {
		return p.fault("feed.field_wrong", "")
	}
	if err := p.scan.Enter(); err != nil {
		return err
	}
	said, found, listed := int64(-1), int64(0), false
	for {
		more, err := p.scan.Next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		key, place := p.scan.Key(), p.scan.Path()
		if key == "vulnerabilities" {
			listed = true
			err := p.each(func(v jsonscan.Value, place string) error {
				found++
				return p.kevRecord(v, place)
			})
			if err != nil {
				return err
			}
			continue
		}
		v, err := p.scan.Value()
		if err != nil {
			return err
		}
		c := v.Cursor()
		switch key {
		case "count":
			said = c.Int()
		case "catalogVersion":
			p.file.Version = c.String()
		case "dateReleased":
			if err := p.released(c.Time(), place); err != nil {
				return err
			}
		}
		if _, wrong := c.Wrong(); wrong {
			return p.fault("feed.field_wrong", place)
		}
	}
	switch {
	case !listed:
		return p.fault("feed.field_missing", "/vulnerabilities")
	case said < 0:
		return p.fault("feed.field_missing", "/count")
	case said != found:
		return p.fault("feed.count", "/count", "said", said, "found", found)
	}
	return p.scan.End()
}

func (p *reading) kevRecord(v jsonscan.Value, place string) error {
	r := &Record{By: "CISA", Licence: LicenceKEV, Ref: "https://www.cisa.gov/known-exploited-vulnerabilities-catalog"}
	p.begin()
	x := &Exploited{}
	r.Exploited = x
	var f further
	c := v.Cursor()
	for key := range c.Object() {
		switch string(key) {
		case "cveID":
			r.ID = c.String()
		case "vulnerabilityName":
			r.Title = c.String()
		case "shortDescription":
			r.describe("en", c.String())
		case "dateAdded":
			x.Added = c.Time()
		case "dueDate":
			x.Due = c.Time()
		case "requiredAction":
			x.Action = c.String()
		case "knownRansomwareCampaignUse":
			x.Ransomware = strings.EqualFold(c.String(), "known")
		case "cwes":
			for range c.Array() {
				r.weak(c.String())
			}
		case "notes":
			for s := range strings.SplitSeq(c.String(), ";") {
				// Sentences stand between the addresses; an address can follow one.
				for w := range strings.FieldsSeq(s) {
					if strings.HasPrefix(w, "https://") || strings.HasPrefix(w, "http://") {
						r.refer(w)
					}
				}
			}
		default:
			f.add(string(key), c.Raw()) // vendorProject and product: names for people, no statement
		}
	}
	if at, wrong := c.Wrong(); wrong {
		return p.fault("feed.field_wrong", place+at)
	}
	if !isCVE(r.ID) {
		return p.fault("feed.bad_id", place+"/cveID", "value", clip(r.ID))
	}
	for _, need := range [...]struct {
		name  string
		empty bool
	}{{"vulnerabilityName", r.Title == ""}, {"dateAdded", x.Added.IsZero()}, {"requiredAction", x.Action == ""}, {"dueDate", x.Due.IsZero()}} {
		if need.empty {
			return p.fault("feed.field_missing", place+"/"+need.name)
		}
	}
	r.Published, r.Remedies = x.Added, []string{x.Action}
	r.Further = f.json()
	return p.emit(r, r.ID, place, v)
}
