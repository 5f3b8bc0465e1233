package app

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// nightScenes are the second duty, in the order of a bad night: is it
// reportable, what is known, who gets it, by when.
func (s *story) nightScenes() []scene {
	return []scene{
		{"incident", 10 * time.Minute, s.reportable},
		{"incident", 25 * time.Minute, s.begun},
		{"incident", 50 * time.Minute, s.written},
		{"incident", 70 * time.Minute, s.handedIn},
		{"incident", 75 * time.Minute, s.forms},
		{"incident", 80 * time.Minute, s.deadlines},
		{"incident", 7 * time.Hour, s.receipts},
	}
}

// trouble is what happens in the night, in the language of the story.
func (s *story) trouble() eventPlan {
	return s.event(text.Both{JA: "lock_files", EN: "lock_en"}.In(s.say.Lang))
}

// reportable walks the scope check, answering each question that it asks.
func (s *story) reportable() (string, error) {
	known := map[string]string{"designated": "yes", "uses": "yes", "important": "yes", "event": "compromise", "excluded": "no", "impact": "no", "personal": "yes"}
	answers := map[string]string{}
	for range len(known) + 1 {
		got, err := incident.Scope(answers)
		if err != nil {
			return "", err
		}
		if got.Ask != "" {
			a, ok := known[got.Ask]
			if err := must(ok, "asks %s", got.Ask); err != nil {
				return "", err
			}
			answers[got.Ask] = a
			continue
		}
		for _, r := range got.Reasons {
			s.more = append(s.more, s.say.T("app.story.reason", "text", r.Text, "source", r.Source))
		}
		return s.say.T("app.story.scope", "n", len(answers), "verdict", got.Label), must(got.Statutory, "the verdict is %s", got.Verdict)
	}
	return "", must(false, "the scope check does not end")
}

// begun starts the report: what the hub knows is filled in, and what is
// missing is named with who waits for it.
func (s *story) begun() (string, error) {
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	d, err := s.h.Incidents.StartDraft(p.ctx, incident.Ransomware)
	if err != nil {
		return "", err
	}
	prefilled := len(d.Report.Values)
	e := s.trouble()
	d, err = s.h.Incidents.SaveDraft(p.ctx, d.ID, d.Revision, incident.Changes{Values: map[incident.FieldID]incident.Value{
		"event.title": known(e.Title), "event.recognised_at": known(stamp(s.night)), "event.outline": known(e.Outline),
		"personal.count": incident.RangeValue(int64(100), int64(500)), "impact.loss": {State: incident.Investigating},
	}})
	if err != nil {
		return "", err
	}
	v, err := s.h.Incidents.PreviewDraft(p.ctx, d.ID)
	if err != nil {
		return "", err
	}
	for _, gap := range v.Check.Missing[:min(3, len(v.Check.Missing))] {
		var who []string
		for _, w := range gap.Wanted {
			for _, f := range w.For {
				if name := f.In(s.say.Lang); !slices.Contains(who, name) {
					who = append(who, name)
				}
			}
		}
		s.note("app.story.missing", "field", gap.Label, "for", strings.Join(who, s.say.T("app.story.and")))
	}
	if _, err := s.h.Incidents.SubmitDraft(p.ctx, d.ID, d.Revision); !errors.Is(err, incident.ErrIncomplete) {
		return "", must(false, "an incomplete report was taken: %v", err)
	}
	s.draft = v.Draft
	return s.say.T("app.story.begun", "filled", prefilled, "missing", len(v.Check.Missing)),
		must(prefilled >= 5 && len(v.Check.Missing) > 0 && v.Draft.Report.Value("operator.name").V == s.by["power"].orgPlan.Name.JA, "%d filled, %d missing", prefilled, len(v.Check.Missing))
}

// written answers the rest. Two people write at once, and one of them chooses.
func (s *story) written() (string, error) {
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	second, err := s.by["power"].with(gate.OperatorReporter, 1)
	if err != nil {
		return "", err
	}
	full := s.report(s.by["power"], s.trouble(), s.night)
	for _, x := range full.Ahead(s.clock.Now()) {
		delete(full.Values, incident.FieldID(strings.TrimPrefix(x.At, "/values/")))
	}
	full.Consents["share_with_jpcert_consent"] = true
	full.Values["jpcert.purpose"] = known([]string{"advise"})
	base := s.draft.Revision
	if _, err := s.h.Incidents.SaveDraft(second.ctx, s.draft.ID, base, incident.Changes{Values: map[incident.FieldID]incident.Value{"impact.outline": known(text.Both{JA: "影響は調査中。", EN: "The effect is being looked into."}.In(s.say.Lang))}}); err != nil {
		return "", err
	}
	d, err := s.h.Incidents.SaveDraft(p.ctx, s.draft.ID, base, incident.Changes{Values: full.Values, Consents: full.Consents, Class: &full.Class, Severity: &full.Severity})
	if err != nil {
		return "", err
	}
	if err := must(len(d.Clashes) == 1 && d.Clashes[0].Field == "impact.outline", "%d clashes", len(d.Clashes)); err != nil {
		return "", err
	}
	if d, err = s.h.Incidents.ResolveClash(p.ctx, d.ID, d.Clashes[0].Choice, true); err != nil {
		return "", err
	}
	v, err := s.h.Incidents.PreviewDraft(p.ctx, d.ID)
	if err != nil {
		return "", err
	}
	s.draft = v.Draft
	return s.say.T("app.story.written", "answers", len(d.Report.Values), "forms", len(v.Deliveries)), must(v.Ready(), "missing %v, problems %v", v.Check.Missing, v.Problems)
}

// handedIn submits once; the same click again is the same submission.
func (s *story) handedIn() (string, error) {
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	if s.sent, err = s.h.Incidents.SubmitDraft(p.ctx, s.draft.ID, s.draft.Revision); err != nil {
		return "", err
	}
	again, err := s.h.Incidents.SubmitDraft(p.ctx, s.draft.ID, s.draft.Revision)
	if err != nil {
		return "", err
	}
	if err := must(again.Receipt.Entry == s.sent.Receipt.Entry && again.Case.Number == s.sent.Case.Number, "sent twice: %s and %s", s.sent.Case.Number, again.Case.Number); err != nil {
		return "", err
	}
	a := s.affair()
	if err := a.reached(s.sent.Deliveries); err != nil {
		return "", err
	}
	var names []string
	for _, m := range a.to {
		list, _, err := s.h.Incidents.List(a.clerk(m).ctx, incident.Filter{})
		if err != nil {
			return "", err
		}
		if err := must(len(list) == 1 && list[0].ID == s.sent.Case.ID && list[0].Waiting, "%s has %d reports", m.orgPlan.ID, len(list)); err != nil {
			return "", err
		}
		names = append(names, m.Org.In(s.say.Lang))
	}
	rival, err := s.by["starlight"].with(gate.OperatorReporter, 0)
	if err != nil {
		return "", err
	}
	none, _, err := s.h.Incidents.List(rival.ctx, incident.Filter{})
	if err != nil {
		return "", err
	}
	_, gone := s.h.Incidents.Open(rival.ctx, s.sent.Case.ID, 0, "")
	if err := must(len(none) == 0 && errors.Is(gone, incident.ErrNone), "another operator sees it: %v", gone); err != nil {
		return "", err
	}
	s.note("app.story.rival", "org", s.by["starlight"].Org.In(s.say.Lang))
	s.note("app.story.entry", "entry", s.sent.Receipt.Entry)
	return s.say.T("app.story.handed_in", "number", s.sent.Case.Number, "orgs", strings.Join(names, s.say.T("app.story.and")), "n", len(names)), nil
}

// affair is the incident of the story, for what people do with it.
func (s *story) affair() *affair {
	a := &affair{country: s.country, m: s.by["power"], e: s.trouble(), seen: s.night, id: s.sent.Case.ID}
	for _, m := range s.all {
		if slices.ContainsFunc(s.sent.Deliveries, func(d incident.Delivery) bool { return d.Org == string(m.Org.ID) }) {
			a.to = append(a.to, m)
		}
	}
	return a
}

// forms makes every form of the report, in every format.
func (s *story) forms() (string, error) {
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	v, err := s.h.Incidents.Open(p.ctx, s.sent.Case.ID, 0, "")
	if err != nil {
		return "", err
	}
	s.profiles = slices.DeleteFunc(v.Result.Profiles, func(r incident.ProfileResult) bool { return r.Ready != incident.ReadyYes })
	files, bytes := 0, 0
	for _, r := range s.profiles {
		var sizes []string
		for _, f := range incident.FileFormats {
			got, err := s.h.Incidents.Form(p.ctx, incident.FormRequest{Case: v.Case.ID, Profile: r.ID, Format: f}, s.say)
			if err != nil {
				return "", err
			}
			if err := must(len(got.Data) > 300, "%s has %d bytes", got.Name, len(got.Data)); err != nil {
				return "", err
			}
			files, bytes = files+1, bytes+len(got.Data)
			sizes = append(sizes, string(f)+" "+s.say.Bytes(int64(len(got.Data))))
		}
		s.note("app.story.form", "name", r.Name, "files", strings.Join(sizes, " · "))
	}
	return s.say.T("app.story.forms", "forms", len(s.profiles), "files", files, "size", s.say.Bytes(int64(bytes))), must(len(s.profiles) >= 4, "%d forms", len(s.profiles))
}

// deadlines shows every clock of the report. What the law calls prompt has no
// day of the law's.
func (s *story) deadlines() (string, error) {
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	res, err := s.h.Incidents.Clocks(p.ctx, s.sent.Case.ID)
	if err != nil {
		return "", err
	}
	running, prompt := 0, 0
	for _, r := range res.Profiles {
		if r.Ready != incident.ReadyYes {
			continue
		}
		for _, k := range r.Clocks {
			what := text.Both{JA: r.Name.JA + "・" + k.StageName.JA, EN: r.Name.EN + ", " + k.StageName.EN}
			switch {
			case k.Submitted != nil:
				s.note("app.story.clock_met", "what", what, "at", *k.Submitted)
			case k.Due != nil:
				running++
				s.note("app.story.clock_due", "what", what, "due", s.until(k, *k.Due), "left", s.say.Left(*k.Due, s.clock.Now()))
			case k.HouseDue != nil:
				prompt++
				s.note("app.story.clock_house", "what", what, "due", s.until(k, *k.HouseDue))
			}
		}
	}
	ics, err := s.h.Incidents.Calendar(p.ctx, s.sent.Case.ID, s.say)
	if err != nil {
		return "", err
	}
	events := strings.Count(string(ics.Data), "BEGIN:VEVENT")
	detail := clockOf(res, "jp-act42", "detail")
	y, m, d := s.night.Date()
	want := time.Date(y, m, d+31, 0, 0, 0, 0, text.JST) // 24:00 of the thirtieth day after
	return s.say.T("app.story.clocks", "running", running, "events", events),
		must(running > 0 && events > 0 && detail != nil && detail.Due != nil && detail.Due.Equal(want), "%d run, %d in the calendar, %+v", running, events, detail)
}

// until writes a deadline; one that ends with its day as 24:00 of that day.
func (s *story) until(k incident.Clock, due time.Time) string {
	if k.DayEnd {
		return s.say.Date(due.Add(-time.Second)) + " 24:00 JST"
	}
	return s.say.Time(due)
}

func clockOf(res incident.Result, profile, stage string) *incident.Clock {
	for _, r := range res.Profiles {
		for i, k := range r.Clocks {
			if r.ID == profile && k.Stage == stage {
				return &r.Clocks[i]
			}
		}
	}
	return nil
}

// receipts come back from everybody it went to.
func (s *story) receipts() (string, error) {
	a := s.affair()
	if err := a.acknowledge(true); err != nil {
		return "", err
	}
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	v, err := s.h.Incidents.Open(p.ctx, a.id, 0, "")
	if err != nil {
		return "", err
	}
	stamps := map[string]string{}
	for _, d := range v.Deliveries {
		if d.Outside() {
			continue
		}
		if err := must(d.Acked == 1 && d.AckedEntry != "", "%s has not acknowledged", v.Names[d.Org]); err != nil {
			return "", err
		}
		stamps[v.Names[d.Org]] = d.AckedNumber
	}
	for _, name := range slices.Sorted(maps.Keys(stamps)) {
		s.note("app.story.stamp", "org", name, "number", stamps[name])
	}
	return s.say.T("app.story.receipts", "n", len(stamps)), must(len(stamps) == len(a.to), "%d stamps of %d", len(stamps), len(a.to))
}

// afterScenes are what comes back, and what the operator adds.
func (s *story) afterScenes() []scene {
	return []scene{
		{"incident", 9 * time.Hour, s.bound},
		{"incident", 30 * time.Hour, s.asked},
		{"incident", 4 * day, s.followed},
		{"incident", 6 * day, s.fedBack},
	}
}

// bound opens the report for a purpose. One that would punish is refused, and
// both are in the record: the reporter sees who read, the commission both.
func (s *story) bound() (string, error) {
	a := s.affair()
	if err := a.read(true); err != nil {
		return "", err
	}
	clerk := a.clerk(a.ministry())
	if _, err := s.h.Incidents.Open(clerk.ctx, a.id, 0, "sanction"); !errors.Is(err, incident.ErrBarred) {
		return "", must(false, "opened for a sanction: %v", err)
	}
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	readings, _, err := s.h.Incidents.Readings(p.ctx, a.id, "", 50)
	if err != nil {
		return "", err
	}
	for _, r := range readings {
		purpose, err := incident.Rules().Purpose(r.Purpose, kindsOf(s.all, r.Org))
		if err != nil {
			return "", err
		}
		s.note("app.story.reading", "org", r.OrgName, "purpose", purpose.Name, "basis", purpose.Basis)
	}
	if err := must(len(readings) == len(a.to), "%d readings of %d", len(readings), len(a.to)); err != nil {
		return "", err
	}
	member, err := s.by["commission"].with(gate.CommissionMember, 0)
	if err != nil {
		return "", err
	}
	if _, err := s.h.Incidents.Open(member.ctx, a.id, 0, "receive"); fault.Of(err) == nil || fault.KindOf(err) != fault.Refused {
		return "", must(false, "the commission reads content: %v", err)
	}
	refused, err := s.refusals("incident/" + a.id)
	if err != nil {
		return "", err
	}
	return s.say.T("app.story.bound", "n", len(readings), "refused", refused), must(refused == 2, "%d refusals on record", refused)
}

func kindsOf(all []*member, id string) (out []string) {
	for _, m := range all {
		if string(m.Org.ID) == id {
			for _, k := range m.orgPlan.Kinds {
				out = append(out, string(k))
			}
		}
	}
	return out
}

// asked is a question and its answer, between the two and nobody else.
func (s *story) asked() (string, error) {
	a := s.affair()
	w := s.Words[string(a.m.lang())]
	i := s.rnd.IntN(len(w["question"]))
	question, answer := w["question"][i], w["answer"][i]
	if _, err := s.h.Incidents.Ask(a.clerk(a.ministry()).ctx, a.id, question); err != nil {
		return "", err
	}
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	waiting, _, err := s.h.Incidents.List(p.ctx, incident.Filter{Waiting: true})
	if err != nil {
		return "", err
	}
	if err := must(len(waiting) == 1, "%d reports wait for an answer", len(waiting)); err != nil {
		return "", err
	}
	if _, err := s.h.Incidents.Answer(p.ctx, a.id, string(a.ministry().Org.ID), answer); err != nil {
		return "", err
	}
	mine, err := s.h.Incidents.Open(a.clerk(a.ministry()).ctx, a.id, 0, "receive")
	if err != nil {
		return "", err
	}
	office := a.bodies(org.Office)[0]
	other, err := s.h.Incidents.Open(a.clerk(office).ctx, a.id, 0, "receive")
	if err != nil {
		return "", err
	}
	s.more = append(s.more, question, answer)
	return s.say.T("app.story.asked", "org", a.ministry().Org.In(s.say.Lang)),
		must(len(mine.Messages) == 2 && len(other.Messages) == 0, "%d messages to the ministry, %d to the office", len(mine.Messages), len(other.Messages))
}

// followed hands the second version in: what changed is shown field by field,
// and the clock of the detailed report has stopped.
func (s *story) followed() (string, error) {
	a := s.affair()
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	if err := a.again(p, "follow"); err != nil {
		return "", err
	}
	clerk := a.clerk(a.ministry())
	changes, err := s.h.Incidents.Compare(clerk.ctx, a.id, 2, "receive")
	if err != nil {
		return "", err
	}
	for _, x := range changes {
		if f, ok := incident.Dictionary().Get(x.Field); ok {
			s.note("app.story.change", "field", f.Label)
		}
	}
	res, err := s.h.Incidents.Clocks(p.ctx, a.id)
	if err != nil {
		return "", err
	}
	detail := clockOf(res, "jp-act42", "detail")
	v, err := s.h.Incidents.Open(clerk.ctx, a.id, 0, "receive")
	if err != nil {
		return "", err
	}
	return s.say.T("app.story.followed", "version", v.Case.Version, "changes", len(changes)),
		must(v.Case.Version == 2 && v.Case.Waiting && len(changes) > 0 && detail != nil && detail.State == incident.ClockMet, "version %d, %d changes, %+v", v.Case.Version, len(changes), detail)
}

// fedBack is what the reporter gets for it.
func (s *story) fedBack() (string, error) {
	a := s.affair()
	w := s.Words[string(a.m.lang())]
	done, advice := pick(s.rnd, w["done"]), pick(s.rnd, w["advice"])
	office := a.bodies(org.Office)[0]
	if _, err := s.h.Incidents.Give(a.clerk(office).ctx, a.id, done, advice); err != nil {
		return "", err
	}
	p, err := s.operator()
	if err != nil {
		return "", err
	}
	v, err := s.h.Incidents.Open(p.ctx, a.id, 0, "")
	if err != nil {
		return "", err
	}
	s.more = append(s.more, done, advice)
	return s.say.T("app.story.fed_back", "org", office.Org.In(s.say.Lang)),
		must(len(v.Feedback) == 1 && v.Feedback[0].Done == done && v.Feedback[0].Advice == advice, "%d feedback", len(v.Feedback))
}
