package synth

import (
	"container/heap"
	"encoding/binary"
	"io"
	"strings"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
)

// mostPackets bounds the packets of one communication in a capture: volumes
// are cut there, so that a day stays a file of a size that can be handed on.
const mostPackets = 24

// WriteCapture writes the packets of a day as a pcap file of raw IP: handshakes,
// questions and answers, greetings, and bodies of zeros. What a communication
// carries beyond 24 packets is left out.
func WriteCapture(w io.Writer, c Config) error {
	c.Naming = record.NewNaming([32]byte{}, true) // packets need whole names
	out, err := capture.NewWriter(w, capture.LinkRaw)
	if err != nil {
		return err
	}
	d := New(c)
	var waiting packets
	batch := make([]record.Record, 128)
	for {
		n := d.Next(batch)
		for i := range batch[:n] {
			f := frames{r: &batch[i], to: &waiting, at: batch[i].Start}
			f.write()
		}
		for len(waiting) > 0 && (n == 0 || waiting[0].At < batch[n-1].Start-minute) {
			p := heap.Pop(&waiting).(capture.Packet)
			if err := out.Write(&p); err != nil {
				return err
			}
		}
		if n == 0 {
			return nil
		}
	}
}

// packets wait for their time.
type packets []capture.Packet

func (p packets) Len() int           { return len(p) }
func (p packets) Less(i, j int) bool { return p[i].At < p[j].At }
func (p packets) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *packets) Push(x any)        { *p = append(*p, x.(capture.Packet)) }
func (p *packets) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

// frames makes the packets of one record.
type frames struct {
	r   *record.Record
	to  *packets
	at  int64
	seq [2]uint32
}

// TCP flags (RFC 9293 §3.1).
const (
	fin = 1
	syn = 2
	rst = 4
	psh = 8
	ack = 16
)

func (f *frames) write() {
	switch f.r.Proto {
	case 6:
		f.tcp()
	case 17:
		f.udp()
	case 1:
		f.send(record.Out, []byte{8, 0, 0, 0, 0, 1, 0, 1}, 56)
		if f.r.Packets[record.In] > 0 {
			f.send(record.In, []byte{0, 0, 0, 0, 0, 1, 0, 1}, 56)
		}
	}
}

// send adds a packet from a side: the header above IP, then body zeros.
func (f *frames) send(side int, head []byte, body int) {
	src, dst := f.r.Src, f.r.Dst
	if side == record.In {
		src, dst = dst, src
	}
	b := make([]byte, 20, 20+len(head)+body)
	b[0], b[8], b[9] = 0x45, 64, f.r.Proto
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(head)+body))
	s, t := src.As4(), dst.As4()
	copy(b[12:], s[:])
	copy(b[16:], t[:])
	b = append(append(b, head...), make([]byte, body)...)
	heap.Push(f.to, capture.Packet{Data: b, At: f.at, Orig: uint32(len(b)), Link: capture.LinkRaw})
	f.at += 2e5
}

func (f *frames) udp() {
	ask, answer := f.messages()
	f.datagram(record.Out, ask, f.r.Payload[record.Out])
	if f.r.Packets[record.In] > 0 {
		f.datagram(record.In, answer, f.r.Payload[record.In])
	}
}

// datagram sends a message, and zeros until the volume is there or the bound is.
func (f *frames) datagram(side int, message []byte, volume uint64) {
	for n := 0; n < mostPackets; n++ {
		size := min(int(volume), 1400)
		if message != nil {
			size = len(message)
		}
		head := make([]byte, 8, 8+len(message))
		from, to := f.r.SrcPort, f.r.DstPort
		if side == record.In {
			from, to = to, from
		}
		binary.BigEndian.PutUint16(head, from)
		binary.BigEndian.PutUint16(head[2:], to)
		binary.BigEndian.PutUint16(head[4:], uint16(8+size))
		f.send(side, append(head, message...), size-len(message))
		if volume -= min(volume, uint64(size)); volume == 0 || message != nil {
			return
		}
	}
}

func (f *frames) segment(side int, flags uint8, message []byte, zeros int) {
	head := make([]byte, 20, 20+len(message))
	from, to := f.r.SrcPort, f.r.DstPort
	if side == record.In {
		from, to = to, from
	}
	binary.BigEndian.PutUint16(head, from)
	binary.BigEndian.PutUint16(head[2:], to)
	binary.BigEndian.PutUint32(head[4:], f.seq[side])
	if flags&ack != 0 {
		binary.BigEndian.PutUint32(head[8:], f.seq[1-side])
	}
	head[12], head[13] = 5<<4, flags
	binary.BigEndian.PutUint16(head[14:], 64000)
	f.seq[side] += uint32(len(message) + zeros)
	if flags&(syn|fin) != 0 {
		f.seq[side]++
	}
	f.send(side, append(head, message...), zeros)
}

func (f *frames) tcp() {
	f.seq = [2]uint32{1000, 2000}
	switch f.r.State {
	case record.Tried:
		f.segment(record.Out, syn, nil, 0)
		return
	case record.Refused:
		f.segment(record.Out, syn, nil, 0)
		f.segment(record.In, rst|ack, nil, 0)
		return
	}
	f.segment(record.Out, syn, nil, 0)
	f.segment(record.In, syn|ack, nil, 0)
	f.segment(record.Out, ack, nil, 0)
	ask, answer := f.messages()
	left := [2]int{int(min(f.r.Payload[0], 1<<20)), int(min(f.r.Payload[1], 1<<20))}
	for n := 0; n < mostPackets && left[0]+left[1] > 0; n++ {
		for side := range 2 {
			message := ask
			if side == record.In {
				message = answer
			}
			if n > 0 {
				message = nil
			}
			if size := min(left[side], 1400); size > 0 {
				f.segment(side, psh|ack, message, max(size-len(message), 0))
				left[side] -= size
			}
		}
	}
	// Its end is at its end: what lies between is silence.
	f.at = max(f.at, f.r.End)
	f.segment(record.Out, fin|ack, nil, 0)
	f.segment(record.In, fin|ack, nil, 0)
	f.segment(record.Out, ack, nil, 0)
}

// messages are the first words of both sides; nil where zeros do.
func (f *frames) messages() (ask, answer []byte) {
	r := f.r
	switch {
	case len(r.DNS) > 0:
		return dns(&r.DNS[0], false), dns(&r.DNS[0], true)
	case r.TLS != nil:
		return hello(r.TLS.SNI.String()), nil
	case len(r.HTTP) > 0:
		return []byte("GET /dists HTTP/1.1\r\nHost: " + r.HTTP[0].Host.String() + "\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	case r.App == record.SSHApp:
		return []byte("SSH-2.0-libssh2_1.10.0\r\n"), []byte("SSH-2.0-OpenSSH_9.6\r\n")
	case r.App == record.NTP:
		m := make([]byte, 48)
		m[0] = 0x23
		return m, append([]byte{0x24}, m[1:]...)
	}
	return nil, nil
}

// dns is a message of DNS (RFC 1035 §4).
func dns(q *record.DNS, answer bool) []byte {
	b := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(q.Name.String(), ".") {
		b = append(append(b, byte(len(label)&63)), label[:len(label)&63]...)
	}
	b = append(b, 0, byte(q.Type>>8), byte(q.Type), 0, 1)
	if !answer {
		return b
	}
	b[2], b[3] = 0x81, 0x80|q.Rcode&15
	for _, a := range q.Addrs {
		if a.Is4() {
			v := a.As4()
			b = append(b, 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4)
			b = append(b, v[:]...)
			b[7]++
		}
	}
	return b
}

// hello is a ClientHello of TLS 1.2 and 1.3 for a name (RFC 8446 §4.1.2).
func hello(name string) []byte {
	ext := []byte{0, 43, 0, 5, 4, 3, 4, 3, 3, 0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 4, 0, 2, 4, 3, 0, 16, 0, 5, 0, 3, 2, 'h', '2'}
	if n := len(name); n > 0 {
		ext = append(ext, 0, 0, 0, byte(n+5), 0, byte(n+3), 0, 0, byte(n))
		ext = append(ext, name...)
	}
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0, 6, 0x13, 1, 0x13, 2, 0xc0, 0x2f, 1, 0)
	body = append(body, byte(len(ext)>>8), byte(len(ext)))
	body = append(body, ext...)
	shake := append([]byte{1, 0, byte(len(body) >> 8), byte(len(body))}, body...)
	return append([]byte{22, 3, 1, byte(len(shake) >> 8), byte(len(shake))}, shake...)
}
