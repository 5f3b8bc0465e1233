package asset

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/text"
)

// Answer is what a person, or the data, says to a question of scope.
type Answer string

// The answers. Unknown is an answer: it leads to what has to be found out.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// ScopeVerdict says whether a piece of equipment is to be notified.
type ScopeVerdict string

// The verdicts of scope.
const (
	ScopeNotify   ScopeVerdict = "notify"
	ScopeExcluded ScopeVerdict = "excluded" // a notice excludes it from notification, not from incident reporting
	ScopeOutside  ScopeVerdict = "outside"  // not a specified important computer of this legal entity
	ScopeUnsure   ScopeVerdict = "unsure"   // something has to be found out first
)

// Branch is what follows from one answer: nothing yet (no verdict), or the end
// of the walk.
type Branch struct {
	Verdict  ScopeVerdict `toml:"verdict" json:"verdict,omitempty"`
	Incident Answer       `toml:"incident" json:"incident,omitempty"` // may a compromise of it have to be reported?
	Reason   text.Both    `toml:"reason" json:"reason"`
}

// Step is one question of the scope check, with what follows and its source.
type Step struct {
	ID       string    `toml:"id" json:"id"`
	Source   text.Both `toml:"source" json:"source"`
	Verified bool      `toml:"verified" json:"verified"`
	Ask      text.Both `toml:"ask" json:"ask"`
	Hint     text.Both `toml:"hint" json:"hint"`
	Yes      Branch    `toml:"yes" json:"yes"`
	No       Branch    `toml:"no" json:"no"`
	Unknown  Branch    `toml:"unknown" json:"unknown"`
}

// ScopeFacts are the answers of a person about one piece of equipment. An
// answer that is not Yes or No counts as Unknown.
type ScopeFacts struct {
	Designated Answer `json:"designated"` // the legal entity is a designated operator (特定社会基盤事業者)
	Used       Answer `json:"used"`       // it uses the equipment, not only owns it
	Affects    Answer `json:"affects"`    // its compromise may affect specified essential equipment
}

// Scope is the result of a scope check: the verdict and the walk to it.
type Scope struct {
	Verdict   ScopeVerdict  `json:"verdict"`
	Incident  Answer        `json:"incident"`            // decided apart from notification (art. 5)
	Exclusion string        `json:"exclusion,omitempty"` // id of the notice's row that excludes it, or comes close
	Walk      []ScopeAnswer `json:"walk"`
}

// ScopeAnswer is one step of the walk as it was answered.
type ScopeAnswer struct {
	Step     string    `json:"step"`
	Answer   Answer    `json:"answer"`
	Reason   text.Both `json:"reason"`
	Source   text.Both `json:"source"`
	Verified bool      `json:"verified"`
}

// Steps returns the questions of the scope check in their order. The one with
// id "excluded" is answered from the data, not by a person.
func (r *Rules) Steps() []Step { return slices.Clone(r.steps) }

// Scope decides whether a piece of equipment is to be notified as of a day.
func (r *Rules) Scope(f ScopeFacts, it *Item, on Date) Scope {
	var out Scope
	for i := range r.steps {
		st := &r.steps[i]
		var a Answer
		switch st.ID {
		case stepDesignated:
			a = f.Designated
		case stepUsed:
			a = f.Used
		case stepAffects:
			a = f.Affects
		case stepExcluded:
			var ex *Exclusion
			if ex, a = r.Excluded(it, on); ex != nil {
				out.Exclusion = ex.ID
			}
		}
		b := &st.Unknown
		switch a {
		case Yes:
			b = &st.Yes
		case No:
			b = &st.No
		default:
			a = Unknown
		}
		out.Walk = append(out.Walk, ScopeAnswer{st.ID, a, b.Reason, st.Source, st.Verified})
		if b.Verdict != "" {
			out.Verdict, out.Incident = b.Verdict, b.Incident
			return out
		}
	}
	panic("BUG: asset: the scope check ended without a verdict") // checkScope saw that the last step has one for every answer
}

// The steps we can answer. Their order, wording and consequences are data.
const (
	stepDesignated = "designated"
	stepUsed       = "used"
	stepAffects    = "affects"
	stepExcluded   = "excluded"
)

func (r *Rules) checkScope() error {
	if len(r.steps) == 0 {
		return fmt.Errorf("scope: no step")
	}
	for i, st := range r.steps {
		if !slices.Contains([]string{stepDesignated, stepUsed, stepAffects, stepExcluded}, st.ID) {
			return fmt.Errorf("scope: no step %q is known; its answer could come from nowhere", st.ID)
		}
		if st.Source.Empty() || st.Ask.Empty() || st.Hint.Empty() {
			return fmt.Errorf("scope: step %q needs source, ask and hint", st.ID)
		}
		for _, b := range []Branch{st.Yes, st.No, st.Unknown} {
			switch {
			case b.Reason.Empty():
				return fmt.Errorf("scope: step %q: every answer needs a reason in both languages", st.ID)
			case b.Verdict == "" && i == len(r.steps)-1:
				return fmt.Errorf("scope: step %q is the last: every answer needs a verdict", st.ID)
			case b.Verdict != "" && !slices.Contains([]ScopeVerdict{ScopeNotify, ScopeExcluded, ScopeOutside, ScopeUnsure}, b.Verdict):
				return fmt.Errorf("scope: step %q: no verdict %q", st.ID, b.Verdict)
			case b.Verdict != "" && !slices.Contains([]Answer{Yes, No, Unknown}, b.Incident):
				return fmt.Errorf("scope: step %q: incident is yes, no or unknown", st.ID)
			}
		}
	}
	for i := range r.exclusions {
		ex := &r.exclusions[i]
		if ex.ID == "" || ex.Source.Empty() || ex.Reason.Empty() || ex.Maker == "" || len(ex.Names) == 0 || ex.From.IsZero() {
			return fmt.Errorf("exclusion %q: needs id, maker, names, from, source and reason", ex.ID)
		}
		_, ex.maker = Names().Maker(ex.Maker)
		for _, n := range ex.Names {
			ex.names = append(ex.names, plainWords(n))
		}
		// Longest first: "Windows Server" before "Windows".
		slices.SortFunc(ex.names, func(a, b []string) int { return len(b) - len(a) })
	}
	return nil
}

// Exclusion is one product, or family of products, that a notice excludes
// from notification. It says nothing of incident reporting.
type Exclusion struct {
	ID       string    `toml:"id" json:"id"`
	Maker    string    `toml:"maker" json:"maker"`
	Names    []string  `toml:"names" json:"names"`
	Tail     []string  `toml:"tail" json:"tail"` // words that may follow the name without making another product
	From     Date      `toml:"from" json:"from"` // first day it holds
	Source   text.Both `toml:"source" json:"source"`
	Verified bool      `toml:"verified" json:"verified"`
	Reason   text.Both `toml:"reason" json:"reason"`

	maker string // key
	names [][]string
}

// Excluded reports whether a notice excludes a product from notification on a
// day: Yes; No; or Unknown when the name only begins like an excluded one. The
// row of the notice is returned with Yes and Unknown.
func (r *Rules) Excluded(it *Item, on Date) (*Exclusion, Answer) {
	var near *Exclusion
	for i := range r.exclusions {
		ex := &r.exclusions[i]
		if on.Before(ex.From) || ex.maker != it.MakerKey {
			continue
		}
		switch ex.covers(it) {
		case Yes:
			return ex, Yes
		case Unknown:
			near = ex
		}
	}
	if near != nil {
		return near, Unknown
	}
	return nil, No
}

// covers compares word by word, so that "Windowsill 3" is not "Windows". Both
// the canonical name and the name as typed are tried: a table of aliases may
// know less, or more, than the person who typed.
func (ex *Exclusion) covers(it *Item) Answer {
	near := No
	for _, name := range []string{it.ProductName, it.Product} {
		words := plainWords(name)
		if own := plainWords(ex.Maker); len(words) > len(own) && slices.Equal(words[:len(own)], own) {
			words = words[len(own):]
		}
		for _, n := range ex.names {
			if len(words) < len(n) || !slices.Equal(words[:len(n)], n) {
				continue
			}
			other := func(w string) bool { return !slices.Contains(ex.Tail, w) && !versionWord(w) }
			if !slices.ContainsFunc(words[len(n):], other) {
				return Yes
			}
			near = Unknown
		}
	}
	return near
}

// versionWord reports whether a word is a number such as 2022, 10.0.20348 or 24h2.
func versionWord(w string) bool {
	if w[0] < '0' || w[0] > '9' {
		return len(w) > 1 && w[0] == 'v' && versionWord(w[1:])
	}
	return len(strings.Trim(w, "0123456789.")) <= 2
}

// plainWords cuts a name into its words: NFKC, lower case, brackets, commas
// and hyphens as spaces.
func plainWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(norm.NFKC.String(s)), func(r rune) bool {
		return strings.ContainsRune(" \t\r\n\u3000()[],;/_-®™", r)
	})
}
