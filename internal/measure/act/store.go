package act

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"noroshi/internal/base/db"
)

// errNothing is an act that turned out to have nothing to do: nothing of it is
// kept.
var errNothing = errors.New("nothing to do")

const orderColumns = `o.id, o.number, o.org_id, o.state, o.task, o.digest, o.blob_id, o.approval_id, o.use_id, o.actuator_id, o.asker, o.approver, o.sealed, o.shown, o.fits, o.warned,
	o.asked_at, o.dried_at, o.decided_at, o.from_at, o.until_at, o.sent_at, o.told_at, o.ended_at, o.alarmed_at, o.alarm, o.rules, o.missing, o.extra, o.reason, o.revision`

// times are the instants of an order in the order of their columns.
func (o *Order) times() []*time.Time {
	return []*time.Time{&o.AskedAt, &o.DriedAt, &o.DecidedAt, &o.From, &o.Until, &o.SentAt, &o.ToldAt, &o.EndedAt, &o.AlarmedAt}
}

func scanOrder(scan func(...any) error) (o Order, err error) {
	var task string
	var fits int64
	var t [9]int64
	to := []any{&o.ID, &o.Number, &o.Org, &o.State, &task, &o.Digest, &o.blob, &o.Approval, &o.use, &o.Actuator, &o.asker, &o.approver, &o.sealed, &o.shown, &fits, &o.WarnedCount}
	for i := range t {
		to = append(to, &t[i])
	}
	err = scan(append(to, &o.Alarm, &o.Rules, &o.Missing, &o.Extra, &o.Reason, &o.Revision)...)
	if err == db.ErrNoRows {
		return o, ErrNone
	}
	if err != nil {
		return o, err
	}
	o.fits = fits == 1
	for i, at := range o.times() {
		*at = db.Time(t[i])
	}
	return o, json.Unmarshal([]byte(task), &o.Task)
}

// values are what may change of an order, in the order of update's places.
func (o *Order) values() []any {
	fits := int64(0)
	if o.fits {
		fits = 1
	}
	if o.shown == nil {
		o.shown = []byte{}
	}
	out := []any{string(o.State), o.Approval, o.use, o.Actuator, o.approver, o.sealed, o.shown, fits}
	for _, t := range o.times() {
		out = append(out, db.Micros(*t))
	}
	return append(out, o.Alarm, o.Rules, o.Missing, o.Extra, o.Reason)
}

func insertOrder(ctx context.Context, tx *db.Tx, o *Order) error {
	task, err := json.Marshal(o.Task)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO measure_order (state, approval_id, use_id, actuator_id, approver, sealed, shown, fits, asked_at, dried_at, decided_at, from_at, until_at, sent_at, told_at, ended_at, alarmed_at,
		alarm, rules, missing, extra, reason, id, number, org_id, kind, chain_id, task, digest, blob_id, asker, warned, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, 1)`,
		append(o.values(), o.ID, o.Number, o.Org, string(o.Task.Kind), o.Task.Chain, string(task), o.Digest, o.blob, o.asker, o.WarnedCount)...)
	o.Revision = 1
	return err
}

// updateOrder writes what an act changed of an order that still is at the revision
// the caller saw.
func updateOrder(ctx context.Context, tx *db.Tx, o *Order) error {
	n, err := tx.Exec(ctx, `UPDATE measure_order SET state = $1, approval_id = $2, use_id = $3, actuator_id = $4, approver = $5, sealed = $6, shown = $7, fits = $8, asked_at = $9, dried_at = $10,
		decided_at = $11, from_at = $12, until_at = $13, sent_at = $14, told_at = $15, ended_at = $16, alarmed_at = $17, alarm = $18, rules = $19, missing = $20, extra = $21, reason = $22,
		revision = revision + 1 WHERE id = $23 AND revision = $24`, append(o.values(), o.ID, o.Revision)...)
	if err == nil && n == 0 {
		return ErrRevision
	}
	o.Revision++
	return err
}

func insertPast(ctx context.Context, tx *db.Tx, order ID, p Past) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_order_act (id, order_id, act, was, became, person, side, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		p.ID, order, p.Act, string(p.From), string(p.To), p.person, string(p.By), p.sealed, db.Micros(p.At), p.Entry)
	return err
}

// maxPast bounds the acts of one order that are shown, the newest first.
const maxPast = 200

func loadPast(ctx context.Context, tx *db.Tx, order ID) (out []Past, err error) {
	rows, err := tx.Query(ctx, "SELECT id, act, was, became, person, side, sealed, at, entry FROM measure_order_act WHERE order_id = $1 ORDER BY id DESC LIMIT $2", order, maxPast)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Past
		var at int64
		if err := rows.Scan(&p.ID, &p.Act, &p.From, &p.To, &p.person, &p.By, &p.sealed, &at, &p.Entry); err != nil {
			return nil, err
		}
		p.At = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// next gives the number of another instruction of this hub.
func next(ctx context.Context, tx *db.Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, "UPDATE measure_sequence SET n = n + 1 WHERE id = 1 RETURNING n").Scan(&n)
	return n, err
}

// last is the number of the last instruction of this hub.
func last(ctx context.Context, tx *db.Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, "SELECT n FROM measure_sequence WHERE id = 1").Scan(&n)
	return n, err
}

const actuatorColumns = "a.id, a.org_id, a.person, a.name, a.kinds, a.last_number, a.seen_at, a.alarm, a.alarm_at, a.grave"

func scanActuator(scan func(...any) error) (a Actuator, err error) {
	var kinds, grave string
	var seen, alarm int64
	err = scan(&a.ID, &a.Org, &a.person, &a.Name, &kinds, &a.seq, &seen, &a.Alarm, &alarm, &grave)
	if err == db.ErrNoRows {
		return a, ErrNone
	}
	if err != nil {
		return a, err
	}
	a.SeenAt, a.AlarmAt = db.Time(seen), db.Time(alarm)
	if err := json.Unmarshal([]byte(grave), &a.Grave); err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(kinds), &a.Kinds)
}

func loadActuator(ctx context.Context, tx *db.Tx, id ID) (Actuator, error) {
	return scanActuator(tx.QueryRow(ctx, "SELECT "+actuatorColumns+" FROM measure_actuator a WHERE a.id = $1", id).Scan)
}

// putActuator writes an actuator; one of another organisation or account keeps its
// own.
func putActuator(ctx context.Context, tx *db.Tx, a Actuator) error {
	kinds, err := json.Marshal(a.Kinds)
	if err != nil {
		return err
	}
	if a.Grave == nil {
		a.Grave = map[string]time.Time{}
	}
	grave, err := json.Marshal(a.Grave)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO measure_actuator (id, org_id, person, name, kinds, last_number, seen_at, alarm, alarm_at, grave) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, kinds = excluded.kinds, last_number = excluded.last_number, seen_at = excluded.seen_at, alarm = excluded.alarm, alarm_at = excluded.alarm_at, grave = excluded.grave
		WHERE measure_actuator.org_id = excluded.org_id AND measure_actuator.person = excluded.person`,
		a.ID, a.Org, a.person, a.Name, string(kinds), a.seq, db.Micros(a.SeenAt), a.Alarm, db.Micros(a.AlarmAt), string(grave))
	if err == nil && n == 0 {
		return ErrHeld
	}
	return err
}
