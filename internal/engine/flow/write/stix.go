package write

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"time"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/stix"
)

// maxKnown bounds how many ids of addresses and names are remembered so that
// each is written once. Beyond it some are written again, which STIX allows.
const maxKnown = 1 << 17

// bundle writes records as one STIX 2.1 bundle: for each an observed-data over
// its addresses, its network-traffic and the domain names that were asked for.
type bundle struct {
	w     *bufio.Writer
	known map[string]struct{}
	begun bool
	more  bool
}

func newSTIX(w io.Writer) *bundle {
	return &bundle{w: bufio.NewWriterSize(w, 1<<16), known: make(map[string]struct{})}
}

// bundleSpace is the name space of the ids of bundles written here.
var bundleSpace = [16]byte{0x6e, 0x6f, 0x72, 0x6f, 0x73, 0x68, 0x49, 0x02, 0xb1, 0x7e, 0x66, 0x6c, 0x6f, 0x77, 0x73, 0x00}

// begin opens the bundle. Its id follows from the first record.
func (s *bundle) begin(r *record.Record) error {
	if s.begun {
		return nil
	}
	s.begun = true
	var name [16]byte
	if r != nil {
		hi, lo := identity(r)
		binary.BigEndian.PutUint64(name[:8], hi)
		binary.BigEndian.PutUint64(name[8:], lo)
	}
	_, err := s.w.WriteString(`{"type":"bundle","id":"bundle--` + stix.UUID(bundleSpace, name[:]) + `","objects":[`)
	return err
}

// Write implements Writer.
func (s *bundle) Write(r *record.Record) error {
	if err := s.begin(r); err != nil {
		return err
	}
	objects := []stix.Object{stix.Address(r.Src), stix.Address(r.Dst)}
	t := stix.Traffic{
		Start: time.Unix(0, r.Start), End: time.Unix(0, r.End), Src: objects[0].ID(), Dst: objects[1].ID(), SrcPort: -1, DstPort: -1,
		Protocols: protocols(r), SrcBytes: int64(r.Bytes[record.Out]), DstBytes: int64(r.Bytes[record.In]),
		SrcPackets: int64(r.Packets[record.Out]), DstPkts: int64(r.Packets[record.In]), Community: r.Community(),
	}
	if r.Proto != packet.ProtoICMP && r.Proto != packet.ProtoICMPv6 && r.SrcPort|r.DstPort != 0 {
		t.SrcPort, t.DstPort = int(r.SrcPort), int(r.DstPort)
	}
	f := flatten(r)
	t.JA3, t.JA4 = f.ja3, f.ja4
	objects = append(objects, t.Object())
	for _, name := range domains(r) {
		objects = append(objects, stix.Domain(name))
	}
	seen := stix.Maker{At: t.End}.ObservedData(t.Start, t.End, 1, objects...)
	for _, o := range append(objects, seen) {
		if err := s.put(o); err != nil {
			return err
		}
	}
	return nil
}

func (s *bundle) put(o stix.Object) error {
	id := o.ID()
	if strings.Contains(id, "-addr--") || strings.HasPrefix(id, "domain-name--") {
		if _, ok := s.known[id]; ok {
			return nil
		}
		if len(s.known) < maxKnown {
			s.known[id] = struct{}{}
		}
	}
	b, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if s.more {
		b = append([]byte{','}, b...)
	}
	s.more = true
	_, err = s.w.Write(append(b, '\n'))
	return err
}

// Close implements Writer.
func (s *bundle) Close() error {
	if err := s.begin(nil); err != nil {
		return err
	}
	if _, err := s.w.WriteString("]}\n"); err != nil {
		return err
	}
	return s.w.Flush()
}

// protocols is the stack of a communication from below, as STIX names it.
func protocols(r *record.Record) []string {
	out := []string{"ipv6"}
	if r.Src.Is4() {
		out[0] = "ipv4"
	}
	out = append(out, strings.ToLower(eveProto(r.Proto)))
	if app := r.App.String(); app != "" && r.App != record.ICMPApp {
		out = append(out, app)
	}
	return out
}

// domains are the names of a record that are domain names as they were sent:
// what was shortened is none.
func domains(r *record.Record) []string {
	var all list
	add := func(n record.Name) {
		s := strings.TrimSuffix(strings.ToLower(n.String()), ".")
		if _, err := netip.ParseAddr(s); err != nil && !strings.ContainsAny(s, "{}+ ?") && strings.Contains(s, ".") {
			all.add(s)
		}
	}
	for i := range r.DNS {
		add(r.DNS[i].Name)
	}
	for i := range r.HTTP {
		add(r.HTTP[i].Host)
	}
	if r.TLS != nil {
		add(r.TLS.SNI)
	}
	if r.QUIC != nil {
		add(r.QUIC.SNI)
	}
	return strings.Fields(string(all.b))
}
