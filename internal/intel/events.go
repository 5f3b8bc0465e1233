package intel

import (
	"context"

	"noroshi/internal/base/bus"
)

// maxNamed bounds how many vulnerabilities or products an event names; when
// more changed it says Many and names none.
const maxNamed = 500

// Stated says that statements of a feed were added, changed or taken back
// (intel.stated). With Many a listener matches everything again.
type Stated struct {
	Feed            string   `json:"feed"`
	Vulnerabilities []string `json:"vulnerabilities,omitempty"` // at most 500
	Products        []string `json:"products,omitempty"`        // product keys that the statements name, before or after; at most 500
	Many            bool     `json:"many,omitempty"`
}

// Exploited says that it changed whether, or how likely, vulnerabilities are
// used in attacks (intel.exploited): a catalogue of exploited ones, an estimate
// or a decision.
type Exploited struct {
	Feed            string   `json:"feed"`
	Vulnerabilities []string `json:"vulnerabilities,omitempty"` // at most 500
	Many            bool     `json:"many,omitempty"`
}

func publishStated(ctx context.Context, tx *bus.Tx, e Stated) error {
	return bus.Publish(ctx, tx, "intel.stated", e)
}

func publishExploited(ctx context.Context, tx *bus.Tx, e Exploited) error {
	return bus.Publish(ctx, tx, "intel.exploited", e)
}

// ItemMoved says that an item was published (intel.item_published), replaced by
// its next version (intel.item_replaced) or taken back (intel.item_withdrawn).
// What is in it is for whom its marks allow.
type ItemMoved struct {
	Item      string `json:"item"`
	TLP       string `json:"tlp"`
	Clearance int    `json:"clearance"`
}

func publishItem(ctx context.Context, tx *bus.Tx, it *Item, orgs ...string) error {
	return bus.Publish(ctx, tx, "intel.item_"+string(it.State), ItemMoved{it.ID, string(it.TLP), it.Clearance}, orgs...)
}
