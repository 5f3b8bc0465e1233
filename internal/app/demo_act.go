package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/executor"
	"noroshi/internal/measure/act/proxylist"
	"noroshi/internal/measure/act/rpz"
)

// box is an organisation's own equipment in the demo: a resolver's policy zone and a
// proxy's list, both as files in the demo's folder, told by the very process that
// stands beside real equipment.
type box struct {
	*country
	member string // whose it is
	hand   *executor.Hand
	equip  []executor.Equipment
	orders []act.Order
}

// openBox opens a member's equipment and its process.
func (c *country) openBox(ctx context.Context, member string) (*box, error) {
	b := &box{country: c, member: member}
	dir := filepath.Join(c.h.Config.Hub.DataDir, "act", member)
	z := rpz.Default()
	z.Zone, z.Dir, z.File = "rpz."+c.by[member].Domain, filepath.Join(dir, "rpz"), filepath.Join(dir, "rpz.zone")
	resolver, err := rpz.Open(z)
	if err != nil {
		return nil, fmt.Errorf("demo: resolver: %w", err)
	}
	l := proxylist.Default()
	l.Dir, l.File, l.Format = filepath.Join(dir, "proxy"), filepath.Join(dir, "proxy.txt"), "domains"
	proxy, err := proxylist.Open(l)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("demo: proxy: %w", err), resolver.Close())
	}
	b.equip = []executor.Equipment{{Name: "rpz", Kinds: []driver.Kind{driver.Sinkhole}, Driver: resolver, Fresh: true}, {Name: "proxy", Kinds: []driver.Kind{driver.Proxy}, Driver: proxy, Fresh: true}}
	start := c.clock.Now()
	b.hand, err = executor.Open(ctx, executor.Config{Dir: filepath.Join(dir, "journal"), Name: c.both(member, "リゾルバとプロキシの装置", "Actuator of resolvers and proxies"), Authorities: []note.Verifier{c.h.Approvals.Verifier},
		Guard: executor.Guarded{Names: []string{"www." + c.by[member].Domain}}, Equipment: b.equip, Now: c.clock.Now, Passed: func() time.Duration { return c.clock.Now().Sub(start) },
		Say: func(err error) string { return c.h.Words.Printer(c.by[member].lang(), nil).Fault(err).Title }})
	if err != nil {
		b.close()
		return nil, fmt.Errorf("demo: actuator: %w", err)
	}
	return b, nil
}

// start lets the process work for as long as the demo is served, and returns what
// ends it.
func (b *box) start(ctx context.Context) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.hand.Run(ctx, b, nil); err != nil && ctx.Err() == nil {
			b.h.log.Error("actuator", "error", err)
		}
	}()
	return func() {
		end()
		<-done
		b.close()
	}
}

func (b *box) close() {
	if b.hand != nil {
		b.hand.Close()
	}
	executor.Stop(b.equip)
}

// moments lay out what a carrier holds back on its own network: names that are
// held back now, some that were and are no more, and some that wait for an
// approval.
func (b *box) moments() []moment {
	at := func(hours int) time.Time { return b.now.Add(-time.Duration(hours) * time.Hour) }
	say := func(ja, en string) string { return b.both("telecom", ja, en) }
	why := say("感染した機器が指令を受けに行く名前。契約者の機器からの問い合わせが続いている。", "Names that infected machines ask for orders; subscribers' machines keep asking for them.")
	ground := say("約款でサイバー攻撃への対処に同意を得ている。", "Subscribers agreed to this in the terms of service.")
	sinkhole := act.Ask{Kind: driver.Sinkhole, Targets: []string{"c2.hibana.example", "update.hibana.example", "cdn.hibana.example"}, Below: true, Hours: 168, Grounds: why, Basis: act.Subscribers, Ground: "consent", GroundText: ground}
	ended := act.Ask{Kind: driver.Proxy, Targets: []string{"login.kagerou.example"}, Hours: 48, Grounds: say("社員を狙う偽のログイン画面。", "A false sign-in page aimed at our own people."), Basis: act.OwnBasis}
	waiting := act.Ask{Kind: driver.Proxy, Targets: []string{"mail.kagerou.example", "files.kagerou.example"}, Hours: 24, Grounds: say("同じ者による新しい名前。", "New names of the same actor."), Basis: act.OwnBasis}
	return []moment{
		{at(30), b.asked(ended)}, {at(29), b.approved(0)}, {at(26), b.asked(sinkhole)}, {at(25), b.approved(1)},
		{at(20), b.undone(0, say("偽の画面は提供者が消した。", "Its provider took the page down."))}, {at(1), b.asked(waiting)},
	}
}

// asked has a clerk ask, and the actuator show what it would do.
func (b *box) asked(in act.Ask) func(context.Context) error {
	return func(ctx context.Context) error {
		clerk, err := b.acts("telecom", gate.CarrierClerk, 0)
		if err != nil {
			return err
		}
		o, err := b.h.Acts.Ask(clerk, in)
		if err != nil {
			return fmt.Errorf("demo: own network: %w", err)
		}
		b.orders = append(b.orders, o)
		return b.works(ctx)
	}
}

// approved has another clerk approve, and the actuator carry out.
func (b *box) approved(n int) func(context.Context) error {
	return func(ctx context.Context) error {
		second, err := b.acts("telecom", gate.CarrierClerk, 1)
		if err != nil {
			return err
		}
		if _, err := b.h.Acts.Approve(second, b.orders[n].ID, act.Decision{Digest: b.orders[n].Digest}); err != nil {
			return fmt.Errorf("demo: own network: %w", err)
		}
		return b.works(ctx)
	}
}

func (b *box) undone(n int, why string) func(context.Context) error {
	return func(ctx context.Context) error {
		clerk, err := b.acts("telecom", gate.CarrierClerk, 0)
		if err != nil {
			return err
		}
		if _, err := b.h.Acts.Undo(clerk, b.orders[n].ID, why); err != nil {
			return fmt.Errorf("demo: own network: %w", err)
		}
		return b.works(ctx)
	}
}

// works is a contact of the actuator with the hub.
func (b *box) works(ctx context.Context) error {
	if err := errors.Join(b.hand.Tend(ctx), b.hand.Round(ctx, b, 0)); err != nil {
		return fmt.Errorf("demo: actuator: %w", err)
	}
	return nil
}

// Do is the hub as the actuator's account sees it, without the network between.
func (b *box) Do(ctx context.Context, _, path string, body, out any, _ string) error {
	own, err := b.acts(b.member, gate.Actuator, 0)
	if err != nil {
		return err
	}
	who, _ := gate.From(own)
	who.Session, who.Token, who.Scopes = "", "demo", []string{"act.*"}
	ctx = gate.With(ctx, who)
	id, what, _ := strings.Cut(strings.TrimPrefix(path, "/api/v1/act-orders/"), "/")
	switch in := body.(type) {
	case act.Contact:
		*out.(*act.Jobs), err = b.h.Acts.Work(ctx, in)
	case act.Warning:
		err = b.h.Acts.Warn(ctx, in)
	case act.Dried:
		_, err = b.h.Acts.Dry(ctx, id, in)
	case act.Claim:
		*out.(*act.Carry), err = b.h.Acts.Take(ctx, id, in)
	case act.Outcome:
		_, err = b.h.Acts.Tell(ctx, id, in)
	default:
		if what != "targets" {
			return fmt.Errorf("BUG: demo: the actuator asks for %s", path)
		}
		*out.(*[]byte), err = b.h.Acts.Targets(ctx, id)
	}
	return err
}
