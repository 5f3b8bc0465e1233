package incident

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
)

//go:embed data/holidays.toml
var holidayData string

// holidayTable is Japan's calendar of days off, for the years it covers.
type holidayTable struct {
	From         int               `toml:"from"`
	To           int               `toml:"to"`
	OfficeClosed []string          `toml:"office_closed"` // "12-29"
	Days         map[string]string `toml:"days"`          // "2026-11-23" to its name
	closed       map[string]bool
}

var holidays = sync.OnceValue(func() *holidayTable {
	t, err := parseHolidays(holidayData)
	if err != nil {
		panic("BUG: embedded holidays: " + err.Error())
	}
	return t
})

func parseHolidays(raw string) (*holidayTable, error) {
	t := &holidayTable{closed: map[string]bool{}}
	meta, err := toml.Decode(raw, t)
	if err != nil {
		return nil, err
	}
	if rest := meta.Undecoded(); len(rest) > 0 {
		return nil, fmt.Errorf("unknown keys: %v", rest)
	}
	for day := range t.Days {
		d, err := time.Parse(time.DateOnly, day)
		if err != nil || d.Year() < t.From || d.Year() > t.To {
			return nil, fmt.Errorf("%q is no day of %d-%d", day, t.From, t.To)
		}
	}
	for _, d := range t.OfficeClosed {
		t.closed[d] = true
	}
	return t, nil
}

// off reports whether the day is one on which, by the rule, a period does not
// end. Outside the years of the table no day is off, so that the earlier day
// stands.
func (t *holidayTable) off(day time.Time, rule HolidayRule) bool {
	if rule == HolidayNone || day.Year() < t.From || day.Year() > t.To {
		return false
	}
	if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
		return true
	}
	if _, ok := t.Days[day.Format(time.DateOnly)]; ok {
		return true
	}
	return rule == HolidayNextOfficeDay && t.closed[day.Format("01-02")]
}

// move returns the first day from day on that is not off.
func (t *holidayTable) move(day time.Time, rule HolidayRule) time.Time {
	for t.off(day, rule) { // at most the eleven days around a new year
		day = day.AddDate(0, 0, 1)
	}
	return day
}
