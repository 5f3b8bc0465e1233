package vendor

import (
	"context"
	"time"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells.
//
//	vendor.started          a case was opened
//	vendor.requested        a maker was asked
//	vendor.reminded         its answer is due soon, or overdue
//	vendor.no_answer        the deadline passed in silence
//	vendor.answered         it said something of its products
//	vendor.declined         it will not
//	vendor.fix_planned      it named a day
//	vendor.fix_released     every affected product has its fix, and no embargo runs
//	vendor.users_notified   everyone exposed was told
//	vendor.closed           nothing is left to do
//	vendor.embargo_changed  an embargo was moved or lifted
//	vendor.said             somebody wrote in a conversation
//
// Title, Products and Vulnerability are there only in fix_released: what an
// embargo still covers stands in no event.
type Happened struct {
	Case          ID             `json:"case"`
	Request       ID             `json:"request,omitempty"`
	Coordinator   string         `json:"coordinator"`
	Org           string         `json:"org,omitempty"` // maker
	State         State          `json:"state,omitempty"`
	DueAt         time.Time      `json:"due_at,omitzero"`
	Vulnerability string         `json:"vulnerability,omitempty"`
	Title         string         `json:"title,omitempty"`
	TLP           string         `json:"tlp,omitempty"`
	Products      []FixedProduct `json:"products,omitempty"`
	Fixed         time.Time      `json:"fixed,omitzero"` // when the last fix came
}

// FixedProduct is a product with its fix, for those who run it.
type FixedProduct struct {
	Name        string `json:"name"`
	CPE         string `json:"cpe,omitempty"`
	PURL        string `json:"purl,omitempty"`
	Versions    string `json:"versions,omitempty"` // affected
	Fixed       string `json:"fixed,omitempty"`    // version; empty when there will be none
	URL         string `json:"url,omitempty"`
	Interim     string `json:"interim,omitempty"`
	SupportEnds string `json:"support_ends,omitempty"`
}

func publish(ctx context.Context, tx *bus.Tx, what string, h Happened) error {
	orgs := []string{h.Coordinator}
	if h.Org != "" {
		orgs = append(orgs, h.Org)
	}
	return bus.Publish(ctx, tx, "vendor."+what, h, orgs...)
}
