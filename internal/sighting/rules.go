package sighting

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/fault"
)

// TLPs lists the labels of TLP 2.0, narrowest first.
var TLPs = []string{"RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"}

// Bounds of a sighting.
const (
	maxNote   = 4000 // characters
	maxVictim = 200
	maxRef    = 200
	maxCount  = 1_000_000_000
	maxFiles  = 20
	// ahead is how far the clock of whoever saw it may be before ours.
	ahead = 5 * time.Minute
)

// earliest is before what anybody could have seen.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// Faults of sightings.
var (
	ErrNone      = fault.New(fault.NotFound, "sighting.none")      // no such sighting, or not theirs to know
	ErrInvalid   = fault.New(fault.Invalid, "sighting.invalid")    // with places
	ErrWithdrawn = fault.New(fault.Conflict, "sighting.withdrawn") // it is withdrawn already
	ErrFiles     = fault.New(fault.Conflict, "sighting.files")     // as much evidence as one may have
)

// normal checks a sighting and writes it in its one form. clearance is that of
// whoever records: nobody writes what they may not read.
func (n New) normal(now time.Time, clearance int) (Sighting, error) {
	var bad []fault.Place
	wrong := func(at, code string, pairs ...any) {
		bad = append(bad, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
	}
	s := Sighting{What: n.What, Count: max(n.Count, 1), FirstAt: n.FirstAt.UTC(), LastAt: n.LastAt.UTC(), Origin: n.Origin, Provenance: n.Provenance, Ref: strings.TrimSpace(n.Ref), TLP: n.TLP, Clearance: n.Clearance, Named: n.Named, At: now}
	if !slices.Contains(Kinds, n.What) {
		wrong("what", "sighting.bad.what")
	}
	value, vulnerability := strings.TrimSpace(n.Value), strings.TrimSpace(n.Vulnerability)
	if n.What == Exploited && value == "" {
		value = vulnerability
	}
	if vulnerability != "" {
		t, v, ok := Normal(vulnerability, false)
		if !ok || t != Vulnerability {
			wrong("vulnerability", "sighting.bad.vulnerability")
		}
		s.Vulnerability = v
	}
	var ok bool
	if s.Type, s.Value, ok = Normal(value, n.What == Behaviour); !ok {
		wrong("value", "sighting.bad.value")
	} else if s.Type == Vulnerability && n.What == Indicator || n.What == Exploited && s.Type != Vulnerability && s.Vulnerability == "" {
		wrong("what", "sighting.bad.fit")
	}
	if s.Type == Vulnerability && s.Vulnerability == "" {
		s.Vulnerability = s.Value
	}
	if n.Count < 0 || n.Count > maxCount {
		wrong("count", "sighting.bad.count", "max", maxCount)
	}
	if s.LastAt.IsZero() {
		s.LastAt = now
	}
	if s.FirstAt.IsZero() {
		s.FirstAt = s.LastAt
	}
	if s.LastAt.After(now.Add(ahead)) || s.FirstAt.Before(earliest) {
		wrong("last_at", "sighting.bad.time")
	}
	if s.FirstAt.After(s.LastAt) {
		wrong("first_at", "sighting.bad.order")
	}
	if s.Origin == "" {
		s.Origin = ByHand
	}
	// What was selected says by which power, and nothing else claims any.
	if !slices.Contains(Origins, s.Origin) || (s.Origin == FromSelection) != slices.Contains(Provenances, s.Provenance) || s.Origin != FromSelection && s.Provenance != "" {
		wrong("origin", "sighting.bad.origin")
	}
	if s.TLP = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(n.TLP)), "TLP:"); s.TLP == "" {
		s.TLP = "AMBER"
	}
	if !slices.Contains(TLPs, s.TLP) {
		wrong("tlp", "sighting.bad.tlp")
	}
	if n.Clearance < 0 || n.Clearance > clearance {
		wrong("clearance", "sighting.bad.clearance", "max", clearance)
	}
	s.Note, s.Victim = clean(n.Note), clean(n.Victim)
	for at, limit := range map[string]int{"note": maxNote, "victim": maxVictim, "ref": maxRef} {
		if utf8.RuneCountInString(map[string]string{"note": s.Note, "victim": s.Victim, "ref": s.Ref}[at]) > limit {
			wrong(at, "sighting.bad.long", "max", limit)
		}
	}
	if len(bad) > 0 {
		slices.SortFunc(bad, func(a, b fault.Place) int { return strings.Compare(a.At, b.At) })
		return s, fault.New(fault.Invalid, ErrInvalid.Code, "n", len(bad)).At(bad...)
	}
	s.FirstAt, s.LastAt = s.FirstAt.Truncate(time.Microsecond), s.LastAt.Truncate(time.Microsecond)
	return s, nil
}

func clean(s string) string { return strings.TrimSpace(strings.ToValidUTF8(s, "")) }
