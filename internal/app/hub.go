package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"noroshi/internal/approval"
	"noroshi/internal/asset"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/obs"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/exposure"
	"noroshi/internal/hunt"
	"noroshi/internal/incident"
	"noroshi/internal/intel"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/request"
	"noroshi/internal/notice"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
	"noroshi/internal/oversight/desk"
	"noroshi/internal/selection"
	"noroshi/internal/sensor"
	"noroshi/internal/sighting"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// Hub is a hub with everything in it.
type Hub struct {
	Config     config.Config
	DB         *db.DB
	Ring       *key.Ring
	Keys       *key.Store
	Ledger     *ledger.Ledger
	Bus        *bus.Bus
	Blobs      *blob.Store
	Threads    *thread.Store
	Out        *fetch.Client // to feeds
	hooks      *fetch.Client // to webhooks
	witnesses  *fetch.Client // to those who cosign the ledger
	Post       *post.Office  // letters: mail and webhooks
	Orgs       *org.Service
	Assets     *asset.Service
	Incidents  *incident.Service
	Sensors    *sensor.Service
	Sightings  *sighting.Service
	Intel      *intel.Service
	Exposures  *exposure.Service
	Channels   *channel.Service
	Notices    *notice.Service
	Approvals  *approval.Service
	Selections *selection.Service
	Hunts      *hunt.Service
	Vendors    *vendor.Service
	Situations *situation.Service
	Measures   *measure.Service
	Acts       *act.Service
	Desk       *desk.Service
	Requests   *request.Service
	Router     *httpd.Router
	Words      *text.Catalog
	log        *slog.Logger
	demo       bool
	now        func() time.Time
	doors      []someone // who a visitor of the demo may be
}

// Options is what differs between serving, the demo and the admin commands.
type Options struct {
	Demo bool // links that sign somebody in without a password
	Now  func() time.Time
	Cost org.Cost // of passwords; zero is the ordinary cost
}

// OpenHub opens a hub's database, keys and services and brings its tables up
// to date. It listens nowhere.
func OpenHub(ctx context.Context, cfg config.Config, words *text.Catalog, log *slog.Logger, o Options) (h *Hub, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	tune(cfg.Limits.MemoryMB)
	if err := os.MkdirAll(cfg.Hub.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("open hub: %w", err)
	}
	h = &Hub{Config: cfg, Words: words, log: log, demo: o.Demo, now: o.Now}
	if h.DB, err = db.Open(ctx, cfg.Database()); err != nil {
		return nil, fmt.Errorf("open hub: %w", err)
	}
	opened := h.DB // h is nil when this fails
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	if err = h.openBase(ctx); err != nil {
		return nil, err
	}
	if err = h.openNouns(o); err != nil {
		return nil, err
	}
	return h, nil
}

// tune lets garbage grow to twice what is alive, which spares a tenth of the
// processor, but not past a soft bound of memory. Who sets GOGC or GOMEMLIMIT
// decides for themselves.
func tune(mb int) {
	if mb <= 0 || os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(200)
	debug.SetMemoryLimit(int64(mb) << 20)
}

// verbs lists every verb of the program, which API tokens may be scoped to.
func verbs() (out []string) {
	for _, t := range []gate.Table{org.Access, asset.Access, incident.Access, sensor.Access, sighting.Access, intel.Access, approval.Access, selection.Access, hunt.Access, exposure.Access, channel.Access, notice.Access, vendor.Access, situation.Access, measure.Access, act.Access, request.Access, desk.Access, ledgerAccess} {
		for verb := range t {
			out = append(out, verb)
		}
	}
	return out
}

// ledgerAccess says who may read the log's entries: they hold pseudonyms and
// digests, and still show who is busy when.
var ledgerAccess = gate.Table{"ledger.audit": {gate.CommissionMember: gate.Record}}

// Close stops what selects, gives the ledger back and ends the database after
// the writes under way.
func (h *Hub) Close() error {
	if h.Selections != nil {
		h.Selections.Close()
	}
	return errors.Join(h.Ledger.Close(), h.DB.Close())
}

// Run serves on the listener and does the work in the background, until ctx
// ends; then it publishes what is committed.
func (h *Hub) Run(ctx context.Context, l net.Listener) error {
	if err := h.route(); err != nil {
		return err
	}
	office, err := h.office(ctx)
	if err != nil {
		return err
	}
	h.Bus.Changed = func(noun, org string) {
		h.Router.Ping(noun + "/" + org)
		if noun == "exposure" { // the office sees all of them; a ping says nothing more
			for _, o := range office {
				h.Router.Ping("exposure/" + o)
			}
		}
	}
	if _, err := h.Selections.Recover(org.Local(ctx)); err != nil {
		return fmt.Errorf("end runs that broke off: %w", err)
	}
	// Background work outlives the last request, so that its act is published.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return h.Bus.Run(work) })
	serve, halt := context.WithCancel(ctx)
	defer halt()
	g.Go(func() error {
		defer halt() // a ledger that cannot go on: acts without a record are not taken
		return h.Ledger.Run(work)
	})
	g.Go(func() error { h.submit(work); return nil })
	g.Go(func() error { return h.keep(work) })
	g.Go(func() error { return h.Post.Run(work) })
	g.Go(func() error { return h.Intel.Run(work) })
	g.Go(func() error { return h.remind(work) })
	err = h.Router.Serve(serve, l, h.Config.TLS.Cert, h.Config.TLS.Key)
	if e := h.Ledger.Settle(work); e != nil && err == nil && !errors.Is(e, ledger.ErrNotHolder) && !errors.Is(e, ledger.ErrFork) { // Run says that
		err = e
	}
	stop()
	return errors.Join(err, g.Wait())
}

// office lists the national office's organisations.
func (h *Hub) office(ctx context.Context) (ids []string, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		bodies, err := h.Orgs.Bodies(ctx, tx, org.Office)
		for _, b := range bodies {
			ids = append(ids, string(b.ID))
		}
		return err
	})
	return ids, err
}

// keep sweeps attachments that were never added and previews that expired, and
// destroys what is past its retention, once an hour.
func (h *Hub) keep(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if _, err := h.Blobs.Sweep(ctx, h.DB, now); err != nil && ctx.Err() == nil {
				h.log.Error("sweep attachments", "error", err)
			}
			if err := h.Assets.Sweep(ctx); err != nil && ctx.Err() == nil {
				h.log.Error("sweep previews", "error", err)
			}
			if _, err := h.Incidents.Purge(org.Local(ctx), now); err != nil && ctx.Err() == nil {
				h.log.Error("retention", "error", err)
			}
			if _, err := h.Hunts.Expire(org.Local(ctx), h.now()); err != nil && ctx.Err() == nil {
				h.log.Error("retention of hunts", "error", err)
			}
			if err := h.Requests.Keep(ctx); err != nil && ctx.Err() == nil {
				h.log.Error("answers of registries", "error", err)
			}
		}
	}
}

// remind does what deadlines do by themselves, every few seconds.
func (h *Hub) remind(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := h.Remind(ctx); err != nil && ctx.Err() == nil {
				h.log.Error("reminders", "error", err)
			}
		}
	}
}

// Remind drafts notices for new exposures, reminds whoever owes an answer, and
// matches what a large feed left to do.
func (h *Hub) Remind(ctx context.Context) error {
	_, err := h.Notices.Tick(org.Local(ctx), h.now())
	_, e := h.Vendors.Tick(org.Local(ctx))
	_, reports := h.Situations.Tick(org.Local(ctx))
	_, ended := h.Approvals.Tick(org.Local(ctx))
	_, erased := h.Selections.Tick(org.Local(ctx))
	_, measured := h.Measures.Tick(org.Local(ctx))
	_, acted := h.Acts.Tick(org.Local(ctx))
	_, asked := h.Requests.Tick(org.Local(ctx))
	_, inspected := h.Desk.Tick(org.Local(ctx))
	return errors.Join(err, e, reports, ended, erased, measured, acted, asked, inspected, h.Exposures.Work(org.Local(ctx)))
}

// route builds the router with every page and operation.
func (h *Hub) route() error {
	pages, err := newPages(h.Words)
	if err != nil {
		return err
	}
	metrics := obs.NewMetrics(Version())
	r := httpd.New(httpd.Options{
		Words: h.Words, Pages: pages, Identify: org.Identify(h.Orgs), Dress: h.dress, DB: h.DB, Ring: h.Ring, Now: h.now, Log: h.log, Metrics: metrics,
		Secure: h.Config.Secure(), BaseURL: h.Config.Hub.BaseURL, Version: Version(), MetricsToken: h.Config.Limits.Metrics,
		Concurrent: h.Config.Limits.Concurrent, Streams: h.Config.Limits.Streams,
	})
	h.Router = r
	r.Health("database", func(ctx context.Context) error {
		return h.DB.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, "SELECT 1").Scan(new(int)) })
	})
	r.Health("ledger", func(ctx context.Context) error {
		s, err := h.Ledger.Status(ctx)
		if err == nil && s.Late {
			err = fmt.Errorf("a promise is overdue: an entry has waited %s for its proof", s.Oldest.Round(time.Second))
		}
		return err
	})
	r.HealthAside("witness", h.witnessed)
	org.Routes(r, h.Orgs)
	org.Pages(r, h.Orgs)
	asset.Routes(r, h.Assets, h.Words)
	asset.Pages(r, h.Assets)
	incident.Routes(r, h.Incidents, h.Words)
	incident.Pages(r, h.Incidents)
	sensor.Routes(r, h.Sensors)
	sensor.Pages(r, h.Sensors)
	sighting.Routes(r, h.Sightings)
	sighting.Pages(r, h.Sightings)
	intel.Routes(r, h.Intel, h.Words)
	intel.Pages(r, h.Intel)
	approval.Routes(r, h.Approvals)
	approval.Pages(r, h.Approvals)
	selection.Routes(r, h.Selections)
	selection.Pages(r, h.Selections)
	hunt.Routes(r, h.Hunts)
	hunt.Pages(r, h.Hunts)
	exposure.Routes(r, h.Exposures)
	exposure.Pages(r, h.Exposures)
	channel.Routes(r, h.Channels)
	channel.Pages(r, h.Channels)
	notice.Routes(r, h.Notices)
	notice.Pages(r, h.Notices)
	vendor.Routes(r, h.Vendors)
	vendor.Pages(r, h.Vendors)
	situation.Routes(r, h.Situations)
	situation.Pages(r, h.Situations)
	measure.Routes(r, h.Measures)
	measure.Pages(r, h.Measures)
	act.Routes(r, h.Acts)
	act.Pages(r, h.Acts)
	request.Routes(r, h.Requests)
	request.Pages(r, h.Requests)
	desk.Routes(r, h.Desk, h.Words)
	desk.Pages(r, h.Desk)
	h.ledgerRoutes(r)
	h.pages(r)
	h.demoPages(r)
	return nil
}
