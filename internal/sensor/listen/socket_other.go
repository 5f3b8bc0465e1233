//go:build !linux

package listen

import (
	"context"
	"net"
)

// sockets opens one socket: sharing an address by sender needs Linux.
func sockets(address string, _, buffer int) ([]*net.UDPConn, int, error) {
	var setup net.ListenConfig
	c, err := setup.ListenPacket(context.Background(), "udp", address)
	if err != nil {
		return nil, 0, err
	}
	udp := c.(*net.UDPConn)
	if err := udp.SetReadBuffer(buffer); err != nil {
		buffer = 0
	}
	return []*net.UDPConn{udp}, buffer, nil
}

// oobSize is nothing: no control message is asked for.
func oobSize() int { return 0 }

// dropped is not told by other kernels.
func dropped([]byte) (uint32, bool) { return 0, false }
