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

	"noroshi/internal/app"
	"noroshi/internal/asset"
	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
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
	words, err := app.Words()
	if err != nil {
		return nil, err
	}
	hub, err := app.OpenHub(ctx, cfg, words, slog.Default(), app.Options{Cost: cheap})
	if err != nil {
		return nil, err
	}
	w.db, w.ledger, w.orgs, w.assets, w.incidents = hub.DB, hub.Ledger, hub.Orgs, hub.Assets, hub.Incidents
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
