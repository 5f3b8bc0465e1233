package incident

import (
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/text"
)

// Echo says an answer in the reader's language, normalised, for a line of
// text: what was understood is shown before it is sent. Instants keep the
// zone they were told in. The rows of a table
// stand on lines of their own.
func (f *Field) Echo(v Value, p text.Printer) string {
	switch v.State {
	case Known:
		return f.say(v.V, p)
	case Range:
		low, high := f.say(v.Min, p), f.say(v.Max, p)
		timed := f.Type == TypeInstant || f.Type == TypeDate
		switch {
		case v.Max == nil && timed:
			return p.T("incident.echo.since", "low", low)
		case v.Min == nil && timed:
			return p.T("incident.echo.until", "high", high)
		case v.Max == nil:
			return p.T("incident.echo.least", "low", low)
		case v.Min == nil:
			return p.T("incident.echo.most", "high", high)
		}
		return p.T("incident.echo.range", "low", low, "high", high)
	case Unknown:
		return p.T("incident.echo.unknown")
	case Investigating:
		return p.T("incident.echo.investigating")
	case Redacted:
		return p.T("incident.echo.redacted", "why", f.Why.In(p.Lang))
	}
	return ""
}

// say writes a plain value.
func (f *Field) say(v any, p text.Printer) string {
	switch x := v.(type) {
	case int64:
		return p.Number(x) + f.unit(p)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64) + f.unit(p)
	case bool:
		if x {
			return p.T("incident.echo.yes")
		}
		return p.T("incident.echo.no")
	case []string:
		words := make([]string, len(x))
		for i, s := range x {
			words[i] = sayText(f.Type, f.Options, s, p)
		}
		return strings.Join(words, comma(p))
	case Row:
		return f.sayRow(x, p)
	case []Row:
		rows := make([]string, len(x))
		for i, r := range x {
			rows[i] = f.sayRow(r, p)
		}
		return strings.Join(rows, "\n")
	case string:
		return sayText(f.Type, f.Options, x, p)
	}
	return ""
}

func (f *Field) unit(p text.Printer) string {
	u := f.Unit.In(p.Lang)
	if u == "" || p.Lang == text.JA && !strings.ContainsAny(u, "abcdefghijklmnopqrstuvwxyz%") {
		return u
	}
	return " " + u
}

func comma(p text.Printer) string {
	if p.Lang == text.EN {
		return ", "
	}
	return "、"
}

// sayRow joins the cells of a row in the order of the columns.
func (f *Field) sayRow(r Row, p text.Printer) string {
	var cells []string
	for i := range f.Columns {
		c := &f.Columns[i]
		if s, ok := r[c.ID]; ok {
			cells = append(cells, sayText(c.Type, c.Options, s, p))
		}
	}
	return strings.Join(cells, " / ")
}

func sayText(t FieldType, opts []Option, s string, p text.Printer) string {
	switch t {
	case TypeInstant:
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			return sayInstant(at, p)
		}
	case TypeDate:
		if day, err := time.ParseInLocation(time.DateOnly, s, p.Zone); err == nil {
			return p.Date(day)
		}
	case TypeMoney:
		if amount, currency, ok := SplitMoney(s); ok {
			return sayMoney(amount, currency, p)
		}
	}
	if o, ok := optionOf(opts, s); ok {
		return o.Label.In(p.Lang)
	}
	return s
}

// sayInstant keeps the offset of the telling; Japan's is named.
func sayInstant(at time.Time, p text.Printer) string {
	_, offset := at.Zone()
	switch {
	case offset == 9*3600:
		p.Zone = text.JST
	case offset == 0:
		p.Zone = time.UTC
	default:
		p.Zone = time.FixedZone(at.Format("-07:00"), offset)
	}
	return p.Time(at)
}

// sayMoney writes 5,000,000 JPY; in Japanese whole 万円 are said as such.
func sayMoney(amount, currency string, p text.Printer) string {
	whole, fraction, _ := strings.Cut(amount, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return amount + " " + currency
	}
	if p.Lang == text.JA && currency == "JPY" && fraction == "" {
		if n%10_000 == 0 && n > 0 {
			return p.Number(n/10_000) + "万円"
		}
		return p.Number(n) + "円"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return p.Number(n) + fraction + " " + currency
}
