package sensor

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
)

// Rank says what to do first. The words are those of every list here.
type Rank int

// The ranks, the most urgent first.
const (
	Act Rank = iota
	Attend
	Watch
	Track
)

var rankWords = [...]string{"act", "attend", "watch", "track"}

// String is the rank's word.
func (r Rank) String() string { return rankWords[r] }

// MarshalText writes the rank's word.
func (r Rank) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the rank's word.
func (r *Rank) UnmarshalText(b []byte) error {
	i := slices.Index(rankWords[:], string(b))
	if i < 0 {
		return ErrInvalid
	}
	*r = Rank(i)
	return nil
}

// What a score means for whoever has the night shift. A finding is worth a
// look from 0.5; what speaks of somebody inside comes before what knocks from
// outside, so the same score ranks higher there.
const (
	sure   = 0.8
	likely = 0.5
)

// inside are the kinds that speak of somebody being in already; fromOutside
// those in which the source is the attacker.
var (
	inside      = []string{"indicator", "beacon", "dns_tunnel", "generated_domains", "stepping_stone", "data_leaving", "reflector"}
	fromOutside = []string{"host_scan", "port_scan", "password_guessing", "flood", "reflection_flood"}
)

// rankOf says how urgent a finding is. Guessing after which somebody stayed
// logged in, and a flood that one's own machine sends, speak of the inside too.
func rankOf(f *Found) Rank {
	in := slices.Contains(inside, f.Kind)
	if slices.Contains(fromOutside, f.Kind) {
		var e struct {
			SessionAfter bool  `json:"session_after"`
			ToHome       *bool `json:"to_home"`
		}
		in = json.Unmarshal(f.Evidence, &e) == nil && (e.SessionAfter || e.ToHome != nil && !*e.ToHome)
	}
	switch {
	case in && f.Score >= sure:
		return Act
	case in && f.Score >= likely, f.Score >= sure:
		return Attend
	case f.Score >= likely:
		return Watch
	}
	return Track
}

// Bounds of what comes in.
const (
	MaxFindings  = 500 // of one request
	maxEvidence  = 16 << 10
	maxDepth     = 4
	maxNumbers   = 2048 // values of one finding's evidence
	maxKeys      = 64   // of one finding's evidence
	maxKey       = 40   // bytes of a key
	maxDigits    = 32   // of a number
	maxWord      = 96   // bytes of a word in the evidence, and of a shortened name
	maxName      = 255  // bytes of a name in full (RFC 1035 §3.1)
	maxLabels    = 5    // of a shortened name; the first may say how many more there were
	maxLabel     = 24   // bytes of one
	maxWords     = 1024 // bytes of all words in it
	maxWordList  = 16   // words in a row
	maxAttack    = 8
	maxText      = 200 // characters of a name
	maxNote      = 4000
	maxNetworks  = 4000
	ahead        = 5 * time.Minute
	longest      = 366 * 24 * time.Hour // a finding may be called harmless for
	keepReadings = 90 * 24 * time.Hour
)

var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Faults of sources and findings.
var (
	ErrNone    = fault.New(fault.NotFound, "sensor.none")    // no such source or finding, or not theirs to know
	ErrInvalid = fault.New(fault.Invalid, "sensor.invalid")  // with places
	ErrEnded   = fault.New(fault.Conflict, "sensor.ended")   // the source is closed
	ErrStale   = fault.New(fault.Conflict, "sensor.stale")   // somebody else changed it meanwhile
	ErrAlready = fault.New(fault.Conflict, "sensor.already") // it is a sighting already
	ErrNothing = fault.New(fault.Conflict, "sensor.nothing") // its other end cannot be looked for
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

// words tidies a text of a person: NFKC, no control characters but line ends.
func (p *problems) words(at, s string, need bool, limit int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, norm.NFKC.String(strings.ToValidUTF8(s, ""))))
	if n := utf8.RuneCountInString(s); n > limit {
		p.add(at, "sensor.bad.long", "max", limit)
	} else if n == 0 && need {
		p.add(at, "sensor.bad.empty")
	}
	return s
}

// normal checks a source and writes it in its one form. state is whether the
// organisation is a carrier or of the State: it reads here only its own
// network, and tests.
func (n NewSource) normal(state bool) (NewSource, error) {
	var bad problems
	n.Name = bad.words("name", n.Name, true, maxText)
	n.Reason = bad.words("reason", n.Reason, n.Basis == Consent, maxNote)
	n.Networks = bad.words("networks", n.Networks, n.Basis == OwnNetwork, maxNetworks)
	n.NamesWhy = bad.words("names_why", n.NamesWhy, n.FullNames, maxNote)
	if !slices.Contains(Kinds, n.Kind) {
		bad.add("kind", "sensor.bad.kind")
	}
	switch {
	case n.Basis == Acquisition:
		return n, ErrAcquisition
	case !slices.Contains(Bases, n.Basis):
		bad.add("basis", "sensor.bad.basis")
	case state && n.Basis == Consent:
		bad.add("basis", "sensor.bad.state_basis")
	}
	return n, bad.fault()
}

// normal checks a finding that came in at now. Evidence is numbers, times,
// addresses, hashes and short words: whatever could carry a message is refused.
// So is a name that is not shortened, unless full says that the source was
// registered to keep names in full.
func (f Found) normal(now time.Time, full bool) (Found, error) {
	var bad problems
	if !word(f.Kind) || len(f.Kind) > 40 {
		bad.add("kind", "sensor.bad.finding")
	}
	if !(f.Score >= 0 && f.Score <= 1) { // NaN too
		bad.add("score", "sensor.bad.score")
	}
	if len(f.Attack) > maxAttack || slices.ContainsFunc(f.Attack, func(id string) bool { return !technique(id) }) {
		bad.add("attack", "sensor.bad.attack")
	}
	for at, v := range map[string]string{"src": f.Src, "dst": f.Dst} {
		switch {
		case !end(v):
			bad.add(at, "sensor.bad.end")
		case !full && !bounded(v):
			bad.add(at, "sensor.bad.full")
		}
	}
	if f.Src == "" && f.Dst == "" {
		bad.add("src", "sensor.bad.empty")
	}
	f.Start, f.End = f.Start.UTC().Truncate(time.Microsecond), f.End.UTC().Truncate(time.Microsecond)
	if f.Start.Before(earliest) || f.End.Before(f.Start) || f.End.After(now.Add(ahead)) {
		bad.add("start", "sensor.bad.time")
	}
	if len(f.Evidence) == 0 {
		f.Evidence = json.RawMessage("{}")
	}
	if f.Evidence = evident(f.Evidence); f.Evidence == nil {
		bad.add("evidence", "sensor.bad.evidence")
	}
	return f, bad.fault()
}

// word reports whether s is a key or a kind: small letters, digits, _.
func word(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_') }) < 0
}

// technique reports whether s is an id of ATT&CK: T1071 or T1071.001.
func technique(s string) bool {
	id, sub, dotted := strings.Cut(s, ".")
	digits := func(s string, n int) bool {
		return len(s) == n && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
	}
	return strings.HasPrefix(id, "T") && digits(id[1:], 4) && (!dotted || digits(sub, 3))
}

// end reports whether s can be an end of a communication: nothing, an address,
// a prefix or a name.
func end(s string) bool {
	if s == "" {
		return true
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	return len(s) <= maxName && plain(s)
}

// bounded reports whether an end is no longer than a shortened name can be
// (package record): few labels, each of them short or a hash.
func bounded(s string) bool {
	_, address := netip.ParseAddr(s)
	if _, prefix := netip.ParsePrefix(s); address == nil || prefix == nil {
		return true
	}
	labels := strings.Split(s, ".")
	return len(s) <= maxWord && len(labels) <= maxLabels && !slices.ContainsFunc(labels, func(l string) bool { return len(l) > maxLabel })
}

// plain reports whether s has only what names, hashes, times and numbers are
// written with.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".:-_/+%{}[]~*#<>=…", r))
	}) < 0
}

// evident reads evidence: a JSON object of bounded depth and size whose keys are
// words, each once, and whose values are numbers, truths and short plain words.
// It gives the evidence written anew, so that nothing is kept that was not
// looked at; nil when it is anything else.
func evident(b []byte) json.RawMessage {
	if len(b) > maxEvidence {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	w := witness{decoder: d, values: maxNumbers, keys: maxKeys, bytes: maxWords}
	v, ok := w.value("", maxDepth)
	if _, object := v.(map[string]any); !ok || !object {
		return nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}

// witness reads evidence and counts down what it may still hold.
type witness struct {
	decoder             *json.Decoder
	values, keys, bytes int
}

// value reads a value of a key; false when it may not be there.
func (w *witness) value(key string, depth int) (any, bool) {
	if w.values--; w.values < 0 || depth < 0 {
		return nil, false
	}
	t, err := w.decoder.Token()
	if err != nil {
		return nil, false
	}
	switch x := t.(type) {
	case json.Delim:
		if x == '{' {
			return w.object(depth)
		}
		return w.list(key, depth)
	case json.Number:
		return x, len(x) <= maxDigits
	case string:
		w.bytes -= len(x)
		return x, w.bytes >= 0 && len(x) <= maxWord && plain(x)
	}
	return t, true // true, false, null
}

// object reads what comes after {. A key that is there twice is refused: readers
// do not agree on which of the two they see.
func (w *witness) object(depth int) (any, bool) {
	out := map[string]any{}
	for w.decoder.More() {
		t, err := w.decoder.Token()
		key, ok := t.(string)
		if _, twice := out[key]; err != nil || !ok || twice || !word(key) || len(key) > maxKey {
			return nil, false
		}
		if w.keys--; w.keys < 0 {
			return nil, false
		}
		if out[key], ok = w.value(key, depth-1); !ok {
			return nil, false
		}
	}
	_, err := w.decoder.Token()
	return out, err == nil
}

// list reads what comes after [: numbers, a few words, or the rows of a picture.
func (w *witness) list(key string, depth int) (any, bool) {
	out := []any{}
	words, rows := 0, 0
	for w.decoder.More() {
		before := w.bytes
		v, ok := w.value("", depth-1)
		if !ok {
			return nil, false
		}
		if s, ok := v.(string); ok && pictured(key) && rowOfHex(s) {
			rows, w.bytes = rows+1, before
		} else if ok {
			words++
		}
		if out = append(out, v); words > maxWordList || rows > maxRasterRows {
			return nil, false
		}
	}
	_, err := w.decoder.Token()
	return out, err == nil
}

// pictured reports whether a key's list is a picture: rows of hexadecimal
// digits, whose bits say when something happened.
func pictured(key string) bool { return key == "grid" || key == "ordinary" }

func rowOfHex(s string) bool {
	return len(s) <= maxRasterCells && strings.Trim(s, "0123456789abcdef") == ""
}

// normal checks what a person makes of a finding.
func (d Decision) normal(now time.Time) (Decision, error) {
	var bad problems
	if !slices.Contains(States, d.State) || d.State == Fresh {
		bad.add("state", "sensor.bad.state")
	}
	d.Note = bad.words("note", d.Note, d.State == Benign, maxNote)
	if d.State == Benign {
		d.UntilAt = d.UntilAt.UTC().Truncate(time.Microsecond)
		if !d.UntilAt.After(now) || d.UntilAt.After(now.Add(longest)) {
			bad.add("until_at", "sensor.bad.until")
		}
	} else {
		d.UntilAt = time.Time{}
	}
	return d, bad.fault()
}
