package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Time limits of the server. A live stream sets its own.
const (
	readHeader = 10 * time.Second
	readBody   = 2 * time.Minute  // 20 MB over a line of 1.4 Mbit/s
	smallBody  = 30 * time.Second // for a body up to DefaultBody
	largeWait  = 20 * time.Second // until one of the large bodies before is done
	writeAll   = 2 * time.Minute
	idle       = 2 * time.Minute
	shutdown   = 20 * time.Second
	maxHeader  = 64 << 10
)

// Serve answers on the listener until ctx ends, then finishes the requests
// under way, for at most 20 seconds. With a certificate file it speaks TLS
// 1.3, and picks up a renewed file without a restart.
func (r *Router) Serve(ctx context.Context, l net.Listener, certFile, keyFile string) error {
	srv := &http.Server{
		Handler: r, ReadHeaderTimeout: readHeader, ReadTimeout: readBody, WriteTimeout: writeAll, IdleTimeout: idle,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(r.opt.Log.Handler(), slog.LevelWarn),
	}
	if certFile != "" {
		c := &certificate{certFile: certFile, keyFile: keyFile, now: time.Now}
		if _, err := c.get(nil); err != nil {
			return err
		}
		srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: c.get}
	}
	ended := make(chan error, 1)
	go func() {
		if certFile != "" {
			ended <- srv.ServeTLS(l, "", "")
			return
		}
		ended <- srv.Serve(l)
	}()
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("serve: %w", err)
		case <-hour.C:
			if _, err := r.Sweep(ctx); err != nil && ctx.Err() == nil {
				r.opt.Log.Error("sweep idempotency keys", "error", err.Error())
			}
		case <-ctx.Done():
			r.Close()
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
			defer cancel()
			if err := srv.Shutdown(stop); err != nil {
				return errors.Join(fmt.Errorf("shut down: %w", err), srv.Close())
			}
			return nil
		}
	}
}

// certificate reads the files again when they changed, at most once a minute.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time

	mu      sync.Mutex
	cert    *tls.Certificate
	stamp   time.Time // of the certificate file
	checked time.Time
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.cert != nil && now.Sub(c.checked) < time.Minute {
		return c.cert, nil
	}
	c.checked = now
	st, err := os.Stat(c.certFile)
	if err == nil && c.cert != nil && st.ModTime().Equal(c.stamp) {
		return c.cert, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile); err == nil {
			c.cert, c.stamp = &pair, st.ModTime()
			return c.cert, nil
		}
	}
	if c.cert != nil { // half-written: go on with the one that works
		return c.cert, nil
	}
	return nil, fmt.Errorf("certificate: %w", err)
}
