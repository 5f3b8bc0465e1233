package hunt

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

// suppressionColumns are those of a suppression x with the offer made of it.
const suppressionColumns = `x.id, x.org_id, x.offer_id, x.sealed, x.person, x.at, x.ended_at,
	coalesce((SELECT o.id FROM hunt_offer o WHERE o.suppression_id = x.id AND o.withdrawn_at = 0), ''),
	coalesce((SELECT o.named FROM hunt_offer o WHERE o.suppression_id = x.id AND o.withdrawn_at = 0), 0)`

func scanSuppression(scan func(...any) error) (x Suppression, err error) {
	var at, ended, named int64
	err = scan(&x.ID, &x.org, &x.Adopted, &x.sealed, &x.By, &at, &ended, &x.Offer, &named)
	x.At, x.EndedAt, x.Named = db.Time(at), db.Time(ended), named == 1
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return x, err
}

func insertSuppression(ctx context.Context, tx *db.Tx, x Suppression) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_suppression (id, org_id, offer_id, sealed, person, at, until_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
		x.ID, x.org, x.Adopted, x.sealed, x.By, db.Micros(x.At), db.Micros(x.UntilAt))
	return err
}

func loadSuppression(ctx context.Context, tx *db.Tx, org, id string) (Suppression, error) {
	return scanSuppression(tx.QueryRow(ctx, "SELECT "+suppressionColumns+" FROM hunt_suppression x WHERE x.org_id = $1 AND x.id = $2", org, id).Scan)
}

func endSuppression(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE hunt_suppression SET ended_at = $2 WHERE id = $1", id, db.Micros(at))
	return err
}

// holds is the rule for what is in force. $2 is now.
const holds = "x.ended_at = 0 AND x.until_at > $2"

func countInForce(ctx context.Context, tx *db.Tx, org string, now time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM hunt_suppression x WHERE x.org_id = $1 AND "+holds, org, db.Micros(now)).Scan(&n)
	return n, err
}

func suppressions(rows *db.Rows) (out []Suppression, err error) {
	defer rows.Close()
	for rows.Next() {
		x, err := scanSuppression(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

func listInForce(ctx context.Context, tx *db.Tx, org string, now time.Time, limit int) ([]Suppression, error) {
	rows, err := tx.Query(ctx, "SELECT "+suppressionColumns+" FROM hunt_suppression x WHERE x.org_id = $1 AND "+holds+" ORDER BY x.id LIMIT $3", org, db.Micros(now), limit)
	if err != nil {
		return nil, err
	}
	return suppressions(rows)
}

func listSuppressions(ctx context.Context, tx *db.Tx, org string, all bool, now time.Time, cursor string, limit int) (out []Suppression, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+suppressionColumns+" FROM hunt_suppression x WHERE x.org_id = $1 AND ($3 = 1 OR "+holds+") AND x.id < $4 ORDER BY x.id DESC LIMIT $5",
		org, db.Micros(now), bit(all), before, limit+1)
	if err != nil {
		return nil, "", err
	}
	if out, err = suppressions(rows); err != nil {
		return nil, "", err
	}
	out, next = db.Page(out, limit, func(last *Suppression) string { return db.Cursor(last.ID) })
	return out, next, nil
}

// offerColumns are those of an offer o for a reader $1 at the time $2: how many
// organisations use it, and whether the reader's does.
const offerColumns = `o.id, o.org_id, o.named, o.sealed, o.at,
	1 + (SELECT count(DISTINCT x.org_id) FROM hunt_suppression x WHERE x.offer_id = o.id AND ` + holds + `),
	(SELECT count(*) FROM hunt_suppression x WHERE x.offer_id = o.id AND x.org_id = $1 AND ` + holds + `)`

func scanOffer(scan func(...any) error) (o Offer, err error) {
	var named, at, mine int64
	err = scan(&o.ID, &o.org, &named, &o.sealed, &at, &o.Users, &mine)
	o.At, o.Adopted = db.Time(at), mine > 0
	if named == 1 {
		o.Org = o.org
	}
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return o, err
}

func insertOffer(ctx context.Context, tx *db.Tx, o Offer, suppression string) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_offer (id, org_id, suppression_id, named, sealed, at, until_at, withdrawn_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
		o.ID, o.org, suppression, bit(o.Org != ""), o.sealed, db.Micros(o.At), db.Micros(o.UntilAt))
	return err
}

// offered is the rule for what others see.
const offered = "o.withdrawn_at = 0 AND o.until_at > $2"

func loadOffer(ctx context.Context, tx *db.Tx, reader, id string, now time.Time) (Offer, error) {
	return scanOffer(tx.QueryRow(ctx, "SELECT "+offerColumns+" FROM hunt_offer o WHERE o.id = $3 AND "+offered, reader, db.Micros(now), id).Scan)
}

func listOffers(ctx context.Context, tx *db.Tx, reader string, now time.Time, cursor string, limit int) (out []Offer, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+offerColumns+" FROM hunt_offer o WHERE "+offered+" AND o.id < $3 ORDER BY o.id DESC LIMIT $4", reader, db.Micros(now), before, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		o, err := scanOffer(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, o)
	}
	out, next = db.Page(out, limit, func(last *Offer) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

func withdrawOffer(ctx context.Context, tx *db.Tx, org, id string, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE hunt_offer SET withdrawn_at = $3 WHERE org_id = $1 AND id = $2 AND withdrawn_at = 0", org, id, db.Micros(at))
	return n == 1, err
}

func withdrawOffers(ctx context.Context, tx *db.Tx, suppression string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE hunt_offer SET withdrawn_at = $2 WHERE suppression_id = $1 AND withdrawn_at = 0", suppression, db.Micros(at))
	return err
}
