package rpz

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"noroshi/internal/base/fault"
)

// Bounds of the server: connections at a time, questions on one of them, how
// long a resolver may be silent, and how long it may take for one message.
const (
	maxConns  = 64
	maxAsked  = 1000
	maxSilent = 30 * time.Second
	maxSlow   = 30 * time.Second
)

// server answers on UDP and TCP.
type server struct {
	zone *zone
	udp  *net.UDPConn
	tcp  *net.TCPListener

	mu      sync.Mutex
	conns   map[net.Conn]bool // nil when it is closed
	running sync.WaitGroup
}

// serve begins to listen.
func serve(z *zone) (*server, error) {
	s := &server{zone: z, conns: map[net.Conn]bool{}}
	var err error
	if s.tcp, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(z.listen)); err == nil {
		if s.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(z.listen)); err != nil {
			_ = s.tcp.Close()
		}
	}
	if err != nil {
		return nil, fault.New(fault.Usage, "rpz.cannot_listen", "listen", z.listen.String()).Because(err)
	}
	s.running.Go(s.datagrams)
	s.running.Go(s.accept)
	return s, nil
}

func (s *server) close() {
	_ = s.tcp.Close()
	_ = s.udp.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.running.Wait()
}

// datagrams answers what comes by UDP: questions for the SOA.
func (s *server) datagrams() {
	buf := make([]byte, maxQuery+1)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of one datagram
		}
		s.handle(buf[:n], from.Addr(), false, func(msg []byte) error {
			_, err := s.udp.WriteToUDPAddrPort(msg, from)
			return err
		})
	}
}

// accept takes connections, of resolvers alone and not too many.
func (s *server) accept() {
	for {
		c, err := s.tcp.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond) // too many open files: others end
			continue
		}
		// A stranger takes no place that a resolver may need.
		from, err := netip.ParseAddrPort(c.RemoteAddr().String())
		s.mu.Lock()
		ok := err == nil && s.zone.peer(from.Addr()) != nil && s.conns != nil && len(s.conns) < maxConns
		if ok {
			s.conns[c] = true
		}
		s.mu.Unlock()
		if !ok {
			_ = c.Close()
			continue
		}
		s.running.Go(func() {
			s.talk(c, from.Addr())
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			_ = c.Close()
		})
	}
}

// talk answers the questions of one connection, each behind its length
// (RFC 7766 §8), until one is not whole or not in time.
func (s *server) talk(c *net.TCPConn, from netip.Addr) {
	var size [2]byte
	var out []byte
	for range maxAsked {
		_ = c.SetDeadline(time.Now().Add(maxSilent)) // reading fails when it could not be set
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint16(size[:]))
		if len(msg) > maxQuery {
			return
		}
		if _, err := io.ReadFull(c, msg); err != nil {
			return
		}
		ok := s.handle(msg, from, true, func(msg []byte) error {
			if err := c.SetDeadline(time.Now().Add(maxSlow)); err != nil {
				return err
			}
			out = append(binary.BigEndian.AppendUint16(out[:0], uint16(len(msg))), msg...)
			_, err := c.Write(out)
			return err
		})
		if !ok {
			return
		}
	}
}

// handle answers one message, and reports whether more may follow it.
func (s *server) handle(raw []byte, from netip.Addr, stream bool, send func([]byte) error) bool {
	r, refused := s.zone.read(raw, from, stream)
	if r == nil {
		return refused != nil && send(refused) == nil
	}
	return s.zone.reply(r, send) == nil
}
