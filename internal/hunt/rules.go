package hunt

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/sigma"
)

// Bounds of what the hub takes.
const (
	MaxTriage   = 2000     // findings that one act names
	MaxBook     = 8 << 20  // bytes of an edition, packed
	MaxPart     = 2 << 20  // bytes of one part of a run's results
	MaxLines    = 2000     // detections of one part
	maxTaken    = 200_000  // detections of a run
	maxFindings = 20_000   // findings of a run
	maxWhole    = 100_000  // findings of one act over a filter
	maxUnpack   = 64 << 20 // bytes of an edition, unpacked

	maxExampleSets = 5 // examples of a finding
	maxEvent       = 16 << 10
	maxWhy         = 64
	maxWhyText     = 2000 // bytes
	maxTechniques  = 16

	maxTitle     = 200  // characters
	maxWords     = 4000 // characters
	maxName      = 500  // bytes of a host, an account, a rule or a source
	maxEditions  = 20   // of a hunt
	maxRejected  = 200  // that are told one by one
	maxSuppress  = 2000 // in force of an organisation
	maxRulebooks = 1000 // of an organisation

	longestSuppress = 366 * 24 * time.Hour
	keepUndo        = 30 * 24 * time.Hour
	undoable        = 50 // batches that can be undone
	near            = time.Hour
	ahead           = 5 * time.Minute
	fewest          = 5 // organisations that are told as a number
)

// Faults of hunts.
var (
	ErrNone      = fault.New(fault.NotFound, "hunt.none")        // not there, or not theirs to know
	ErrInvalid   = fault.New(fault.Invalid, "hunt.invalid")      // with places
	ErrStale     = fault.New(fault.Conflict, "hunt.stale")       // somebody else changed it meanwhile
	ErrStage     = fault.New(fault.Conflict, "hunt.stage")       // not in this stage of the hunt
	ErrRetired   = fault.New(fault.Conflict, "hunt.retired")     // the rulebook is retired
	ErrDone      = fault.New(fault.Conflict, "hunt.run_done")    // the run came in whole already
	ErrPart      = fault.New(fault.Conflict, "hunt.part")        // another part comes next
	ErrUndone    = fault.New(fault.Conflict, "hunt.undone")      // undone already, or too old
	ErrCount     = fault.New(fault.Conflict, "hunt.count")       // another number than the person saw
	ErrReleased  = fault.New(fault.Conflict, "hunt.released")    // all of it is a sighting already
	ErrValue     = fault.New(fault.Invalid, "hunt.value")        // not among what may be released
	ErrExpired   = fault.New(fault.Conflict, "hunt.expired")     // the run's findings were removed at the end of their time
	ErrHeld      = fault.New(fault.Conflict, "hunt.held")        // held already
	ErrNotHeld   = fault.New(fault.Conflict, "hunt.not_held")    // nothing is held
	ErrEnded     = fault.New(fault.Conflict, "hunt.ended")       // the suppression is not in force
	ErrPersonal  = fault.New(fault.Conflict, "hunt.personal")    // names a host or an account
	ErrOffered   = fault.New(fault.Conflict, "hunt.offered")     // offered, or adopted, already
	ErrMany      = fault.New(fault.Conflict, "hunt.many")        // as many as there may be
	ErrNotAZip   = fault.New(fault.Usage, "hunt.book.zip")       // no zip of rules
	ErrNoRules   = fault.New(fault.Invalid, "hunt.book.none")    // no rule in it can be used
	ErrDifferent = fault.New(fault.Conflict, "hunt.compare.two") // not runs of one hunt
)

// problems collects what is wrong, each at the name of its field.
type problems []fault.Place

func (p *problems) add(at, code string, pairs ...any) {
	*p = append(*p, fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

func (p problems) fault() error {
	if len(p) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", len(p)).At(p...)
}

// words trims words and notes when they are missing or too long.
func (p *problems) words(at, s string, most int, must bool) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	switch {
	case must && s == "":
		p.add(at, "hunt.bad.empty")
	case utf8.RuneCountInString(s) > most:
		p.add(at, "hunt.bad.long", "max", most)
	}
	return s
}

var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// moment is a time as it is stored: UTC, to the microsecond.
func moment(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// normal checks a hunt and writes it in its one form.
func (n NewHunt) normal() (NewHunt, error) {
	var bad problems
	n.Title = bad.words("title", n.Title, maxTitle, true)
	n.Question = bad.words("question", n.Question, maxWords, true)
	n.Hosts = bad.words("hosts", n.Hosts, maxWords, false)
	n.Logs = bad.words("logs", n.Logs, maxWords, false)
	n.Notice = bad.words("notice", n.Notice, maxTitle, false)
	n.From, n.Until = moment(n.From), moment(n.Until)
	if !n.From.IsZero() && n.From.Before(earliest) || !n.Until.IsZero() && n.Until.Before(n.From) {
		bad.add("until", "hunt.bad.order")
	}
	slices.Sort(n.Rules)
	if n.Rules = slices.Compact(n.Rules); len(n.Rules) > maxEditions {
		bad.add("rules", "hunt.bad.many", "max", maxEditions)
	}
	return n, bad.fault()
}

// normal checks what a run says of itself.
func (t Told) normal(now time.Time) (Told, error) {
	var bad problems
	t.StartedAt, t.EndedAt = moment(t.StartedAt), moment(t.EndedAt)
	if t.StartedAt.After(now.Add(ahead)) || t.EndedAt.After(now.Add(ahead)) || !t.EndedAt.IsZero() && t.EndedAt.Before(t.StartedAt) {
		bad.add("ended_at", "hunt.bad.order")
	}
	t.Program = bad.words("program", t.Program, maxTitle, false)
	t.Note = bad.words("note", t.Note, maxWords, false)
	for at, sum := range map[string]string{"rules_sha256": t.Rules, "pack_sha256": t.Pack} {
		if sum != "" && !isSum(sum) {
			bad.add(at, "hunt.bad.sum")
		}
	}
	if t.Sources < 0 || t.Damage < 0 || t.Detections < 0 || t.Events > 1<<62 {
		bad.add("events", "hunt.bad.count")
	}
	return t, bad.fault()
}

// isSum reports whether s is a SHA-256 in small hexadecimal letters.
func isSum(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// normal checks a decision.
func (d Decision) normal() (Decision, error) {
	var bad problems
	if !slices.Contains(States, d.State) {
		bad.add("state", "hunt.bad.state")
	}
	d.Reason = bad.words("reason", d.Reason, maxWords, d.State == Harmless || d.State == Real || d.State == Unsure)
	return d, bad.fault()
}

// normal checks a suppression.
func (n NewSuppression) normal(now time.Time) (NewSuppression, error) {
	var bad problems
	n.Rule = bad.words("rule", n.Rule, maxName, true)
	n.Title = bad.words("title", n.Title, maxTitle, false)
	n.Host, n.User = bad.words("host", n.Host, maxName, false), bad.words("user", n.User, maxName, false)
	n.Field = bad.words("field", n.Field, maxTitle, n.Value != "")
	n.Value = bad.words("value", n.Value, maxWhyText, n.Field != "")
	n.Reason = bad.words("reason", n.Reason, maxWords, true)
	n.UntilAt = moment(n.UntilAt)
	if !n.UntilAt.After(now) || n.UntilAt.After(now.Add(longestSuppress)) {
		bad.add("until_at", "hunt.bad.until")
	}
	return n, bad.fault()
}

// fits reports whether a detection meets a condition. Letters of either case
// are alike, as in rules; a field is looked for in the event and, where the
// results have none, in the reasons why the rule found it.
func (c *Condition) fits(d *Incoming) bool {
	if c.Rule != d.Rule.Ref() || c.Host != "" && !strings.EqualFold(c.Host, d.Host) || c.User != "" && !strings.EqualFold(c.User, d.User) {
		return false
	}
	if c.Field == "" {
		return true
	}
	if v, ok := d.Event[c.Field]; ok && strings.EqualFold(v, c.Value) {
		return true
	}
	return slices.ContainsFunc(d.Why, func(w Why) bool { return w.Field == c.Field && strings.EqualFold(w.Value, c.Value) })
}

// placeOf orders findings in lists: the gravest first, of one level the newest.
// 2^55 microseconds end in the year 3111.
func placeOf(level sigma.Level, last time.Time) int64 {
	us := int64(0)
	if !last.IsZero() {
		us = min(max(last.UnixMicro(), 0), 1<<55-1)
	}
	return int64(sigma.Critical-level)<<56 | (1<<55 - 1 - us)
}

// placesOf are the bounds of the places of a level.
func placesOf(level sigma.Level) (from, to int64) {
	from = int64(sigma.Critical-level) << 56
	return from, from + 1<<56 - 1
}

// mayFollow is which stage a hunt may go to.
func (s Stage) mayFollow(from Stage) bool {
	return s == Opened && from != Opened || s == Closed && from == Opened
}

// covered reports whether one of the prefixes holds an address.
func covered(own []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}
