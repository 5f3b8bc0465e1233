//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"noroshi/internal/incident"
)

// listTimes fills registers and desks and then asks a real `noroshi serve` over
// HTTP for list and search pages, as two browsers would.
func listTimes(ctx context.Context, s setting) (f figures, err error) {
	w, err := openWorld(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	reporter, clerk, err := w.country(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	owner, err := w.registers(ctx, s, reporter)
	if err != nil {
		return nil, err
	}
	filled := time.Since(began)
	if err := w.report(reporter, s.incidents); err != nil {
		return nil, err
	}
	if err := w.end(); err != nil {
		return nil, err
	}
	exe, err := build(ctx, w.dir)
	if err != nil {
		return nil, err
	}
	h, err := serve(ctx, exe, w.dir, "serve")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.stop()) }()
	f = figures{"equipment": float64(s.equipment), "incidents": float64(s.incidents), "fill s": filled.Seconds()}
	for name, p := range map[string]struct {
		who   person
		paths []string
	}{
		"equipment list":   {owner, []string{"/assets", "/assets?sort=product", "/assets?sort=-confirmed"}},
		"equipment search": {owner, []string{"/assets?q=KD-34", "/assets?q=EQ-0912", "/assets?q=架空電機7", "/assets?zone=internet", "/assets?kind=vpn"}},
		"incident list":    {clerk, []string{"/inbox", "/inbox?waiting=0"}},
		"incident search":  {clerk, []string{"/inbox?waiting=0&kind=ransomware", "/inbox?waiting=0&severity=high", "/inbox?number=R-2026-00042"}},
		"own reports":      {reporter, []string{"/reports"}},
	} {
		waits, err := h.ask(ctx, p.who.session, p.paths, 300)
		if err != nil { // the other pages can still be asked for
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		f[name+" p95 ms"] = percentile(waits, 95)
	}
	f["busy MB"] = h.memory()
	return f, nil
}

// report submits so many reports from 64 writers.
func (w *world) report(who person, n int) error {
	report := incident.Template(incident.Ransomware)
	var left atomic.Int64
	left.Store(int64(n))
	enough := errors.New("enough")
	_, err := drive(who.ctx, 64, time.Hour, func(ctx context.Context, _ int) error {
		if left.Add(-1) < 0 {
			return enough
		}
		_, err := w.incidents.Submit(context.WithoutCancel(ctx), report, "")
		return err
	})
	if !errors.Is(err, enough) {
		return err
	}
	return nil
}

// build makes the program as `make build` does.
func build(ctx context.Context, dir string) (exe string, err error) {
	exe = dir + "/noroshi"
	_, err = start(ctx, []string{"CGO_ENABLED=0"}, "", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", exe, "./cmd/noroshi")
	return exe, err
}

// hub is a running program that serves.
type hub struct {
	*exec.Cmd
	url   string
	ready time.Duration // from its start to its first answer that all is well
	said  strings.Builder
}

// serve starts the program with a data folder on a free port, and waits until
// /healthz says that all is well.
func serve(ctx context.Context, exe, dir string, args ...string) (*hub, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	h := &hub{url: "http://" + addr}
	if args[0] == "demo" {
		args = append(args, "--listen", addr)
	}
	h.Cmd = exec.CommandContext(ctx, exe, args...)
	h.Env = append(os.Environ(), "NOROSHI_HUB_DATA_DIR="+dir, "NOROSHI_HUB_LISTEN="+addr, "NOROSHI_LOG_LEVEL=error", "TMPDIR="+dir)
	h.Stderr = &h.said
	began := time.Now()
	if err := h.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Wait() }()
	for {
		a, err := http.Get(h.url + "/healthz")
		if err == nil {
			_ = a.Body.Close()
			if a.StatusCode == http.StatusOK {
				h.ready = time.Since(began)
				return h, nil
			}
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("%s ended: %v\n%s", strings.Join(args, " "), err, h.said.String())
		case <-time.After(time.Millisecond):
		}
		if time.Since(began) > 2*time.Minute {
			return nil, errors.Join(fmt.Errorf("%s is not ready after two minutes", strings.Join(args, " ")), h.Process.Kill())
		}
	}
}

// stop ends the program and waits until its port is free.
func (h *hub) stop() error {
	if err := h.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	for range 500 {
		if h.Process.Signal(syscall.Signal(0)) != nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return h.Process.Kill()
}

// memory returns the resident memory of the program in MB.
func (h *hub) memory() float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(raw), "VmRSS:")
	kb, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	v, err := strconv.ParseFloat(kb, 64)
	if err != nil {
		return 0
	}
	return v * 1024 / 1e6
}

// ask gets each page n times from two browsers with a session, after two
// rounds that do not count. A page must be a page: another answer than 200 is
// an error.
func (h *hub) ask(ctx context.Context, session string, paths []string, n int) ([]time.Duration, error) {
	get := func(path string) (time.Duration, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+path, nil)
		if err != nil {
			return 0, err
		}
		req.AddCookie(&http.Cookie{Name: "noroshi", Value: session})
		began := time.Now()
		a, err := noRedirect.Do(req)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, a.Body)
		took := time.Since(began)
		if err = errors.Join(err, a.Body.Close()); err == nil && a.StatusCode != http.StatusOK {
			err = fmt.Errorf("GET %s: %s", path, a.Status)
		}
		return took, err
	}
	for range 2 {
		for _, p := range paths {
			if _, err := get(p); err != nil {
				return nil, err
			}
		}
	}
	type result struct {
		took []time.Duration
		err  error
	}
	done := make(chan result, 2)
	for range 2 {
		go func() {
			var r result
			for i := 0; i < n*len(paths)/2 && r.err == nil; i++ {
				var t time.Duration
				t, r.err = get(paths[i%len(paths)])
				r.took = append(r.took, t)
			}
			done <- r
		}()
	}
	a, b := <-done, <-done
	return append(a.took, b.took...), errors.Join(a.err, b.err)
}

// noRedirect shows a redirect, such as to sign-in, instead of following it.
var noRedirect = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
