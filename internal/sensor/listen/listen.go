// Package listen receives flow exports over UDP: several sockets share an
// address (SO_REUSEPORT), each with a decoder of its own, and the kernel gives
// every exporter's datagrams to the same one. What the kernel dropped, who was
// turned away and what every exporter lost is counted.
package listen

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"noroshi/internal/engine/flow/export"
)

// Options say where to listen and to whom.
type Options struct {
	NetFlow []string       // addresses as host:port that take NetFlow and IPFIX
	SFlow   []string       // addresses that take sFlow
	From    []netip.Prefix // exporters that are heard; none means all
	Workers int            // sockets per address, 1 to MaxWorkers
	Buffer  int            // octets of receive buffer to ask the kernel for, per socket
	Rows    int            // of a batch; 0 takes the default
	Limits  export.Limits
	// Now tells the time that datagrams are received at.
	Now func() time.Time
	// Take is given the rows of a batch, which it must not keep. Calls for one
	// worker come one after the other; those of several may overlap.
	Take func(worker int, b *export.Batch) error
}

// MaxWorkers bounds the sockets of an address.
const MaxWorkers = 64

// DefaultBuffer is asked for per socket; the kernel may give less
// (net.core.rmem_max).
const DefaultBuffer = 32 << 20

// pause is how long a socket may be silent before its rows are handed on.
const pause = 200 * time.Millisecond

// maxDatagram is what UDP can carry.
const maxDatagram = 65535

// Summary is what was received and lost.
type Summary struct {
	Datagrams   uint64     `json:"datagrams"`
	Octets      uint64     `json:"bytes"`
	Records     uint64     `json:"records"`
	Refused     uint64     `json:"refused"`        // from addresses that are not heard
	Foreign     uint64     `json:"foreign"`        // of another kind than the address takes
	Unreadable  uint64     `json:"unreadable"`     // of no version that is read, or malformed
	KernelDrops uint64     `json:"kernel_drops"`   // dropped because the receive buffer was full
	Forgotten   uint64     `json:"forgotten"`      // exporters dropped to stay within the limits
	Buffer      int        `json:"receive_buffer"` // what the kernel gave the smallest socket
	Exporters   []Exporter `json:"exporters"`
}

// Exporter is one exporter with its counters.
type Exporter struct {
	Addr     netip.Addr `json:"exporter"`
	Agent    netip.Addr `json:"agent,omitzero"`
	Kind     string     `json:"kind"`
	Domain   uint32     `json:"domain"`
	Sampling uint32     `json:"sampling,omitempty"`
	First    time.Time  `json:"first"`
	Last     time.Time  `json:"last"`
	export.Counts
}

// Listener holds open sockets.
type Listener struct {
	o       Options
	workers []*worker
}

// worker is one socket and its decoder.
type worker struct {
	conn    *net.UDPConn
	sflow   bool
	decoder *export.Decoder
	batch   *export.Batch
	failed  error // of Take
	mu      sync.Mutex
	sum     Summary
}

// Open opens all sockets. The error names the address that could not be had.
func Open(o Options) (*Listener, error) {
	o.Workers = min(max(o.Workers, 1), MaxWorkers)
	if o.Buffer <= 0 {
		o.Buffer = DefaultBuffer
	}
	l := &Listener{o: o}
	for _, a := range o.NetFlow {
		if err := l.open(a, false); err != nil {
			l.Close()
			return nil, err
		}
	}
	for _, a := range o.SFlow {
		if err := l.open(a, true); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *Listener) open(address string, sflow bool) error {
	conns, buffer, err := sockets(address, l.o.Workers, l.o.Buffer)
	for _, c := range conns {
		w := &worker{conn: c, sflow: sflow, decoder: export.NewDecoder(l.o.Limits)}
		w.sum.Buffer = buffer
		n := len(l.workers)
		w.batch = export.NewBatch(l.o.Rows, func(b *export.Batch) {
			if w.failed == nil {
				w.failed = l.o.Take(n, b)
			}
		})
		l.workers = append(l.workers, w)
	}
	return err
}

// Addrs returns the addresses that are listened on, by socket.
func (l *Listener) Addrs() []netip.AddrPort {
	var all []netip.AddrPort
	for _, w := range l.workers {
		all = append(all, w.conn.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	return all
}

// Workers returns how many sockets there are: the numbers given to Take are
// below it.
func (l *Listener) Workers() int { return len(l.workers) }

// Close closes the sockets.
func (l *Listener) Close() {
	for _, w := range l.workers {
		w.conn.Close()
	}
}

// Run receives until ctx ends, which is no error, or until Take or a socket
// fails. All rows are handed over and all sockets closed when it returns.
func (l *Listener) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, l.Close)
	defer stop()
	for _, w := range l.workers {
		g.Go(func() error { return l.receive(ctx, w) })
	}
	err := g.Wait()
	l.Close()
	return err
}

func (l *Listener) receive(ctx context.Context, w *worker) error {
	buf, oob := make([]byte, maxDatagram), make([]byte, oobSize())
	defer func() { clear(buf) }() // sampled packets carry payload
	flush := func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.batch.Flush()
		return w.failed
	}
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.decoder.Wipe()
	}()
	deadline := time.Time{}
	for {
		// A deadline costs a system call or more, so it is set once per pause.
		if now := time.Now(); now.After(deadline) {
			if err := flush(); err != nil {
				return err
			}
			deadline = now.Add(pause)
			if err := w.conn.SetReadDeadline(deadline); err != nil && ctx.Err() == nil {
				return err
			}
		}
		n, control, _, from, err := w.conn.ReadMsgUDPAddrPort(buf, oob)
		switch {
		case ctx.Err() != nil:
			return flush()
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return errors.Join(err, flush())
		}
		w.mu.Lock()
		if drops, ok := dropped(oob[:control]); ok {
			w.sum.KernelDrops = uint64(drops)
		}
		l.datagram(w, from.Addr().Unmap(), buf[:n])
		clear(buf[:n])
		err = w.failed
		w.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

func (l *Listener) datagram(w *worker, from netip.Addr, data []byte) {
	w.sum.Datagrams++
	w.sum.Octets += uint64(len(data))
	if len(l.o.From) > 0 && !slices.ContainsFunc(l.o.From, func(p netip.Prefix) bool { return p.Contains(from) }) {
		w.sum.Refused++
		return
	}
	if len(data) >= 4 && (binary.BigEndian.Uint32(data) == 5) != w.sflow {
		w.sum.Foreign++
		return
	}
	if w.decoder.Decode(from, l.o.Now().UnixNano(), data, w.batch) != nil {
		w.sum.Unreadable++
	}
}

// Summary returns what was received until now; it may be called while Run
// runs. An exporter that sends to several addresses is one line.
func (l *Listener) Summary() Summary {
	var s Summary
	type id struct {
		addr   netip.Addr
		kind   string
		domain uint32
	}
	seen := map[id]int{}
	for i, w := range l.workers {
		w.mu.Lock()
		one, stats, exporters := w.sum, w.decoder.Stats(), w.decoder.Exporters()
		w.mu.Unlock()
		s.Datagrams += one.Datagrams
		s.Octets += one.Octets
		s.Refused += one.Refused
		s.Foreign += one.Foreign
		s.Unreadable += one.Unreadable
		s.KernelDrops += one.KernelDrops
		s.Forgotten += stats.ExportersEvicted
		s.Records += stats.Gone.Records
		if i == 0 || one.Buffer < s.Buffer {
			s.Buffer = one.Buffer
		}
		for _, e := range exporters {
			s.Records += e.Records
			k := id{e.Addr, e.Kind.String(), e.Domain}
			at, ok := seen[k]
			if !ok {
				seen[k] = len(s.Exporters)
				s.Exporters = append(s.Exporters, Exporter{e.Addr, e.Agent, k.kind, e.Domain, e.Sampling,
					time.Unix(0, e.FirstAt).UTC(), time.Unix(0, e.LastAt).UTC(), e.Counts})
				continue
			}
			x := &s.Exporters[at]
			x.Counts.Add(&e.Counts)
			if first := time.Unix(0, e.FirstAt).UTC(); first.Before(x.First) {
				x.First = first
			}
			if last := time.Unix(0, e.LastAt).UTC(); last.After(x.Last) {
				x.Last = last
			}
		}
	}
	slices.SortFunc(s.Exporters, func(a, b Exporter) int {
		if c := a.Addr.Compare(b.Addr); c != 0 {
			return c
		}
		return int(int64(a.Domain) - int64(b.Domain))
	})
	return s
}
