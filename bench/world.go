//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/pquerna/otp/totp"

	"noroshi/internal/asset"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// world is a hub's data folder, as `noroshi serve` makes it, with the services
// on it and a ledger that publishes; SQLite with synchronous=FULL.
type world struct {
	dir       string
	db        *db.DB
	ledger    *ledger.Ledger
	orgs      *org.Service
	assets    *asset.Service
	incidents *incident.Service
	stop      func() error
}

// cheap are password costs, as only the sign-in is not measured here.
var cheap = org.Cost{Memory: 8, Time: 1, Lanes: 1}

// openWorld makes one in a new folder of dir. close ends and deletes it.
func openWorld(ctx context.Context, parent string) (w *world, err error) {
	w = &world{stop: func() error { return nil }}
	if w.dir, err = os.MkdirTemp(parent, "bench-hub-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	cfg := config.Default()
	cfg.Hub.DataDir = w.dir
	if w.db, err = db.Open(ctx, cfg.Database()); err != nil {
		return nil, err
	}
	if _, err = w.db.Migrate(ctx,
		db.Source{Noun: "bus", FS: bus.Migrations}, db.Source{Noun: "key", FS: key.Migrations}, db.Source{Noun: "ledger", FS: ledger.Migrations},
		db.Source{Noun: "blob", FS: blob.Migrations}, db.Source{Noun: "thread", FS: thread.Migrations}, db.Source{Noun: "httpd", FS: httpd.Migrations},
		db.Source{Noun: "org", FS: org.Migrations}, db.Source{Noun: "asset", FS: asset.Migrations}, db.Source{Noun: "incident", FS: incident.Migrations}); err != nil {
		return nil, err
	}
	ring, err := key.OpenRing(cfg.KeyDir())
	if err != nil {
		return nil, err
	}
	keys, threads := key.NewStore(ring), thread.New(key.NewStore(ring))
	signer, verifier, vkey, err := ledger.OpenSigner(cfg.LedgerKey(), cfg.Ledger.Origin)
	if err != nil {
		return nil, err
	}
	w.ledger = ledger.New(ledger.Config{DB: w.db, Dir: cfg.LedgerDir(), Signer: signer, Verifier: verifier, VKey: vkey, Interval: cfg.Ledger.Interval, Log: slog.Default()})
	if w.orgs, err = org.New(org.Config{DB: w.db, Ledger: w.ledger, Keys: keys, Cost: cheap}); err != nil {
		return nil, err
	}
	if w.assets, err = asset.Open(asset.Config{DB: w.db, Ledger: w.ledger, Keys: keys, Threads: threads, Orgs: w.orgs}); err != nil {
		return nil, err
	}
	blobs, err := blob.Open(w.dir+"/blobs", ring, cfg.Upload())
	if err != nil {
		return nil, err
	}
	profiles, err := incident.LoadProfiles(nil)
	if err != nil {
		return nil, err
	}
	w.incidents = incident.New(incident.Config{DB: w.db, Ledger: w.ledger, Keys: keys, Blobs: blobs, Threads: threads, Orgs: w.orgs, Profiles: profiles, Now: time.Now})
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- w.ledger.Run(run) }()
	w.stop = func() error {
		cancel()
		return <-ended
	}
	return w, nil
}

// end stops the services and leaves the folder.
func (w *world) end() error {
	err := w.stop()
	w.stop = func() error { return nil }
	if w.db != nil {
		err = errors.Join(err, w.db.Close())
		w.db = nil
	}
	return err
}

// close ends the world and deletes its folder.
func (w *world) close() error { return errors.Join(w.end(), os.RemoveAll(w.dir)) }

// body registers the n-th organisation of a world.
func (w *world) body(ctx context.Context, n int, name string, kind org.Kind, sectors ...string) (org.Org, error) {
	number, err := org.CompleteNumber(fmt.Sprintf("%012d", 700000000001+n))
	if err != nil {
		return org.Org{}, err
	}
	return w.orgs.Register(org.Local(ctx), org.Org{Number: number, Name: text.Both{JA: name + "（架空）", EN: name + " (invented)"}, Kinds: []org.Kind{kind}, Sectors: sectors})
}

// country registers an operator and everybody whom its reports go to, and
// returns somebody of the operator who may do everything there, and a clerk of
// its ministry.
func (w *world) country(ctx context.Context) (operator, clerk person, err error) {
	for i, kind := range []org.Kind{org.Office, org.Police, org.Privacy, org.JPCERT, org.Commission} {
		if _, err := w.body(ctx, i, string(kind), kind); err != nil {
			return operator, clerk, err
		}
	}
	if clerk, err = w.hire(ctx, 50, "ministry", org.Ministry, gate.MinistryClerk); err != nil {
		return operator, clerk, err
	}
	operator, err = w.hire(ctx, 100, "wind", org.Operator, gate.OperatorReporter, gate.OperatorAdmin)
	return operator, clerk, err
}

// person is somebody in a world.
type person struct {
	ctx     context.Context // acting as they
	session string          // of a browser signed in as they
}

// hire registers the n-th organisation, of the electricity sector, with one
// person who is signed in.
func (w *world) hire(ctx context.Context, n int, name string, kind org.Kind, roles ...gate.Role) (person, error) {
	o, err := w.body(ctx, n, name, kind, "electricity")
	if err != nil {
		return person{}, err
	}
	p, link, err := w.orgs.Invite(org.Local(ctx), org.Person{Org: o.ID, Name: "帳 簿子", Mail: "desk@" + name + ".example", Lang: text.JA, Roles: roles, Clearance: 1})
	if err != nil {
		return person{}, err
	}
	e, err := w.orgs.Enrolment(ctx, link)
	if err != nil {
		return person{}, err
	}
	code, err := totp.GenerateCode(e.Secret, time.Now())
	if err != nil {
		return person{}, err
	}
	j, err := w.orgs.Accept(ctx, link, "correct horse battery staple "+name, code, org.Device{Agent: "bench"})
	if err != nil {
		return person{}, err
	}
	who, err := w.orgs.Identity(ctx, p.ID)
	return person{gate.With(ctx, who), j.Secret}, err
}
