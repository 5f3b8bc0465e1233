package incident

import (
	"slices"
	"time"

	"noroshi/internal/base/text"
)

// StageRef names a stage of a profile.
type StageRef struct{ Profile, Stage string }

// Facts are what is known of a report from outside it.
type Facts struct {
	Submitted map[StageRef]time.Time // when stages were handed in
}

// Reason says why a field still counts as missing.
type Reason string

// The reasons.
const (
	ReasonEmpty         Reason = "empty"         // no answer
	ReasonInvestigating Reason = "investigating" // a final report leaves nothing open
	ReasonGate          Reason = "gate"          // decides whether the profile applies at all
	ReasonConsent       Reason = "consent"       // the form may not leave without it; Field is the consent's id
)

// MissingField is one field that a stage wants and the report lacks.
type MissingField struct {
	Field  FieldID   `json:"field"`
	Label  text.Both `json:"label"`
	Reason Reason    `json:"reason"`
}

// Want is one profile that waits for a missing field.
type Want struct {
	Profile string      `json:"profile"`
	Name    text.Both   `json:"name"`
	Stage   text.Both   `json:"stage"`
	For     []text.Both `json:"for"` // the recipients that would get it
	By      *Clock      `json:"by"`  // the stage's earliest clock
}

// Gap is one missing field with everybody who waits for it.
type Gap struct {
	MissingField
	Wanted []Want `json:"wanted"`
}

// Ready says where a profile stands.
type Ready string

// The states of a profile.
const (
	ReadyYes      Ready = "ready"       // nothing is missing
	ReadyMissing  Ready = "missing"     // something is
	ReadyOpen     Ready = "open"        // not decided whether it applies
	ReadyConsent  Ready = "no_consent"  // voluntary, and the operator has not agreed
	ReadyNotInUse Ready = "not_in_use"  // not in force: never offered for submission
	ReadyNo       Ready = "not_applies" // the report does not fall under it
)

// RecipientState is a recipient, and whether the form goes to it.
type RecipientState struct {
	Recipient
	Withheld bool `json:"withheld,omitempty"` // its consent is not given
}

// ProfileResult is what a check found for one profile.
type ProfileResult struct {
	ID         string           `json:"id"`
	Name       text.Both        `json:"name"`
	Basis      text.Both        `json:"basis"`
	Country    string           `json:"country"`
	Status     Status           `json:"status"`
	InForce    bool             `json:"in_force"`
	Voluntary  bool             `json:"voluntary"`
	Verified   bool             `json:"verified"`
	Source     text.Both        `json:"source"`
	Note       text.Both        `json:"note,omitzero"`
	Applies    Verdict          `json:"applies"`
	Deciding   []FieldID        `json:"deciding,omitempty"` // the questions that keep Applies open
	Ready      Ready            `json:"ready"`
	Consent    string           `json:"consent,omitempty"`
	Agreed     bool             `json:"agreed"` // the consent is given, or none is needed
	Stage      string           `json:"stage"`
	StageName  text.Both        `json:"stage_name"`
	Recipients []RecipientState `json:"recipients"`
	Missing    []MissingField   `json:"missing"`
	Clocks     []Clock          `json:"clocks"`
}

// Result is what a check found.
type Result struct {
	Report   ID              `json:"report,omitempty"`
	Kind     Kind            `json:"kind"`
	Stage    Stage           `json:"stage"`
	Version  int             `json:"version"`
	At       time.Time       `json:"checked_at"`
	Clean    bool            `json:"clean"`
	Missing  []Gap           `json:"missing"`
	Profiles []ProfileResult `json:"profiles"`
}

// Check tells what the report lacks, for whom and by when. Every enabled
// profile of ps is in the result; what is missing is counted only for those
// in force that apply, or may. A voluntary profile without its consent counts
// nothing. An overdue clock is shown, and is not something missing.
func Check(r *Report, ps *Profiles, facts Facts, now time.Time) Result {
	out := Result{Report: r.ID, Kind: r.Kind, Stage: r.Stage, Version: r.Version, At: now.UTC(), Missing: []Gap{}}
	for _, p := range ps.All {
		if p.Disabled {
			continue
		}
		pr := p.examine(r, facts, now)
		out.Profiles = append(out.Profiles, pr)
		if pr.Ready != ReadyMissing && pr.Ready != ReadyOpen {
			continue
		}
		want := Want{Profile: p.ID, Name: p.Name, Stage: pr.StageName, By: firstDue(pr.Clocks, pr.Stage)}
		for _, rc := range pr.Recipients {
			if !rc.Withheld {
				want.For = append(want.For, rc.Name)
			}
		}
		for _, m := range pr.Missing {
			i := slices.IndexFunc(out.Missing, func(g Gap) bool { return g.MissingField == m })
			if i < 0 {
				i = len(out.Missing)
				out.Missing = append(out.Missing, Gap{MissingField: m})
			}
			out.Missing[i].Wanted = append(out.Missing[i].Wanted, want)
		}
	}
	out.Clean = len(out.Missing) == 0
	return out
}

// examine checks one profile.
func (p *Profile) examine(r *Report, facts Facts, now time.Time) ProfileResult {
	s := p.StageFor(r.Stage)
	out := ProfileResult{ID: p.ID, Name: p.Name, Basis: p.Basis, Country: p.Country, Status: p.Status, InForce: p.InForce(now),
		Voluntary: p.Voluntary, Verified: p.Verified, Source: p.Source, Note: p.Note, Consent: p.Consent,
		Agreed: p.Consent == "" || r.Consent(p.Consent), Stage: s.ID, StageName: s.Name, Missing: []MissingField{}}
	for _, rc := range p.Recipients {
		out.Recipients = append(out.Recipients, RecipientState{rc, rc.Consent != "" && !r.Consent(rc.Consent)})
	}
	out.Applies, out.Deciding = p.AppliesTo(r)
	if out.Applies != VerdictNo {
		out.Clocks = p.Clocks(r, facts, now)
	}
	switch {
	case out.Applies == VerdictNo:
		out.Ready = ReadyNo
		return out
	case !out.InForce:
		out.Ready = ReadyNotInUse
	case out.Applies == VerdictOpen:
		out.Ready = ReadyOpen
		out.Missing = p.gates(r, out.Deciding)
		return out
	case p.Voluntary && !out.Agreed:
		out.Ready = ReadyConsent
	}
	out.Missing = p.lacks(s, r)
	if !out.Agreed && !p.Voluntary {
		c, _ := Dictionary().Consent(p.Consent)
		out.Missing = append(out.Missing, MissingField{FieldID(p.Consent), c.Label, ReasonConsent})
	}
	if out.Ready == "" {
		out.Ready = ReadyYes
		if len(out.Missing) > 0 {
			out.Ready = ReadyMissing
		}
	}
	return out
}

// gates returns the deciding questions nobody has answered yet. One that is
// unknown or being investigated is an answer, for now.
func (p *Profile) gates(r *Report, deciding []FieldID) []MissingField {
	out := []MissingField{}
	for _, id := range deciding {
		f, ok := Dictionary().Get(id)
		if ok && (!r.Value(id).Answered() || r.Stage == Final && r.Value(id).State == Investigating) {
			out = append(out, MissingField{id, f.Label, ReasonGate})
		}
	}
	return out
}

func (p *Profile) lacks(s *ProfileStage, r *Report) []MissingField {
	out := []MissingField{}
	for _, id := range s.RequiredFields(r) {
		f, _ := Dictionary().Get(id)
		v := r.Value(id)
		switch {
		case !v.Answered() || v.State == Known && blank(v.V):
			out = append(out, MissingField{id, f.Label, ReasonEmpty})
		case v.State == Investigating && r.Stage == Final:
			out = append(out, MissingField{id, f.Label, ReasonInvestigating})
		}
	}
	return out
}

// blank reports whether a known value says nothing.
func blank(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case []string:
		return len(x) == 0
	case Row:
		return len(x) == 0
	case []Row:
		return len(x) == 0
	}
	return false
}

// Clocks returns all clocks of the profile for a report, stage by stage.
func (p *Profile) Clocks(r *Report, facts Facts, now time.Time) []Clock {
	var out []Clock
	for i := range p.Stages {
		for n := range p.Stages[i].Deadlines {
			out = append(out, p.clock(&p.Stages[i], n, r, facts, now))
		}
	}
	return out
}

// firstDue returns the clock of a stage that runs out first: statutory dates,
// then house targets, then those without an instant.
func firstDue(clocks []Clock, stage string) *Clock {
	var best *Clock
	for i := range clocks {
		c := &clocks[i]
		if c.Stage == stage && (best == nil || c.earlier(best)) {
			best = c
		}
	}
	return best
}

func (c *Clock) earlier(d *Clock) bool {
	for _, pair := range [][2]*time.Time{{c.Due, d.Due}, {c.HouseDue, d.HouseDue}} {
		switch {
		case pair[0] != nil && pair[1] != nil:
			return pair[0].Before(*pair[1])
		case pair[0] != nil || pair[1] != nil:
			return pair[0] != nil
		}
	}
	return false
}
