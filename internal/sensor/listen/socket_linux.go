package listen

import (
	"context"
	"encoding/binary"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// sockets opens n sockets on one address and returns the receive buffer that
// the kernel gave each, in octets.
func sockets(address string, n, buffer int) (conns []*net.UDPConn, got int, err error) {
	if n > 1 {
		// Sharing is among these sockets alone: another program that shares the
		// address, such as this one started twice, would get a part of what comes.
		alone, err := net.ListenPacket("udp", address)
		if err != nil {
			return nil, 0, err
		}
		if err := alone.Close(); err != nil {
			return nil, 0, err
		}
	}
	var failed error
	setup := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		err := raw.Control(func(fd uintptr) { got, failed = prepare(int(fd), n, buffer) })
		if err == nil {
			err = failed
		}
		return err
	}}
	for range n {
		c, err := setup.ListenPacket(context.Background(), "udp", address)
		if err != nil {
			return conns, got, err
		}
		udp := c.(*net.UDPConn)
		conns = append(conns, udp)
		address = udp.LocalAddr().String() // the port, when 0 was asked for
	}
	if n > 1 {
		err = steer(conns[0], n)
	}
	return conns, got, err
}

// prepare sets the options of a socket before it is bound.
func prepare(fd, n, buffer int) (got int, err error) {
	if n > 1 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return 0, err
		}
	}
	// Beyond net.core.rmem_max only with CAP_NET_ADMIN; otherwise up to it.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
			return 0, err
		}
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1); err != nil {
		return 0, err
	}
	got, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return got / 2, err // the kernel says twice what is for data
}

// netOffset is where a filter finds the network header (SKF_NET_OFF).
const netOffset = 1<<32 - 0x100000

// steer has the kernel choose among n sockets by the sender's address, without
// the port: an exporter's templates and data meet in one decoder even when it
// sends from several ports.
func steer(c *net.UDPConn, n int) error {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		octet  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		jump   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		modulo = unix.BPF_ALU | 0x90 | unix.BPF_K // BPF_MOD
	)
	program := []unix.SockFilter{
		{Code: octet, K: netOffset}, // version and header length
		{Code: unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K, K: 4},
		{Code: jump, K: 6, Jt: 2},
		{Code: load, K: netOffset + 12}, // IPv4: the source
		{Code: unix.BPF_JMP | unix.BPF_JA, K: 4},
		{Code: load, K: netOffset + 12}, // IPv6: network half
		{Code: unix.BPF_MISC | unix.BPF_TAX},
		{Code: load, K: netOffset + 20}, // and the end
		{Code: unix.BPF_ALU | unix.BPF_ADD | unix.BPF_X},
		{Code: unix.BPF_ALU | unix.BPF_MUL | unix.BPF_K, K: 2654435761}, // neighbours apart
		{Code: unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K, K: 16},
		{Code: modulo, K: uint32(n)},
		{Code: unix.BPF_RET | unix.BPF_A},
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
			&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	})
	if err == nil {
		err = failed
	}
	return err
}

// oobSize is what the one control message that is asked for takes.
func oobSize() int { return unix.CmsgSpace(4) }

// dropped returns how many datagrams the socket had to drop since it was
// opened, when a received one tells (SO_RXQ_OVFL).
func dropped(control []byte) (uint32, bool) {
	for len(control) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return 0, false
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4 {
			return binary.NativeEndian.Uint32(data), true
		}
		control = rest
	}
	return 0, false
}
