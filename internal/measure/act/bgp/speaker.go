package bgp

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"
)

const (
	mostLines = 1000            // of Show
	mostDiff  = 100             // of Live, each way
	glance    = 5 * time.Second // ends are looked at this often, whatever the clock did
)

// speaker is the driver.
type speaker struct {
	settings
	bgp  *server.BgpServer
	mu   sync.Mutex // the ends of rules come when they come
	held map[key]*held
	wake chan struct{} // an end may have come nearer
	done chan struct{} // closed by Close
	over sync.WaitGroup
}

// held is a route that is announced, and the orders that want it.
type held struct {
	path  *apiutil.Path
	until map[string]time.Time // order → its end
}

// last is when the last order ends.
func (h *held) last() (t time.Time) {
	for _, u := range h.until {
		if u.After(t) {
			t = u
		}
	}
	return t
}

// Open starts the speaker and its sessions and returns at once: routers come when
// they come, and Live says which have not. One process has one speaker: the
// library keeps some of its settings in one place for all.
func Open(c Config) (driver.Driver, error) { return start(c, driver.Steady()) }

// Dry returns a driver that can Check and Show and has no sessions: for a look at
// what would be announced, beside a process that works or without any.
func Dry(c Config) (driver.Driver, error) {
	read, err := c.read()
	if err != nil {
		return nil, err
	}
	return &speaker{settings: read, held: map[key]*held{}}, nil
}

// errDry is told who asks more of a Dry driver.
func errDry() error { return fault.New(fault.Refused, "measure.bgp.dry") }

func start(c Config, now func() time.Time) (*speaker, error) {
	read, err := c.read()
	if err != nil {
		return nil, err
	}
	read.now = now
	s := &speaker{settings: read, held: map[key]*held{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
	level := new(slog.LevelVar)
	s.bgp = server.NewBgpServer(server.LoggerOption(slog.New(slog.DiscardHandler), level))
	s.over.Go(s.bgp.Serve)
	if err := s.begin(context.Background()); err != nil {
		s.bgp.Stop()
		return nil, fault.New(fault.Internal, "measure.bgp.start").Because(err)
	}
	s.over.Go(s.tend)
	return s, nil
}

func (s *speaker) begin(ctx context.Context) error {
	err := s.bgp.StartBgp(ctx, &api.StartBgpRequest{Global: &api.Global{Asn: uint32(s.AS), RouterId: s.id.String(),
		ListenPort: int32(s.Listen), ListenAddresses: s.listenOn}})
	if err != nil {
		return err
	}
	// What we say ourselves comes into the table, and nothing that a router says.
	own := &api.Policy{Name: "own", Statements: []*api.Statement{{Name: "own",
		Conditions: &api.Conditions{RouteType: api.Conditions_ROUTE_TYPE_LOCAL}, Actions: &api.Actions{RouteAction: api.RouteAction_ROUTE_ACTION_ACCEPT}}}}
	if err := s.bgp.AddPolicy(ctx, &api.AddPolicyRequest{Policy: own}); err != nil {
		return err
	}
	for _, direction := range []api.PolicyDirection{api.PolicyDirection_POLICY_DIRECTION_IMPORT, api.PolicyDirection_POLICY_DIRECTION_EXPORT} {
		err := s.bgp.SetPolicyAssignment(ctx, &api.SetPolicyAssignmentRequest{Assignment: &api.PolicyAssignment{Name: "global",
			Direction: direction, Policies: []*api.Policy{own}, DefaultAction: api.RouteAction_ROUTE_ACTION_REJECT}})
		if err != nil {
			return err
		}
	}
	for _, p := range s.routers {
		if err := s.bgp.AddPeer(ctx, &api.AddPeerRequest{Peer: p.peer()}); err != nil {
			return fmt.Errorf("router %s: %w", p.addr, err)
		}
	}
	return nil
}

// peer is the session with a router.
func (p router) peer() *api.Peer {
	out := &api.Peer{
		Conf:      &api.PeerConf{NeighborAddress: p.addr.String(), PeerAsn: p.as, AuthPassword: p.password},
		Transport: &api.Transport{PassiveMode: p.passive, RemotePort: uint32(p.port)},
		Timers:    &api.Timers{Config: &api.TimersConfig{HoldTime: holdTime, KeepaliveInterval: holdTime / 3, ConnectRetry: 5, IdleHoldTimeAfterReset: 5}},
	}
	if p.local.IsValid() {
		out.Transport.LocalAddress = p.local.String()
	}
	switch {
	case !p.plain:
		// Packets that came from further away than the router cannot have been
		// its (RFC 5082, section 3).
		out.TtlSecurity = &api.TtlSecurity{Enabled: true, TtlMin: uint32(256 - p.hops)}
	case p.hops > 1:
		out.EbgpMultihop = &api.EbgpMultihop{Enabled: true, MultihopTtl: uint32(p.hops)}
	}
	for _, f := range families {
		flow := f == bgp.RF_FS_IPv4_UC || f == bgp.RF_FS_IPv6_UC
		if flow && !p.flowspec || !flow && !p.blackhole {
			continue
		}
		family := &api.Family{Afi: api.Family_Afi(f.Afi()), Safi: api.Family_Safi(f.Safi())}
		out.AfiSafis = append(out.AfiSafis, &api.AfiSafi{Config: &api.AfiSafiConfig{Family: family, Enabled: true},
			PrefixLimits: &api.PrefixLimit{Family: family, MaxPrefixes: mostHeard}})
	}
	return out
}

// tend withdraws what has ended, until Close.
func (s *speaker) tend() {
	timer := time.NewTimer(glance)
	defer timer.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		case <-timer.C:
		}
		timer.Reset(s.expire())
	}
}

// expire withdraws what has ended and returns how long nothing will.
func (s *speaker) expire() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, next := s.now(), glance
	for k, h := range s.held {
		maps.DeleteFunc(h.until, func(_ string, until time.Time) bool { return !until.After(at) })
		if len(h.until) > 0 {
			next = min(next, h.last().Sub(at))
			continue
		}
		if err := s.withdraw(h); err != nil {
			next = min(next, time.Second) // and again; a speaker that has stopped announces nothing
			continue
		}
		delete(s.held, k)
	}
	return next
}

func (s *speaker) withdraw(h *held) error {
	return s.bgp.DeletePath(apiutil.DeletePathRequest{Paths: []*apiutil.Path{h.path}})
}

// plan says which routes come and go, and what is held afterwards. Rules taken
// away go first, so that one in both lists is there with its new end.
func (s *speaker) plan(add, remove []driver.Rule) (after map[key]*held, come, gone []key, err error) {
	after = map[key]*held{}
	at := s.now()
	touch := func(k key) *held {
		if after[k] == nil {
			after[k] = &held{until: map[string]time.Time{}}
			if h := s.held[k]; h != nil {
				after[k] = &held{h.path, maps.Clone(h.until)}
			}
		}
		return after[k]
	}
	for _, r := range remove {
		delete(touch(keyOf(r)).until, r.Order)
	}
	for _, r := range add {
		if r.Until.After(at) {
			touch(keyOf(r)).until[r.Order] = r.Until
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(after), byKey) {
		h, is := after[k], s.held[k] != nil
		switch {
		case len(h.until) == 0 && is:
			gone = append(gone, k)
		case len(h.until) > 0 && !is:
			if h.path, err = s.route(k); err != nil {
				return nil, nil, nil, fault.New(fault.Internal, "measure.bgp.route").Because(err)
			}
			come = append(come, k)
		}
	}
	return after, come, gone, nil
}

func byKey(a, b key) int {
	return cmp.Or(strings.Compare(string(a.kind), string(b.kind)), a.to.Addr().Compare(b.to.Addr()), a.to.Bits()-b.to.Bits(),
		a.from.Addr().Compare(b.from.Addr()), a.from.Bits()-b.from.Bits(), int(a.proto)-int(b.proto), int(a.port)-int(b.port))
}

// Show says what would be announced and withdrawn, and to whom.
func (s *speaker) Show(add, remove []driver.Rule) (lines []string, more int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after, come, gone, err := s.plan(add, remove)
	if err != nil {
		return nil, 0, err
	}
	say := func(verb string, k key, h *held, rest string) {
		if len(lines) == mostLines {
			more++
			return
		}
		var to []string
		for _, p := range s.routers {
			if p.takes(k.kind) {
				to = append(to, p.addr.String())
			}
		}
		lines = append(lines, fmt.Sprintf("%s %s %s%s → %s", verb, k.family(), h.path.Nlri, rest, strings.Join(to, ", ")))
	}
	for _, k := range gone {
		say("withdraw", k, s.held[k], "")
	}
	for _, k := range come {
		say("announce", k, after[k], describe(after[k].path))
	}
	return lines, more, nil
}

// describe writes the attributes that a reader looks for.
func describe(p *apiutil.Path) string {
	text := ""
	for _, a := range p.Attrs {
		switch a := a.(type) {
		case *bgp.PathAttributeCommunities, *bgp.PathAttributeExtendedCommunities:
			text += " " + a.String()
		case *bgp.PathAttributeMpReachNLRI:
			if a.Nexthop.IsValid() {
				text += " {Nexthop: " + a.Nexthop.String() + "}"
			}
		}
	}
	return text
}

// Apply announces and withdraws: all of it, or a fault and nothing.
func (s *speaker) Apply(ctx context.Context, add, remove []driver.Rule) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bgp == nil {
		return errDry()
	}
	if err := s.check(add); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	after, come, gone, err := s.plan(add, remove)
	if err != nil {
		return err
	}
	if err := s.tell(after, come, gone); err != nil {
		return fault.New(fault.Internal, "measure.bgp.route").Because(err)
	}
	for k, h := range after {
		if s.held[k] = h; len(h.until) == 0 {
			delete(s.held, k)
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// tell changes the speaker's table. Announcing is what can fail, so it goes
// first, and what was announced is taken back.
func (s *speaker) tell(after map[key]*held, come, gone []key) error {
	paths := func(list []key, in map[key]*held) (out []*apiutil.Path) {
		for _, k := range list {
			out = append(out, in[k].path)
		}
		return out
	}
	fresh, old := paths(come, after), paths(gone, s.held)
	var err error
	if len(fresh) > 0 {
		_, err = s.bgp.AddPath(apiutil.AddPathRequest{Paths: fresh})
	}
	if len(old) > 0 && err == nil {
		err = s.bgp.DeletePath(apiutil.DeletePathRequest{Paths: old}) // all of them, or none
	}
	if err != nil {
		for _, p := range fresh { // one by one: the speaker knows nothing of some
			_ = s.bgp.DeletePath(apiutil.DeletePathRequest{Paths: []*apiutil.Path{p}})
		}
	}
	return err
}
