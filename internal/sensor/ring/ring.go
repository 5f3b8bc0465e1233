// Package ring reads packets live from an interface of this machine, through
// the kernel's packet ring (AF_PACKET, TPACKET_V3), in batches that point into
// the ring. What was handed out is overwritten before the kernel gets the room
// back. A process that reads live confines itself to the one capability it
// needs (Confine). Only Linux has it.
//
// The basis on which a network may be read at all is checked by the caller
// (sensor.Permit).
package ring

import (
	"errors"
	"time"
)

// Errors of opening and confining.
var (
	ErrSystem     = errors.New("ring: only Linux can read an interface live")
	ErrInterface  = errors.New("ring: no such interface")
	ErrLink       = errors.New("ring: packets of this kind of interface are not decoded")
	ErrPermission = errors.New("ring: needs the capability CAP_NET_RAW")
)

// Options of a ring. The zero value is usable.
type Options struct {
	// Promiscuous asks the interface for packets addressed to others too: for a
	// mirror port. Without it only what reaches this machine is seen.
	Promiscuous bool
	Size        int           // bytes of the ring; 0 is 32 MiB, at most 1 GiB
	Wait        time.Duration // how long Next waits for packets; 0 is 250 ms
}

const (
	blockSize   = 1 << 20
	defaultSize = 32 << 20
	maxSize     = 1 << 30
	defaultWait = 250 * time.Millisecond
	retire      = 60 // ms until the kernel hands over a block that is not full
)

// Stats are what a ring has seen since it was opened.
type Stats struct {
	Packets  uint64 // handed out
	Seen     uint64 // by the kernel, dropped ones included
	Dropped  uint64 // by the kernel, as the ring was full
	Freezes  uint64 // how often the ring was full
	Oversize uint64 // longer than capture.MaxPacket; left out
	// The longest time from handing a batch back until it was overwritten.
	WipeNanos int64
}
