package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// incidentPlan is one incident: what happened at whom, when, and what was done
// about it since.
type incidentPlan struct {
	Op    string
	Event string
	Ago   int    // hours between recognition and now
	Days  int    // instead: recognised in the small hours of that many days ago
	Acts  string // see data/demo/events.toml
}

// gaps are how long an act usually comes after the one before it.
var gaps = map[string]time.Duration{
	"draft": time.Hour, "clash": 20 * time.Minute, "first": 4 * time.Hour, "attach": 5 * time.Minute, "ack": 90 * time.Minute,
	"ackall": 2 * time.Hour, "read": 40 * time.Minute, "readall": time.Hour, "ask": 5 * time.Hour, "answer": 9 * time.Hour,
	"feedback": 30 * time.Hour, "follow": 96 * time.Hour, "final": 120 * time.Hour, "next": 20 * time.Hour, "withdraw": 6 * time.Hour,
	"hold": time.Hour, "supervise": 40 * time.Hour, "agree": 20 * time.Hour, "inspect": 2 * time.Hour, "delay": 3 * time.Hour, "sanction": 20 * time.Hour,
}

// moment is one act at its time.
type moment struct {
	at time.Time
	do func(context.Context) error
}

// affair is one incident while it is played.
type affair struct {
	*country
	m        *member
	e        eventPlan
	seen     time.Time // recognised
	id       incident.ID
	to       []*member // whom it was sent to
	request  string    // of supervision
	question int       // which one is asked; its answer has the same place
}

// affairs lays all acts of all incidents out on the days until now.
func (c *country) affairs(list []incidentPlan) []moment {
	var all []moment
	for i, p := range list {
		acts := strings.Fields(p.Acts)
		jitter := time.Duration(c.rnd.IntN(1200)) * time.Second
		seen := c.now.Add(-time.Duration(p.Ago)*time.Hour + jitter)
		if p.Days > 0 {
			y, m, d := c.now.In(text.JST).Date()
			seen = time.Date(y, m, d-p.Days, 2, 10+i%40, 0, 0, text.JST)
		}
		a := &affair{country: c, m: c.by[p.Op], e: c.event(p.Event), seen: seen}
		total := time.Duration(0)
		for _, act := range acts {
			total += gaps[act]
		}
		// What would not fit before now is told faster.
		room := c.now.Sub(seen) * 9 / 10
		pace := min(1, float64(room)/float64(total))
		at := seen
		for _, act := range acts {
			at = at.Add(time.Duration(float64(gaps[act]) * pace))
			all = append(all, moment{at, func(ctx context.Context) error {
				if err := a.play(ctx, act); err != nil {
					return fmt.Errorf("demo: incident %d, %s at %s: %w", i+1, act, p.Op, err)
				}
				return nil
			}})
		}
	}
	return all
}

// tell plays moments in the order of their times.
func (c *country) tell(ctx context.Context, all []moment) error {
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	for _, m := range all {
		c.clock.Set(m.at)
		if err := m.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *affair) play(ctx context.Context, act string) error {
	s := a.h.Incidents
	reporter, err := a.m.with(gate.OperatorReporter, 0)
	if err != nil {
		return err
	}
	w := a.Words[string(a.m.lang())]
	switch act {
	case "draft":
		return a.draft(reporter)
	case "clash":
		second, err := a.m.with(gate.OperatorReporter, 1)
		if err != nil {
			return err
		}
		d, err := s.SaveDraft(second.ctx, a.id, 1, incident.Changes{Values: map[incident.FieldID]incident.Value{"event.title": known(a.e.Title + text.Both{JA: "（疑い）", EN: " (suspected)"}.In(a.m.lang()))}})
		if err == nil && len(d.Clashes) != 1 {
			err = fmt.Errorf("%d clashes", len(d.Clashes))
		}
		return err
	case "first":
		return a.first(ctx, reporter)
	case "attach":
		var log strings.Builder
		for i := range 40 {
			fmt.Fprintf(&log, "%s admin-login from=203.0.113.84 result=fail\n", stamp(a.seen.Add(time.Duration(i-60)*time.Minute)))
		}
		_, err := s.Attach(reporter.ctx, a.id, strings.NewReader(log.String()), "gateway.log")
		return err
	case "ack", "ackall":
		return a.acknowledge(act == "ackall")
	case "read", "readall":
		return a.read(act == "readall")
	case "ask":
		a.question = a.rnd.IntN(len(w["question"]))
		_, err = s.Ask(a.clerk(a.ministry()).ctx, a.id, w["question"][a.question])
	case "answer":
		_, err = s.Answer(reporter.ctx, a.id, string(a.ministry().Org.ID), w["answer"][a.question])
	case "feedback":
		from := pick(a.rnd, a.bodies(org.Ministry, org.Office))
		_, err = s.Give(a.clerk(from).ctx, a.id, pick(a.rnd, w["done"]), pick(a.rnd, w["advice"]))
	case "follow", "final", "next":
		return a.again(reporter, act)
	case "withdraw":
		err = s.Withdraw(reporter.ctx, a.id, pick(a.rnd, w["withdraw"]))
	case "hold":
		admin, e := a.m.with(gate.OperatorAdmin, 0)
		if e != nil {
			return e
		}
		err = s.Hold(admin.ctx, a.id, pick(a.rnd, w["hold"]))
	case "supervise", "agree", "inspect":
		return a.supervise(act, pick(a.rnd, a.Words["ja"]["reason"]))
	case "delay":
		from := a.bodies(org.Police, org.Office)[0]
		err = s.DelayReadings(a.clerk(from).ctx, a.id, "investigation", pick(a.rnd, a.Words["ja"]["note"]), a.clock.Now().AddDate(0, 0, 30))
		if err == nil {
			_, err = s.Open(a.clerk(from).ctx, a.id, 0, "respond")
		}
	case "sanction": // refused, and on record
		if _, e := s.Open(a.clerk(a.ministry()).ctx, a.id, 0, "sanction"); !errors.Is(e, incident.ErrBarred) {
			return fmt.Errorf("opened for a sanction: %v", e)
		}
	default:
		return fmt.Errorf("no act %q", act)
	}
	return err
}

// draft begins a report and leaves it half written.
func (a *affair) draft(by person) error {
	d, err := a.h.Incidents.StartDraft(by.ctx, a.e.Kind)
	if err != nil {
		return err
	}
	a.id = d.ID
	severity := a.e.Severity
	_, err = a.h.Incidents.SaveDraft(by.ctx, d.ID, d.Revision, incident.Changes{Severity: &severity, Values: map[incident.FieldID]incident.Value{
		"event.title": known(a.e.Title), "event.recognised_at": known(stamp(a.seen)), "event.outline": known(a.e.Outline),
	}})
	return err
}

// first hands the first report in, and notes whom it reached.
func (a *affair) first(ctx context.Context, by person) error {
	r := a.report(a.m, a.e, a.seen)
	now := a.clock.Now()
	for _, p := range r.Ahead(now) { // what the example knew later is not known yet
		delete(r.Values, incident.FieldID(strings.TrimPrefix(p.At, "/values/")))
	}
	got, err := a.h.Incidents.Submit(by.ctx, r, "")
	if err != nil {
		return err
	}
	a.id = got.Case.ID
	return a.reached(got.Deliveries)
}

func (a *affair) reached(ds []incident.Delivery) error {
	a.to = nil
	for _, d := range ds {
		if d.Outside() {
			continue
		}
		i := slices.IndexFunc(a.all, func(m *member) bool { return string(m.Org.ID) == d.Org })
		if i < 0 {
			return fmt.Errorf("sent to an unknown organisation %s", d.Org)
		}
		if !slices.Contains(a.to, a.all[i]) {
			a.to = append(a.to, a.all[i])
		}
	}
	if a.ministry() == nil {
		return errors.New("no ministry was told")
	}
	return nil
}

// ministry is the one that is competent for the reporter.
func (a *affair) ministry() *member {
	for _, m := range a.to {
		if m.Is(org.Ministry) {
			return m
		}
	}
	return nil
}

// bodies are the recipients of the kinds, in the order of the kinds.
func (a *affair) bodies(kinds ...org.Kind) (out []*member) {
	for _, k := range kinds {
		for _, m := range a.to {
			if m.Is(k) {
				out = append(out, m)
			}
		}
	}
	return out
}

var clerks = map[org.Kind]gate.Role{org.Ministry: gate.MinistryClerk, org.Office: gate.OfficeClerk, org.Police: gate.PoliceOfficer,
	org.Privacy: gate.PrivacyClerk, org.JPCERT: gate.JPCERTClerk}

// clerk is who receives reports at a body.
func (a *affair) clerk(m *member) person {
	p, err := m.with(clerks[m.orgPlan.Kinds[0]], 0)
	if err != nil {
		panic("BUG: " + err.Error()) // staff has one for every body
	}
	return p
}

func (a *affair) acknowledge(all bool) error {
	for _, m := range a.to {
		if !all && !m.Is(org.Ministry) {
			continue
		}
		if _, err := a.h.Incidents.Acknowledge(a.clerk(m).ctx, a.id, ""); err != nil {
			return fmt.Errorf("%s: %w", m.orgPlan.ID, err)
		}
	}
	return nil
}

// reasons is why each body opens a report.
var reasons = map[org.Kind]string{org.Ministry: "receive", org.Office: "analyse", org.Police: "consultation", org.Privacy: "personal_data", org.JPCERT: "respond"}

func (a *affair) read(all bool) error {
	for _, m := range a.to {
		if !all && !m.Is(org.Ministry) {
			continue
		}
		if _, err := a.h.Incidents.Open(a.clerk(m).ctx, a.id, 0, reasons[m.orgPlan.Kinds[0]]); err != nil {
			return fmt.Errorf("%s: %w", m.orgPlan.ID, err)
		}
	}
	return nil
}

// again writes the next version, as people do: in a draft that carries every
// answer over. "next" leaves it there.
func (a *affair) again(by person, act string) error {
	s := a.h.Incidents
	stage := incident.Followup
	if act == "final" {
		stage = incident.Final
	}
	d, err := s.StartNext(by.ctx, a.id, stage)
	if err != nil {
		return err
	}
	values := a.further(a.m)
	if stage == incident.Final {
		values = a.last(a.m, d.Report, a.clock.Now())
	}
	w := a.Words[string(a.m.lang())]
	outline, _ := d.Report.Value("event.outline").Text()
	values["event.outline"] = known(outline + "\n" + pick(a.rnd, w["outline"]))
	if d, err = s.SaveDraft(by.ctx, d.ID, d.Revision, incident.Changes{Values: values}); err != nil || act == "next" {
		return err
	}
	got, err := s.SubmitDraft(by.ctx, d.ID, d.Revision)
	if err != nil {
		return err
	}
	if err := a.reached(got.Deliveries); err != nil || stage != incident.Final {
		return err
	}
	return a.acknowledge(false)
}

func (a *affair) supervise(act, reason string) error {
	s, m := a.h.Incidents, a.ministry()
	first, err := m.with(gate.MinistrySuper, 0)
	if err != nil {
		return err
	}
	second, err := m.with(gate.MinistrySuper, 1)
	if err != nil {
		return err
	}
	switch act {
	case "supervise":
		x, err := s.AskSupervision(first.ctx, a.id, reason)
		a.request = x.ID
		return err
	case "agree":
		return s.DecideSupervision(second.ctx, a.id, a.request, true)
	}
	_, err = s.Open(first.ctx, a.id, 0, "supervision")
	return err
}
