package approval

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// maxEarlier bounds the earlier cases that one is compared with.
const maxEarlier = 20

// late is how long an end before its time is told on the first page at least.
const late = 7 * 24 * time.Hour

// unstopped is the condition of what ended while a carrier or a party had an
// instruction, and nobody confirmed that nothing more is sent: not of what ran
// out and goes on as its extension. Its two values are the instant.
const unstopped = `(c.digest <> '' AND c.stopped_at = 0 AND (c.carrier <> '' OR c.party <> '') AND (c.state IN ('revoked', 'given_up') OR
	(c.state = 'expired' OR c.state = 'approved' AND c.until_at <= ?) AND
	NOT EXISTS (SELECT 1 FROM approval_case n WHERE n.extends = c.id AND n.state = 'approved' AND n.until_at > ?)))`

// inState is the condition of a state as it stands at an instant: what is past
// its period is expired, whatever is written.
func (q *query) inState(st State, now time.Time) {
	switch st {
	case Approved:
		q.And("c.state = 'approved'")
		q.And("c.until_at > ?", db.Micros(now))
	case Expired:
		q.And("(c.state = 'expired' OR c.state = 'approved' AND c.until_at <= ?)", db.Micros(now))
	default:
		q.And("c.state = ?", string(st))
	}
}

// listCases gives a page of cases within reach, the newest first; of those in
// force, what ends first in front.
func listCases(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach, by Side, quorum int, now time.Time) (out []Case, next string, err error) {
	var q query
	q.reach(who, reach)
	if f.State != "" {
		q.inState(f.State, now)
	}
	if f.Kind != "" {
		q.And("c.kind = ?", string(f.Kind))
	}
	if f.Number != "" {
		q.And("c.number = ?", f.Number)
	}
	if f.Ended {
		at := db.Micros(now)
		q.And("(c.state IN ('revoked', 'given_up') AND c.ended_at > ? OR "+unstopped+")", db.Micros(now.Add(-late)), at, at)
	}
	if f.Waiting {
		q.waiting(who, by, quorum, now)
	}
	order := "c.id DESC"
	if f.Running {
		q.inState(Approved, now)
		order = "c.until_at, c.id"
		at, id := int64(-1), ""
		if _, err := db.ParseCursor(f.Cursor, &at, &id); err != nil {
			return nil, "", err
		}
		q.And("(c.until_at > ? OR c.until_at = ? AND c.id > ?)", at, at, id)
	} else {
		before := db.Above
		if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
			return nil, "", err
		}
		q.And("c.id < ?", before)
	}
	limit := db.Limit(f.Limit)
	if out, err = cases(ctx, tx, now, q.Where()+" ORDER BY "+order+" LIMIT "+q.Arg(limit+1), q.Args...); err != nil || len(out) <= limit {
		return out, "", err
	}
	out = out[:limit]
	last := out[limit-1]
	if f.Running {
		return out, db.Cursor(db.Micros(last.Until), last.ID), nil
	}
	return out, db.Cursor(last.ID), nil
}

// waiting narrows to what waits for who looks: questions without an answer, what
// is to be examined, what they have not voted on, what they may carry out now,
// instructions they have not confirmed, and ended ones
// under which they have not confirmed that they stopped.
func (q *query) waiting(who gate.Identity, by Side, quorum int, now time.Time) {
	switch by {
	case AskerSide:
		q.And("c.state IN ('asked', 'examined') AND c.open_questions > 0")
	case ExaminerSide:
		q.And("c.state = 'asked' AND c.open_questions = 0")
	case MemberSide:
		q.And("c.state = 'examined'")
		q.And("(NOT EXISTS (SELECT 1 FROM approval_vote v WHERE v.approval_id = c.id AND v.person = ?) OR "+
			"(SELECT count(DISTINCT v.person) FROM approval_vote v WHERE v.approval_id = c.id) >= ?)", who.Person, quorum)
	case HandlerSide:
		q.inState(Approved, now)
		q.And("c.from_at <= ?", db.Micros(now))
	case CarrierSide:
		at := db.Micros(now)
		q.And("(c.state = 'approved' AND c.until_at > ? AND c.confirmed_at = 0 OR "+unstopped+")", at, at, at)
	default:
		q.And("1 = 0")
	}
}

func cases(ctx context.Context, tx *db.Tx, now time.Time, where string, args ...any) (out []Case, err error) {
	rows, err := tx.Query(ctx, "SELECT "+caseColumns+" FROM approval_case c WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCase(rows.Scan, now)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// earlier finds decided cases that are like one in more than their kind, the
// newest first: of the same line, the same target or the same asker.
func earlier(ctx context.Context, tx *db.Tx, c *Case, link string, targets []string, now time.Time) ([]Case, error) {
	var q query
	q.And("c.id < ?", c.ID)
	q.And("c.decided_at > 0")
	marks := []string{"''"}
	for _, t := range targets {
		marks = append(marks, q.Arg(t))
	}
	q.And("(c.link_tag = ? AND c.link_tag <> '' OR c.org_id = ? AND c.kind = ? OR EXISTS (SELECT 1 FROM approval_target t WHERE t.approval_id = c.id AND t.tag IN ("+strings.Join(marks, ", ")+")))",
		link, c.Org, string(c.kind))
	return cases(ctx, tx, now, q.Where()+" ORDER BY c.id DESC LIMIT "+q.Arg(maxEarlier), q.Args...)
}

// over lists approvals whose period is over and that do not say so yet.
func over(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]ID, error) {
	return ids(ctx, tx, "SELECT id FROM approval_case WHERE state = 'approved' AND until_at <= $1 ORDER BY until_at, id LIMIT $2", db.Micros(now), limit)
}
