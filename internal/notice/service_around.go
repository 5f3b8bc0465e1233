package notice

import (
	"context"
	"errors"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/text"
)

// Around is what whoever sends a draft should know beside it.
type Around struct {
	Unknown []string  `json:"unknown,omitempty"` // vulnerabilities that no source describes
	Others  []Sibling `json:"others,omitempty"`  // about the same vulnerabilities, the last changed first, at most five
}

// Sibling is another notice of the same sender about the same.
type Sibling struct {
	ID     ID        `json:"id"`
	Number string    `json:"number"`
	Stage  Stage     `json:"stage"` // draft or sent
	SentAt time.Time `json:"sent_at,omitzero"`
}

// Drafted is a draft that was just made: to how many it would go, and what to
// know beside it.
type Drafted struct {
	Notice
	Recipients int `json:"recipients"`
	Around
}

// maxAsked bounds for how many vulnerabilities of a draft the sources are asked.
const maxAsked = 10

func (s *Service) around(ctx context.Context, tx *db.Tx, n *Notice, clearance int) (a Around, err error) {
	if len(n.Content.About) == 0 {
		return a, nil
	}
	for _, id := range n.Content.About[:min(len(n.Content.About), maxAsked)] {
		if s.Vulnerability == nil {
			break
		}
		f, err := s.Vulnerability(ctx, tx, id)
		if err != nil {
			return a, err
		}
		if !f.Known {
			a.Unknown = append(a.Unknown, id)
		}
	}
	a.Others, err = siblings(ctx, tx, n, clearance)
	return a, err
}

// say tells it in sentences.
func (a *Around) say(p text.Printer) (out []string) {
	for _, id := range a.Unknown {
		out = append(out, p.T("notice.around.unknown", "id", id))
	}
	for _, o := range a.Others {
		if o.Stage == Draft {
			out = append(out, p.T("notice.around.draft", "number", o.Number))
		} else {
			out = append(out, p.T("notice.around.sent", "number", o.Number, "at", p.Time(o.SentAt)))
		}
	}
	return out
}

// Reading is one notice as the reader has it: a letter that it was sent, or
// the board of what its own organisation wrote.
type Reading struct {
	Letter *Letter `json:"letter,omitempty"`
	Board  *Board  `json:"board,omitempty"`
}

// Read returns what goes by an id or a number, on whichever side of it the
// reader stands. A letter is opened by it. Whoever may read neither is refused,
// on the record.
func (s *Service) Read(ctx context.Context, id ID) (v Reading, err error) {
	if Access.May(ctx, "notice.open") || !Access.May(ctx, "notice.board") {
		l, err := s.Open(ctx, id)
		if err == nil {
			return Reading{Letter: &l}, nil
		}
		if !errors.Is(err, ErrNone) || !Access.May(ctx, "notice.board") {
			return v, err
		}
	}
	b, err := s.Board(ctx, id, "", "", db.MaxLimit)
	if err == nil {
		v.Board = &b
	}
	return v, err
}
