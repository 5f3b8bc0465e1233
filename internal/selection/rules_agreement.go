package selection

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
)

// Move is one step that an agreement may make.
type Move struct {
	From, To AgreementState
	By       Side
}

// Moves are all steps of an agreement. A refusal is a step like the others,
// needs no reason, and ends nothing but the proposal.
var Moves = []Move{
	{Proposed, Agreed, PartySide},
	{Proposed, Countered, PartySide},
	{Proposed, Declined, PartySide},
	{Proposed, Proposed, OfficeSide}, // in other words, before an answer came
	{Proposed, TakenBack, OfficeSide},
	{Countered, Agreed, OfficeSide},
	{Countered, Proposed, OfficeSide},
	{Countered, Countered, PartySide},
	{Countered, Declined, PartySide},
	{Countered, TakenBack, OfficeSide},
	{Agreed, Terminated, OfficeSide},
	{Agreed, Terminated, PartySide},
	{Agreed, Expired, ClockSide},
	{Proposed, Expired, ClockSide},
	{Countered, Expired, ClockSide},
}

// may reports whether a side may make a step.
func may(from, to AgreementState, by Side) bool { return slices.Contains(Moves, Move{from, to, by}) }

// moves refuses a step of an agreement by a person of a side, who read a version of
// its words: steps that are in no table, of the office by anybody but its keeper
// (an end any clerk may write), of words that are not the last, and a yes after the
// period.
func (a *Agreement) moves(to AgreementState, by Side, person string, version int, now time.Time) error {
	switch {
	case !may(a.State, to, by), by == OfficeSide && a.Keeper != person && to != Terminated:
		return ErrMove
	case version != a.Version:
		return ErrVersion
	case to == Agreed && !now.Before(a.until):
		return ErrMove
	}
	return nil
}

// lapses reports whether time ends an agreement.
func (a *Agreement) lapses(now time.Time) bool {
	return may(a.State, Expired, ClockSide) && !now.Before(a.until)
}

// issues returns what is left of the cap of an agreement for a Grant of a list, or
// the refusal: taken is what runs under it took, and going how many go on.
func (a *Agreement) issues(l *List, taken approval.Quantity, going int, now time.Time) (left approval.Quantity, err error) {
	left, some := a.Terms.Cap.Left(taken)
	switch {
	case a.State != Agreed || !now.Before(a.until):
		return approval.Quantity{}, ErrNotInForce
	case l.State != ListReady:
		return approval.Quantity{}, ErrListState
	case going > 0:
		return approval.Quantity{}, approval.ErrBusy
	case !some:
		return approval.Quantity{}, approval.ErrSpent
	}
	return left, nil
}

// Faults of agreements.
var (
	ErrNoAgreement = fault.New(fault.NotFound, "selection.agreement.none") // not there, or not theirs to know
	ErrTerms       = fault.New(fault.Invalid, "selection.agreement.invalid")
	ErrMove        = fault.New(fault.Conflict, "selection.agreement.move")    // not from where it stands
	ErrVersion     = fault.New(fault.Conflict, "selection.agreement.version") // other words were proposed meanwhile
	ErrNotInForce  = fault.New(fault.Refused, "selection.agreement.not_in_force")
	ErrParty       = fault.New(fault.Invalid, "selection.agreement.party")
	ErrNoConsent   = fault.New(fault.Refused, "selection.agreement.no_consent")
	// There is no such consent to take back.
	ErrNoSuchConsent = fault.New(fault.NotFound, "selection.agreement.consent_none")
)

// Limits are values that no source confirms, hence configuration.
type Limits struct {
	AgreementDays int         // the longest period of an agreement
	RetainDays    int         // the longest time a record may be kept at first
	ExtendDays    int         // the longest extension, counted from the day it was due
	Extensions    int         // how often one run's records may be extended
	Directions    []geo.Class // that an agreement may be about
}

// LimitRow says what a limit rests on, for the page that shows it.
type LimitRow struct {
	ID       string
	Value    int
	Verified bool // a source confirms the value
}

// DefaultLimits are what holds unless configured. The two years are of a
// secondary source; the others are choices of this program.
func DefaultLimits() Limits {
	return Limits{AgreementDays: 366, RetainDays: 730, ExtendDays: 365, Extensions: 2, Directions: []geo.Class{geo.FD}}
}

// Rows lists the limits with what they rest on.
func (l Limits) Rows() []LimitRow {
	return []LimitRow{{"agreement_days", l.AgreementDays, false}, {"retain_days", l.RetainDays, false}, {"extend_days", l.ExtendDays, false}, {"extensions", l.Extensions, false}}
}

const (
	maxTitle = 200 // characters
	maxNote  = 4000
	maxMoves = 200
)

// order is the paper that terms become for a list of selectors.
func (t Terms) order(id, asker, party, selectors string, limit approval.Quantity, now time.Time) approval.Order {
	return approval.Order{ID: id, Kind: approval.Agreement, Asker: asker, Directions: []geo.Class(t.Directions), Link: t.Link, From: t.From, Until: t.Until, Cap: limit, Selectors: selectors,
		Targets: t.Targets, Fields: t.Fields, Addresses: t.Addresses, RetainDays: t.RetainDays, Recipients: t.Recipients, Grounds: t.Grounds, NoOther: t.NoOther, Necessity: t.Necessity,
		Party: party, IssuedAt: now.UTC().Truncate(time.Second)}
}

// normal checks terms: they have to make an order that can be signed.
func (t Terms) normal(now time.Time, l Limits) (Terms, error) {
	t.From, t.Until = t.From.UTC().Truncate(time.Second), t.Until.UTC().Truncate(time.Second)
	t.Title, t.Link = clean(t.Title), clean(t.Link)
	t.Gives, t.Returns = clean(t.Gives), clean(t.Returns)
	if len(t.Directions) == 0 {
		t.Directions = slices.Clone(l.Directions)
	}
	var bad []fault.Place
	o, err := t.order("draft", "draft", "draft", strings.Repeat("0", 64), t.Cap, now).Normal()
	if f := fault.Of(err); err != nil {
		if !errors.Is(err, approval.ErrOrder) {
			return t, err
		}
		bad = append(bad, f.Places...)
	}
	t.Directions, t.Targets, t.Fields, t.Recipients = Ways([]geo.Class(o.Directions)), o.Targets, o.Fields, o.Recipients
	wrong := func(at, code string, pairs ...any) {
		if !slices.ContainsFunc(bad, func(p fault.Place) bool { return p.At == at }) {
			bad = append(bad, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
		}
	}
	if t.Title == "" || utf8.RuneCountInString(t.Title) > maxTitle {
		wrong("title", "selection.agreement.bad.title", "max", maxTitle)
	}
	for at, s := range map[string]string{"gives": t.Gives, "returns": t.Returns} {
		if s == "" || utf8.RuneCountInString(s) > maxNote {
			wrong(at, "selection.agreement.bad.plain", "max", maxNote)
		}
	}
	if slices.ContainsFunc(t.Directions, func(c geo.Class) bool { return !slices.Contains(l.Directions, c) }) {
		wrong("directions", "selection.agreement.bad.direction")
	}
	if !t.Until.After(now) {
		wrong("until", "selection.agreement.bad.past")
	} else if t.Until.Sub(t.From) > time.Duration(l.AgreementDays)*24*time.Hour {
		wrong("until", "selection.agreement.bad.period", "days", l.AgreementDays)
	}
	if t.RetainDays > l.RetainDays {
		wrong("retain_days", "selection.agreement.bad.retain", "days", l.RetainDays)
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b fault.Place) int { return strings.Compare(a.At, b.At) })
		return t, fault.New(fault.Invalid, ErrTerms.Code, "n", len(bad)).At(bad...)
	}
	return t, nil
}

func clean(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s, "")) }

// words checks a text that a person wrote.
func words(at, s string, must bool) (string, error) {
	if s = clean(s); must && s == "" {
		return s, fault.New(fault.Invalid, ErrTerms.Code, "n", 1).At(fault.Place{At: at, Code: "selection.agreement.bad.empty"})
	}
	if utf8.RuneCountInString(s) > maxNote {
		return s, fault.New(fault.Invalid, ErrTerms.Code, "n", 1).At(fault.Place{At: at, Code: "selection.agreement.bad.long", Args: fault.Args{"max": maxNote}})
	}
	return s, nil
}
