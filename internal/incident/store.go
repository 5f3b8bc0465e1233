package incident

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// Migrations are the tables of this noun.
//
//go:embed migrations
var Migrations embed.FS

const caseColumns = `c.id, c.number, c.org_id, c.sector, c.kind, c.stage, c.state, c.version, c.class, c.severity, c.tlp,
	c.submitted_at, c.updated_at, c.hold_at, c.retain_until, c.purged_at`

// sentColumns is a case as it stands on the desk it was sent to. Later versions
// may have gone to others only: that they are there is not theirs to know.
const sentColumns = `c.id, c.number, c.org_id, c.sector, d.kind, d.stage, d.state,
	(SELECT max(v.version) FROM incident_delivery v WHERE v.case_id = c.id AND v.org_id = d.org_id), d.class, d.severity, d.tlp,
	c.submitted_at, d.updated_at, c.hold_at, c.retain_until, c.purged_at`

func scanCase(scan func(...any) error, more ...any) (c Case, err error) {
	var submitted, updated, hold, retain, purged int64
	err = scan(append([]any{&c.ID, &c.Number, &c.Org, &c.Sector, &c.Kind, &c.Stage, &c.State, &c.Version, &c.Class, &c.Severity, &c.TLP,
		&submitted, &updated, &hold, &retain, &purged}, more...)...)
	c.SubmittedAt, c.UpdatedAt, c.HoldAt, c.RetainUntil, c.PurgedAt = db.Time(submitted), db.Time(updated), db.Time(hold), db.Time(retain), db.Time(purged)
	return c, err
}

// loadCase returns a case that is on the organisation's desk: its own, or one
// that was addressed to it. Another's is ErrNone, as is one that is not there.
func loadCase(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach) (Case, error) {
	mine, columns := 1, caseColumns
	switch reach {
	case gate.Own:
	case gate.Addressed:
		mine, columns = 0, sentColumns
	case gate.Record:
		return caseByID(ctx, tx, id)
	default:
		return Case{}, ErrNone
	}
	var waiting bool
	c, err := scanCase(tx.QueryRow(ctx, "SELECT "+columns+`, d.waiting = 1 FROM incident_desk d JOIN incident_case c ON c.id = d.case_id
		WHERE d.org_id = $1 AND d.case_id = $2 AND d.mine = $3`, who.Org, id, mine).Scan, &waiting)
	if err == db.ErrNoRows {
		return Case{}, ErrNone
	}
	c.Waiting = waiting
	return c, err
}

func caseByID(ctx context.Context, tx *db.Tx, id ID) (Case, error) {
	c, err := scanCase(tx.QueryRow(ctx, "SELECT "+caseColumns+" FROM incident_case c WHERE c.id = $1", id).Scan)
	if err == db.ErrNoRows {
		return Case{}, ErrNone
	}
	return c, err
}

func insertCase(ctx context.Context, tx *db.Tx, c Case, done map[StageRef]time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_case (id, number, org_id, sector, kind, stage, state, version, class, severity, tlp, submitted_at, updated_at, retain_until, stages)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		c.ID, c.Number, c.Org, c.Sector, string(c.Kind), string(c.Stage), string(c.State), c.Version, c.Class, string(c.Severity), string(c.TLP),
		db.Micros(c.SubmittedAt), db.Micros(c.UpdatedAt), db.Micros(c.RetainUntil), encodeStages(done))
	return err
}

// updateCase writes what a new version, or a withdrawal, changes, if the case
// still is at the version and in the state the caller saw, and not destroyed.
// It never shortens how long the case is kept.
func updateCase(ctx context.Context, tx *db.Tx, c, saw Case) error {
	n, err := tx.Exec(ctx, `UPDATE incident_case SET kind = $3, stage = $4, state = $5, version = $6, class = $7, severity = $8, tlp = $9, updated_at = $10,
		retain_until = CASE WHEN retain_until > $11 THEN retain_until ELSE $11 END
		WHERE id = $1 AND version = $2 AND state = $12 AND purged_at = 0`, c.ID, saw.Version, string(c.Kind), string(c.Stage), string(c.State), c.Version, c.Class,
		string(c.Severity), string(c.TLP), db.Micros(c.UpdatedAt), db.Micros(c.RetainUntil), string(saw.State))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

func insertVersion(ctx context.Context, tx *db.Tx, id ID, v Version, sealed []byte) error {
	_, err := tx.Exec(ctx, "INSERT INTO incident_version (case_id, version, stage, sealed, person, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		id, v.Version, string(v.Stage), sealed, v.Person, db.Micros(v.At), v.Entry)
	return err
}

func loadSealed(ctx context.Context, tx *db.Tx, id ID, version int) (sealed []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT sealed FROM incident_version WHERE case_id = $1 AND version = $2", id, version).Scan(&sealed)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return sealed, err
}

func loadVersions(ctx context.Context, tx *db.Tx, id ID) (out []Version, err error) {
	rows, err := tx.Query(ctx, "SELECT version, stage, person, at, entry FROM incident_version WHERE case_id = $1 ORDER BY version LIMIT $2", id, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v Version
		var at int64
		if err := rows.Scan(&v.Version, &v.Stage, &v.Person, &at, &v.Entry); err != nil {
			return nil, err
		}
		v.At = db.Time(at)
		out = append(out, v)
	}
	return out, rows.Err()
}

// desk is the place of a case on one organisation's desk.
type desk struct {
	org           string
	mine, waiting bool
}

// putDesks puts a case on organisations' desks, or brings what is there up to
// date.
func putDesks(ctx context.Context, tx *db.Tx, c Case, desks ...desk) error {
	rows := make([][]any, len(desks))
	for i, d := range desks {
		rows[i] = []any{d.org, c.ID, flag(d.mine), c.Sector, string(c.Kind), string(c.Stage), string(c.State), c.Class, string(c.Severity), string(c.TLP), flag(d.waiting), db.Micros(c.UpdatedAt)}
	}
	return insertRows(ctx, tx, "INSERT INTO incident_desk (org_id, case_id, mine, sector, kind, stage, state, class, severity, tlp, waiting, updated_at) VALUES ",
		` ON CONFLICT (org_id, case_id) DO UPDATE SET kind = excluded.kind, stage = excluded.stage, state = excluded.state,
			class = excluded.class, severity = excluded.severity, tlp = excluded.tlp, waiting = excluded.waiting, updated_at = excluded.updated_at`, rows)
}

// insertRows inserts rows in one statement: a round trip, or a run of
// SQLite's machine, for all of them.
func insertRows(ctx context.Context, tx *db.Tx, into, end string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var q db.Query
	lines := make([]string, len(rows))
	for i, row := range rows {
		places := make([]string, len(row))
		for j, v := range row {
			places[j] = q.Arg(v)
		}
		lines[i] = "(" + strings.Join(places, ", ") + ")"
	}
	_, err := tx.Exec(ctx, into+strings.Join(lines, ", ")+end, q.Args...)
	return err
}

// setWaiting says whether a case waits for something of the organisation.
func setWaiting(ctx context.Context, tx *db.Tx, org string, id ID, waiting bool) error {
	_, err := tx.Exec(ctx, "UPDATE incident_desk SET waiting = $3 WHERE org_id = $1 AND case_id = $2", org, id, flag(waiting))
	return err
}

// withdrawDesks marks a case as taken back wherever it is. Otherwise it stays on
// each desk as it was sent there, and it waits for nobody.
func withdrawDesks(ctx context.Context, tx *db.Tx, c Case) error {
	_, err := tx.Exec(ctx, "UPDATE incident_desk SET state = $2, waiting = 0, updated_at = $3 WHERE case_id = $1", c.ID, string(c.State), db.Micros(c.UpdatedAt))
	return err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// onDesks lists the organisations that have a case on their desk.
func onDesks(ctx context.Context, tx *db.Tx, id ID) (orgs []string, err error) {
	rows, err := tx.Query(ctx, `SELECT org_id FROM incident_case WHERE id = $1
		UNION SELECT org_id FROM incident_delivery WHERE case_id = $1 AND org_id <> ''`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var org string
		if err := rows.Scan(&org); err != nil {
			return nil, err
		}
		orgs = append(orgs, org)
	}
	return orgs, rows.Err()
}

func putDeliveries(ctx context.Context, tx *db.Tx, id ID, ds []Delivery) error {
	rows := make([][]any, len(ds))
	for i, d := range ds {
		rows[i] = []any{id, d.Profile, string(d.Role), d.Org, d.Stage, d.Version, db.Micros(d.SentAt)}
	}
	return insertRows(ctx, tx, "INSERT INTO incident_delivery (case_id, profile, role, org_id, stage, version, sent_at) VALUES ",
		" ON CONFLICT (case_id, profile, role, org_id) DO UPDATE SET stage = excluded.stage, version = excluded.version, sent_at = excluded.sent_at", rows)
}

// loadDeliveries lists the deliveries of a case: all of them, or with an org
// those to it alone.
func loadDeliveries(ctx context.Context, tx *db.Tx, id ID, org string) (out []Delivery, err error) {
	rows, err := tx.Query(ctx, `SELECT profile, role, org_id, stage, version, sent_at, acked_version, acked_at, acked_number, acked_by, acked_entry
		FROM incident_delivery WHERE case_id = $1 AND (org_id = $2 OR $2 = '') ORDER BY profile, role, org_id LIMIT $3`, id, org, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Delivery
		var sent, acked int64
		if err := rows.Scan(&d.Profile, &d.Role, &d.Org, &d.Stage, &d.Version, &sent, &d.Acked, &acked, &d.AckedNumber, &d.AckedBy, &d.AckedEntry); err != nil {
			return nil, err
		}
		d.SentAt, d.AckedAt = db.Time(sent), db.Time(acked)
		out = append(out, d)
	}
	return out, rows.Err()
}

// ackDeliveries acknowledges what was sent to an organisation up to a
// version, and returns how many forms that were.
func ackDeliveries(ctx context.Context, tx *db.Tx, id ID, org string, version int, number, person, entry string, at time.Time) (int64, error) {
	return tx.Exec(ctx, `UPDATE incident_delivery SET acked_version = version, acked_at = $5, acked_number = $4, acked_by = $6, acked_entry = $7
		WHERE case_id = $1 AND org_id = $2 AND version <= $3 AND acked_version < version`, id, org, version, number, db.Micros(at), person, entry)
}

// encodeStages is the stored form of when the stages of a case were handed in.
func encodeStages(done map[StageRef]time.Time) string {
	plain := make(map[string]int64, len(done))
	for ref, at := range done {
		plain[ref.Profile+"/"+ref.Stage] = db.Micros(at)
	}
	raw, err := json.Marshal(plain)
	if err != nil {
		panic("BUG: stages: " + err.Error())
	}
	return string(raw)
}

func setStages(ctx context.Context, tx *db.Tx, id ID, done map[StageRef]time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE incident_case SET stages = $2 WHERE id = $1", id, encodeStages(done))
	return err
}

// loadStages reads when the stages of a case were handed in; none for a case
// that is not there yet.
func loadStages(ctx context.Context, tx *db.Tx, id ID) (map[StageRef]time.Time, error) {
	out := map[StageRef]time.Time{}
	var raw []byte
	err := tx.QueryRow(ctx, "SELECT stages FROM incident_case WHERE id = $1", id).Scan(&raw)
	if err == db.ErrNoRows {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	var plain map[string]int64
	if err := json.Unmarshal(raw, &plain); err != nil {
		return nil, fmt.Errorf("stages of %s: %w", id, err)
	}
	for k, at := range plain {
		profile, stage, _ := strings.Cut(k, "/")
		out[StageRef{profile, stage}] = db.Time(at)
	}
	return out, nil
}

// Filter narrows a list of cases. Every field may be empty.
type Filter struct {
	Waiting  bool // only what waits for one's own organisation
	State    State
	Kind     Kind
	Severity Severity
	Sector   string
	Number   string // the whole of it, in any spelling
	Cursor   string
	Limit    int
}

// listCases lists what is on an organisation's desk, the last changed first.
func listCases(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach) (out []Case, next string, err error) {
	if reach != gate.Own && reach != gate.Addressed {
		return nil, "", nil
	}
	columns := caseColumns
	if reach == gate.Addressed {
		columns = sentColumns
	}
	var q db.Query
	q.And("d.org_id = ? AND d.mine = ?", who.Org, flag(reach == gate.Own))
	if f.Waiting {
		q.And("d.waiting = 1")
	}
	for _, x := range []struct{ column, value string }{
		{"d.state", string(f.State)}, {"d.kind", string(f.Kind)}, {"d.severity", string(f.Severity)}, {"d.sector", f.Sector}, {"c.number", caseNumber(f.Number)},
	} {
		if x.value != "" {
			q.And(x.column+" = ?", x.value)
		}
	}
	var at int64
	var id string
	if ok, err := db.ParseCursor(f.Cursor, &at, &id); err != nil {
		return nil, "", err
	} else if ok {
		q.And("(d.updated_at, d.case_id) < (?, ?)", at, id)
	}
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT "+columns+", d.waiting = 1, d.updated_at FROM incident_desk d JOIN incident_case c ON c.id = d.case_id WHERE "+q.Where()+
		" ORDER BY d.updated_at DESC, d.case_id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	var keys []int64 // what the desk is sorted by
	for rows.Next() {
		var waiting bool
		c, err := scanCase(rows.Scan, &waiting, &at)
		if err != nil {
			return nil, "", err
		}
		c.Waiting = waiting
		out, keys = append(out, c), append(keys, at)
	}
	if len(out) > limit {
		out = out[:limit]
		next = db.Cursor(keys[limit-1], out[limit-1].ID)
	}
	return out, next, rows.Err()
}

// deleteDraft ends a draft of an organisation, with its submission or without;
// ErrRevision when it is not at revision saw any more. Zero is any, or none.
func deleteDraft(ctx context.Context, tx *db.Tx, id ID, org string, saw int64) error {
	n, err := tx.Exec(ctx, "DELETE FROM incident_draft WHERE id = $1 AND org_id = $2 AND (revision = $3 OR $3 = 0)", id, org, saw)
	if err == nil && n == 0 && saw != 0 {
		return ErrRevision
	}
	return err
}
