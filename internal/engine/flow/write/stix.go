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
	addrs map[netip.Addr]string // ids
	names map[string]string
	refs  []string // of one record
	b     []byte
	begun bool
	more  bool
}

func newSTIX(w io.Writer) *bundle {
	return &bundle{w: bufio.NewWriterSize(w, 1<<16), addrs: make(map[netip.Addr]string), names: make(map[string]string)}
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
	src, err := known(s, s.addrs, r.Src, stix.Address)
	if err != nil {
		return err
	}
	dst, err := known(s, s.addrs, r.Dst, stix.Address)
	if err != nil {
		return err
	}
	t := stix.Traffic{
		Start: time.Unix(0, r.Start), End: time.Unix(0, r.End), Src: src, Dst: dst, SrcPort: -1, DstPort: -1,
		Protocols: protocols(r), SrcBytes: int64(r.Bytes[record.Out]), DstBytes: int64(r.Bytes[record.In]),
		SrcPackets: int64(r.Packets[record.Out]), DstPkts: int64(r.Packets[record.In]), Community: r.Community(),
	}
	if r.Proto != packet.ProtoICMP && r.Proto != packet.ProtoICMPv6 && r.SrcPort|r.DstPort != 0 {
		t.SrcPort, t.DstPort = int(r.SrcPort), int(r.DstPort)
	}
	t.JA3, t.JA4 = fingerprints(r)
	var id string
	s.b, id = t.AppendJSON(s.b[:0])
	if err := s.put(s.b); err != nil {
		return err
	}
	s.refs = append(s.refs[:0], src, dst, id)
	for _, name := range domains(r) {
		id, err := known(s, s.names, name, stix.Domain)
		if err != nil {
			return err
		}
		s.refs = append(s.refs, id)
	}
	s.b = stix.Maker{At: t.End}.AppendObserved(s.b[:0], t.Start, t.End, 1, s.refs...)
	return s.put(s.b)
}

// known returns the id of an address or a name, and writes the object unless it
// was written before.
func known[K comparable](s *bundle, ids map[K]string, k K, object func(K) stix.Object) (string, error) {
	if id, ok := ids[k]; ok {
		return id, nil
	}
	o := object(k)
	if len(s.addrs)+len(s.names) < maxKnown {
		ids[k] = o.ID()
	}
	b, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	return o.ID(), s.put(b)
}

// put writes one object.
func (s *bundle) put(b []byte) error {
	if s.more {
		if err := s.w.WriteByte(','); err != nil {
			return err
		}
	}
	s.more = true
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.w.WriteByte('\n')
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
