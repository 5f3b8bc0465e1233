package app

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"noroshi/internal/testkit/browser"
)

// walker is somebody before a screen.
type walker struct {
	t   *testing.T
	n   *nation
	ctx context.Context
	url string
}

func newWalker(t *testing.T, n *nation) *walker {
	t.Helper()
	w := &walker{t: t, n: n, ctx: browser.New(t, 1440, 1000, 5*time.Minute)}
	srv := httptest.NewServer(n.Router)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() }) // streams stay open
	w.url = srv.URL
	return w
}

// do runs steps.
func (w *walker) do(what string, acts ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, acts...); err != nil {
		page, _ := chromedp.Run(w.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
		w.t.Fatalf("%s: %v\n%.1500s", what, err, page)
	}
}

func ask[T any](w *walker, js string) T {
	w.t.Helper()
	v, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		w.t.Fatalf("%s: %v", js, err)
	}
	return v
}

func (w *walker) open(path string) { w.t.Helper(); w.do("open "+path, chromedp.Navigate(w.url+path)) }

// press clicks what leads to another page, and waits until that is there.
func (w *walker) press(what string) {
	w.t.Helper()
	ask[bool](w, `window.left = true`)
	w.do("press "+what, chromedp.Click(what), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for range 200 {
			ok, err := chromedp.Evaluate[bool](`window.left === undefined && document.readyState === "complete"`)(ctx, t)
			if err == nil && ok {
				return nil
			}
			if _, err := chromedp.Sleep(25*time.Millisecond)(ctx, t); err != nil {
				return err
			}
		}
		return fmt.Errorf("still on the same page")
	}))
}

// sees wants words on the page.
func (w *walker) sees(words ...string) {
	w.t.Helper()
	page := ask[string](w, `document.body.innerText`)
	for _, s := range words {
		if !strings.Contains(page, s) {
			w.t.Errorf("%s lacks %q:\n%.1200s", ask[string](w, `location.pathname`), s, page)
		}
	}
}

// signIn types password and the code of the device.
func (w *walker) signIn(c *citizen) {
	w.t.Helper()
	w.n.clock.Pass(time.Minute) // a code is good once
	w.open("/sign-in?lang=ja")
	w.do("password", chromedp.SendKeys(`[name=mail]`, c.mail), chromedp.SendKeys(`[name=password]`, nationPassword))
	w.press(`form[action="/sign-in"] button`)
	w.do("code", chromedp.SendKeys(`[name=code]`, w.n.code(c)))
	w.press(`form[action="/sign-in/code"] button.primary`)
	if at := ask[string](w, `location.pathname`); at != "/" {
		w.t.Fatalf("%s is at %s\n%s", c.name, at, ask[string](w, `document.body.innerText`))
	}
}

// choose ticks an answer.
func (w *walker) choose(name, value string) {
	w.t.Helper()
	w.do("choose "+name+" "+value, chromedp.Click(fmt.Sprintf(`input[name=%q][value=%q]`, name, value)))
}

// answers fills what a page of questions needs, as somebody in a hurry does:
// what may be open stays open, the rest gets a few words.
const answers = `(() => {
	const form = document.querySelector("form[data-draft]");
	const type = (e, v) => { e.value = v; e.dispatchEvent(new Event("input", {bubbles: true})); };
	const groups = {};
	for (const e of form.querySelectorAll("input[type=radio], input[type=checkbox]")) (groups[e.name] ??= []).push(e);
	for (const es of Object.values(groups)) {
		if (es[0].type === "radio" && es.some((e) => e.checked && e.value !== "known") || es[0].type === "checkbox" && es.some((e) => e.checked)) continue;
		const pick = es.find((e) => e.value.endsWith("investigating")) || es.find((e) => e.value.endsWith("unknown")) || es.find((e) => e.value === "false") || es[0];
		if (pick.checkVisibility() && !pick.checked) pick.click();
	}
	const parts = {y: "2026", m: "11", d: "5", h: "2", min: "18"};
	for (const e of form.querySelectorAll("input:not([type=radio]):not([type=checkbox]):not([type=hidden]), textarea, select")) {
		if (e.value !== "" || !e.checkVisibility()) continue;
		const part = parts[e.name.split(".").at(-1)];
		if (e.tagName === "SELECT") type(e, [...e.options].find((o) => o.value !== "").value);
		else if (e.closest(".fields") && part) type(e, part);
		else if (e.type === "tel") type(e, "00-0000-0000");
		else if (e.type === "email") type(e, "night@wind.example");
		else if (e.inputMode === "numeric" || e.inputMode === "decimal" || e.type === "number") type(e, "1");
		else type(e, "夜間のため確認中");
	}
	return true;
})()`

// A reporter signs in at night with password and code, walks from the scope
// check to the receipt, and sees the stamp after the ministry's clerk opened
// the report for a purpose and stamped it. In Japanese, with script, in a real
// browser.
func TestWalkFirstReport(t *testing.T) {
	n := newNation(t)
	w := newWalker(t, n)
	w.signIn(n.citizen("wind/reporter"))
	w.press(`a.btn.primary[href="/reports/new"]`)
	for _, q := range [][2]string{{"designated", "yes"}, {"uses", "yes"}, {"important", "yes"}, {"event", "compromise"}} {
		w.choose("s."+q[0], q[1])
		w.press(`form[action="/reports/new"] button.primary`)
	}
	w.sees("報告の対象です", "判定の理由")
	w.press(`a.btn.primary[href*="step=kind"]`)
	w.choose("kind", "other")
	w.press(`form[action="/reports/new"] button.primary`)
	draft := ask[string](w, `location.pathname`)
	w.sees("続きから答える")

	w.open(draft + "/ask/event.title")
	w.do("title", chromedp.SendKeys(`[name="event.title"]`, "認証サーバへの不審な接続"))
	w.press(`form[data-draft] button[value=next]`)
	w.open(draft + "/ask/event.recognised_at")
	w.do("when", chromedp.SendKeys(`[name="event.recognised_at.y"]`, "令和8"), chromedp.SendKeys(`[name="event.recognised_at.m"]`, "１１"), chromedp.SendKeys(`[name="event.recognised_at.d"]`, "5"),
		chromedp.SendKeys(`[name="event.recognised_at.h"]`, "2"), chromedp.SendKeys(`[name="event.recognised_at.min"]`, "18"))
	w.press(`form[data-draft] button[value=next]`)

	// The check page names what is missing and leads there, until nothing is.
	w.open(draft + "/check")
	answered := 0
	for ; answered < 60; answered++ {
		next := ask[string](w, `document.querySelector(".note.warn a[href*='/ask/']")?.getAttribute("href") || ""`)
		if next == "" {
			break
		}
		w.open(next)
		if !ask[bool](w, answers) {
			t.Fatal(next)
		}
		w.press(`form[data-draft] button[value=next]`)
		if at := ask[string](w, `location.pathname`); at != draft+"/check" {
			t.Fatalf("%s led to %s\n%.2000s", next, at, ask[string](w, `document.querySelector("main").innerText`))
		}
	}
	w.sees("認証サーバへの不審な接続", "2026年11月5日", "速報を提出する")
	if answered == 0 || answered == 60 {
		t.Errorf("%d questions answered", answered)
	}
	if n := ask[int](w, `document.querySelectorAll("#consents input[type=checkbox]:checked").length`); n > 0 {
		t.Errorf("%d consents are on before anybody chose", n)
	}
	w.press(`button[name=go][value=submit]`)
	receipt := ask[string](w, `location.pathname`)
	w.sees("速報を提出しました", "記録の証明", "次にすること")
	if ask[int](w, `document.querySelectorAll(".seal:not(.wait)").length`) > 0 {
		t.Error("a seal before anybody stamped")
	}
	browser.Shot(t, w.ctx, "walk-receipt")
	id := strings.Split(receipt, "/")[2]
	w.press(`form[action="/sign-out"] button`)

	w.signIn(n.citizen("industry/clerk"))
	w.press(fmt.Sprintf(`a[href="/inbox/%s"]`, id))
	if page := ask[string](w, `document.body.innerText`); strings.Contains(page, "認証サーバ") {
		t.Error("the cover tells what happened")
	}
	w.choose("purpose", "receive")
	w.press(fmt.Sprintf(`form[action="/inbox/%s/purpose"] button`, id))
	w.sees("認証サーバへの不審な接続", "報告の受付")
	w.open("/inbox/" + id)
	w.do("number", chromedp.SendKeys(`[name=number]`, "電安 8-0931"))
	w.press(fmt.Sprintf(`form[action="/inbox/%s/acknowledge"] button`, id))
	w.press(`form[action="/sign-out"] button`)

	w.signIn(n.citizen("wind/reporter"))
	w.open("/reports/" + id)
	if ask[int](w, `document.querySelectorAll(".seal:not(.wait)").length`) == 0 {
		t.Error("the reporter sees no stamp")
	}
	w.sees("電安 8-0931", "ZQINDUSTRY機関", "報告の受付")
	browser.Shot(t, w.ctx, "walk-stamped")
}
