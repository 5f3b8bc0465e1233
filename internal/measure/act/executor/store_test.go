package executor

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/measure/act"
)

// dbPutBack makes a hub forget an order, as a backup from before does.
func dbPutBack(id act.ID) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		ctx := context.Background()
		for _, q := range []string{"DELETE FROM measure_order WHERE id = $1", "DELETE FROM measure_order_act WHERE order_id = $1"} {
			if _, err := tx.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "UPDATE measure_sequence SET n = 0 WHERE id = 1")
		return err
	}
}
