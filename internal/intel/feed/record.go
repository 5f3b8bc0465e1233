// Package feed reads the public sources of vulnerability facts: CVE records,
// NVD, KEV, EPSS, CSAF, OSV, endoflife.date and JVN. Each becomes a stream of
// [Record]s; what a source says and we have no field for is kept.
//
// A file is believed as a whole or not at all. One that is cut off, says another
// number of entries than it has, dates something in the future, or says two
// different things about one id is refused with the place where it does so.
//
// Where a source is vague, nothing is made up. Texts of maker and product
// become no CPE name: they do not say whether an application, a system or a
// device is meant, and spell the maker as they like; they stay in
// [product.Line] as text for a person to confirm. Versions in words become
// ranges only where the whole text is understood; else the line says
// [product.StatusUnknown] and keeps the words. So it is with commits, and with
// overviews that name products and no versions. A package of a distribution
// holds only on the release it was built for, which stands beside it as a
// platform.
package feed

import (
	"encoding/json"
	"time"

	"noroshi/internal/engine/product"
)

// Kind is the kind of a feed's file. It is found by content.
type Kind string

// The kinds.
const (
	CVE5 Kind = "cve5" // CVE Record Format 5.x, one record, an array, or a zip or folder of them
	NVD  Kind = "nvd"  // NVD CVE API 2.0
	KEV  Kind = "kev"  // CISA Known Exploited Vulnerabilities
	EPSS Kind = "epss" // FIRST EPSS, CSV
	CSAF Kind = "csaf" // CSAF 2.0, 2.1 documents
	OSV  Kind = "osv"  // Open Source Vulnerability format
	EOL  Kind = "eol"  // endoflife.date
	JVN  Kind = "jvn"  // JVNRSS, VULDEF (MyJVN)
)

// Record is what one source says about one vulnerability, or about the life of
// one product.
type Record struct {
	ID        string    `json:"id"`                // CVE id, else the source's own
	Aliases   []string  `json:"aliases,omitempty"` // other ids of the same vulnerability
	Kind      Kind      `json:"kind"`
	By        string    `json:"by,omitempty"` // publisher or assigner
	Ref       string    `json:"ref"`          // document id or URL
	Licence   string    `json:"licence,omitempty"`
	Published time.Time `json:"published,omitzero"`
	Modified  time.Time `json:"modified,omitzero"`
	Withdrawn bool      `json:"withdrawn,omitempty"` // rejected or withdrawn by its source

	Title       string            `json:"title,omitempty"`
	Description map[string]string `json:"description,omitempty"` // by language: en, ja
	Scores      []Score           `json:"scores,omitempty"`
	Weaknesses  []string          `json:"weaknesses,omitempty"` // CWE-…
	References  []string          `json:"references,omitempty"`
	Remedies    []string          `json:"remedies,omitempty"` // what the source says to do

	Exploited  *Exploited          `json:"exploited,omitempty"`
	Likelihood *Likelihood         `json:"likelihood,omitempty"`
	Decision   *Decision           `json:"decision,omitempty"`
	Statements []product.Statement `json:"statements,omitempty"`
	Lives      []Life              `json:"lives,omitempty"`

	Further json.RawMessage `json:"further,omitempty"` // what the source says beside this, as it is; bounded
}

// Score is a CVSS vector with the score its source gives; 0 where it gives none.
type Score struct {
	Vector string  `json:"vector"`
	Score  float64 `json:"score"`
	By     string  `json:"by,omitempty"`
}

// Exploited says that a vulnerability is used in attacks (KEV).
type Exploited struct {
	Added      time.Time `json:"added"`
	Due        time.Time `json:"due,omitzero"` // until when its source asks for action
	Ransomware bool      `json:"ransomware,omitempty"`
	Action     string    `json:"action,omitempty"`
}

// Likelihood is an EPSS estimate: the probability of exploitation within 30
// days, and the share of vulnerabilities that are at or below it; both 0 to 1.
type Likelihood struct {
	Score, Percentile float64
	On                time.Time
}

// Decision holds the SSVC decision points a coordinator published (CISA ADP).
type Decision struct {
	Exploitation string    `json:"exploitation"` // none, poc, active
	Automatable  string    `json:"automatable"`  // yes, no
	Impact       string    `json:"impact"`       // partial, total
	At           time.Time `json:"at,omitzero"`
}

// Life is the support of one release cycle of a product. A zero time means
// that the source does not say; Open that it says there is no end yet, Ended
// that it is over, whether or not the day is known.
type Life struct {
	Product  string    `json:"product"`         // the source's id of the product
	Cycle    string    `json:"cycle"`           // 7.4, 2019
	Names    []string  `json:"names,omitempty"` // CPE and PURL identifiers of the product
	Released time.Time `json:"released,omitzero"`
	Ends     time.Time `json:"ends,omitzero"` // security support
	Open     bool      `json:"open,omitempty"`
	Ended    bool      `json:"ended,omitempty"`
	Active   time.Time `json:"active,omitzero"`   // until when it gets more than security fixes
	Extended time.Time `json:"extended,omitzero"` // until when security fixes can be bought
	Latest   string    `json:"latest,omitempty"`
}
