package rpz

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"strings"
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
			if v == nil || z.exchange(ctx, p, zone, opcodeNotify|bitAA, z.layouts[zone].soa(v.zones[zone].serial), waits[try], nil) == nil {
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

// ask returns the serial of a zone by which a resolver holds names back: what it
// answers for the probe, as anybody's question. Without one it is the serial that
// it has fetched: its SOA, without recursion.
func (z *zone) ask(ctx context.Context, p peer, zone int) (serial uint32, err error) {
	bits := uint16(0)
	if z.layouts[zone].probe != "" {
		bits = bitRD
	}
	for _, wait := range waits[:3] {
		err = z.exchange(ctx, p, zone, bits, nil, wait, func(m *dns.Msg) (err error) {
			serial, err = z.layouts[zone].serialIn(m)
			return err
		})
		if err == nil || ctx.Err() != nil || !isTimeout(err) {
			return serial, err
		}
	}
	return 0, err
}

// serialIn finds the serial in a resolver's answer.
func (l *layout) serialIn(m *dns.Msg) (uint32, error) {
	for _, rr := range m.Answer {
		if l.probe == "" && isSOA(rr, l.zone) {
			return rr.(*dns.SOA).Serial, nil
		}
		if t, ok := rr.(*dns.TXT); ok && l.probe != "" && strings.EqualFold(t.Hdr.Name, l.probe+".") && len(t.Txt) == 1 {
			n, err := strconv.ParseUint(t.Txt[0], 10, 32)
			return uint32(n), err
		}
	}
	if l.probe != "" {
		return 0, errNoProbe
	}
	return 0, errNoZone
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

// exchange sends one message about a zone's SOA, or its probe when recursion is
// asked for, from the address that serves it, and waits for the answer.
func (z *zone) exchange(ctx context.Context, p peer, zone int, bits uint16, record []byte, wait time.Duration, take func(*dns.Msg) error) error {
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
	msg, mac := z.question(p, zone, bits, record)
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
		if m.Unpack(buf[:n]) != nil || m.Id != binary.BigEndian.Uint16(msg) || !m.Response || uint16(m.Opcode)<<11 != bits&opcodes {
			continue // somebody else's, or late
		}
		if mac != "" {
			if err := dns.TsigVerifyWithProvider(append([]byte{}, buf[:n]...), z.key, mac, false); err != nil {
				return err
			}
		}
		if m.Rcode == dns.RcodeNameError && take != nil {
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

// question makes a message about a zone's SOA or probe, signed when the resolver wants
// it so; mac is what its answer is verified with, in hex.
func (z *zone) question(p peer, zone int, bits uint16, record []byte) (msg []byte, mac string) {
	var id [2]byte
	_, _ = rand.Read(id[:]) // it does not fail
	msg = append(msg, id[:]...)
	answers := uint16(0)
	if record != nil {
		answers = 1
	}
	for _, n := range [...]uint16{bits, 1, answers, 0, 0} {
		msg = binary.BigEndian.AppendUint16(msg, n)
	}
	name, kind := z.layouts[zone].wire, uint16(typeSOA)
	if bits&bitRD != 0 {
		name, kind = wireName(z.layouts[zone].probe), typeTXT
	}
	msg = append(msg, name...)
	msg = binary.BigEndian.AppendUint16(msg, kind)
	msg = binary.BigEndian.AppendUint16(msg, classIN)
	msg = append(msg, record...)
	if p.signed && z.key != nil {
		s := &signer{key: z.key}
		msg = s.sign(msg, 0)
		mac = hex.EncodeToString(s.mac)
	}
	return msg, mac
}
