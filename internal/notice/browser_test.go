package notice

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"noroshi/internal/org"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/browser"
)

// A small firm on a telephone of 360 pixels: the first step is in view without
// scrolling, nothing runs past the edge, the page and all it loads stay under
// 100 KB, and two taps answer.
func TestASmallFirmOnATelephone(t *testing.T) {
	d := newDoor(t)
	d.tie(org.SupplierTie, "wind", "supplier")
	n := d.told("wind", "sea")
	l := d.one(d.wind())
	out, err := d.Relay(d.wind(), l.ID, RelayInput{Children: []Child{firm("kiri")}, Why: "弊社の保守にお使いのため", Cautions: true})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(d)
	t.Cleanup(srv.Close)
	at := srv.URL + "/n/" + tokenOf(out.Children[0].Link)
	ctx := browser.New(t, 360, 640, 4*time.Minute)
	run := func(acts ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, acts...); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(js string) float64 {
		t.Helper()
		n, err := chromedp.Run(ctx, chromedp.Evaluate[float64](js))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	run(chromedp.EmulateViewport(360, 640), chromedp.Navigate(at), chromedp.WaitVisible(".big-steps"))
	bottom, wide := ask(`document.querySelector(".big-steps li h2").getBoundingClientRect().bottom`), ask(`document.documentElement.scrollWidth`)
	bytes := ask(`performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation")).reduce((n, e) => n + e.decodedBodySize, 0)`)
	requests, scripts := ask(`performance.getEntriesByType("resource").length + 1`), ask(`document.scripts.length`)
	if bottom <= 0 || bottom > 640 {
		t.Errorf("the first step ends at %v of 640", bottom)
	}
	if wide > 360 {
		t.Errorf("the page is %v wide", wide)
	}
	if bytes > 100_000 || requests > 3 || scripts != 0 {
		t.Errorf("%v bytes in %v requests, %v scripts", bytes, requests, scripts)
	}
	browser.Shot(t, ctx, "slip")
	run(chromedp.Click(`button[value="mitigated"]`), chromedp.WaitVisible(`button[name="sure"]`))
	browser.Shot(t, ctx, "slip-sure")
	run(chromedp.Click(`button[name="sure"]`), chromedp.WaitVisible(`.note.good`))
	browser.Shot(t, ctx, "slip-done")
	p, err := d.Passing(d.wind(), l.ID)
	if err != nil || p.Total != 1 {
		t.Fatalf("%+v %v", p, err)
	}
	if c := testkit.Count(t, d.Parts.DB, "SELECT count(*) FROM notice_recipient WHERE tier = 1 AND state = 'mitigated'"); c != 1 {
		t.Errorf("%d answered", c)
	}
	// What people with accounts see, on a desk and on a telephone.
	content := d.content()
	content.Small.Steps[1].Do.JA = "ファームウェアを見る"
	draft, err := d.Draft(d.analyst(), NewNotice{Content: content, Recipients: d.to("wind", "bank")})
	if err != nil {
		t.Fatal(err)
	}
	help, err := d.AskHelp(d.wind(), l.ID, "どの線ですか")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ who, path, name string }{
		{asWind, "/letters/" + l.ID, "letter"}, {asWind, "/letters/" + l.ID + "/relay", "relay"}, {asWind, "/letters", "inbox"}, {asAnalyst, "/notices/" + n.ID, "board"}, {asAnalyst, "/notices", "notices"},
		{asAnalyst, "/notices/" + draft.ID + "/edit", "edit"}, {asAnalyst, "/notices/" + draft.ID + "/recipients", "recipients"}, {asAnalyst, "/notices/" + draft.ID + "/check", "check"},
		{asDesk, "/tickets", "tickets"}, {asDesk, "/tickets/" + help.ID, "ticket"},
	} {
		for _, width := range []int64{1280, 360} {
			run(chromedp.EmulateViewport(width, 800), chromedp.Navigate(srv.URL+"/as?who="+tilde(x.who)), chromedp.Navigate(srv.URL+x.path), chromedp.WaitVisible("h1"))
			if wide := ask(`document.documentElement.scrollWidth`); wide > float64(width) {
				t.Errorf("%s is %v wide on a screen of %d", x.name, wide, width)
			}
			if width == 1280 {
				browser.Shot(t, ctx, x.name)
			}
		}
	}
}
