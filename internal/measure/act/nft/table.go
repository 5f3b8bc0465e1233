package nft

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"noroshi/internal/base/fault"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// hooks are where packets can be looked at, and the kernel's numbers for them.
var hooks = map[string]nftables.ChainHook{
	"forward": unix.NF_INET_FORWARD, "input": unix.NF_INET_LOCAL_IN, "output": unix.NF_INET_LOCAL_OUT,
}

// before is the chains' priority: ahead of the host's own filter. A drop here is
// final, an accept decides nothing for others.
const before nftables.ChainPriority = -10

// held is what the kernel says of our table.
type held struct {
	sets   map[shape]map[key]*element
	chains map[string]*chain // those of the configured hooks that exist
	asleep bool              // no such table, or one that does not look at packets
	slack  time.Duration     // how long the reading took: ends are known no better

	generation uint32 // of the kernel's rules, when it was read
}

// chain is one chain as found: whether it hangs where it should, and its rules.
type chain struct {
	hangs bool
	rules [][]expr.Any // nil where they cannot be read
}

// sound reports whether every hook's chain looks into every set that holds
// something, and does nothing else.
func (h *held) sound(hooks []string) bool {
	want := h.used()
	for _, name := range hooks {
		if c := h.chains[name]; c == nil || !c.hangs || !same(c.rules, want) {
			return false
		}
	}
	return !h.asleep
}

// used lists the shapes that hold something, in order of name.
func (h *held) used() (list []shape) {
	for s, set := range h.sets {
		if len(set) > 0 {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, byName)
	return list
}

func same(rules [][]expr.Any, want []shape) bool {
	if len(rules) != len(want) {
		return false
	}
	for i, s := range want {
		if !reflect.DeepEqual(rules[i], s.rule()) {
			return false
		}
	}
	return true
}

// table is ours, in every message.
func (f *firewall) table() *nftables.Table {
	return &nftables.Table{Name: f.Table, Family: nftables.TableFamilyINet}
}

// link is netlink, open for one exchange.
type link struct {
	*nftables.Conn
	generation uint32 // of the kernel's rules as it was opened: every transaction, of anybody, makes another
}

// dial opens netlink. The buffers hold a whole transaction and its answers, which
// needs CAP_NET_ADMIN like everything else here.
func dial(ctx context.Context, size int) (*link, error) {
	l := &link{}
	c, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		until, ok := ctx.Deadline()
		if !ok {
			until = time.Now().Add(time.Minute) // the kernel answers at once, or something is lost
		}
		return errors.Join(c.SetDeadline(until), c.SetReadBuffer(8<<20), c.SetWriteBuffer(size+1<<20), c.SetOption(netlink.CapAcknowledge, true), l.greet(c))
	}))
	l.Conn = c
	return l, err
}

// greet asks for the generation, and receives the answer into a large buffer: the
// kernel makes the pieces of a listing as large as the largest buffer it has seen,
// and walks a set from its beginning for each piece. In pieces of a page, 100,000
// elements take eight times as long.
func (l *link) greet(c *netlink.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	ask := make([]byte, 20) // nlmsghdr and nfgenmsg
	binary.NativeEndian.PutUint32(ask[0:], uint32(len(ask)))
	binary.NativeEndian.PutUint16(ask[4:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN)
	binary.NativeEndian.PutUint16(ask[6:], unix.NLM_F_REQUEST)
	told := raw.Control(func(fd uintptr) {
		if err = unix.Sendto(int(fd), ask, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			return
		}
		answer := make([]byte, 64<<10)
		var n int
		if n, _, err = unix.Recvfrom(int(fd), answer, 0); err != nil { // netlink answers before Sendto returns
			return
		}
		// The two headers, then the attribute NFTA_GEN_ID, in the network's order.
		if n < 28 || binary.NativeEndian.Uint16(answer[4:]) != unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWGEN || binary.NativeEndian.Uint16(answer[22:]) != unix.NFTA_GEN_ID {
			err = fmt.Errorf("generation: %x", answer[:min(n, 64)])
			if n >= 20 && binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
				err = unix.Errno(-int32(binary.NativeEndian.Uint32(answer[16:])))
			}
			return
		}
		l.generation = binary.BigEndian.Uint32(answer[24:])
	})
	return errors.Join(told, err)
}

// errMoving is a listing in which something stands twice: the kernel gave a set's
// hash another size meanwhile, and something else is left out.
var errMoving = errors.New("the set is being rehashed")

// read returns what our table holds: as last seen while the kernel's generation is
// the same, and otherwise asked anew. What has ended since is left out, unless so
// little time has passed that the kernel may still hold it.
func (f *firewall) read() (*held, error) {
	if f.last != nil {
		c, err := dial(context.Background(), 0)
		if err != nil {
			return nil, broken(err)
		}
		defer c.CloseLasting()
		if c.generation == f.last.generation {
			f.last.forget(f.now())
			return f.last, nil
		}
	}
	return f.ask()
}

func (h *held) forget(now time.Time) {
	for _, set := range h.sets {
		maps.DeleteFunc(set, func(_ key, e *element) bool { return !e.ends.IsZero() && now.Sub(e.ends) > tolerance+h.slack })
	}
}

// ask asks the kernel for our table. A listing that was disturbed is asked for
// again.
func (f *firewall) ask() (h *held, err error) {
	f.last = nil
	for range attempts {
		if h, err = f.list(); err == nil {
			return h, nil
		}
		time.Sleep(pause)
	}
	return nil, broken(err)
}

func (f *firewall) list() (*held, error) {
	c, err := dial(context.Background(), 0)
	if err != nil {
		return nil, err
	}
	defer c.CloseLasting()
	h := &held{sets: map[shape]map[key]*element{}, chains: map[string]*chain{}, asleep: true, generation: c.generation}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(tables, func(t *nftables.Table) bool { return t.Name == f.Table }); i >= 0 {
		// The library reads the flags in the machine's byte order, the kernel sends
		// them in the network's.
		h.asleep = tables[i].Flags&(unix.NFT_TABLE_F_DORMANT|bits.ReverseBytes32(unix.NFT_TABLE_F_DORMANT)) != 0
		if err := errors.Join(f.listSets(c.Conn, h), f.listChains(c.Conn, h)); err != nil {
			return nil, err
		}
	}
	again, err := dial(context.Background(), 0)
	if err != nil {
		return nil, err
	}
	defer again.CloseLasting()
	if again.generation == h.generation {
		f.last = h
	}
	return h, nil
}

func (f *firewall) listSets(c *nftables.Conn, h *held) error {
	sets, err := c.GetSets(f.table())
	if err != nil {
		return err
	}
	now, began := f.now(), time.Now()
	defer func() { h.slack = time.Since(began) }()
	for _, set := range sets {
		s, ok := shapeOf(set.Name)
		if !ok {
			continue
		}
		elements, err := c.GetSetElements(set)
		if err != nil {
			return err
		}
		h.sets[s] = make(map[key]*element, len(elements))
		for _, e := range elements {
			k, ok := s.key(e.Key)
			if !ok {
				return fmt.Errorf("set %s: key %x", set.Name, e.Key)
			}
			if h.sets[s][k] != nil {
				return errMoving
			}
			found := &element{holds: holdsOf(e.Comment)}
			if e.Timeout > 0 {
				found.ends = now.Add(e.Expires)
			}
			h.sets[s][k] = found
		}
	}
	return nil
}

func (f *firewall) listChains(c *nftables.Conn, h *held) error {
	chains, err := c.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return err
	}
	for _, found := range chains {
		if found.Table.Name != f.Table || !slices.Contains(f.Hooks, found.Name) {
			continue
		}
		want := f.chain(found.Name)
		own := &chain{hangs: found.Hooknum != nil && *found.Hooknum == *want.Hooknum && found.Priority != nil && *found.Priority == before &&
			found.Type == want.Type && found.Policy != nil && *found.Policy == nftables.ChainPolicyAccept}
		h.chains[found.Name] = own
		rules, err := c.GetRules(f.table(), found)
		if err != nil {
			continue // an expression the library cannot read is not one of ours
		}
		own.rules = [][]expr.Any{}
		for _, r := range rules {
			own.rules = append(own.rules, r.Exprs)
		}
	}
	return nil
}

func (f *firewall) chain(hook string) *nftables.Chain {
	accept := nftables.ChainPolicyAccept
	return &nftables.Chain{Name: hook, Table: f.table(), Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookRef(hooks[hook]), Priority: nftables.ChainPriorityRef(before), Policy: &accept}
}

// set is the shape's set in the table. Its id only ties messages of one
// transaction together; ours are tied by name.
func (f *firewall) set(s shape) *nftables.Set {
	return &nftables.Set{Table: f.table(), ID: 1, Name: s.String(), KeyType: s.datatype(), HasTimeout: true, Counter: true}
}

// rule is what a chain does for a shape: puts the packet's masked addresses,
// protocol and destination port one behind the other into the registers, as they
// stand in the set, and drops what the set holds.
func (s shape) rule() []expr.Any {
	family := byte(unix.NFPROTO_IPV4)
	source, destination := uint32(12), uint32(16)
	if s.six {
		family, source, destination = unix.NFPROTO_IPV6, 8, 24
	}
	list := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register(0)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register(0), Data: []byte{family}},
	}
	slot := 0
	width := uint32(s.width())
	for _, a := range []struct {
		bits   int
		offset uint32
	}{{s.from, source}, {s.to, destination}} {
		if a.bits < 0 {
			continue
		}
		list = append(list, &expr.Payload{DestRegister: register(slot), Base: expr.PayloadBaseNetworkHeader, Offset: a.offset, Len: width})
		if a.bits < int(width)*8 {
			list = append(list, &expr.Bitwise{SourceRegister: register(slot), DestRegister: register(slot), Len: width,
				Mask: net.CIDRMask(a.bits, int(width)*8), Xor: make([]byte, width)})
		}
		slot += int(width) / 4
	}
	if s.proto {
		list = append(list, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register(slot)})
		slot++
	}
	if s.port {
		list = append(list, &expr.Payload{DestRegister: register(slot), Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2})
	}
	return append(list, &expr.Lookup{SourceRegister: register(0), SetName: s.String()}, &expr.Verdict{Kind: expr.VerdictDrop})
}

// register names the nth four bytes as the kernel names them back: whole
// registers of sixteen where one begins.
func register(slot int) uint32 {
	if slot%4 == 0 {
		return uint32(unix.NFT_REG_1 + slot/4)
	}
	return uint32(unix.NFT_REG32_00 + slot)
}

// text is the rule as nft writes it.
func (s shape) text() string {
	family := "ip"
	if s.six {
		family = "ip6"
	}
	var parts []byte
	add := func(p string) {
		if parts != nil {
			parts = append(parts, " . "...)
		}
		parts = append(parts, p...)
	}
	for _, a := range []struct {
		bits int
		name string
	}{{s.from, "saddr"}, {s.to, "daddr"}} {
		switch {
		case a.bits == s.width()*8:
			add(family + " " + a.name)
		case a.bits >= 0:
			mask, _ := netip.AddrFromSlice(net.CIDRMask(a.bits, s.width()*8))
			add(family + " " + a.name + " & " + mask.String())
		}
	}
	if s.proto {
		add("meta l4proto")
	}
	if s.port {
		add("th dport")
	}
	return string(parts) + " @" + s.String() + " drop"
}

// broken turns what netlink says into a fault: a missing capability is told apart.
func broken(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fault.New(fault.Refused, "measure.nft.capability").Because(err)
	}
	return fault.New(fault.Internal, "measure.nft.read").Because(err)
}

// text is the key as nft writes it.
func (k key) text() string {
	s := ""
	add := func(p string) {
		if s != "" {
			s += " . "
		}
		s += p
	}
	for _, p := range []netip.Prefix{k.from, k.to} {
		if p.IsValid() {
			add(p.Addr().String())
		}
	}
	if k.proto != 0 {
		add(fmt.Sprint(k.proto))
	}
	if k.port != 0 {
		add(fmt.Sprint(k.port))
	}
	return s
}
