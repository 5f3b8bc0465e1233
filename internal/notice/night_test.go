package notice

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
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

// Beside a draft it is said what was drafted or sent about the same already,
// and that no source knows the vulnerability.
func TestAroundADraft(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		sent := h.told("wind")
		c := h.content()
		c.About = append([]string(nil), sent.Content.About...)
		first, err := h.Draft(h.analyst(), NewNotice{Content: c, Recipients: h.to("wind")})
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.Draft(h.analyst(), NewNotice{Content: c, Recipients: h.to("wind")})
		if err != nil {
			t.Fatal(err)
		}
		v, err := h.Review(h.analyst(), second.ID)
		if err != nil || len(v.Others) != 2 {
			t.Fatalf("others: %+v %v", v.Others, err)
		}
		stages := map[string]Stage{}
		for _, o := range v.Others {
			stages[o.Number] = o.Stage
		}
		if stages[first.Number] != Draft || stages[sent.Number] != Sent {
			t.Errorf("others: %v", stages)
		}
		fix, err := h.Correct(h.analyst(), sent.ID)
		if err != nil {
			t.Fatal(err)
		}
		v, err = h.Review(h.analyst(), fix.ID)
		if err != nil || len(v.Others) != 2 { // the drafts, and not what it corrects
			t.Errorf("beside a correction: %+v %v", v.Others, err)
		}
		h.Vulnerability = func(context.Context, *db.Tx, string) (Facts, error) { return Facts{}, nil }
		if v, err = h.Review(h.analyst(), second.ID); err != nil || len(v.Unknown) != 1 {
			t.Errorf("unknown: %+v %v", v.Unknown, err)
		}
	})
}

// Each side reads a notice by the same words, and neither is refused for it.
func TestReadOnEitherSide(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.told("wind")
		v, err := h.Service.Read(h.analyst(), n.Number)
		if err != nil || v.Board == nil || v.Letter != nil || len(v.Board.Rows) != 1 {
			t.Errorf("sender: %+v %v", v, err)
		}
		v, err = h.Service.Read(h.wind(), n.Number)
		if err != nil || v.Letter == nil || v.Board != nil {
			t.Errorf("recipient: %+v %v", v, err)
		}
		if _, err := h.Service.Read(h.sea(), n.Number); !errors.Is(err, ErrNone) {
			t.Errorf("somebody else: %v", err)
		}
		if err := h.Withdraw(h.analyst(), n.ID, "間違いでした"); err != nil {
			t.Fatal(err)
		}
		list, _, err := h.Inbox(h.wind(), Filter{})
		if err != nil || len(list) != 1 {
			t.Fatal(err)
		}
		p := allWords(t).Printer("ja", nil)
		if got := list[0].stands(p); got != "取り消し" {
			t.Errorf("stands %s", got)
		}
		var out strings.Builder
		if err := writeLetter(&out, p, v.Letter); err != nil || !strings.Contains(out.String(), "直す期限") {
			t.Errorf("letter: %v\n%s", err, out.String())
		}
	})
}

// The table of a board says why in the language of whoever asks for it, as it
// says the names.
func TestTableInTheReadersLanguage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		to := h.to("wind")
		to[0].Why = []text.Both{duo("台帳に3台あります", "Three are in your register")}
		n, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: to})
		if err != nil {
			t.Fatal(err)
		}
		who, _ := gate.From(h.analyst())
		for lang, want := range map[string]string{"en": "Three are in your register", "ja": "台帳に3台あります"} {
			who.Lang = lang
			var out strings.Builder
			if err := h.Table(gate.With(h.analyst(), who), n.ID, &out); err != nil || !strings.Contains(out.String(), want) {
				t.Errorf("%s: %v\n%s", lang, err, out.String())
			}
		}
	})
}
