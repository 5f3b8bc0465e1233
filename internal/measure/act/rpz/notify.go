package rpz

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"time"

	"github.com/miekg/dns"
)

// waits are how long an answer is waited for, one try after the other. A resolver
// that was away the whole time finds the zone changed at its own next question.
var waits = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}

const opcodeNotify = 4 << 11

// tell tells one resolver of every change of a zone until it says that it knows
// (RFC 1996), and begins anew when the zone changes meanwhile.
func (z *zone) tell(ctx context.Context, p peer, zone int, bell <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-bell:
		}
		for try := 0; try < len(waits); try++ {
			v := z.serving.Load()
			if v == nil || z.exchange(ctx, p, z.changed(zone, v), waits[try], nil) == nil {
				break
			}
			select {
			case <-bell:
				try = -1
			default:
			}
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// ask returns the serial of a zone that a resolver holds. With a probe it is ours,
// when the resolver answers for the name of that serial as anybody's question: it
// holds names back by it. Without one it is the serial that it has fetched: its
// SOA, without recursion.
func (z *zone) ask(ctx context.Context, p peer, zone int, ours uint32) (serial uint32, err error) {
	l := z.layouts[zone]
	q := query{name: l.wire, kind: typeSOA}
	take := func(m *dns.Msg) error {
		for _, rr := range m.Answer {
			if isSOA(rr, l.zone) {
				serial = rr.(*dns.SOA).Serial
				return nil
			}
		}
		return errNoZone
	}
	if l.probe != "" {
		q = query{bits: bitRD, name: wireName(l.probeOf(ours)), kind: typeTXT}
		take = func(m *dns.Msg) error {
			for _, rr := range m.Answer {
				if t, ok := rr.(*dns.TXT); ok && len(t.Txt) == 1 && t.Txt[0] == probeText {
					serial = ours
					return nil
				}
			}
			return errNoProbe
		}
	}
	for _, wait := range waits[:3] {
		err = z.exchange(ctx, p, q, wait, take)
		if err == nil || ctx.Err() != nil || !isTimeout(err) {
			return serial, err
		}
	}
	return 0, err
}

var (
	errNoProbe = errors.New("the answer does not come from the policy zone")
	errNoZone  = errors.New("the answer has no SOA of the zone")
	errRefused = errors.New("the resolver refuses")
)

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// query is a question to a resolver.
type query struct {
	bits   uint16 // opcode and flags
	name   []byte
	kind   uint16
	answer []byte // record that stands in the answer section: of a notice of a change
}

// changed is the notice that a zone changed.
func (z *zone) changed(zone int, v *version) query {
	l := z.layouts[zone]
	return query{opcodeNotify | bitAA, l.wire, typeSOA, l.soa(v.zones[zone].serial)}
}

// exchange sends one question from the address that serves the zones, and waits for
// the answer.
func (z *zone) exchange(ctx context.Context, p peer, q query, wait time.Duration, take func(*dns.Msg) error) error {
	d := net.Dialer{Timeout: wait}
	if z.listen.IsValid() {
		d.LocalAddr = &net.UDPAddr{IP: z.listen.Addr().AsSlice(), Zone: z.listen.Addr().Zone()}
	}
	c, err := d.DialContext(ctx, "udp", p.addr.String())
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })()
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	msg, mac := z.question(p, q)
	if _, err := c.Write(msg); err != nil {
		return err
	}
	buf := make([]byte, maxQuery)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		var m dns.Msg
		if m.Unpack(buf[:n]) != nil || m.Id != binary.BigEndian.Uint16(msg) || !m.Response || uint16(m.Opcode)<<11 != q.bits&opcodes {
			continue // somebody else's, or late
		}
		if mac != "" {
			if err := dns.TsigVerifyWithProvider(append([]byte{}, buf[:n]...), z.key, mac, false); err != nil {
				return err
			}
		}
		if m.Rcode == dns.RcodeNameError && q.kind == typeTXT {
			return errNoProbe
		}
		if m.Rcode != dns.RcodeSuccess {
			return errRefused
		}
		if take != nil {
			return take(&m)
		}
		return nil
	}
}

// question makes a message, signed when the resolver wants it so; mac is what its
// answer is verified with, in hex.
func (z *zone) question(p peer, q query) (msg []byte, mac string) {
	var id [2]byte
	_, _ = rand.Read(id[:]) // it does not fail
	msg = append(msg, id[:]...)
	answers := uint16(0)
	if q.answer != nil {
		answers = 1
	}
	for _, n := range [...]uint16{q.bits, 1, answers, 0, 0} {
		msg = binary.BigEndian.AppendUint16(msg, n)
	}
	msg = append(msg, q.name...)
	msg = binary.BigEndian.AppendUint16(msg, q.kind)
	msg = binary.BigEndian.AppendUint16(msg, classIN)
	msg = append(msg, q.answer...)
	if p.signed && z.key != nil {
		s := &signer{key: z.key}
		msg = s.sign(msg, 0)
		mac = hex.EncodeToString(s.mac)
	}
	return msg, mac
}
