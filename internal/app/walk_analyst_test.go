package app

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestWalkAnAnalystsDay signs the analyst in, goes from the queue to a notice,
// checks and sends it, and sees on the board what the operator answers.
func TestWalkAnAnalystsDay(t *testing.T) {
	n := newNation(t)
	n.furnish()
	w := newWalker(t, n)
	w.signIn(n.citizen("office/analyst"))
	w.open("/exposures?vulnerability=" + windFlaw)
	w.sees(windFlaw)
	w.press(`a[href^="/notices/new?vulnerability="]`)
	w.press(`main form button.primary`)
	w.sees("経営の版", "技術の版")
	edit := ask[string](w, `location.pathname`)
	at := strings.TrimSuffix(edit, "/edit")
	w.open(at + "/recipients")
	w.sees(orgMark("wind"))
	if page := ask[string](w, `document.querySelector("table").innerText`); strings.Contains(page, orgMark("sea")) {
		t.Errorf("somebody who is not concerned is proposed:\n%s", page)
	}
	w.open(at + "/check")
	if ask[bool](w, `!!document.querySelector('input[name=despite]')`) {
		w.do("accept the remarks", chromedp.Click(`input[name=despite]`))
	}
	w.press(`form[action$="/send"] button`)
	w.open(at)
	w.sees("答えの状況", orgMark("wind"))

	operator := newWalker(t, n)
	operator.signIn(n.citizen("wind/reporter"))
	operator.open("/letters?open=1")
	operator.sees("新着")
	operator.press(`main tbody a[href^="/letters/"]`)
	operator.sees("なぜ、貴社に届いたのですか", windFlaw)
	operator.choose("state", "checking")
	operator.press(`form[action$="/answer"] button.primary`)
	operator.sees("確認中")

	w.open(at)
	if got := ask[string](w, `document.querySelector('a[href*="state=checking"]').innerText`); !strings.Contains(got, "1") && !strings.Contains(ask[string](w, `document.body.innerText`), "確認中") {
		t.Errorf("the board does not know of the answer: %q", got)
	}
}
