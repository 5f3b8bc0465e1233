package app

import (
	"net/mail"
	"os"
	"path/filepath"
	"time"

	"noroshi/internal/base/fetch"
	"noroshi/internal/measure/request"
)

// openRequests opens the requests to others. Registries have a way out of their
// own: a short list of hosts, through the proxy where there is one.
func (h *Hub) openRequests(o Options) error {
	cfg := h.Config
	registries, err := request.OpenRegistries(cfg.Request.Bootstrap)
	if err != nil {
		return err
	}
	out, err := fetch.NewClient(fetch.Policy{Hosts: cfg.Request.Registries, Networks: cfg.Out.Prefixes(), Plain: cfg.Out.Plain, Proxy: cfg.Out.Proxy, MaxBytes: 1 << 20, Timeout: 20 * time.Second, Agent: "noroshi/" + Version()})
	if err != nil {
		return err
	}
	dir := filepath.Join(cfg.Hub.DataDir, "registries")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	from := ""
	if cfg.Mail.Host != "" {
		a, err := mail.ParseAddress(cfg.Mail.From)
		if err != nil {
			return err
		}
		from = a.Address
	}
	h.Requests = request.New(request.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Orgs: h.Orgs, Measures: h.Measures, Office: h.Post, Words: h.Words, From: from,
		Out: out, Registries: registries, Dir: dir, Signer: h.Approvals.Signer, Verifier: h.Approvals.Verifier, Version: Version(), Now: o.Now})
	return nil
}
