package exposure

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

// Range is a count that stands exactly, or only as a range where it is small:
// a count of one names somebody.
type Range struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// smallCount is the count below which a range is told.
const smallCount = 5

// rangeOf hides a small count; nothing at all is no secret.
func rangeOf(n int) Range {
	if n > 0 && n < smallCount {
		return Range{1, smallCount - 1}
	}
	return Range{n, n}
}

// String writes the count, or the range as 1-4.
func (r Range) String() string {
	if r.Min == r.Max {
		return strconv.Itoa(r.Min)
	}
	return strconv.Itoa(r.Min) + "-" + strconv.Itoa(r.Max)
}

// Square is one cell of a picture: a sector and a product, or a week of them.
type Square struct {
	Sector   string   `json:"sector"`
	Product  string   `json:"product"`
	Key      string   `json:"product_key"`
	Week     string   `json:"week,omitempty"` // its Monday
	Priority Priority `json:"priority"`       // the most urgent in it
	Orgs     Range    `json:"orgs"`
	Rows     Range    `json:"rows"`
	Devices  Range    `json:"devices"`
}

// maxSquares bounds a picture, the most urgent first.
const maxSquares = 2000

// Picture draws up exposure by sector and product, with weeks also over time.
// Every count below five is a range, and so is every other count of that cell:
// two exact ones would give the third away.
func (s *Service) Picture(ctx context.Context, f Filter, weeks bool) (out []Square, err error) {
	err = s.read(ctx, "exposure.picture", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if err := f.check(); err != nil {
			return err
		}
		w, err := s.within(ctx, tx, who, reach)
		if err != nil {
			return err
		}
		list, err := cells(ctx, tx, w, &f, weeks, maxSquares)
		for _, c := range list {
			q := Square{Sector: c.Sector, Product: c.Product, Key: c.Key, Priority: c.Priority, Orgs: rangeOf(c.Orgs), Rows: rangeOf(c.Rows), Devices: rangeOf(c.Devices)}
			if c.Orgs < smallCount {
				q.Rows, q.Devices = coarse(c.Rows), coarse(c.Devices)
			}
			if weeks {
				q.Week = time.UnixMicro(c.week*weekMicros + weekShift - japanMicros).In(text.JST).Format(time.DateOnly)
			}
			out = append(out, q)
		}
		return err
	})
	return out, err
}

// coarse tells only the order of magnitude: 1-9, 10-99, …
func coarse(n int) Range {
	if n == 0 {
		return Range{}
	}
	low := 1
	for low*10 <= n {
		low *= 10
	}
	return Range{low, low*10 - 1}
}

// WriteCSV writes a picture as a table, one cell a line.
func WriteCSV(w io.Writer, squares []Square) error {
	c := csv.NewWriter(w)
	if err := c.Write([]string{"sector", "product", "product_key", "week", "priority", "organisations", "exposures", "devices"}); err != nil {
		return err
	}
	for _, q := range squares {
		if err := c.Write([]string{q.Sector, inert(q.Product), inert(q.Key), q.Week, q.Priority.String(), q.Orgs.String(), q.Rows.String(), q.Devices.String()}); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// inert keeps a spreadsheet from taking a text for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
