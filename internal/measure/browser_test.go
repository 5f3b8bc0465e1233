package measure

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"noroshi/internal/base/text"
	"noroshi/internal/testkit/browser"
)

// walk is a Chromium before a hub.
type walk struct {
	*site
	ctx context.Context
	url string
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	s := newSite(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/as" {
			http.SetCookie(w, &http.Cookie{Name: "noroshi", Value: url.QueryEscape(r.URL.Query().Get("who")), Path: "/"})
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close) // after the browser, which holds streams open
	return &walk{s, browser.New(t, 1280, 900, 6*time.Minute), srv.URL}
}

func (w *walk) run(acts ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	once, stop := context.WithTimeout(w.ctx, 30*time.Second)
	defer stop()
	if err := chromedp.Do(once, acts...); err != nil {
		w.t.Fatal(err)
	}
}

// see opens a page as somebody.
func (w *walk) see(who, path string) {
	w.t.Helper()
	for try := 1; ; try++ { // a page that has loaded is not always told to whoever waits for it
		once, stop := context.WithTimeout(w.ctx, 30*time.Second)
		err := chromedp.Do(once, chromedp.Navigate(w.url+"/as?who="+url.QueryEscape(who)), chromedp.Navigate(w.url+path), chromedp.WaitVisible("h1"))
		stop()
		if err == nil {
			return
		}
		if try == 3 {
			w.t.Fatal(err)
		}
	}
}

// says waits until the page says a word.
func (w *walk) says(want string) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; { // the policy of the page forbids what chromedp.Poll does inside
		said, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](`!document.documentElement.dataset.sent && document.body.innerText.includes("`+want+`")`))
		if err == nil && said {
			return
		}
		if time.Now().After(deadline) {
			body, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
			w.t.Fatalf("the page does not say %s: %v\n%s", want, err, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// field is something that is typed, ticked where the words begin with "=", or
// chosen from a list where they begin with "@".
type field struct{ name, words string }

// does opens the form of an act where it is folded, fills it in, sends it, and waits
// for what the page then says.
func (w *walk) does(act, want string, fields ...field) {
	w.t.Helper()
	form := `form[action$="/` + act + `"]`
	w.run(chromedp.WaitReady(form))
	if _, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](`document.querySelectorAll("details").forEach(d => d.open = true), true`)); err != nil {
		w.t.Fatal(err)
	}
	for _, f := range fields {
		if f.words[0] == '=' {
			w.run(chromedp.Click(form + ` input[name="` + f.name + `"][value="` + f.words[1:] + `"]`))
			continue
		}
		if f.words[0] == '@' {
			w.run(chromedp.SetValue(form+` select[name="`+f.name+`"]`, f.words[1:]))
			continue
		}
		w.run(chromedp.SendKeys(form+` [name="`+f.name+`"]`, f.words))
	}
	if _, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](`document.documentElement.dataset.sent = "yes", true`)); err != nil { // this page is over
		w.t.Fatal(err)
	}
	w.run(chromedp.Click(form + ` button.primary, ` + form + ` p button`))
	w.says(want)
}

// fits looks whether anything runs past the edge of a desk or of a telephone.
func (w *walk) fits(name string) {
	w.t.Helper()
	for _, width := range []int64{1280, 360} {
		w.run(chromedp.EmulateViewport(width, 800))
		wide, err := chromedp.Run(w.ctx, chromedp.Evaluate[float64](`document.querySelectorAll("details").forEach(d => d.open = true), document.documentElement.scrollWidth`))
		if err != nil {
			w.t.Fatal(err)
		}
		if wide > float64(width) {
			w.t.Errorf("%s is %v wide on a screen of %d", name, wide, width)
		}
		browser.Shot(w.t, w.ctx, name+"-"+strconv.FormatInt(width, 10))
	}
	w.run(chromedp.EmulateViewport(1280, 900))
}

// when are the fields of an instant.
func when(name string, at time.Time) []field {
	at = at.In(text.JST)
	return []field{{name + ".y", at.Format("2006")}, {name + ".m", at.Format("1")}, {name + ".d", at.Format("2")}, {name + ".h", at.Format("15")}, {name + ".min", at.Format("04")}}
}

// An emergency at night and the commission's morning after it: each does their part
// in the browser alone, from the opening of the case to the end of the review.
func TestANightAndAMorningInABrowser(t *testing.T) {
	w := newWalk(t)
	const cmd, one, two, clerk = "police/command", "police/executive1", "police/executive2", "foreign/clerk"
	w.see(cmd, "/measures/new")
	w.does("measures", "要件を評価する", field{"title", "指令サーバー"}, field{"machine", "198.18.66.6"}, field{"does", "不正な指令を送っている。"}, field{"protected", "電力の供給"},
		field{"rank", "=infrastructure"}, field{"evidence/0/id", "S-1"}, field{"evidence/0/says", "3社の機器が指令を受けた。"})
	at, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`location.pathname`))
	w.must("at", err)
	id := filepath.Base(at)
	w.see(cmd, at+"/write/assess")
	w.fits("assess")
	fields := []field{{"necessity", "ほかの手段では間に合わない。"}, {"collateral", "正当なサービスはない。"}}
	for _, f := range []string{"unlawful", "danger", "urgent", "proportionate"} {
		fields = append(fields, field{f + "/met", "=yes"}, field{f + "/grounds", "認められる根拠。"})
	}
	w.does("assess", "要件を評価", fields...)
	w.see(cmd, at+"/write/locate")
	w.does("locate", "所在を判断", field{"place", "=unknown"}, field{"grounds", "経路の情報による。"})
	for _, p := range []string{one, two} { // whom one may choose are people that a hub knows
		w.must("designate", second(w.Designate(w.as(cmd), id, p)))
	}
	w.see(cmd, at+"/write/plan")
	w.fits("plan")
	from := w.Clock.Now()
	fields = append(append(when("from", from), when("until", from.Add(6*time.Hour))...), field{"ordinary", "一つの機能に限る。"}, field{"stop_when", "ほかのサービスに影響が出たとき"}, field{"deconflict", "重ならない。"},
		field{"steps/0/kind", "@stop_function"}, field{"steps/0/on", "198.18.66.6"}, field{"steps/0/what", "指令を送る機能を止める。"}, field{"steps/0/undo", "機能を戻す。"})
	w.does("plan", "計画を作成", fields...)
	w.see(cmd, at+"/write/consult")
	w.does("consult", "外務大臣と協議中", field{"basis", "=necessity"}, field{"peril", "電力の供給"}, field{"only_way", "管理者に届かない。"}, field{"sovereignty", "一つの機能。"}, field{"others", "影響しない。"})
	w.see(clerk, at)
	w.fits("clerk")
	w.does("answer", "協議済み", field{"answer_text", "国際法上許容される範囲にある。"})
	w.see(cmd, at)
	w.fits("before")
	w.does("declare", "緊急の宣言", field{"declare_text", "次の指令まで1時間しかない。"})
	w.does("authorise", "実施を命令", field{"authorise_text", "計画のとおり実施すること。"})
	w.see(one, at)
	w.says("あなたが今すること: 着手する")
	w.does("begin", "実施中")
	w.does("intend", "二人目の確認を待っている", field{"intend_number", "=1"}, field{"intend_text", "計画のとおり止める。"})
	w.see(two, at)
	w.says("あなたが今すること: 二人目が確認する")
	w.fits("second")
	w.does("go", "結果を書く")
	w.see(one, at)
	w.does("outcome", "できた", field{"outcome_outcome", "=done"}, field{"outcome_text", "指令は止まった。"})
	w.does("finish", "実施済み", field{"finish_text", "危害を防いだ。"})
	w.see(cmd, at)
	w.says("あなたが今すること: 委員会に通知する")
	w.does("notify", "委員会が審査中", field{"notify_text", "いとまがなかった理由と結果。"})

	w.see("commission/member1", "/measures?waits=1")
	w.says("あなたの番: 審査の意見を述べる")
	w.fits("morning-list")
	for i, n := range []string{"1", "2", "3"} {
		w.see("commission/member"+n, at)
		if i == 0 {
			w.says("次の指令まで1時間しかない。")
			w.fits("morning")
		}
		w.does("weigh", "委員の意見", field{"weigh_choice", "=" + choice(i == 2)}, field{"weigh_text", "通知は1時間以内であった。"})
	}
	w.see("commission/member1", at)
	w.does("settle", "相当と認められた", field{"settle_text", "相当である。"})
	w.see(cmd, at)
	w.does("review", "事後検証済み", field{"review_text", "ほかへの影響はなかった。"})
	w.does("restore", "復旧を記録する", field{"restore_text", "戻すものはない。"})
	w.does("tell", "持ち主への知らせを記録する", field{"tell_text", "管理者に知らせた。"})
	w.see(cmd, at)
	w.does("close", "終了", field{"close_text", "目的を達した。"})
	w.see("commission/inspector", at)
	w.fits("closed")
	v, err := w.Show(w.as("commission/inspector"), id)
	w.must("show", err)
	if c := v.Chains[0]; c.State != Closed || c.Facts.Notice != Confirmed || len(c.Done) != 1 || c.Done[0].Outcome != Worked {
		t.Errorf("at the end: %s, %s", c.State, c.Facts.Notice)
	}
}
