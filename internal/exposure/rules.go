package exposure

import (
	"strings"

	"noroshi/internal/engine/product"
)

// Priority is what to do with an exposure: the decision of the SSVC deployer
// tree under the names of CISA's guide. Greater is more urgent.
type Priority uint8

// The priorities.
const (
	Track  Priority = iota // 通常: with ordinary maintenance
	Watch                  // 注視: Track*, watch for changes
	Attend                 // 優先: sooner than ordinary maintenance
	Act                    // 即応: now
)

var priorityNames = [...]string{"track", "watch", "attend", "act"}

// String returns the priority as JSON, files and pages write it.
func (p Priority) String() string { return priorityNames[p] }

// MarshalText writes the priority's name.
func (p Priority) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a priority's name.
func (p *Priority) UnmarshalText(b []byte) error {
	got, ok := ParsePriority(string(b))
	if !ok {
		return errPriority
	}
	*p = got
	return nil
}

// ParsePriority returns the priority of a name, and whether there is one.
func ParsePriority(s string) (Priority, bool) {
	for i, n := range priorityNames {
		if n == s {
			return Priority(i), true
		}
	}
	return 0, false
}

// Exploitation is what is known of attacks (SSVC 2.1, Exploitation).
type Exploitation uint8

// The states of exploitation.
const (
	NoExploit   Exploitation = iota
	Conceivable              // a proof of concept is public, or an estimate above the configured threshold
	Active                   // used in attacks
)

// Facts is what a decision rests on. What nobody said is the zero value.
type Facts struct {
	// Of the vulnerability.
	Known       bool         // in a catalogue of exploited vulnerabilities (KEV)
	Ransomware  bool         // by ransomware, says that catalogue
	Sighted     int          // own sightings of its use
	Stated      Exploitation // what a coordinator published (CISA ADP, SSVC)
	Likelihood  float64      // EPSS, 0 to 1
	Automatable string       // yes, no; empty: not said
	Impact      string       // partial, total; empty: not said
	Vector      string       // CVSS, for what is not said; never for a score

	// Of the equipment.
	Verdict    product.Verdict
	Certainty  product.Certainty
	Proposed   bool   // its name is only proposed
	Zone       string // the most exposed of the zones: internet, dmz, internal, ot, isolated; empty: not said
	Edge       bool   // a kind that usually faces the internet
	Control    bool   // some of it stands in a control network
	Essential  bool   // it supports an essential service (重要な役務)
	Devices    int
	Dependents int  // organisations that depend on the operator, at most three tiers away
	Ended      bool // its maker no longer supports it
}

// Thresholds are the configured values of the rules.
type Thresholds struct {
	Likelihood float64 // EPSS from which exploitation counts as conceivable; never as active
	Devices    int     // pieces of equipment from which an exposure is of medium impact
	Dependents int     // dependent organisations from which an essential service is of very high impact
	SupportDay int     // days before the end of support from which it is an exposure
}

// Ordinary are the thresholds where none are configured.
var ordinary = Thresholds{Likelihood: 0.1, Devices: 20, Dependents: 3, SupportDay: 180}

// Ordinary returns the thresholds that hold where none are configured.
func Ordinary() Thresholds { return ordinary }

// Reason is one ground of a decision: the key of a sentence, and its number.
type Reason struct {
	Code string `json:"code"` // exposure.because.<code>
	N    int    `json:"n,omitempty"`
}

// Decision is a priority with its reasons, the weightiest first.
type Decision struct {
	Priority Priority `json:"priority"`
	Reasons  []Reason `json:"reasons"`
}

// point is where facts stand in the tree.
type point struct {
	exploitation Exploitation
	exposure     int // 0 small, 1 controlled, 2 open
	automatable  int // 0 no, 1 yes
	human        int // 0 low, 1 medium, 2 high, 3 very high
}

// tree is the decision by exploitation, exposure and automatable, one letter
// for each human impact from low to very high: t track, w watch, e attend, a
// act. It follows CERT/CC's deployer tree; where that tree says "scheduled" for
// everything, this one tells what to watch from what can wait.
var tree = [3][3][2]string{
	NoExploit: {
		{"tttt", "tttw"},
		{"tttw", "ttww"},
		{"ttww", "twwe"},
	},
	Conceivable: {
		{"ttww", "twww"},
		{"twww", "wwwe"},
		{"wwee", "weee"},
	},
	Active: {
		{"wwee", "weee"},
		{"weee", "eeea"},
		{"eeaa", "eaaa"},
	},
}

var letters = map[byte]Priority{'t': Track, 'w': Watch, 'e': Attend, 'a': Act}

func (p point) priority() Priority {
	return letters[tree[p.exploitation][p.exposure][p.automatable][p.human]]
}

// Decide returns what follows from facts, with every ground that moved it.
func Decide(f Facts, t Thresholds) Decision {
	var d Decision
	say := func(code string, n int) { d.Reasons = append(d.Reasons, Reason{code, n}) }
	p := point{exploitation: f.exploitation(t, say)}
	p.exposure = f.exposure(say)
	p.automatable = f.automatable(say)
	p.human = f.human(t, say)
	d.Priority = p.priority()
	if f.Ended {
		say("support_ended", 0)
	}
	// What is not certain is never an order to act at once: the first step is
	// to find out.
	switch {
	case f.Proposed:
		d.Priority = min(d.Priority, Watch)
		say("name_proposed", 0)
	case f.Certainty == product.PlatformOnly:
		d.Priority = min(d.Priority, Watch)
		say("platform_only", 0)
	case f.Certainty == product.VersionUnknown:
		d.Priority = min(d.Priority, Attend)
		say("version_unknown", 0)
	case f.Verdict == product.Unknown:
		d.Priority = min(d.Priority, Attend)
		say("verdict_unknown", 0)
	}
	return d
}

func (f *Facts) exploitation(t Thresholds, say func(string, int)) Exploitation {
	e := NoExploit
	if f.Known {
		e = Active
		say("exploited_known", 0)
		if f.Ransomware {
			say("ransomware", 0)
		}
	}
	if f.Sighted > 0 {
		e = Active
		say("exploited_here", 0) // how often would tell of how few
	}
	if f.Stated == Active && e != Active {
		e = Active
		say("exploited_stated", 0)
	}
	if e == Active {
		return e
	}
	if f.Stated == Conceivable {
		e = Conceivable
		say("poc", 0)
	}
	if f.Likelihood >= t.Likelihood && t.Likelihood > 0 {
		e = Conceivable
		say("likely", int(f.Likelihood*100))
	}
	if e == NoExploit {
		say("no_exploit", 0)
	}
	return e
}

func (f *Facts) exposure(say func(string, int)) int {
	switch f.Zone {
	case "internet":
		say("zone_internet", 0)
		return 2
	case "dmz":
		say("zone_dmz", 0)
		return 1
	case "internal":
		say("zone_internal", 0)
		return 1
	case "ot":
		say("zone_ot", 0)
		return 0
	case "isolated":
		say("zone_isolated", 0)
		return 0
	}
	// Nobody said where it stands. What usually faces the internet is taken to.
	if f.Edge {
		say("zone_unknown_edge", 0)
		return 2
	}
	say("zone_unknown", 0)
	return 1
}

func (f *Facts) automatable(say func(string, int)) int {
	switch {
	case f.Automatable == "yes":
		say("automatable", 0)
		return 1
	case f.Automatable == "" && vectorAutomatable(f.Vector):
		say("automatable_vector", 0)
		return 1
	}
	return 0
}

func (f *Facts) human(t Thresholds, say func(string, int)) int {
	h := 0
	if f.Devices >= t.Devices {
		h = 1
		say("devices", f.Devices)
	}
	if f.Dependents > 0 {
		h = 1
		say("dependents", f.Dependents)
	}
	if f.Control {
		h = max(h, 2)
		say("control", 0)
	}
	if f.Essential {
		h = 2
		if f.Dependents >= t.Dependents || f.Control {
			h = 3
		}
		say("essential", 0)
	}
	switch impact := f.impact(); {
	case impact == "total":
		say("impact_total", 0)
	case impact == "partial" && h > 0:
		h--
		say("impact_partial", 0)
	}
	return h
}

// impact is what a coordinator published, else what the vector says outright.
func (f *Facts) impact() string {
	if f.Impact != "" || f.Vector == "" {
		return f.Impact
	}
	m := metrics(f.Vector)
	all := func(value string, names ...string) bool {
		for _, n := range names {
			if m[n] != value {
				return false
			}
		}
		return true
	}
	if all("H", "C", "I", "A") || all("C", "C", "I", "A") || all("H", "VC", "VI", "VA") {
		return "total"
	}
	return ""
}

// vectorAutomatable reports whether a CVSS vector (2.0, 3.x, 4.0) says that an
// attack comes over the network, needs no rights, no user and nothing special.
func vectorAutomatable(v string) bool {
	m := metrics(v)
	if m["AV"] != "N" || m["AC"] != "L" {
		return false
	}
	if au, ok := m["Au"]; ok { // CVSS 2.0
		return au == "N"
	}
	return m["PR"] == "N" && m["UI"] == "N" && (m["AT"] == "" || m["AT"] == "N")
}

// metrics splits a vector; a vector has at most 40 metrics in any version.
func metrics(v string) map[string]string {
	m := map[string]string{}
	for i, part := range strings.Split(v, "/") {
		if i == 40 {
			break
		}
		if name, value, ok := strings.Cut(part, ":"); ok && name != "CVSS" {
			m[name] = value
		}
	}
	return m
}

// DecideSupport returns what follows from the end of support alone: equipment
// for which nobody will mend what is found next. days is until that end,
// negative after it.
func DecideSupport(f Facts, days int, t Thresholds) Decision {
	var d Decision
	say := func(code string, n int) { d.Reasons = append(d.Reasons, Reason{code, n}) }
	if days <= 0 {
		say("support_ended", 0)
	} else {
		say("support_ends", days)
	}
	p := f.exposure(say) + f.human(t, say)/2
	switch {
	case days <= 0 && p >= 2:
		d.Priority = Attend
	case days <= 0, p >= 2:
		d.Priority = Watch
	}
	return d
}
