// Package browser gives tests a Chromium to walk pages with, and keeps pictures of
// what it shows.
package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"noroshi/internal/testkit"
)

// names are what a Chromium is called, by who packs it.
var names = []string{"chromium", "chromium-browser", "google-chrome", "headless_shell"}

// New opens a Japanese Chromium with a window of so many pixels, which ends with the
// test or after a while, whichever comes first. Where no Chromium is installed the
// test is skipped.
func New(t testing.TB, width, height int, within time.Duration) context.Context {
	t.Helper()
	bin := ""
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			bin = p
			break
		}
	}
	if bin == "" {
		testkit.Skip(t, "no Chromium here")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(bin), chromedp.NoSandbox, chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "ja"), chromedp.WindowSize(width, height))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...) // the test's own context ends before streams are closed
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, within)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // it lives as long as the context that began it
		t.Fatal(err)
	}
	return ctx
}

// Shot keeps a picture of the whole page in the folder that NOROSHI_SHOTS names, for
// people to look at; without that variable it does nothing.
func Shot(t testing.TB, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("NOROSHI_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}
