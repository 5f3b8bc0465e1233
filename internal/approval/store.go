package approval

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const caseColumns = `c.id, c.number, c.org_id, c.kind, c.state, c.extends, c.carrier, c.party, c.sealed, c.outcome, c.paper, c.instruction, c.digest,
	c.from_at, c.until_at, c.cap_packets, c.cap_bytes, c.created_at, c.examined_at, c.decided_at, c.ended_at, c.confirmed_at, c.stopped_at, c.open_questions, c.revision,
	(SELECT count(*) FROM approval_use u WHERE u.approval_id = c.id),
	(SELECT CAST(coalesce(sum(u.packets), 0) AS BIGINT) FROM approval_use u WHERE u.approval_id = c.id), (SELECT CAST(coalesce(sum(u.bytes), 0) AS BIGINT) FROM approval_use u WHERE u.approval_id = c.id)`

// scanCase reads a case. What is past its period is expired from that instant
// on, whether or not Tick has written it down yet.
func scanCase(scan func(...any) error, now time.Time) (c Case, err error) {
	var from, until, created, examined, decided, ended, confirmed, stopped, capPackets, capBytes, packets, bytes int64
	err = scan(&c.ID, &c.Number, &c.Org, &c.kind, &c.State, &c.extends, &c.carrier, &c.Party, &c.sealed, &c.outcome, &c.paper, &c.instruction, &c.Order,
		&from, &until, &capPackets, &capBytes, &created, &examined, &decided, &ended, &confirmed, &stopped, &c.Open, &c.Revision, &c.Uses, &packets, &bytes)
	if err == db.ErrNoRows {
		return c, ErrNone
	}
	c.from, c.Until, c.CreatedAt, c.ExaminedAt = db.Time(from), db.Time(until), db.Time(created), db.Time(examined)
	c.DecidedAt, c.EndedAt, c.ConfirmedAt, c.StoppedAt = db.Time(decided), db.Time(ended), db.Time(confirmed), db.Time(stopped)
	c.Cap, c.Spent = Quantity{uint64(capPackets), uint64(capBytes)}, Quantity{uint64(packets), uint64(bytes)}
	if c.State == Approved && !now.Before(c.Until) {
		c.State, c.EndedAt, c.lapsed = Expired, c.Until, true
	}
	return c, err
}

// query is a WHERE clause that the rules of access of this package write into.
type query struct{ db.Query }

// reach is the rule of access, inside every query: who asks has what their
// organisation asked, who carries out only what was approved of it, a carrier
// and a party what concerns their own link and was approved.
func (q *query) reach(who gate.Identity, reach gate.Reach) {
	if who.Org != "" { // what an organisation gave itself is seen where its orders are
		q.And("c.kind <> 'own'")
	}
	switch {
	case reach == gate.All:
		q.And("1 = 1")
	case reach == gate.Own && who.Org != "" && sideOf(who) == AskerSide:
		q.And("c.org_id = ?", who.Org)
	case reach == gate.Own && who.Org != "":
		q.And("c.org_id = ?", who.Org)
		q.And("c.digest <> ''")
	case reach == gate.Addressed && who.Org != "":
		q.And("(c.carrier = ? OR c.party = ?)", who.Org, who.Org)
		q.And("c.digest <> ''")
	default:
		q.And("1 = 0")
	}
}

// loadCase returns a case within reach, locked where it will be changed.
func loadCase(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach, lock bool, now time.Time) (Case, error) {
	var q query
	q.reach(who, reach)
	q.And("c.id = ?", id)
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	return scanCase(tx.QueryRow(ctx, "SELECT "+caseColumns+" FROM approval_case c WHERE "+q.Where()+end, q.Args...).Scan, now)
}

// idByNumber finds the id of a case within reach. Fault: db.ErrNoRows.
func idByNumber(ctx context.Context, tx *db.Tx, number string, who gate.Identity, reach gate.Reach) (id ID, err error) {
	var q query
	q.reach(who, reach)
	q.And("c.number = ?", number)
	err = tx.QueryRow(ctx, "SELECT c.id FROM approval_case c WHERE "+q.Where(), q.Args...).Scan(&id)
	return id, err
}

// caseByID returns a case for the hub itself.
func caseByID(ctx context.Context, tx *db.Tx, id ID, lock bool, now time.Time) (Case, error) {
	return loadCase(ctx, tx, id, gate.Identity{}, gate.All, lock, now)
}

func insertCase(ctx context.Context, tx *db.Tx, c Case, link string) error {
	c.blank()
	_, err := tx.Exec(ctx, `INSERT INTO approval_case (id, number, org_id, kind, state, extends, carrier, party, link_tag, sealed, outcome, paper, instruction, digest,
		from_at, until_at, cap_packets, cap_bytes, created_at, examined_at, decided_at, ended_at, confirmed_at, open_questions, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, 0, 0, 1)`,
		c.ID, c.Number, c.Org, string(c.kind), string(c.State), c.extends, c.carrier, c.Party, link, c.sealed, c.outcome, c.paper, c.instruction, c.Order,
		db.Micros(c.from), db.Micros(c.Until), int64(c.Cap.Packets), int64(c.Cap.Bytes), db.Micros(c.CreatedAt), db.Micros(c.ExaminedAt), db.Micros(c.DecidedAt))
	return err
}

// blank makes what is not there yet empty: the columns hold no NULL.
func (c *Case) blank() {
	for _, b := range []*[]byte{&c.outcome, &c.paper, &c.instruction} {
		if *b == nil {
			*b = []byte{}
		}
	}
}

// updateCase writes what may change of a case that still is at the revision the
// caller saw.
func updateCase(ctx context.Context, tx *db.Tx, c *Case) error {
	c.blank()
	state, ended := c.State, c.EndedAt
	if c.lapsed { // that it is over is written by Tick, with its step
		state, ended = Approved, time.Time{}
	}
	n, err := tx.Exec(ctx, `UPDATE approval_case SET state = $3, outcome = $4, paper = $5, instruction = $6, digest = $7, examined_at = $8, decided_at = $9, ended_at = $10,
		confirmed_at = $11, open_questions = $12, until_at = $13, cap_packets = $14, cap_bytes = $15, stopped_at = $16, revision = revision + 1 WHERE id = $1 AND revision = $2`, c.ID, c.Revision, string(state), c.outcome, c.paper, c.instruction, c.Order,
		db.Micros(c.ExaminedAt), db.Micros(c.DecidedAt), db.Micros(ended), db.Micros(c.ConfirmedAt), c.Open, db.Micros(c.Until), int64(c.Cap.Packets), int64(c.Cap.Bytes), db.Micros(c.StoppedAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	c.Revision++
	return err
}

func putTargets(ctx context.Context, tx *db.Tx, id ID, tags []string) error {
	for _, t := range tags {
		if _, err := tx.Exec(ctx, "INSERT INTO approval_target (approval_id, tag) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, t); err != nil {
			return err
		}
	}
	return nil
}

// otherSide returns another side of a case that a person acted on; empty when
// there is none.
func otherSide(ctx context.Context, tx *db.Tx, id ID, person string, by Side) (other Side, err error) {
	err = tx.QueryRow(ctx, "SELECT side FROM approval_person WHERE approval_id = $1 AND person = $2 AND side <> $3 ORDER BY side LIMIT 1", id, person, string(by)).Scan(&other)
	if err == db.ErrNoRows {
		err = nil
	}
	return other, err
}

// numberOf returns the number of a case; empty for none.
func numberOf(ctx context.Context, tx *db.Tx, id ID) (number string, err error) {
	err = tx.QueryRow(ctx, "SELECT number FROM approval_case WHERE id = $1", id).Scan(&number)
	if err == db.ErrNoRows {
		err = nil
	}
	return number, err
}

// extendsOf returns the approval that one goes on from; empty for none.
func extendsOf(ctx context.Context, tx *db.Tx, id ID) (before ID, err error) {
	err = tx.QueryRow(ctx, "SELECT extends FROM approval_case WHERE id = $1", id).Scan(&before)
	if err == db.ErrNoRows {
		err = nil
	}
	return before, err
}

func putPerson(ctx context.Context, tx *db.Tx, id ID, person string, by Side) error {
	_, err := tx.Exec(ctx, "INSERT INTO approval_person (approval_id, person, side) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, person, string(by))
	return err
}

func insertStep(ctx context.Context, tx *db.Tx, id ID, p Past) error {
	_, err := tx.Exec(ctx, "INSERT INTO approval_step (id, approval_id, was, became, org_id, person, side, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		p.id, id, string(p.From), string(p.To), p.Org, p.person, string(p.By), p.sealed, db.Micros(p.At), p.Entry)
	return err
}

// loadSteps lists the history of a case, the first step first.
func loadSteps(ctx context.Context, tx *db.Tx, id ID) (out []Past, err error) {
	rows, err := tx.Query(ctx, "SELECT id, was, became, org_id, person, side, sealed, at, entry FROM approval_step WHERE approval_id = $1 ORDER BY id LIMIT $2", id, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Past
		var at int64
		if err := rows.Scan(&p.id, &p.From, &p.To, &p.Org, &p.person, &p.By, &p.sealed, &at, &p.Entry); err != nil {
			return nil, err
		}
		p.At = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

func insertOpinion(ctx context.Context, tx *db.Tx, id ID, org string, sealed []byte, at time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO approval_opinion (approval_id, org_id, sealed, at) VALUES ($1, $2, $3, $4)", id, org, sealed, db.Micros(at))
	return err
}

func loadOpinion(ctx context.Context, tx *db.Tx, id ID) (org string, sealed []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT org_id, sealed FROM approval_opinion WHERE approval_id = $1", id).Scan(&org, &sealed)
	if err == db.ErrNoRows {
		err = nil
	}
	return org, sealed, err
}

func putCompared(ctx context.Context, tx *db.Tx, id ID, others []ID) error {
	for _, o := range others {
		if _, err := tx.Exec(ctx, "INSERT INTO approval_compared (approval_id, other_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, o); err != nil {
			return err
		}
	}
	return nil
}

func loadCompared(ctx context.Context, tx *db.Tx, id ID) ([]ID, error) {
	return ids(ctx, tx, "SELECT other_id FROM approval_compared WHERE approval_id = $1 ORDER BY other_id DESC LIMIT $2", id, maxEarlier)
}

// ids returns the ids that a query finds.
func ids(ctx context.Context, tx *db.Tx, query string, args ...any) (out []ID, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

func insertVote(ctx context.Context, tx *db.Tx, id ID, v Vote) error {
	_, err := tx.Exec(ctx, "INSERT INTO approval_vote (id, approval_id, person, org_id, choice, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		v.id, id, v.person, v.org, string(v.Choice), v.sealed, db.Micros(v.At), v.Entry)
	return err
}

// loadVotes lists the votes of a case, the last of each member, in the order in
// which they were given.
func loadVotes(ctx context.Context, tx *db.Tx, id ID) (out []Vote, err error) {
	rows, err := tx.Query(ctx, `SELECT v.id, v.person, v.org_id, v.choice, v.sealed, v.at, v.entry FROM approval_vote v
		WHERE v.approval_id = $1 AND NOT EXISTS (SELECT 1 FROM approval_vote n WHERE n.approval_id = v.approval_id AND n.person = v.person AND n.id > v.id) ORDER BY v.id LIMIT $2`, id, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v Vote
		var at int64
		if err := rows.Scan(&v.id, &v.person, &v.org, &v.Choice, &v.sealed, &at, &v.Entry); err != nil {
			return nil, err
		}
		v.At = db.Time(at)
		out = append(out, v)
	}
	return out, rows.Err()
}

// extended returns an extension of a case that was asked for and still waits, or
// was approved; empty when there is none.
func extended(ctx context.Context, tx *db.Tx, id ID) (by ID, err error) {
	err = tx.QueryRow(ctx, "SELECT id FROM approval_case WHERE extends = $1 AND state IN ('asked', 'examined', 'approved', 'expired', 'given_up', 'revoked') ORDER BY id DESC LIMIT 1", id).Scan(&by)
	if err == db.ErrNoRows {
		err = nil
	}
	return by, err
}

// sealedStep is what is sealed of a step, and of the case that it is of.
type sealedStep struct {
	step, approval ID
	org            string
	was            State
	words, asked   []byte
}

// sealedOf finds the step that an entry of the ledger is of. Fault: ErrNone.
func sealedOf(ctx context.Context, tx *db.Tx, entry string) (x sealedStep, err error) {
	err = tx.QueryRow(ctx, "SELECT p.id, c.id, c.org_id, p.was, p.sealed, c.sealed FROM approval_step p JOIN approval_case c ON c.id = p.approval_id WHERE p.entry = $1 ORDER BY p.id LIMIT 1", entry).
		Scan(&x.step, &x.approval, &x.org, &x.was, &x.words, &x.asked)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return x, err
}
