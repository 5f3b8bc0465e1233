package bgp

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
)

// tolerance is how much later or earlier than ordered a rule may end.
const tolerance = 2 * time.Second

// Live asks the speaker what it says to each router whose session stands. A rule
// is missing while one router that is to be told has no session, does not speak
// the family, or is not told.
func (s *speaker) Live(ctx context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bgp == nil {
		return nil, nil, errDry()
	}
	said, err := s.said(ctx)
	if err != nil {
		return nil, nil, fault.New(fault.Internal, "measure.bgp.ask").Because(err)
	}
	type claim struct {
		order string
		key   key
	}
	at, wanted := s.now(), make(map[claim]bool, len(want))
	for _, r := range want {
		wanted[claim{r.Order, keyOf(r)}] = true
		if r.Until.After(at) && !s.live(said, r) && len(missing) < mostDiff {
			missing = append(missing, r)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(s.held), byKey) {
		for order, until := range s.held[k].until {
			if !wanted[claim{order, k}] && until.After(at) && len(extra) < mostDiff {
				extra = append(extra, driver.Rule{Order: order, Kind: k.kind, To: k.to, From: k.from, Proto: k.proto, Port: k.port, Until: until})
			}
		}
	}
	return missing, extra, nil
}

// live reports whether every router that is to be told is told, until the rule's end.
func (s *speaker) live(said []map[name]bool, r driver.Rule) bool {
	h := s.held[keyOf(r)]
	if h == nil || h.until[r.Order].Sub(r.Until).Abs() > tolerance {
		return false
	}
	n := name{h.path.Family, h.path.Nlri.String()}
	for i, p := range s.routers {
		if p.takes(r.Kind) && !said[i][n] {
			return false
		}
	}
	return true
}

// said lists what each router is told: nothing without a session, and nothing of
// a family the router does not speak.
func (s *speaker) said(ctx context.Context) ([]map[name]bool, error) {
	speaks := map[string][]bgp.Family{}
	err := s.bgp.ListPeer(ctx, &api.ListPeerRequest{}, func(p *api.Peer) {
		if p.State.SessionState != api.PeerState_SESSION_STATE_ESTABLISHED {
			return
		}
		for _, c := range p.State.RemoteCap {
			if f := c.GetMultiProtocol().GetFamily(); f != nil {
				speaks[p.Conf.NeighborAddress] = append(speaks[p.Conf.NeighborAddress], bgp.NewFamily(uint16(f.Afi), uint8(f.Safi)))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	said := make([]map[name]bool, len(s.routers))
	for i, p := range s.routers {
		said[i] = map[name]bool{}
		for _, f := range speaks[p.addr.String()] {
			if !slices.Contains(families, f) {
				continue
			}
			err := s.bgp.ListPath(apiutil.ListPathRequest{TableType: api.TableType_TABLE_TYPE_ADJ_OUT, Name: p.addr.String(), Family: f},
				func(nlri bgp.NLRI, paths []*apiutil.Path) {
					if len(paths) > 0 {
						said[i][name{f, nlri.String()}] = true
					}
				})
			// A router that is told no rule of this family has no such table.
			if err != nil && !strings.Contains(err.Error(), "not supported") {
				return nil, err
			}
		}
	}
	return said, nil
}

// Close ends the sessions, which withdraws everything.
func (s *speaker) Close() error {
	if s.bgp == nil {
		return nil
	}
	s.mu.Lock()
	clear(s.held)
	s.mu.Unlock()
	close(s.done)
	s.bgp.Stop()
	s.over.Wait()
	return nil
}
