package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"noroshi/internal/base/text"
)

// hub is just enough of a server to drive the pages: it keeps what drafts
// post, can refuse them, and pings.
type hub struct {
	mu     sync.Mutex
	drafts []string
	status int
	rows   int
	ping   chan struct{}
}

func (h *hub) serve(t *testing.T, s *Set) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /gallery", func(w http.ResponseWriter, r *http.Request) {
		shell, data := galleryShell(text.JA), galleryData(text.JA)
		h.mu.Lock()
		rows := data["Rows"].([]galleryRow)
		for i := range h.rows {
			rows = append(rows, galleryRow{ID: "N-" + string(rune('1'+i)), Name: "new", N: 1})
		}
		h.mu.Unlock()
		data["Rows"] = rows
		if r.URL.Query().Has("mistakes") {
			shell = faulty(text.JA)
		}
		if r.URL.Query().Has("bare") { // no menu, nothing ticked, nothing to undo
			bulk := data["Bulk"].(Bulk)
			bulk.Said, bulk.Undo, shell.Rail = "", "", nil
			data["Bulk"] = bulk
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := s.Render(w, "gallery/gallery", shell, data); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /gallery/draft", func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.status != 0 {
			w.WriteHeader(h.status)
			return
		}
		h.drafts = append(h.drafts, r.FormValue("product")+"|"+r.FormValue("version")+"|"+r.FormValue("csrf"))
		_ = json.NewEncoder(w).Encode(map[string]string{"at": "14:09:00", "version": "8"})
	})
	mux.HandleFunc("GET /gallery/live", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-h.ping:
				_, _ = w.Write([]byte("event: ping\ndata: {}\n\n"))
				w.(http.Flusher).Flush()
			}
		}
	})
	mux.HandleFunc("GET "+AssetPath, func(w http.ResponseWriter, r *http.Request) {
		a, ok := s.Asset(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.Type)
		_, _ = w.Write(a.Body)
	})
	return mux
}

// browser starts a Chromium, or skips.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal("no chromium, and NOROSHI_TEST_ALL=1")
		}
		t.Skip("no chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1440, 1000))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// until waits for a condition in the page. It asks from outside, because the
// page's own policy forbids what chromedp.Poll does inside.
func until(js string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for range 200 {
			if ok, err := chromedp.Evaluate[bool]("!!("+js+")")(ctx, t); err != nil {
				return err
			} else if ok {
				return nil
			}
			if _, err := chromedp.Sleep(50*time.Millisecond)(ctx, t); err != nil {
				return err
			}
		}
		return fmt.Errorf("never true: %s", js)
	})
}

// do runs a statement in the page.
func do(js string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool](js+"; true")(ctx, t)
		return err
	})
}

// TestScript drives a real Chromium under the real content-security policy.
func TestScript(t *testing.T) {
	h := &hub{ping: make(chan struct{}, 1)}
	srv := httptest.NewServer(h.serve(t, gallerySet(t)))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() }) // after the browser has gone: streams stay open
	ctx := browser(t)
	step := func(what string, acts ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, acts...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	set := func(f func()) { h.mu.Lock(); f(); h.mu.Unlock() }

	step("open", chromedp.Navigate(srv.URL+"/gallery"), until(`document.documentElement.classList.contains("has-js")`))
	step("the clock runs by the server's time", until(`document.querySelector("[data-clock]").textContent.startsWith("09:34:4")`))
	step("/ goes to the search", chromedp.KeyEvent("/"), until(`document.activeElement.type === "search"`))
	step("Esc leaves it", chromedp.KeyEvent(kb.Escape), until(`document.activeElement === document.body`))
	step("j j k goes to the first row", chromedp.KeyEvent("jjk"), until(`document.activeElement.textContent === "A-0121"`))
	step("x ticks it", chromedp.KeyEvent("x"), until(`document.querySelector("[data-bulk-count]").textContent === "1"`))
	step("? opens the keys", chromedp.KeyEvent("?"), until(`document.querySelector("#keys").matches(":popover-open")`),
		do(`document.querySelector("#keys").hidePopover()`))
	step("single keys can be off", do(`document.querySelector("[data-keys]").click()`), chromedp.KeyEvent("/"),
		until(`document.activeElement.type !== "search"`), until(`document.querySelector("[data-keys]").textContent === "1文字のキー操作を使う"`), do(`document.querySelector("[data-keys]").click()`))
	step("what belongs to an answer shows when it is chosen", until(`!document.querySelector("#f-who").checkVisibility()`),
		chromedp.Click(`#f-how-1`), until(`document.querySelector("#f-who").checkVisibility()`))

	step("a draft saves when a field is left", chromedp.SetValue(`#f-product`, "KX-2200"), chromedp.Focus(`#f-product`), chromedp.Focus(`#f-count`),
		until(`document.querySelector("[data-saved]").textContent.includes("14:09:00")`), until(`document.querySelector("[name=version]").value === "8"`))
	set(func() {
		if len(h.drafts) == 0 || h.drafts[len(h.drafts)-1] != "KX-2200|7|t0ken" {
			t.Errorf("drafts %q", h.drafts)
		}
		h.status = 503
	})
	step("a lost connection is told and keeps the words", chromedp.SetValue(`#f-product`, "KX-2300"), chromedp.Focus(`#f-product`), chromedp.Focus(`#f-count`),
		until(`document.querySelector("[data-saved].lost")?.textContent.includes("残っています")`), until(`document.querySelector("#f-product").value === "KX-2300"`))
	set(func() { h.status = 409 })
	step("two editors are told", chromedp.Focus(`#f-product`), chromedp.Focus(`#f-count`), until(`document.querySelector("[data-saved].lost")?.textContent.includes("ほかの人")`))

	set(func() { h.rows = 2 })
	h.ping <- struct{}{}
	step("new rows wait behind a link", until(`document.querySelector(".news a")?.textContent === "新しい2件を表示"`), until(`document.querySelectorAll("[data-item]").length === 2`))

	step("mistakes: the summary has the focus, its link leads to the field", chromedp.Navigate(srv.URL+"/gallery?mistakes"),
		until(`document.activeElement.id === "errors"`), chromedp.Click(`a[href="#f-aware-y"]`), until(`document.activeElement.id === "f-aware-y"`))

	step("without a menu the page has the whole width", chromedp.Navigate(srv.URL+"/gallery?bare"), until(`document.documentElement.classList.contains("has-js")`),
		until(`document.querySelector("#main").getBoundingClientRect().width > 1000`))
	const sticks = `getComputedStyle(document.querySelector("[data-bulk]")).position === "sticky"`
	step("the bulk bar waits for the first tick", until(`!document.querySelector("[data-bulk]").checkVisibility()`),
		do(`document.querySelector("[data-item] input[type=checkbox]").click()`), until(`document.querySelector("[data-bulk]").checkVisibility() && `+sticks),
		do(`document.querySelector("[data-item] input[type=checkbox]:checked").click()`), until(`!document.querySelector("[data-bulk]").checkVisibility()`))
	step("what can be undone stays, and covers nothing", chromedp.Navigate(srv.URL+"/gallery"), until(`document.querySelector("[data-bulk]").checkVisibility() && !(`+sticks+`)`))

	// No page scrolls sideways on a small screen, 320 px is WCAG's 400 % zoom.
	for _, width := range []int64{320, 360, 768, 1024, 1440} {
		step("width", chromedp.EmulateViewport(width, 900), chromedp.Navigate(srv.URL+"/gallery"))
		over, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("body *")]
			.filter((e) => e.checkVisibility() && !e.closest(".wide-fig, .cmd, .vh, .skip, svg") && e.getBoundingClientRect().right > innerWidth + 1)
			.map((e) => e.tagName + "." + e.className + " " + Math.round(e.getBoundingClientRect().right)).slice(0, 5)`))
		if err != nil {
			t.Fatal(err)
		}
		if len(over) > 0 {
			t.Errorf("%d px: wider than the screen: %s", width, strings.Join(over, "; "))
		}
	}
	step("the menu opens on a small screen", chromedp.EmulateViewport(360, 800), chromedp.Click(`.menu-btn`), until(`document.querySelector("#nav").matches(":popover-open") && document.querySelector("#nav a").checkVisibility()`))
	if dir := os.Getenv("NOROSHI_SHOTS"); dir != "" {
		shots(ctx, t, dir, srv.URL)
	}
}

// shots writes pictures for a person to look at.
func shots(ctx context.Context, t *testing.T, dir, url string) {
	t.Helper()
	menu, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(url+"/gallery")); err != nil {
		t.Fatal(err)
	}
	all, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{"menu.png": menu, "gallery.png": all} {
		if err := os.WriteFile(dir+"/"+name, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
