package approval

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"noroshi/internal/testkit/browser"
)

// TestACommissionDecidesInABrowser walks a case from its question to its
// decision, each by another person, and looks whether anything runs past the
// edge of a desk or of a telephone.
func TestACommissionDecidesInABrowser(t *testing.T) {
	s := newSite(t)
	h := s.approve() // an earlier case beside the new one
	c := s.ask()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/as" {
			http.SetCookie(w, &http.Cookie{Name: "noroshi", Value: url.QueryEscape(r.URL.Query().Get("who")), Path: "/"})
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close) // after the browser, which holds streams open
	ctx := browser.New(t, 1280, 900, 4*time.Minute)
	run := func(acts ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, acts...); err != nil {
			t.Fatal(err)
		}
	}
	see := func(who, path string) {
		t.Helper()
		for try := 1; ; try++ { // a page that has loaded is not always told to whoever waits for it
			once, stop := context.WithTimeout(ctx, 30*time.Second)
			err := chromedp.Do(once, chromedp.Navigate(srv.URL+"/as?who="+url.QueryEscape(who)), chromedp.Navigate(srv.URL+path), chromedp.WaitVisible("h1"))
			stop()
			if err == nil {
				return
			}
			if try == 3 {
				t.Fatal(err)
			}
		}
	}
	// Says writes into a field, sends its form, and waits until the page that
	// comes back says a word.
	says := func(form, field, words, want string) {
		t.Helper()
		run(chromedp.SendKeys(`form[action$="/`+form+`"] [name="`+field+`"]`, words), chromedp.Click(`form[action$="/`+form+`"] button`))
		for deadline := time.Now().Add(time.Minute); ; { // the policy of the page forbids what chromedp.Poll does inside
			said, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.body.innerText.includes("`+want+`")`))
			if err == nil && said {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %s the page does not say %s: %v", form, want, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	at := "/approvals/" + c.ID
	see(asExaminer, at)
	says("question", "question_text", "上限を半分にできませんか。", "答え待ち")
	see(asClerk, at)
	says("answer", "answer_text", "前回の実績から、これが最小です。", "これが最小です")
	see(asExaminer, at)
	says("examine", "examine_text", "要件を満たすと考える。", "審査済み")
	for _, n := range []string{"1", "2"} {
		see(asMember(n), at)
		run(chromedp.Click(`input[name="choice"][value="for"]`))
		says("vote", "conditions", "夜間に限る", "承認 "+n)
	}
	see(asMember("3"), at)
	run(chromedp.Click(`input[name="choice"][value="against"]`))
	says("vote", "opinion", "前回の実績は上限の3割である。", "不承認 1")
	see(asMember("1"), at)
	run(chromedp.Click("details summary"))
	browser.Shot(t, ctx, "decide")
	says("decide", "decide_reason", "要件を満たす。夜間に限って認める。", "署名した命令書")
	if st := s.state(c.ID); st != Approved {
		t.Fatalf("%s", st)
	}
	u, err := s.redeem(s.grantOf(c.ID), s.hand(), scope(c))
	if err != nil {
		t.Fatal(err)
	}
	s.finish(u, Quantity{Packets: 4812, Bytes: 9_876_543_210})
	if _, err = s.redeem(s.grantOf(h.ID), s.hand(), scope(h)); err != nil {
		t.Fatal(err)
	}
	_, err = s.redeem(s.grantOf(h.ID), s.hand(), scope(h))
	wants(t, "twice", err, ErrBusy)
	for _, x := range []struct{ who, path, name string }{
		{asWatch, at, "case"}, {asClerk, "/approvals", "list"}, {asClerk, "/approvals/new", "ask"}, {asClerk, "/approvals/new?kind=reidentify", "reidentify"}, {asClerk, "/approvals/calendar", "calendar"},
		{asClerk, at + "/extend", "extend"}, {asWatch, "/approvals/" + h.ID + "/uses", "uses"}, {asCarrier, "/instructions", "instructions"}, {asCarrier, "/instructions/" + c.ID, "instruction"}, {asMember("1"), at + "?lang=en", "case-en"},
	} {
		see(x.who, x.path)
		for _, look := range []struct {
			width int64
			theme string
		}{{1280, "light"}, {360, "light"}, {360, "dark"}} {
			run(chromedp.EmulateViewport(look.width, 800))
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.querySelectorAll("details").forEach(d => d.open = true), document.documentElement.dataset.theme = "`+look.theme+`", document.documentElement.scrollWidth`))
			if err != nil {
				t.Fatal(err)
			}
			if wide > float64(look.width) {
				t.Errorf("%s is %v wide on a screen of %d", x.name, wide, look.width)
			}
			browser.Shot(t, ctx, strings.Join([]string{x.name, map[int64]string{1280: "desk", 360: "phone"}[look.width], look.theme}, "-"))
		}
		run(chromedp.EmulateViewport(1280, 900))
	}
}
