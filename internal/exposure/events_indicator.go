package exposure

import (
	"context"

	"noroshi/internal/base/bus"
)

// Touching says that a published item of intelligence names something that an
// operator registered (exposure.touched); exposure.item_due, for this noun alone,
// that the registers after one are still to be held against an item.
type Touching struct {
	Org     string `json:"org"`
	Item    string `json:"item"`
	Entries int    `json:"entries"`
	Known   bool   `json:"known"` // the item's marks let the operator know it
}

// publishTouched pings the operator's pages only when it may know the item: that
// something happened tells as well.
func publishTouched(ctx context.Context, tx *bus.Tx, t Touching) error {
	if !t.Known {
		return bus.Publish(ctx, tx, "exposure.touched", t)
	}
	return bus.Publish(ctx, tx, "exposure.touched", t, t.Org)
}

func publishItemDue(ctx context.Context, tx *bus.Tx, item, after string) error {
	return bus.Publish(ctx, tx, "exposure.item_due", itemDue{item, after})
}

type itemDue struct {
	Item  string `json:"item"`
	After string `json:"after"`
}
