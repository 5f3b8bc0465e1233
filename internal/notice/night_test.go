package notice

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// That the attack has begun asks for speed: it is said, and holds nothing up.
func TestLateIsSentWithoutDelay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.content()
		c.AttackSeenAt = h.now().Add(-3 * time.Hour)
		n, err := h.Draft(h.analyst(), NewNotice{Content: c, Recipients: h.to("wind")})
		if err != nil {
			t.Fatal(err)
		}
		v, err := h.Review(h.analyst(), n.ID)
		if err != nil || v.Checked.Late != 3*time.Hour || len(v.Checked.Remarks) != 0 {
			t.Fatalf("review: %+v %v", v.Checked, err)
		}
		d, err := h.Send(h.analyst(), n.ID, SendInput{Revision: n.Revision})
		if err != nil || d.Late != 3*time.Hour {
			t.Fatalf("sent: %+v %v", d, err)
		}
	})
}

func TestPlacesAreNamed(t *testing.T) {
	p := allWords(t).Printer("ja", nil)
	for at, want := range map[string]string{
		"/attack_seen_at":       "攻撃が始まった時刻",
		"/management/what/en":   "経営の版 何が起きたか",
		"/small/steps/1/how/ja": "小さな会社の版 2. やり方",
		"/recipients":           "相手",
		"/technical":            "技術の版",
		"/tlp":                  "知らせ全体",
	} {
		if got := placeName(p, at); got != want {
			t.Errorf("%s is %q, want %q", at, got, want)
		}
	}
}

// A notice goes by its number wherever it goes by its id, for those whom it
// concerns; to others the number is as unknown as any.
func TestNumberIsAnID(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.told("wind")
		wide := "ｗ" + strings.ToLower(n.Number[1:])
		for _, number := range []string{n.Number, strings.ToLower(n.Number), wide, strings.ReplaceAll(n.Number, "-", "")} {
			b, err := h.Board(h.analyst(), number, "", "", 0)
			if err != nil || b.Notice.ID != n.ID || len(b.Rows) != 1 {
				t.Errorf("board of %s: %+v %v", number, b.Rows, err)
			}
			l, err := h.Open(h.wind(), number)
			if err != nil || l.Number != n.Number {
				t.Errorf("letter %s: %v", number, err)
			}
		}
		if _, err := h.Answer(h.wind(), wide, AnswerInput{State: Mitigated}); err != nil {
			t.Errorf("answer: %v", err)
		}
		if err := h.Table(h.analyst(), n.Number, io.Discard); err != nil {
			t.Errorf("table: %v", err)
		}
		for _, try := range []func(id ID) error{
			func(id ID) error { _, err := h.Open(h.sea(), id); return err },
			func(id ID) error {
				_, err := h.Answer(h.sea(), id, AnswerInput{State: Checking})
				return err
			},
		} {
			known, unknown := try(n.Number), try("W-2222-2222")
			if !errors.Is(known, ErrNone) || known.Error() != unknown.Error() {
				t.Errorf("somebody else's number: %v, a number of nothing: %v", known, unknown)
			}
		}
	})
}
