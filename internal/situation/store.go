package situation

import (
	"context"
	"strconv"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const eventColumns = `e.id, e.number, e.org_id, e.state, e.sealed, e.tlp, e.clearance, e.every_hours, e.next_at, e.reports, e.opened_at, e.updated_at, e.closed_at, e.revision`

const participantColumns = `p.org_id, p.part, p.incidents = 1, p.tasks = 1, p.decisions = 1, p.reports = 1, p.people = 1, p.added_at`

func eventFields(e *Event) (fields []any, done func()) {
	var next, opened, updated, closed int64
	return []any{&e.ID, &e.Number, &e.Org, &e.State, &e.sealed, &e.TLP, &e.Clearance, &e.EveryHours, &next, &e.reports, &opened, &updated, &closed, &e.Revision},
		func() {
			e.NextAt, e.OpenedAt, e.UpdatedAt, e.ClosedAt = db.Time(next), db.Time(opened), db.Time(updated), db.Time(closed)
		}
}

func participantFields(p *Participant) (fields []any, done func()) {
	var at int64
	return []any{&p.Org, &p.Part, &p.Sees.Incidents, &p.Sees.Tasks, &p.Sees.Decisions, &p.Sees.Reports, &p.Sees.People, &at}, func() { p.AddedAt = db.Time(at) }
}

// loadEvent returns an event that who looks takes part in, with its part: the
// rule of access, inside the query. Another's is ErrNone.
func loadEvent(ctx context.Context, tx *db.Tx, id ID, who gate.Identity) (e Event, p Participant, err error) {
	ef, edone := eventFields(&e)
	pf, pdone := participantFields(&p)
	err = tx.QueryRow(ctx, "SELECT "+eventColumns+", "+participantColumns+` FROM situation_event e JOIN situation_participant p ON p.event_id = e.id
		WHERE e.id = $1 AND p.org_id = $2 AND e.clearance <= $3`, id, who.Org, who.Clearance).Scan(append(ef, pf...)...)
	if err == db.ErrNoRows {
		return e, p, ErrNone
	}
	edone()
	pdone()
	return e, p, err
}

// lockEvent keeps everybody else out of an event until tx ends; nothing is
// locked by who takes no part in it.
func lockEvent(ctx context.Context, tx *db.Tx, id ID, who gate.Identity) error {
	if tx.ForUpdate() == "" { // one writer at a time
		return nil
	}
	err := tx.QueryRow(ctx, "SELECT e.id FROM situation_event e WHERE e.id = $1 AND EXISTS (SELECT 1 FROM situation_participant p WHERE p.event_id = e.id AND p.org_id = $2)"+tx.ForUpdate(), id, who.Org).Scan(new(string))
	if err == db.ErrNoRows {
		return ErrNone
	}
	return err
}

func eventByID(ctx context.Context, tx *db.Tx, id ID) (e Event, err error) {
	fields, done := eventFields(&e)
	err = tx.QueryRow(ctx, "SELECT "+eventColumns+" FROM situation_event e WHERE e.id = $1", id).Scan(fields...)
	if err == db.ErrNoRows {
		return e, ErrNone
	}
	done()
	return e, err
}

func insertEvent(ctx context.Context, tx *db.Tx, e Event) error {
	_, err := tx.Exec(ctx, `INSERT INTO situation_event (id, number, org_id, state, sealed, tlp, clearance, every_hours, next_at, reports, opened_at, updated_at, closed_at, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $10, 0, 1)`, e.ID, e.Number, e.Org, string(e.State), e.sealed, e.TLP, e.Clearance, e.EveryHours, db.Micros(e.NextAt), db.Micros(e.OpenedAt))
	return err
}

// updateEvent writes an event that still is at the revision the caller saw.
func updateEvent(ctx context.Context, tx *db.Tx, e Event) error {
	n, err := tx.Exec(ctx, `UPDATE situation_event SET state = $3, sealed = $4, every_hours = $5, next_at = $6, reports = $7, updated_at = $8, closed_at = $9, revision = revision + 1
		WHERE id = $1 AND revision = $2`, e.ID, e.Revision, string(e.State), e.sealed, e.EveryHours, db.Micros(e.NextAt), e.reports, db.Micros(e.UpdatedAt), db.Micros(e.ClosedAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

// listEvents gives a page of the events an organisation takes part in, the
// newest first.
func listEvents(ctx context.Context, tx *db.Tx, closed bool, cursor string, limit int, who gate.Identity) (out []Event, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+eventColumns+` FROM situation_participant p JOIN situation_event e ON e.id = p.event_id
		WHERE p.org_id = $1 AND e.clearance <= $2 AND e.id < $3 AND (e.state = 'open' OR $4 = 1) ORDER BY e.id DESC LIMIT $5`, who.Org, who.Clearance, before, boolInt(closed), limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		fields, done := eventFields(&e)
		if err := rows.Scan(fields...); err != nil {
			return nil, "", err
		}
		done()
		out = append(out, e)
	}
	out, next = db.Page(out, limit, func(last *Event) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

func putParticipant(ctx context.Context, tx *db.Tx, id ID, p Participant, again bool) error {
	q := `INSERT INTO situation_participant (event_id, org_id, part, incidents, tasks, decisions, reports, people, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	if again {
		q += ` ON CONFLICT (org_id, event_id) DO UPDATE SET incidents = excluded.incidents, tasks = excluded.tasks, decisions = excluded.decisions, reports = excluded.reports, people = excluded.people`
	}
	_, err := tx.Exec(ctx, q, id, p.Org, string(p.Part), boolInt(p.Sees.Incidents), boolInt(p.Sees.Tasks), boolInt(p.Sees.Decisions), boolInt(p.Sees.Reports), boolInt(p.Sees.People), db.Micros(p.AddedAt))
	if db.IsUnique(err) {
		return ErrTwice
	}
	return err
}

// loadPeople lists the participants of an event: all, or with an org that one.
func loadPeople(ctx context.Context, tx *db.Tx, id ID, org string) (out []Participant, err error) {
	rows, err := tx.Query(ctx, "SELECT "+participantColumns+" FROM situation_participant p WHERE p.event_id = $1 AND (p.org_id = $2 OR $2 = '') ORDER BY p.added_at, p.org_id LIMIT $3", id, org, maxPeople)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Participant
		fields, done := participantFields(&p)
		if err := rows.Scan(fields...); err != nil {
			return nil, err
		}
		done()
		out = append(out, p)
	}
	return out, rows.Err()
}

func insertIncident(ctx context.Context, tx *db.Tx, id ID, i Incident) error {
	_, err := tx.Exec(ctx, "INSERT INTO situation_incident (event_id, incident_id, number, kind, sector, severity, by_org, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		id, i.ID, i.Number, i.Kind, i.Sector, i.Severity, i.By, db.Micros(i.At))
	if db.IsUnique(err) {
		return ErrTwice
	}
	return err
}

func loadIncidents(ctx context.Context, tx *db.Tx, id ID) (out []Incident, err error) {
	rows, err := tx.Query(ctx, "SELECT incident_id, number, kind, sector, severity, by_org, at FROM situation_incident WHERE event_id = $1 ORDER BY at, incident_id LIMIT $2", id, maxIncidents)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i Incident
		var at int64
		if err := rows.Scan(&i.ID, &i.Number, &i.Kind, &i.Sector, &i.Severity, &i.By, &at); err != nil {
			return nil, err
		}
		i.At = db.Time(at)
		out = append(out, i)
	}
	return out, rows.Err()
}

func insertTask(ctx context.Context, tx *db.Tx, event ID, t Task) error {
	_, err := tx.Exec(ctx, "INSERT INTO situation_task (id, event_id, owner_id, by_org, state, due_at, sealed, created_at, updated_at, done_at, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 0, 1)",
		t.ID, event, t.Owner, t.By, string(t.State), db.Micros(t.DueAt), t.sealed, db.Micros(t.CreatedAt))
	for _, n := range t.Needs {
		if err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO situation_need (event_id, task_id, needs_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", event, t.ID, n)
		}
	}
	return err
}

func updateTask(ctx context.Context, tx *db.Tx, t Task) error {
	n, err := tx.Exec(ctx, "UPDATE situation_task SET state = $3, due_at = $4, sealed = $5, updated_at = $6, done_at = $7, revision = revision + 1 WHERE id = $1 AND revision = $2",
		t.ID, t.Revision, string(t.State), db.Micros(t.DueAt), t.sealed, db.Micros(t.UpdatedAt), db.Micros(t.DoneAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

const taskColumns = "t.id, t.owner_id, t.by_org, t.state, t.due_at, t.sealed, t.created_at, t.updated_at, t.done_at, t.revision"

func scanTask(scan func(...any) error, more ...any) (t Task, err error) {
	var due, created, updated, done int64
	err = scan(append([]any{&t.ID, &t.Owner, &t.By, &t.State, &due, &t.sealed, &created, &updated, &done, &t.Revision}, more...)...)
	t.DueAt, t.CreatedAt, t.UpdatedAt, t.DoneAt = db.Time(due), db.Time(created), db.Time(updated), db.Time(done)
	return t, err
}

// loadTasks lists the tasks of an event in the order they were given: all, or
// with an owner its own.
func loadTasks(ctx context.Context, tx *db.Tx, event ID, owner string) (out []Task, err error) {
	rows, err := tx.Query(ctx, "SELECT "+taskColumns+" FROM situation_task t WHERE t.event_id = $1 AND (t.owner_id = $2 OR $2 = '') ORDER BY t.id LIMIT $3", event, owner, maxTasks)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanTask(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// loadNeeds lists which tasks of an event wait for which, and which are done.
func loadNeeds(ctx context.Context, tx *db.Tx, event ID) (needs map[ID][]ID, done map[ID]bool, err error) {
	rows, err := tx.Query(ctx, `SELECT n.task_id, n.needs_id, t.state IN ('done', 'cancelled') FROM situation_need n JOIN situation_task t ON t.id = n.needs_id
		WHERE n.event_id = $1 ORDER BY n.task_id, n.needs_id LIMIT $2`, event, maxTasks*maxNeeds)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	needs, done = map[ID][]ID{}, map[ID]bool{}
	for rows.Next() {
		var id, n ID
		var over bool
		if err := rows.Scan(&id, &n, &over); err != nil {
			return nil, nil, err
		}
		needs[id], done[n] = append(needs[id], n), over
	}
	return needs, done, rows.Err()
}

// ownTasks lists open tasks of an organisation over all its events, the first
// due first, with the event of each.
func ownTasks(ctx context.Context, tx *db.Tx, who gate.Identity, limit int) (tasks []Task, events []ID, err error) {
	rows, err := tx.Query(ctx, "SELECT "+taskColumns+`, t.event_id FROM situation_task t JOIN situation_event e ON e.id = t.event_id
		WHERE t.owner_id = $1 AND t.state IN ('todo', 'started') AND e.state = 'open' AND e.clearance <= $2
		ORDER BY CASE WHEN t.due_at = 0 THEN 1 ELSE 0 END, t.due_at, t.id LIMIT $3`, who.Org, who.Clearance, limit)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		t, err := scanTask(rows.Scan, &id)
		if err != nil {
			return nil, nil, err
		}
		tasks, events = append(tasks, t), append(events, id)
	}
	return tasks, events, rows.Err()
}

func count(ctx context.Context, tx *db.Tx, table string, event ID) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM situation_"+table+" WHERE event_id = $1", event).Scan(&n)
	return n, err
}

func insertDecision(ctx context.Context, tx *db.Tx, event ID, person string, d Decision) error {
	_, err := tx.Exec(ctx, "INSERT INTO situation_decision (id, event_id, org_id, person, addressed, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		d.ID, event, d.Org, person, boolInt(len(d.To) > 0), d.sealed, db.Micros(d.At), d.Entry)
	for _, o := range d.To {
		if err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO situation_addressee (decision_id, org_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", d.ID, o)
		}
	}
	return err
}

// loadDecisions lists decisions, the oldest first: those made by an organisation
// or addressed to it, and with all those addressed to nobody in particular. The
// hub itself, with an empty org, reads every one.
func loadDecisions(ctx context.Context, tx *db.Tx, event ID, org string, all bool) (out []Decision, err error) {
	rows, err := tx.Query(ctx, `SELECT d.id, d.org_id, d.sealed, d.at, d.entry, a.org_id FROM situation_decision d LEFT JOIN situation_addressee a ON a.decision_id = d.id
		WHERE d.event_id = $1 AND ($2 = '' OR d.org_id = $2 OR d.addressed = 0 AND $3 = 1 OR EXISTS (SELECT 1 FROM situation_addressee x WHERE x.decision_id = d.id AND x.org_id = $2))
		ORDER BY d.id, a.org_id LIMIT $4`, event, org, boolInt(all), maxDecisions*maxPeople)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Decision
		var at int64
		var to *string
		if err := rows.Scan(&d.ID, &d.Org, &d.sealed, &at, &d.Entry, &to); err != nil {
			return nil, err
		}
		d.At = db.Time(at)
		if n := len(out); n > 0 && out[n-1].ID == d.ID {
			out[n-1].To = append(out[n-1].To, *to)
			continue
		}
		if to != nil {
			d.To = []string{*to}
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func insertReport(ctx context.Context, tx *db.Tx, event ID, h Head, sealed []byte) error {
	_, err := tx.Exec(ctx, "INSERT INTO situation_report (event_id, version, by_org, due_at, at, entry, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		event, h.Version, h.By, db.Micros(h.DueAt), db.Micros(h.At), h.Entry, sealed)
	if db.IsUnique(err) {
		return ErrRevision
	}
	return err
}

func loadHeads(ctx context.Context, tx *db.Tx, event ID) (out []Head, err error) {
	rows, err := tx.Query(ctx, "SELECT version, by_org, due_at, at, entry FROM situation_report WHERE event_id = $1 ORDER BY version DESC LIMIT $2", event, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Head
		var due, at int64
		if err := rows.Scan(&h.Version, &h.By, &due, &at, &h.Entry); err != nil {
			return nil, err
		}
		h.DueAt, h.At = db.Time(due), db.Time(at)
		out = append(out, h)
	}
	return out, rows.Err()
}

func loadReport(ctx context.Context, tx *db.Tx, event ID, version int) (sealed []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT sealed FROM situation_report WHERE event_id = $1 AND version = $2", event, version).Scan(&sealed)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return sealed, err
}

func note(ctx context.Context, tx *db.Tx, event ID, m Moment) error {
	_, err := tx.Exec(ctx, "INSERT INTO situation_log (id, event_id, org_id, what, ref, at) VALUES ($1, $2, $3, $4, $5, $6)", newID(), event, m.Org, m.What, m.Ref, db.Micros(m.At))
	return err
}

// loadLog lists the time line, the oldest first, the last 500 of it.
func loadLog(ctx context.Context, tx *db.Tx, event ID) (out []Moment, err error) {
	rows, err := tx.Query(ctx, "SELECT org_id, what, ref, at FROM (SELECT id, org_id, what, ref, at FROM situation_log WHERE event_id = $1 ORDER BY id DESC LIMIT $2) l ORDER BY id", event, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m Moment
		var at int64
		if err := rows.Scan(&m.Org, &m.What, &m.Ref, &at); err != nil {
			return nil, err
		}
		m.At = db.Time(at)
		out = append(out, m)
	}
	return out, rows.Err()
}

// due lists open events whose next report is due.
func due(ctx context.Context, tx *db.Tx, now time.Time, limit int) (ids []ID, err error) {
	rows, err := tx.Query(ctx, "SELECT id FROM situation_event WHERE next_at > 0 AND next_at <= $1 AND state = 'open' ORDER BY next_at, id LIMIT $2", db.Micros(now), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func sealedReport(event ID, version int) string {
	return "situation/" + event + "/report/" + strconv.Itoa(version)
}

func putNeeds(ctx context.Context, tx *db.Tx, event, task ID, on []ID) error {
	if _, err := tx.Exec(ctx, "DELETE FROM situation_need WHERE event_id = $1 AND task_id = $2", event, task); err != nil {
		return err
	}
	for _, n := range on {
		if _, err := tx.Exec(ctx, "INSERT INTO situation_need (event_id, task_id, needs_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", event, task, n); err != nil {
			return err
		}
	}
	return nil
}
