package oversight

import (
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// Rule is one rule of the replay. Its sentence is oversight.rule. and its id.
type Rule struct {
	ID       string    `toml:"id" json:"id"`
	Article  text.Both `toml:"source" json:"-"`          // what it rests on
	Verified bool      `toml:"verified" json:"verified"` // the wording of the article was compared with an official text
}

// Limit is a number that a rule uses and no law gives.
type Limit struct {
	ID       string    `toml:"id" json:"id"`
	Value    int       `toml:"value" json:"value"`
	Unit     string    `toml:"unit" json:"unit"` // s, h or n
	Source   text.Both `toml:"source" json:"-"`
	Verified bool      `toml:"verified" json:"verified"`
}

// Table is data/rules.toml: the rules in the order in which they are shown, and
// the tolerances.
type Table struct {
	Rules  []Rule  `toml:"rule"`
	Limits []Limit `toml:"limit"`
}

//go:embed data/rules.toml
var rulesFile string

// LoadTable reads the table.
func LoadTable() (t Table, err error) {
	meta, err := toml.Decode(rulesFile, &t)
	if err != nil {
		return t, fmt.Errorf("rules of oversight: %w", err)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return t, fmt.Errorf("rules of oversight: %s: no such key", extra[0])
	}
	for _, id := range ruleIDs {
		if !slices.ContainsFunc(t.Rules, func(r Rule) bool { return r.ID == id }) {
			return t, fmt.Errorf("rules of oversight: %s is missing", id)
		}
	}
	if len(t.Rules) != len(ruleIDs) {
		return t, fmt.Errorf("rules of oversight: %d rows for %d rules", len(t.Rules), len(ruleIDs))
	}
	for _, l := range t.Limits {
		if l.Value <= 0 || l.Source.JA == "" || l.Source.EN == "" {
			return t, fmt.Errorf("rules of oversight: limit %s: %d is none, or it has no source", l.ID, l.Value)
		}
	}
	return t, nil
}

// limit returns a number of the table; a name that is not there is a defect.
func (t *Table) limit(id string) int64 {
	for _, l := range t.Limits {
		if l.ID == id {
			return int64(l.Value)
		}
	}
	panic("BUG: oversight: no limit " + id)
}

// The ids of the rules.
const (
	ruleForm       = "entry_form"
	ruleOnce       = "entry_once"
	ruleClock      = "entry_clock"
	ruleFacts      = "entry_facts"
	ruleActor      = "entry_actor"
	ruleVerb       = "entry_verb"
	ruleRefusal    = "refusal"
	ruleSteps      = "case_steps"
	ruleSides      = "case_sides"
	ruleBodies     = "case_bodies"
	ruleQuestions  = "case_questions"
	ruleVotes      = "case_votes"
	ruleBounds     = "case_bounds"
	ruleExtension  = "case_extension"
	ruleGrant      = "grant_needed"
	ruleLive       = "grant_live"
	ruleOrder      = "run_order"
	ruleList       = "run_list"
	ruleExecutor   = "run_executor"
	ruleParallel   = "run_parallel"
	ruleCap        = "run_cap"
	rulePeriod     = "run_period"
	ruleSums       = "run_sums"
	ruleOutcome    = "run_outcome"
	rulePurpose    = "record_purpose"
	ruleReader     = "record_reader"
	ruleLeft       = "record_left"
	ruleRetention  = "record_retention"
	ruleErased     = "record_erased"
	ruleCustody    = "opening_custody"
	ruleShares     = "opening_shares"
	ruleOpening    = "opening_approved"
	ruleAgreement  = "agreement_grant"
	ruleConsent    = "agreement_consent"
	ruleCarrier    = "carrier_apart"
	ruleWitness    = "witness_late"
	ruleListSecond = "list_second"

	rulePaperSteps     = "paper_steps"
	rulePaperTwo       = "paper_two"
	ruleSample         = "sample_drawn"
	ruleUnsealed       = "unsealed"
	ruleRequestOutcome = "request_outcome"

	ruleMeasureSteps     = "measure_steps"
	ruleMeasureSides     = "measure_sides"
	ruleMeasureOfficers  = "measure_officers"
	ruleMeasureGrounds   = "measure_grounds"
	ruleMeasureConsulted = "measure_consulted"
	ruleMeasureForces    = "measure_forces"
	ruleMeasureApproved  = "measure_approved"
	ruleMeasureWindow    = "measure_window"
	ruleMeasurePlan      = "measure_plan"
	ruleMeasureTwo       = "measure_two"
	ruleMeasureOutcome   = "measure_outcome"
	ruleMeasureEmergency = "measure_emergency"
	ruleMeasureNotice    = "measure_notice"
	ruleMeasureReview    = "measure_review"
	ruleMeasureBrake     = "measure_brake"
	ruleMeasureClosed    = "measure_closed"
	ruleMeasureRequest   = "measure_request"

	ruleActSteps   = "act_steps"
	ruleActApart   = "act_apart"
	ruleActBasis   = "act_basis"
	ruleActGrant   = "act_grant"
	ruleActOutcome = "act_outcome"
	ruleActEnded   = "act_ended"
)

var ruleIDs = []string{ruleForm, ruleOnce, ruleClock, ruleVerb, ruleFacts, ruleActor, ruleRefusal, ruleSteps, ruleSides, ruleBodies, ruleQuestions, ruleVotes, ruleBounds, ruleExtension,
	ruleGrant, ruleLive, ruleListSecond, ruleOrder, ruleList, ruleExecutor, ruleParallel, ruleCap, rulePeriod, ruleSums, ruleOutcome, rulePurpose, ruleReader, ruleLeft, ruleRetention,
	ruleErased, ruleCustody, ruleShares, ruleOpening, ruleAgreement, ruleConsent, ruleCarrier,
	ruleMeasureSteps, ruleMeasureSides, ruleMeasureOfficers, ruleMeasureGrounds, ruleMeasureConsulted, ruleMeasureForces, ruleMeasureApproved, ruleMeasureWindow, ruleMeasurePlan, ruleMeasureTwo, ruleMeasureOutcome, ruleMeasureEmergency, ruleMeasureNotice, ruleMeasureReview, ruleMeasureBrake, ruleMeasureClosed, ruleMeasureRequest, ruleRequestOutcome,
	ruleActSteps, ruleActApart, ruleActBasis, ruleActGrant, ruleActOutcome, ruleActEnded,
	rulePaperSteps, rulePaperTwo, ruleSample, ruleUnsealed, ruleWitness}

// last is the latest end of a period that begins at an instant: so many calendar
// months later in Japan, or the last instant of the month that lacks the day.
func last(from int64, months int) int64 {
	t := time.UnixMicro(from).In(text.JST)
	at := t.AddDate(0, months, 0)
	if at.Day() != t.Day() {
		at = at.AddDate(0, 0, -at.Day())
	}
	return at.UnixMicro()
}
