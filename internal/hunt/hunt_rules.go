package hunt

import "time"

// Rulebook is a set of rules (規則集) as the hub keeps it: in editions that never
// change.
type Rulebook struct {
	ID        string    `json:"id"` // starter: the rules of the program
	Name      string    `json:"name"`
	About     string    `json:"about,omitempty"`
	By        string    `json:"by,omitempty"` // id of its owner
	Editions  int       `json:"editions"`
	At        time.Time `json:"at,omitzero"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
	Last      *Edition  `json:"last,omitempty"`

	org    string
	sealed []byte
}

// Edition is one version of a rulebook.
type Edition struct {
	Ref          string     `json:"ref"`              // what a hunt names: id/number, or starter/2026-11-22
	Number       int        `json:"number,omitempty"` // from 1
	SHA256       string     `json:"sha256"`           // [RuleSet.Sum]
	Files        int        `json:"files"`
	Rules        int        `json:"rules"`
	Correlations int        `json:"correlations"`
	Rejected     int        `json:"rejected"`
	Why          []Rejected `json:"why,omitempty"` // of the first rejected
	Note         string     `json:"note,omitempty"`
	By           string     `json:"by,omitempty"`
	At           time.Time  `json:"at,omitzero"`

	book, org, blob string
	sealed          []byte
}

// Rejected is a rule that was not taken into an edition.
type Rejected struct {
	File   string   `json:"file"`
	Line   int      `json:"line,omitempty"`
	Rule   string   `json:"rule,omitempty"`
	Code   string   `json:"code"`
	Args   []string `json:"args,omitempty"`
	Reason string   `json:"reason"` // in English
}

// Condition says what a suppression is about. Rule is needed; the rest narrows.
type Condition struct {
	Rule  string `json:"rule" toml:"rule"` // id, else name or title
	Host  string `json:"host,omitempty" toml:"host"`
	User  string `json:"user,omitempty" toml:"user"`
	Field string `json:"field,omitempty" toml:"field"`
	Value string `json:"value,omitempty" toml:"value"`
}

// NewSuppression is a suppression before it is made.
type NewSuppression struct {
	Condition
	Title   string    `json:"title,omitempty"` // of the rule
	Reason  string    `json:"reason"`
	UntilAt time.Time `json:"until_at"`
}

// Suppression declares what a rule finds harmless, for a time and a reason.
type Suppression struct {
	ID string `json:"id"`
	NewSuppression
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	Adopted string    `json:"adopted,omitempty"` // id of the offer it was adopted from
	Offer   string    `json:"offer,omitempty"`   // id of the offer made of it, not withdrawn
	Named   bool      `json:"named,omitempty"`   // of the offer

	org    string
	sealed []byte
}

// Offer is a suppression that an organisation shares. Who, is told only if
// it wants.
type Offer struct {
	ID        string    `json:"id"`
	Condition Condition `json:"condition"` // of no host and no account
	Title     string    `json:"title,omitempty"`
	Reason    string    `json:"reason"`
	UntilAt   time.Time `json:"until_at"`
	At        time.Time `json:"at"`
	Users     int       `json:"users,omitempty"` // organisations that use it; 0: fewer than five
	Org       string    `json:"org,omitempty"`   // id, if it wants to be named
	Mine      bool      `json:"mine"`
	Adopted   bool      `json:"adopted"` // one's own organisation uses it

	org    string
	sealed []byte
}
