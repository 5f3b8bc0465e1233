package notice

import (
	"context"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

const noticeColumns = `n.id, n.number, n.from_org, n.person, n.stage, n.auto, n.severity, n.clearance, n.answer_by, n.fix_by, n.known_at, n.attack_at,
	n.corrects, n.corrected_by, n.created_at, n.updated_at, n.sent_at, n.ended_at, n.ended_why, n.revision, n.sealed`

// noticeRow is a notice as it lies in the database.
type noticeRow struct {
	Notice
	why []byte // sealed
}

func scanNotice(scan func(...any) error, more ...any) (n noticeRow, err error) {
	var auto, answer, fix, known, attack, created, updated, sent, ended int64
	err = scan(append([]any{&n.ID, &n.Number, &n.From, &n.person, &n.Stage, &auto, &n.Content.Severity, &n.Content.Clearance, &answer, &fix, &known, &attack,
		&n.Corrects, &n.CorrectedBy, &created, &updated, &sent, &ended, &n.why, &n.Revision, &n.sealed}, more...)...)
	n.Auto = auto != 0
	n.Content.AnswerBy, n.Content.FixBy, n.Content.KnownAt, n.Content.AttackSeenAt = db.Time(answer), db.Time(fix), db.Time(known), db.Time(attack)
	n.CreatedAt, n.UpdatedAt, n.SentAt, n.EndedAt = db.Time(created), db.Time(updated), db.Time(sent), db.Time(ended)
	return n, err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// aboutKey is by what drafts of the program itself are grouped.
func aboutKey(c *Content) string { return strings.Join(c.About, " ") }

func insertNotice(ctx context.Context, tx *db.Tx, n *Notice) error {
	c := &n.Content
	_, err := tx.Exec(ctx, `INSERT INTO notice_notice (id, number, from_org, person, stage, auto, about, severity, clearance, answer_by, fix_by, known_at, attack_at,
		corrects, corrected_by, created_at, updated_at, sent_at, ended_at, ended_why, revision, recipients, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', $15, $15, 0, 0, $16, $17, 0, $18)`,
		n.ID, n.Number, n.From, n.person, string(n.Stage), bit(n.Auto), aboutKey(c), string(c.Severity), c.Clearance, db.Micros(c.AnswerBy), db.Micros(c.FixBy),
		db.Micros(c.KnownAt), db.Micros(c.AttackSeenAt), n.Corrects, db.Micros(n.CreatedAt), []byte{}, n.Revision, n.sealed)
	return err
}

// updateDraft writes a draft's content; false when it changed meanwhile.
func updateDraft(ctx context.Context, tx *db.Tx, n *Notice, revision int64) (bool, error) {
	c := &n.Content
	done, err := tx.Exec(ctx, `UPDATE notice_notice SET about = $3, severity = $4, clearance = $5, answer_by = $6, fix_by = $7, known_at = $8, attack_at = $9,
		updated_at = $10, revision = revision + 1, sealed = $11 WHERE id = $1 AND revision = $2 AND stage = 'draft'`,
		n.ID, revision, aboutKey(c), string(c.Severity), c.Clearance, db.Micros(c.AnswerBy), db.Micros(c.FixBy), db.Micros(c.KnownAt), db.Micros(c.AttackSeenAt),
		db.Micros(n.UpdatedAt), n.sealed)
	return done == 1, err
}

// loadNotice returns a notice of the sender's own that its clearance reaches.
func loadNotice(ctx context.Context, tx *db.Tx, id ID, from string, clearance int, lock bool) (noticeRow, error) {
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	n, err := scanNotice(tx.QueryRow(ctx, "SELECT "+noticeColumns+" FROM notice_notice n WHERE n.id = $1 AND n.from_org = $2 AND n.clearance <= $3"+end, id, from, clearance).Scan)
	if err == db.ErrNoRows {
		return n, ErrNone
	}
	return n, err
}

// Filter says which notices of one's own, or which letters, a list shows.
type Filter struct {
	Stage    Stage    // of notices
	Severity Severity // of either
	State    State    // of letters
	Open     bool     // letters that wait for an answer
	Number   string   // the whole of it
	Cursor   string
	Limit    int
}

// where collects conditions of a query with their arguments.
type where struct {
	b    strings.Builder
	args []any
}

func (w *where) arg(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) and(cond string) { w.b.WriteString(" AND " + cond) }

func listNotices(ctx context.Context, tx *db.Tx, f Filter, from string, clearance int) (out []noticeRow, counts []int, next string, err error) {
	w := &where{}
	w.b.WriteString("SELECT " + noticeColumns + ", n.recipients FROM notice_notice n WHERE n.from_org = " + w.arg(from) + " AND n.clearance <= " + w.arg(clearance))
	if f.Stage != "" {
		w.and("n.stage = " + w.arg(string(f.Stage)))
	}
	if f.Severity != "" {
		w.and("n.severity = " + w.arg(string(f.Severity)))
	}
	if f.Number != "" {
		w.and("n.number = " + w.arg(noticeNumber(f.Number)))
	}
	var at int64
	var id string
	if ok, err := db.ParseCursor(f.Cursor, &at, &id); err != nil {
		return nil, nil, "", err
	} else if ok {
		w.and("(n.updated_at, n.id) < (" + w.arg(at) + ", " + w.arg(id) + ")")
	}
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, w.b.String()+" ORDER BY n.updated_at DESC, n.id DESC LIMIT "+w.arg(limit+1), w.args...)
	if err != nil {
		return nil, nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var count int
		n, err := scanNotice(rows.Scan, &count)
		if err != nil {
			return nil, nil, "", err
		}
		out, counts = append(out, n), append(counts, count)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, "", err
	}
	if len(out) > limit {
		out, counts = out[:limit], counts[:limit]
		last := out[limit-1]
		next = db.Cursor(db.Micros(last.UpdatedAt), last.ID)
	}
	return out, counts, next, nil
}

// noticeNumber reads a number in any spelling: small letters, full width,
// without its hyphens.
func noticeNumber(s string) string {
	s = strings.ToUpper(fold(s))
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune(numberLetters, r) || r == 'W' {
			return r
		}
		return -1
	}, s)
	if len(plain) != 9 {
		return s
	}
	return plain[:1] + "-" + plain[1:5] + "-" + plain[5:]
}

// markSent sends a draft: its recipients get it in the same transaction.
func markSent(ctx context.Context, tx *db.Tx, id ID, revision int64, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE notice_notice SET stage = 'sent', sent_at = $3, updated_at = $3, revision = revision + 1
		WHERE id = $1 AND revision = $2 AND stage = 'draft'`, id, revision, db.Micros(at))
	return n == 1, err
}

// deliverAll puts a notice into the queue of each of its recipients.
func deliverAll(ctx context.Context, tx *db.Tx, id ID, at, firstChore time.Time, step int) (int64, error) {
	return tx.Exec(ctx, `UPDATE notice_recipient SET state = 'delivered', delivered_at = $2, next_at = $3, step = $4
		WHERE notice_id = $1 AND tier = 0 AND state = 'listed'`, id, db.Micros(at), db.Micros(firstChore), step)
}

// endNotice withdraws a notice or marks it corrected, and ends its reminders.
func endNotice(ctx context.Context, tx *db.Tx, id ID, stage Stage, by ID, why []byte, at time.Time) error {
	if why == nil {
		why = []byte{}
	}
	n, err := tx.Exec(ctx, `UPDATE notice_notice SET stage = $2, corrected_by = $3, ended_why = $4, ended_at = $5, updated_at = $5, revision = revision + 1
		WHERE id = $1 AND stage = 'sent'`, id, string(stage), by, why, db.Micros(at))
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotSent
	}
	_, err = tx.Exec(ctx, "UPDATE notice_recipient SET next_at = 0 WHERE notice_id = $1 AND next_at > 0", id)
	return err
}

// correcting reports whether a draft is to take the place of a notice.
func correcting(ctx context.Context, tx *db.Tx, id ID) (bool, error) {
	err := tx.QueryRow(ctx, "SELECT id FROM notice_notice WHERE corrects = $1 AND stage = 'draft' LIMIT 1", id).Scan(new(string))
	if err == db.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}

func setCount(ctx context.Context, tx *db.Tx, id ID) error {
	_, err := tx.Exec(ctx, "UPDATE notice_notice SET recipients = (SELECT count(*) FROM notice_recipient r WHERE r.notice_id = $1 AND r.tier = 0) WHERE id = $1", id)
	return err
}

// relisted counts the recipients of a draft anew and raises its revision: who
// checked it saw others.
func relisted(ctx context.Context, tx *db.Tx, id ID, at time.Time) error {
	if _, err := tx.Exec(ctx, "UPDATE notice_notice SET revision = revision + 1, updated_at = $2 WHERE id = $1 AND stage = 'draft'", id, db.Micros(at)); err != nil {
		return err
	}
	return setCount(ctx, tx, id)
}

func deleteDraft(ctx context.Context, tx *db.Tx, id ID) error {
	if _, err := tx.Exec(ctx, "DELETE FROM notice_recipient WHERE notice_id = $1", id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM notice_notice WHERE id = $1 AND stage = 'draft'", id)
	return err
}

// autoDraft returns the id of the program's own open draft about
// vulnerabilities; empty when there is none.
func autoDraft(ctx context.Context, tx *db.Tx, from, about string) (id ID, err error) {
	err = tx.QueryRow(ctx, "SELECT id FROM notice_notice WHERE from_org = $1 AND about = $2 AND auto = 1 AND stage = 'draft' ORDER BY id LIMIT 1", from, about).Scan(&id)
	if err == db.ErrNoRows {
		return "", nil
	}
	return id, err
}

// lastAbout returns the last notice that was sent about vulnerabilities.
func lastAbout(ctx context.Context, tx *db.Tx, from, about string) (noticeRow, error) {
	return scanNotice(tx.QueryRow(ctx, "SELECT "+noticeColumns+` FROM notice_notice n WHERE n.from_org = $1 AND n.about = $2 AND n.stage = 'sent'
		ORDER BY n.updated_at DESC LIMIT 1`, from, about).Scan)
}

// toldAbout lists, of the organisations, those that have a notice from the
// sender about the vulnerabilities already.
func toldAbout(ctx context.Context, tx *db.Tx, from, about string) (map[string]bool, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT r.org_id FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id
		WHERE n.from_org = $1 AND n.about = $2 AND n.stage IN ('draft', 'sent') AND r.tier = 0`, from, about)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var org string
		if err := rows.Scan(&org); err != nil {
			return nil, err
		}
		out[org] = true
	}
	return out, rows.Err()
}

// found remembers that an exposure wants a notice.
func found(ctx context.Context, tx *db.Tx, vulnerability, org string, at time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO notice_found (vulnerability, org_id, at) VALUES ($1, $2, $3) ON CONFLICT (vulnerability, org_id) DO NOTHING", vulnerability, org, db.Micros(at))
	return err
}

// maxFound bounds how many exposures one round drafts for.
const maxFound = 2000

// pending lists exposures that want a notice: organisations by vulnerability.
func pending(ctx context.Context, tx *db.Tx) (map[string][]string, error) {
	rows, err := tx.Query(ctx, "SELECT vulnerability, org_id FROM notice_found ORDER BY at, vulnerability, org_id LIMIT $1", maxFound)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var v, org string
		if err := rows.Scan(&v, &org); err != nil {
			return nil, err
		}
		out[v] = append(out[v], org)
	}
	return out, rows.Err()
}

func unfound(ctx context.Context, tx *db.Tx, vulnerability string, orgs []string) error {
	for _, org := range orgs {
		if _, err := tx.Exec(ctx, "DELETE FROM notice_found WHERE vulnerability = $1 AND org_id = $2", vulnerability, org); err != nil {
			return err
		}
	}
	return nil
}

// anyNotice returns a notice whoever sent it: for the hub's own work.
func anyNotice(ctx context.Context, tx *db.Tx, id ID) (noticeRow, error) {
	n, err := scanNotice(tx.QueryRow(ctx, "SELECT "+noticeColumns+" FROM notice_notice n WHERE n.id = $1", id).Scan)
	if err == db.ErrNoRows {
		return n, ErrNone
	}
	return n, err
}
