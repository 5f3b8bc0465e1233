package selection

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const runColumns = `r.id, r.org_id, r.person, r.approval_id, r.agreement_id, r.list_id, r.use_id, r.kind, r.place, r.basis, r.state, r.outcome, r.started_at, r.beat_at, r.ended_at,
	r.retain_until, r.extended, r.records, r.pages, r.erased, r.packets, r.bytes, r.chain, r.statement, r.counter, r.vault_id, r.sealed, r.entry,
	r.ways, r.made_up, r.used_packets, r.used_bytes, r.kept_packets, r.kept_bytes`

func scanRun(scan func(...any) error) (r HubRun, err error) {
	var started, beat, ended, retain, packets, bytes, madeUp, usedPackets, usedBytes, keptPackets, keptBytes int64
	var ways string
	err = scan(&r.ID, &r.Org, &r.person, &r.Approval, &r.Agreement, &r.List, &r.use, &r.Kind, &r.Place, &r.Basis, &r.State, &r.Outcome, &started, &beat, &ended,
		&retain, &r.Extended, &r.Records, &r.pages, &r.Erased, &packets, &bytes, &r.chain, &r.stated, &r.Counter, &r.vault, &r.sealed, &r.Entry,
		&ways, &madeUp, &usedPackets, &usedBytes, &keptPackets, &keptBytes)
	if err != nil {
		return r, err
	}
	r.StartedAt, r.BeatAt, r.EndedAt, r.RetainUntil = db.Time(started), db.Time(beat), db.Time(ended), db.Time(retain)
	r.Taken, r.Vault = approval.Quantity{Packets: uint64(packets), Bytes: uint64(bytes)}, r.vault != "" && r.State == RunDone
	r.madeUp, r.used, r.kept = madeUp != 0, approval.Quantity{Packets: uint64(usedPackets), Bytes: uint64(usedBytes)}, approval.Quantity{Packets: uint64(keptPackets), Bytes: uint64(keptBytes)}
	if ways == "" { // of a time when it was not written
		return r, nil
	}
	return r, json.Unmarshal([]byte(ways), &r.ways)
}

// reachRun is the rule of access to runs, inside every query: the office has its
// own, the commission the record of all.
func (q *query) reachRun(who gate.Identity, reach gate.Reach) {
	switch reach {
	case gate.Own:
		q.And("r.org_id = ?", who.Org)
	case gate.Record:
		q.And("r.started_at > 0")
	default:
		q.And("r.started_at < 0")
	}
}

func insertRun(ctx context.Context, tx *db.Tx, r HubRun) error {
	ways, err := json.Marshal(r.ways)
	if err != nil {
		return err
	}
	madeUp := 0
	if r.madeUp {
		madeUp = 1
	}
	_, err = tx.Exec(ctx, `INSERT INTO selection_run (id, org_id, person, approval_id, agreement_id, list_id, use_id, kind, place, basis, state, outcome, started_at, beat_at, ended_at,
		retain_until, extended, records, pages, erased, packets, bytes, chain, statement, counter, vault_id, sealed, entry,
		ways, made_up, used_packets, used_bytes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', $12, $12, 0, $13, 0, 0, 0, 0, $21, $22, $14, '', '', '', $15, $16, $17, $18, $19, $20)`,
		r.ID, r.Org, r.person, r.Approval, r.Agreement, r.List, r.use, string(r.Kind), string(r.Place), r.Basis, string(r.State), db.Micros(r.StartedAt), db.Micros(r.RetainUntil), r.chain, r.sealed, r.Entry,
		string(ways), madeUp, int64(r.used.Packets), int64(r.used.Bytes), int64(r.Taken.Packets), int64(r.Taken.Bytes))
	return err
}

// updateRun writes what changes while a run goes on and when it ends.
func updateRun(ctx context.Context, tx *db.Tx, r HubRun) error {
	_, err := tx.Exec(ctx, `UPDATE selection_run SET state = $2, outcome = $3, beat_at = $4, ended_at = $5, retain_until = $6, extended = $7, records = $8, pages = $9, erased = $10,
		packets = $11, bytes = $12, chain = $13, statement = $14, counter = $15, vault_id = $16, kept_packets = $17, kept_bytes = $18 WHERE id = $1`,
		r.ID, string(r.State), r.Outcome, db.Micros(r.BeatAt), db.Micros(r.EndedAt), db.Micros(r.RetainUntil), r.Extended, r.Records, r.pages, r.Erased,
		int64(r.Taken.Packets), int64(r.Taken.Bytes), r.chain, r.stated, r.Counter, r.vault, int64(r.kept.Packets), int64(r.kept.Bytes))
	return err
}

func loadRun(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (HubRun, error) {
	var q query
	q.reachRun(who, reach)
	q.And("r.id = ?", id)
	r, err := scanRun(tx.QueryRow(ctx, "SELECT "+runColumns+" FROM selection_run r WHERE "+q.Where(), q.Args...).Scan)
	if err == db.ErrNoRows {
		err = ErrNoRun
	}
	return r, err
}

// lockRun returns a run for a change, for the hub itself.
func lockRun(ctx context.Context, tx *db.Tx, id string) (HubRun, error) {
	r, err := scanRun(tx.QueryRow(ctx, "SELECT "+runColumns+" FROM selection_run r WHERE r.id = $1"+tx.ForUpdate(), id).Scan)
	if err == db.ErrNoRows {
		err = ErrNoRun
	}
	return r, err
}

// listRuns gives a page of runs, the newest first.
func listRuns(ctx context.Context, tx *db.Tx, f RunFilter, who gate.Identity, reach gate.Reach) (out []HubRun, next string, err error) {
	var q query
	q.reachRun(who, reach)
	if f.Approval != "" {
		q.And("r.approval_id = ?", f.Approval)
	}
	if f.State != "" {
		q.And("r.state = ?", string(f.State))
	}
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("r.id < ?", before)
	limit := db.Limit(f.Limit)
	if out, err = runs(ctx, tx, "SELECT "+runColumns+" FROM selection_run r WHERE "+q.Where()+" ORDER BY r.id DESC LIMIT "+q.Arg(limit+1), q.Args...); err != nil {
		return nil, "", err
	}
	out, next = db.Page(out, limit, func(last *HubRun) string { return db.Cursor(last.ID) })
	return out, next, err
}

func runs(ctx context.Context, tx *db.Tx, sql string, args ...any) (out []HubRun, err error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRun(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// statedInClear lists runs whose statement is not sealed.
func statedInClear(ctx context.Context, tx *db.Tx, limit int) ([]HubRun, error) {
	return runs(ctx, tx, "SELECT "+runColumns+" FROM selection_run r WHERE r.statement LIKE '{%' ORDER BY r.id LIMIT $1", limit)
}

// runsOf lists the runs of approvals, the newest first: for a carrier, which was
// shown the instructions of those.
func runsOf(ctx context.Context, tx *db.Tx, approvals []string) ([]HubRun, error) {
	if len(approvals) == 0 {
		return nil, nil
	}
	var q query
	marks := make([]string, len(approvals))
	for i, id := range approvals {
		marks[i] = q.Arg(id)
	}
	return runs(ctx, tx, "SELECT "+runColumns+" FROM selection_run r WHERE r.approval_id IN ("+strings.Join(marks, ", ")+") ORDER BY r.id DESC LIMIT "+q.Arg(db.MaxLimit), q.Args...)
}

// runsUnder lists the runs under an agreement, the newest first.
func runsUnder(ctx context.Context, tx *db.Tx, agreement string) ([]HubRun, error) {
	return runs(ctx, tx, "SELECT "+runColumns+" FROM selection_run r WHERE r.agreement_id = $1 ORDER BY r.id DESC LIMIT $2", agreement, db.MaxLimit)
}

// silentRuns lists runs that go on and have not been heard of since an instant;
// with all, every run that goes on.
func silentRuns(ctx context.Context, tx *db.Tx, since time.Time, limit int) ([]HubRun, error) {
	return runs(ctx, tx, "SELECT "+runColumns+" FROM selection_run r WHERE r.state = 'going' AND r.beat_at <= $1 ORDER BY r.beat_at, r.id LIMIT $2", db.Micros(since), limit)
}

// takenUnder sums what runs under an agreement took, and counts those that go on.
func takenUnder(ctx context.Context, tx *db.Tx, agreement string) (q approval.Quantity, going int, err error) {
	var packets, bytes int64
	err = tx.QueryRow(ctx, "SELECT coalesce(sum(packets), 0), coalesce(sum(bytes), 0), coalesce(sum(CASE WHEN state = 'going' THEN 1 ELSE 0 END), 0) FROM selection_run WHERE agreement_id = $1", agreement).Scan(&packets, &bytes, &going)
	return approval.Quantity{Packets: uint64(packets), Bytes: uint64(bytes)}, going, err
}

// beatRun writes that a run was heard of.
func beatRun(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE selection_run SET beat_at = $2 WHERE id = $1 AND state = 'going'", id, db.Micros(at))
	return err
}

// reserveRun writes up to how much a run may have taken.
func reserveRun(ctx context.Context, tx *db.Tx, id string, q approval.Quantity) error {
	const most = 1 << 62
	_, err := tx.Exec(ctx, "UPDATE selection_run SET packets = $2, bytes = $3 WHERE id = $1 AND state = 'going'", id, int64(min(q.Packets, most)), int64(min(q.Bytes, most)))
	return err
}

// interruptedWithRecords lists runs that broke off and still have records.
func interruptedWithRecords(ctx context.Context, tx *db.Tx, limit int) ([]string, error) {
	return ids(ctx, tx, "SELECT DISTINCT r.id FROM selection_run r JOIN selection_record c ON c.run_id = r.id WHERE r.state = 'interrupted' ORDER BY r.id LIMIT $1", limit)
}

// addFound adds to what a run found by selectors.
func addFound(ctx context.Context, tx *db.Tx, run string, sums map[string]Chosen) error {
	for ref, c := range sums {
		if _, err := tx.Exec(ctx, `INSERT INTO selection_found (run_id, selector, packets, bytes, records) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (run_id, selector) DO UPDATE SET packets = selection_found.packets + excluded.packets, bytes = selection_found.bytes + excluded.bytes, records = selection_found.records + excluded.records`,
			run, ref, int64(c.Packets), int64(c.Bytes), int64(c.Records)); err != nil {
			return err
		}
	}
	return nil
}

// loadFound returns what a run found by selectors.
func loadFound(ctx context.Context, tx *db.Tx, run string) (map[string]Chosen, error) {
	rows, err := tx.Query(ctx, "SELECT selector, packets, bytes, records FROM selection_found WHERE run_id = $1", run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]Chosen{}
	for rows.Next() {
		var ref string
		var packets, bytes, records int64
		if err := rows.Scan(&ref, &packets, &bytes, &records); err != nil {
			return nil, err
		}
		out[ref] = Chosen{uint64(packets), uint64(bytes), uint64(records)}
	}
	return out, rows.Err()
}

// dropFound forgets it: of a run that is over its statement says it.
func dropFound(ctx context.Context, tx *db.Tx, run string) error {
	_, err := tx.Exec(ctx, "DELETE FROM selection_found WHERE run_id = $1", run)
	return err
}
