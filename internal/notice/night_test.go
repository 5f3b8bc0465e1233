package notice

import (
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
