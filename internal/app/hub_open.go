package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"noroshi/internal/asset"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/exposure"
	"noroshi/internal/hunt"
	"noroshi/internal/hunt/starter"
	"noroshi/internal/incident"
	"noroshi/internal/measure/request"
	"noroshi/internal/notice"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
	"noroshi/internal/sensor"
	"noroshi/internal/sighting"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// openBase opens what knows no noun: tables, keys, ledger, attachments, and
// the ways out.
func (h *Hub) openBase(ctx context.Context) (err error) {
	cfg := h.Config
	if _, err = h.DB.Migrate(ctx, Migrations()...); err != nil {
		return fmt.Errorf("open hub: %w", err)
	}
	if h.Ring, err = key.OpenRing(cfg.KeyDir()); err != nil {
		return err
	}
	h.Keys = key.NewStore(h.Ring)
	signer, verifier, vkey, err := ledger.OpenSigner(cfg.LedgerKey(), cfg.Ledger.Origin)
	if err != nil {
		return err
	}
	h.Ledger = ledger.New(ledger.Config{DB: h.DB, Dir: cfg.LedgerDir(), Signer: signer, Verifier: verifier, VKey: vkey,
		Interval: cfg.Ledger.Interval, Log: h.log, Now: h.now, Witnesses: cfg.Witness.Verifiers(), Wait: cfg.Witness.Wait, Beat: cfg.Ledger.Beat})
	if h.Blobs, err = blob.Open(filepath.Join(cfg.Hub.DataDir, "blobs"), h.Ring, cfg.Upload()); err != nil {
		return err
	}
	h.Threads = thread.New(h.Keys)
	sender, err := mail.New(mail.Config{Host: cfg.Mail.Host, Port: cfg.Mail.Port, TLS: mail.TLS(cfg.Mail.TLS), User: cfg.Mail.User, Password: cfg.Mail.Password, From: cfg.Mail.From, Timeout: cfg.Mail.Timeout})
	if err != nil {
		return err
	}
	out := cfg.Out
	if h.Out, err = fetch.NewClient(fetch.Policy{Hosts: out.Hosts, Networks: out.Prefixes(), Plain: out.Plain, Proxy: out.Proxy, Agent: "noroshi/" + Version()}); err != nil {
		return err
	}
	// Where a webhook goes is an organisation's choice: it never reaches what is
	// inside, whatever feeds may.
	if h.hooks, err = fetch.NewClient(fetch.Policy{Hosts: out.Hooks, Proxy: out.Proxy, Agent: "noroshi/" + Version()}); err != nil {
		return err
	}
	if h.witnesses, err = fetch.NewClient(fetch.Policy{Hosts: cfg.Witness.Hosts(), Networks: out.Prefixes(), Plain: out.Plain, Proxy: out.Proxy, Agent: "noroshi/" + Version()}); err != nil {
		return err
	}
	h.Post = post.New(post.Config{DB: h.DB, Keys: h.Keys, Mail: sender, Post: h.hook, Log: h.log, Now: h.now})
	return nil
}

// hook posts a webhook by the policy of the ways out.
func (h *Hub) hook(ctx context.Context, url string, header map[string]string, body []byte) (int, error) {
	to := http.Header{}
	for k, v := range header {
		to.Set(k, v)
	}
	got, err := h.hooks.Post(ctx, url, to, body)
	return got.Status, err
}

// openNouns opens the services, in the order of the flow.
func (h *Hub) openNouns(o Options) (err error) {
	cfg := h.Config
	if h.Orgs, err = org.New(org.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Now: o.Now, Cost: o.Cost, Issuer: cfg.Hub.Name, BaseURL: cfg.Hub.BaseURL, DemoLinks: o.Demo, Verbs: verbs()}); err != nil {
		return err
	}
	if h.Assets, err = asset.Open(asset.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Threads: h.Threads, Orgs: h.Orgs, Now: o.Now}); err != nil {
		return err
	}
	if h.Incidents, err = h.openIncidents(o); err != nil {
		return err
	}
	h.Sensors = sensor.Open(sensor.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Orgs: h.Orgs, Now: o.Now, BaseURL: cfg.Hub.BaseURL, Accepts: sighting.Accepts})
	h.Sightings = sighting.Open(sighting.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Blobs: h.Blobs, Orgs: h.Orgs, Now: o.Now,
		Sensors: h.Sensors, Say: func(lang text.Lang, f sensor.Finding, named bool) string {
			return sensor.Say(h.Words.Printer(lang, nil), &f, named)
		}})
	if h.Intel, err = h.openIntel(); err != nil {
		return err
	}
	if err = h.openPower(o); err != nil {
		return err
	}
	if err = h.openActs(o); err != nil {
		return err
	}
	if err = h.openRequests(o); err != nil {
		return err
	}
	h.Hunts = hunt.Open(hunt.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Blobs: h.Blobs, Orgs: h.Orgs, Now: o.Now, Sightings: h.Sightings, Own: h.Sensors.Own,
		Starter: starter.FS(), StarterVersion: starter.Version, BaseURL: cfg.Hub.BaseURL, Keep: cfg.Hunt.KeepDays})
	if h.Exposures, err = exposure.Open(exposure.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Orgs: h.Orgs, Assets: h.Assets, Intel: h.Intel, Seen: h.Sightings.SeenOpen, Now: o.Now}); err != nil {
		return err
	}
	h.Intel.Registered = h.Exposures.Registered
	h.Channels = channel.Open(channel.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Office: h.Post, Orgs: h.Orgs, Words: h.Words, BaseURL: cfg.Hub.BaseURL, Mails: cfg.Mail.Host != "", Now: o.Now,
		Deadlines: func(ctx context.Context, tx *db.Tx, firm string) ([]channel.Deadline, error) {
			return h.Notices.Deadlines(ctx, tx, firm)
		}})
	h.Measures.Channels, h.Requests.Channels, h.Desk.Channels = h.Channels, h.Channels, h.Channels
	h.Notices = notice.New(notice.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Blobs: h.Blobs, Threads: h.Threads, Orgs: h.Orgs, Now: o.Now, BaseURL: cfg.Hub.BaseURL,
		Channels: h.Channels, Exposed: notice.ExposedBy(h.Exposures), Vulnerability: notice.FactsBy(h.Intel), Item: notice.ItemBy(h.Intel)})
	h.Intel.Parts = notice.BundleParts(h.Notices)
	h.Vendors = vendor.New(vendor.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Threads: h.Threads, Orgs: h.Orgs, Notices: h.Notices, Name: cfg.Hub.Name, BaseURL: cfg.Hub.BaseURL, Now: o.Now, State: h.state})
	h.Situations = situation.New(situation.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Threads: h.Threads, Orgs: h.Orgs, Incidents: h.Incidents, Now: o.Now,
		Exposed: h.exposed, Answered: h.Notices.Answers})
	h.Bus = bus.New(h.DB, h.log, slices.Concat(sighting.Followers(h.Sightings), exposure.Followers(h.Exposures), notice.Followers(h.Notices), channel.Followers(h.Channels), request.Followers(h.Requests))...)
	return nil
}

func (h *Hub) openIncidents(o Options) (*incident.Service, error) {
	var extra = os.DirFS(h.Config.Incident.ProfilesDir)
	if h.Config.Incident.ProfilesDir == "" {
		extra = nil
	}
	profiles, err := incident.LoadProfiles(extra)
	if err != nil {
		return nil, err
	}
	return incident.New(incident.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Blobs: h.Blobs, Threads: h.Threads, Orgs: h.Orgs, Profiles: profiles, Now: o.Now}), nil
}
