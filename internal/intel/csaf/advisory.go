package csaf

import (
	"time"

	"noroshi/internal/engine/product"
)

// Profile is the profile of a document that is written (CSAF 2.0 §4).
type Profile string

// The profiles.
const (
	Base             Profile = "csaf_base"
	SecurityAdvisory Profile = "csaf_security_advisory"
	VEX              Profile = "csaf_vex"
)

// Status is how far a document is: draft, interim or final (§3.2.1.12.7).
type Status string

// The statuses.
const (
	Draft   Status = "draft"
	Interim Status = "interim"
	Final   Status = "final"
)

// Advisory is what [New] writes as a document of CSAF 2.0. Empty members are
// left out.
type Advisory struct {
	ID         string // tracking id; the file's name follows from it
	Aliases    []string
	Profile    Profile
	Title      string
	Lang       string // BCP 47
	Publisher  Publisher
	TLP        string // CLEAR, GREEN, AMBER, AMBER+STRICT, RED
	Sharing    string // what else is to be said about distribution
	Severity   string // aggregate severity, in the publisher's own words
	Status     Status
	Revisions  []Revision // the oldest first; at least one
	Engine     string     // version of the program that writes
	Folder     string     // URL of the folder with the years, for the canonical URL; https
	Notes      []Note
	References []Reference

	Products        []Product
	Relationships   []Relationship
	Groups          []Group
	Vulnerabilities []Vulnerability
}

// Publisher is who issues a document.
type Publisher struct {
	Name      string
	Category  string // vendor, coordinator, discoverer, translator, user, other
	Namespace string // a URL under the publisher's control
	Contact   string
	Authority string
}

// Revision is one entry of the revision history. Revisions are numbered from 1.
type Revision struct {
	At      time.Time
	Summary string
}

// Note is a text with its purpose: description, details, faq, general,
// legal_disclaimer, other or summary.
type Note struct{ Category, Title, Text, Audience string }

// Reference points to something else about the matter, or with Self to the
// document itself.
type Reference struct {
	Summary, URL string
	Self         bool
}

// Product is one product with the versions meant: one, or a range as a version
// range specifier (vers:…) or as comparisons (<4.2). Neither: the product as
// such.
type Product struct {
	ID                   string // within the document
	Vendor, Name         string
	Version, Range       string
	CPE, PURL            string
	Models, Serials, SKU []string
}

// Relationship makes a product of two: Product on, in or with On. Category is
// one of default_component_of, external_component_of, installed_on,
// installed_with, optional_component_of.
type Relationship struct{ ID, Name, Category, Product, On string }

// Group is a name for at least two products.
type Group struct {
	ID, Summary string
	Products    []string
}

// Vulnerability is what a document says of one vulnerability.
type Vulnerability struct {
	CVE             string
	IDs             map[string]string // system → id there
	Title           string
	CWE, CWEName    string
	Discovered      time.Time
	Released        time.Time
	Notes           []Note
	References      []Reference
	Acknowledgments []string // names

	// Product ids by status.
	Affected, FirstAffected, LastAffected []string
	Fixed, FirstFixed, Recommended        []string
	NotAffected, Investigating            []string

	Flags        []Flag
	Threats      []Threat
	Remediations []Remediation
	Scores       []Score
	Involvements []Involvement
}

// Flag says why products are not affected.
type Flag struct {
	Why              product.Justification
	At               time.Time
	Products, Groups []string
}

// Threat is what is known of impact, exploitation or targets: impact,
// exploit_status, target_set.
type Threat struct {
	Category, Details string
	At                time.Time
	Products, Groups  []string
}

// Remediation says what to do: mitigation, no_fix_planned, none_available,
// vendor_fix, workaround.
type Remediation struct {
	Category, Details, URL string
	At                     time.Time
	Restart                string // none, system, service …; empty when not said
	Products, Groups       []string
}

// Score is a CVSS vector of version 2.0, 3.0 or 3.1 for products. The scores
// are computed from it.
type Score struct {
	Vector   string
	Products []string
}

// Involvement is how far a party got: coordinator, discoverer, other, user,
// vendor; completed, contact_attempted, disputed, in_progress, not_contacted,
// open.
type Involvement struct {
	Party, Status, Summary string
	At                     time.Time
}
