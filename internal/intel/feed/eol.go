package feed

import (
	"bytes"
	"time"

	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/engine/product/cpe"
)

// readEOL reads endoflife.date: all products in one object as its repository
// holds them, an answer of its API v1 for one or all products, or of the old
// API, which gives the cycles of a product and not its name.
func (p *reading) readEOL() error {
	if p.mark == "/*/cycle" {
		r := p.eolRecord(p.stem)
		var all []byte
		err := p.each(func(v jsonscan.Value, place string) error {
			all = append(all, v...)
			c := v.Cursor()
			p.eolCycle(c, r)
			return p.eolWrong(c, place)
		})
		if err == nil {
			err = p.emit(r, r.ID, "", all)
		}
		if err != nil {
			return err
		}
		return p.scan.End()
	}
	if err := p.scan.Enter(); err != nil {
		return err
	}
	total, found := int64(-1), int64(0)
	for {
		more, err := p.scan.Next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		place := p.scan.Path()
		switch p.scan.Key() {
		case "products", "result":
			if err := p.eolProducts(&found); err != nil {
				return err
			}
		case "total":
			v, err := p.scan.Value()
			if err != nil {
				return err
			}
			total = v.Cursor().Int()
		case "generated_at", "last_modified":
			v, err := p.scan.Value()
			if err != nil {
				return err
			}
			if err := p.released(v.Cursor().Time(), place); err != nil {
				return err
			}
		}
	}
	if total >= 0 && total != found {
		return p.fault("feed.count", "/total", "said", total, "found", found)
	}
	return p.scan.End()
}

// eolProducts reads an array of products, an object of products by id, or one
// product.
func (p *reading) eolProducts(found *int64) error {
	k, err := p.scan.Kind()
	if err != nil {
		return err
	}
	one := func(v jsonscan.Value, id, place string) error {
		*found++
		r := p.eolRecord(id)
		c := v.Cursor()
		p.eolProduct(c, r)
		if err := p.eolWrong(c, place); err != nil {
			return err
		}
		if r.ID == "" {
			return p.fault("feed.field_missing", place+"/name")
		}
		r.Ref = "https://endoflife.date/" + r.ID
		for i := range r.Lives {
			r.Lives[i].Product = r.ID
		}
		return p.emit(r, r.ID, place, v)
	}
	if k == jsonscan.Array {
		return p.each(func(v jsonscan.Value, place string) error { return one(v, "", place) })
	}
	if p.mark != "/products" {
		place := p.scan.Path()
		v, err := p.scan.Value()
		if err != nil {
			return err
		}
		return one(v, "", place)
	}
	if err := p.scan.Enter(); err != nil {
		return err
	}
	for {
		more, err := p.scan.Next()
		if err != nil || !more {
			return err
		}
		id, place := p.scan.Key(), p.scan.Path()
		v, err := p.scan.Value()
		if err != nil {
			return err
		}
		if err := one(v, id, place); err != nil {
			return err
		}
	}
}

func (p *reading) eolRecord(id string) *Record {
	p.begin()
	return &Record{ID: id, By: "endoflife.date", Ref: "https://endoflife.date/" + id, Licence: LicenceEOL}
}

func (p *reading) eolWrong(c *jsonscan.Cursor, place string) error {
	if at, wrong := c.Wrong(); wrong {
		return p.fault("feed.field_wrong", place+at)
	}
	return nil
}

func (p *reading) eolProduct(c *jsonscan.Cursor, r *Record) {
	var f further
	var names []string
	seen := map[string]bool{}
	named := func(s string) {
		if s != "" && !seen[s] && len(names) < 100 {
			seen[s] = true
			names = append(names, s)
		}
	}
	for key := range c.Object() {
		switch string(key) {
		case "name":
			if r.ID == "" {
				r.ID = c.String()
			}
		case "title", "label":
			r.Title = c.String()
		case "identifiers":
			for range c.Array() {
				for key := range c.Object() {
					switch k := string(key); k {
					case "id", "purl", "cpe": // v1 calls it id, and its type is seen
						named(productName(c.String()))
					}
				}
			}
		case "releases":
			for range c.Array() {
				p.eolCycle(c, r)
			}
		default:
			f.add(string(key), c.Raw())
		}
	}
	r.Further = f.json()
	for i := range r.Lives {
		r.Lives[i].Names = names
	}
}

// productName returns a CPE as formatted string, or a package URL without
// version; of other identifiers nothing. endoflife.date also writes CPE names
// that end after the product.
func productName(s string) string {
	if purl := barePURL(s); purl != "" {
		return purl
	}
	if len(s) > 500 {
		return ""
	}
	if b := []byte(s); bytes.HasPrefix(b, []byte("cpe:2.3:")) {
		for n := bytes.Count(b, []byte(":")) - bytes.Count(b, []byte(`\:`)); n < 12; n++ {
			b = append(b, ":*"...)
		}
		s = string(b)
	}
	n, err := cpe.ParseLenient(s)
	if err != nil || n.Part == cpe.Any || n.Vendor == cpe.Any || n.Product == cpe.Any {
		return ""
	}
	return n.String()
}

// eolCycle reads a release cycle. A date can be a truth value instead: false
// says that there is no end yet, true that it is over.
func (p *reading) eolCycle(c *jsonscan.Cursor, r *Record) {
	l := Life{Product: r.ID}
	said, over := false, false
	for key := range c.Object() {
		switch string(key) {
		case "releaseCycle", "cycle", "name":
			if c.Kind() == jsonscan.Number { // the old API gives 8 as a number
				l.Cycle = string(c.Raw())
			} else {
				l.Cycle = c.String()
			}
		case "releaseDate":
			l.Released, _ = dateOr(c)
		case "eol":
			said = true
			l.Ends, over = dateOr(c)
		case "eolFrom":
			l.Ends, _ = dateOr(c)
		case "isEol":
			said, over = true, c.Bool()
		case "eoas", "support", "eoasFrom":
			l.Active, _ = dateOr(c)
		case "eoes", "extendedSupport", "eoesFrom":
			l.Extended, _ = dateOr(c)
		case "latest":
			if c.Kind() == jsonscan.Object {
				for key := range c.Object() {
					if string(key) == "name" {
						l.Latest = c.String()
					}
				}
			} else if c.Kind() == jsonscan.Number {
				l.Latest = string(c.Raw())
			} else {
				l.Latest = c.String()
			}
		}
	}
	if l.Cycle == "" || len(r.Lives) >= 5000 {
		return
	}
	l.Ended = over
	l.Open = said && !over && l.Ends.IsZero()
	r.Lives = append(r.Lives, l)
}

// dateOr reads a date, or a truth value in its place.
func dateOr(c *jsonscan.Cursor) (t time.Time, yes bool) {
	if c.Kind() == jsonscan.Bool {
		return t, c.Bool()
	}
	return c.Time(), false
}
