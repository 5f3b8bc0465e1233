// Package product decides whether a vulnerability concerns a piece of
// equipment, and says by what: which source states it, which node of the
// statement holds, which range the version lies in.
//
// It knows nothing of feeds and registers: feeds become [Statement]s, equipment
// becomes [Subject]s.
package product

import (
	"time"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// Statement is what one source says about the products that one vulnerability
// concerns.
type Statement struct {
	Vulnerability string    `json:"vulnerability"`     // CVE id, else the source's own
	Source        string    `json:"source"`            // nvd, cve, csaf, osv, jvn
	By            string    `json:"by,omitempty"`      // who says it there: an assigner's or publisher's name
	Ref           string    `json:"ref"`               // place in the source: document id and path in it, or URL
	At            time.Time `json:"at,omitzero"`       // when the source last said it
	Licence       string    `json:"licence,omitempty"` // under which the source lets it be used
	Root          Node      `json:"root"`
}

// Op joins the parts of a node.
type Op uint8

// The operators of the applicability language (NVD CVE API 2.0, configurations).
const (
	Or Op = iota
	And
)

// Node is one node of applicability: its lines and its children, joined by Op.
type Node struct {
	Op       Op     `json:"op,omitempty"`
	Negate   bool   `json:"negate,omitempty"`
	Children []Node `json:"children,omitempty"`
	Lines    []Line `json:"lines,omitempty"`
}

// Line names a product, the versions meant, and what is said of them.
type Line struct {
	// Platform marks what only has to be present, and is itself not vulnerable
	// (NVD "vulnerable": false; the right side of "relates to" in CSAF).
	Platform bool            `json:"platform,omitempty"`
	Status   Status          `json:"status,omitempty"`
	Name     cpe.Name        `json:"name,omitzero"`     // zero when the source names a package
	Package  string          `json:"package,omitempty"` // PURL without version and qualifiers; empty when the source names a CPE
	Text     string          `json:"text,omitempty"`    // vendor and product as the source writes them when it gives neither CPE nor PURL
	Scheme   version.Scheme  `json:"scheme,omitempty"`
	Ranges   []version.Range `json:"ranges,omitempty"`   // in any of which the version has to lie; none: what Name says, all when that is Any
	Versions []string        `json:"versions,omitempty"` // single versions beside the ranges
	Unread   string          `json:"unread,omitempty"`   // versions as the source writes them, where they cannot be read: whether they are meant is unknown, never a match
	Fixed    string          `json:"fixed,omitempty"`    // first version that is not affected, when the source says it
	Why      Justification   `json:"why,omitempty"`      // of NotAffected
	Detail   string          `json:"detail,omitempty"`   // the source's own words: impact statement, remediation
}

// Status is what a source says of the products of a line (CSAF 2.0 §3.2.3.9,
// CVE 5 affected status). The zero value is Affected.
type Status uint8

// The statuses.
const (
	Affected Status = iota
	NotAffected
	Fixed
	Investigating
	StatusUnknown
)

// Justification is why a product is not affected (VEX, CSAF 2.0 §3.2.3.5.2).
type Justification string

// The justifications of VEX.
const (
	ComponentNotPresent      Justification = "component_not_present"
	CodeNotPresent           Justification = "vulnerable_code_not_present"
	CodeNotInExecutePath     Justification = "vulnerable_code_not_in_execute_path"
	CodeNotControllable      Justification = "vulnerable_code_cannot_be_controlled_by_adversary"
	InlineMitigationsPresent Justification = "inline_mitigations_already_exist"
)

// Subject is a piece of equipment as far as matching needs it.
type Subject struct {
	Name      cpe.Name   // what it is; Version Any when the register does not say it
	Package   string     // PURL with version, empty when none
	Text      string     // "maker product" when there is no name: can only be proposed for
	Spelled   []string   // "maker product" in every way it is written: for lines that give only text; never more than [Unknown] (see [Index.Match])
	Version   string     // as registered; used where Name and Package say none
	Identity  Identity   // how Name was found
	Platforms []cpe.Name // what is known to be present on the same machine
}

// Identity is how the name of a subject was found. What is only proposed never
// gives more than [Unknown].
type Identity uint8

// The ways to a name, the surest first.
const (
	Given     Identity = iota // in the register
	Confirmed                 // proposed, and confirmed by a person
	Equal                     // maker and product equal the dictionary's, letter by letter after normalisation
	Proposed                  // nearest in the dictionary
)

// Verdict is what follows for one subject.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	VerdictAffected
	VerdictNotAffected
)

// String returns the verdict as JSON and files write it.
func (v Verdict) String() string { return [...]string{"unknown", "affected", "not_affected"}[v] }

// Certainty is how much of the proof is there.
type Certainty uint8

// The certainties.
const (
	Exact          Certainty = iota // product and version are known and compared, or every version is meant
	VersionUnknown                  // the product is meant, its version is not known or not comparable
	PlatformOnly                    // only the platform of a statement is there, not what is vulnerable
)

// String returns the certainty as JSON and files write it.
func (c Certainty) String() string {
	return [...]string{"exact", "version_unknown", "platform_only"}[c]
}

// Finding is the verdict on one subject and one vulnerability over all
// statements, with its proof.
type Finding struct {
	Vulnerability string
	Verdict       Verdict
	Certainty     Certainty
	Because       []Reason // what decided first, then what else was said, contradictions included
}

// Reason is one step of a proof, for whoever puts it into words.
type Reason struct {
	Rule      Rule
	Statement *Statement
	Path      string // of the line in the statement: /children/0/lines/3
	Line      *Line  // nil when the whole statement is meant
	Version   string // of the subject, as compared
	Range     *version.Range
	Status    Status
	Overruled bool // a source that goes before says otherwise
}

// Rule is the rule a Reason follows. It is the key of a sentence.
type Rule string

// The rules.
const (
	InRange          Rule = "in_range"          // the version lies in the range of the line
	OutOfRange       Rule = "out_of_range"      // it does not
	SameVersion      Rule = "same_version"      // the line names this version
	OtherVersion     Rule = "other_version"     // the line names another version
	AllVersions      Rule = "all_versions"      // the line means all versions
	NoVersion        Rule = "no_version"        // the register does not say the version
	NotComparable    Rule = "not_comparable"    // the two versions cannot be ordered by this scheme
	PlatformPresent  Rule = "platform_present"  // the platform the statement asks for is there
	PlatformMissing  Rule = "platform_missing"  // it is known to be another
	PlatformUnknown  Rule = "platform_unknown"  // nobody said whether it is there
	OnlyPlatform     Rule = "only_platform"     // the subject is only the platform of what is vulnerable
	OtherEdition     Rule = "other_edition"     // edition, target or language is another
	EditionUnknown   Rule = "edition_unknown"   // nobody said which edition or target it is; taken to be the one meant
	MakerSays        Rule = "maker_says"        // the maker states the status outright (VEX)
	NameProposed     Rule = "name_proposed"     // the product's name is only proposed
	Renamed          Rule = "renamed"           // the line names the product by another name it is known to go by
	WildcardRefused  Rule = "wildcard_refused"  // the line names no vendor or no product: never a match
	SourcesDisagree  Rule = "sources_disagree"  // another source says otherwise; the nearer to the maker goes first
	StillInvestigate Rule = "still_investigate" // the maker is still looking
	OtherProduct     Rule = "other_product"     // the statement does not name the subject's product
)
