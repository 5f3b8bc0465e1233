package notice

import (
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

// Row is one recipient on its sender's board.
type Row struct {
	Recipient
	Name  string `json:"name"`
	Note  string `json:"note,omitempty"` // of the last answer
	Files int    `json:"files,omitempty"`
	// ByFile: the last answer came in a bundle; Held files of evidence stayed there.
	ByFile bool `json:"by_file,omitempty"`
	Held   int  `json:"held,omitempty"`
}

// Board is how a notice stands.
type Board struct {
	Notice Notice            `json:"notice"`
	Total  int               `json:"total"`
	Counts map[State]int     `json:"counts"`
	Down   map[State]Range   `json:"down,omitempty"` // further down the chain, small counts as ranges
	Late   time.Duration     `json:"late_ns,omitempty"`
	Times  map[string]Spread `json:"times"` // sent, opened, answered, fixed: how long each step took
	Rows   []Row             `json:"rows"`
	Next   string            `json:"next,omitempty"`
}

// Steps of the way from knowing to repaired, in their order.
var timeSteps = []string{"sent", "opened", "answered", "fixed"}

// Board returns how a notice of one's own stands: counts over all recipients,
// the times each step took, and a page of rows. State narrows the rows.
func (s *Service) Board(ctx context.Context, id ID, state State, after string, limit int) (b Board, err error) {
	id = s.ownID(ctx, id)
	err = s.read(ctx, "notice.board", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		n, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, false)
		if err != nil {
			return err
		}
		if err := s.open(ctx, tx, &n); err != nil {
			return err
		}
		b.Notice, b.Late = n.Notice, n.Late(s.now())
		if b.Counts, err = countStates(ctx, tx, id); err != nil {
			return err
		}
		for _, c := range b.Counts {
			b.Total += c
		}
		down, err := countDown(ctx, tx, id)
		if err != nil {
			return err
		}
		total := 0
		for _, c := range down {
			total += c
		}
		if total > 0 {
			b.Down = map[State]Range{}
			for _, st := range s.Rules.States {
				b.Down[st.ID] = s.Rules.Blur(down[st.ID], total)
			}
		}
		all, err := directs(ctx, tx, id)
		if err != nil {
			return err
		}
		b.Times = timesOf(&n.Notice, all)
		list, next, err := pageOf(ctx, tx, id, state, after, limit)
		if err != nil {
			return err
		}
		b.Next = next
		b.Rows, err = s.rows(ctx, tx, who, list)
		return err
	})
	return b, err
}

// timesOf measures the steps over all recipients of a notice: from knowing to
// sending, and from sending to each step after.
func timesOf(n *Notice, all []Recipient) map[string]Spread {
	took := map[string][]time.Duration{}
	for _, r := range all {
		if r.DeliveredAt.IsZero() {
			continue
		}
		if !n.Content.KnownAt.IsZero() {
			took["sent"] = append(took["sent"], r.DeliveredAt.Sub(n.Content.KnownAt))
		}
		for step, at := range map[string]time.Time{"opened": r.OpenedAt, "answered": r.AnsweredAt, "fixed": r.FixedAt} {
			if !at.IsZero() {
				took[step] = append(took[step], at.Sub(r.DeliveredAt))
			}
		}
	}
	out := map[string]Spread{}
	for _, step := range timeSteps {
		out[step] = SpreadOf(took[step])
	}
	return out
}

func (s *Service) rows(ctx context.Context, tx *db.Tx, who gate.Identity, list []Recipient) ([]Row, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if err := s.openAll(ctx, tx, list[0].From, list); err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.Org
	}
	names, err := s.names(ctx, tx, langOf(who), ids...)
	if err != nil {
		return nil, err
	}
	out := make([]Row, len(list))
	for i, r := range list {
		out[i] = Row{Recipient: r, Name: names[r.Org]}
		if r.State == Listed || r.State == Delivered || r.State == Opened {
			continue
		}
		answers, err := s.answers(ctx, tx, r.ID)
		if err != nil {
			return nil, err
		}
		if len(answers) > 0 {
			last := &answers[len(answers)-1]
			out[i].Note, out[i].ByFile, out[i].Held = last.Note, last.ByFile, len(last.Files)
		}
		files, err := s.Blobs.Of(ctx, tx, letterOf(r.ID))
		if err != nil {
			return nil, err
		}
		out[i].Files = len(files)
	}
	return out, nil
}

// Table writes the board of a notice as CSV, all recipients by name. Reading
// everybody's answer at once is an act.
func (s *Service) Table(ctx context.Context, id ID, w io.Writer) error {
	id = s.ownID(ctx, id)
	var rows []Row
	var lang text.Lang // of the reader, as the names are
	act := &ledger.Act{Verb: "notice.board", Object: objectOf(id), Public: map[string]any{"step": "table"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if _, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, false); err != nil {
			return err
		}
		lang = langOf(who)
		list, err := directs(ctx, tx, id)
		if err != nil {
			return err
		}
		rows, err = s.rows(ctx, tx, who, list)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return strings.Compare(a.Name, b.Name) })
	out := csv.NewWriter(w)
	if err := out.Write([]string{"organisation", "name", "state", "planned_for", "devices", "delivered_at", "opened_at", "answered_at", "fixed_at", "reminded_at", "escalated", "why"}); err != nil {
		return err
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(text.JST).Format(time.RFC3339)
	}
	for _, r := range rows {
		var why []string
		for _, w := range r.Why {
			why = append(why, said(w, lang))
		}
		err := out.Write([]string{r.Org, harmless(r.Name), string(r.State), r.PlannedFor, strconv.Itoa(r.Devices), at(r.DeliveredAt), at(r.OpenedAt), at(r.AnsweredAt), at(r.FixedAt), at(r.RemindedAt),
			strconv.FormatBool(r.Escalated), harmless(strings.Join(why, " / "))})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from running a text as a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
