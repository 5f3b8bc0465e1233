package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"noroshi/internal/base/text"
)

// Calendar returns the running clocks of a report as iCalendar (RFC 5545): an
// event of the last half hour before each deadline, in UTC, with alarms. A
// house target says that it is one. Only profiles in force that apply, or may,
// are in it. The ids stay the same as clocks move, so that a calendar that
// imports the file again moves its entries. Nothing of the report's text is
// in it: calendars travel.
func Calendar(r *Report, ps *Profiles, facts Facts, now time.Time, say text.Printer) []byte {
	cal := ics.NewCalendar()
	cal.SetProductId("-//Noroshi//incident clocks//" + strings.ToUpper(string(say.Lang)))
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(say.T("incident.calendar.name"))
	for _, p := range ps.All {
		if v, _ := p.AppliesTo(r); v == VerdictNo || p.Disabled || p.Voluntary && p.Consent != "" && !r.Consent(p.Consent) {
			continue
		}
		for _, c := range p.Clocks(r, facts, now) {
			at, house := c.Due, false
			if at == nil {
				at, house = c.HouseDue, true
			}
			if at == nil || c.State == ClockOff || c.State == ClockMet || c.State == ClockMetLate {
				continue
			}
			e := cal.AddEvent(clockUID(r, &c))
			e.SetDtStampTime(now)
			e.SetSequence(r.Version)
			e.SetStartAt(at.Add(-30 * time.Minute))
			e.SetEndAt(*at)
			key := "incident.calendar.due"
			if house {
				key = "incident.calendar.house"
			}
			e.SetSummary(say.T(key, "profile", p.Name.In(say.Lang), "stage", p.stageName(c.Stage).In(say.Lang)))
			e.SetDescription(c.Say(say) + "\n" + p.Basis.In(say.Lang))
			e.SetClass(ics.ClassificationConfidential)
			e.SetTimeTransparency(ics.TransparencyTransparent)
			for _, before := range []string{"-P1D", "-PT2H"} {
				a := e.AddAlarm()
				a.SetAction(ics.ActionDisplay)
				a.SetTrigger(before)
				a.SetProperty(ics.ComponentPropertyDescription, p.Name.In(say.Lang))
			}
		}
	}
	return []byte(cal.Serialize(ics.WithNewLineWindows)) // RFC 5545 section 3.1
}

// clockUID names a clock through all versions of its report. A draft without
// an id is known by what its clocks start from.
func clockUID(r *Report, c *Clock) string {
	id := r.ID
	if id == "" {
		name, _ := r.Value("operator.corporate_number").Text()
		at, _, _ := instantOf(r.Value("event.recognised_at"))
		id = name + at.UTC().Format(time.RFC3339)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", id, c.Profile, c.Stage, c.N))
	return hex.EncodeToString(sum[:16]) + "@incident.noroshi"
}
