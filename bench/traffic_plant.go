//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"net/netip"

	"noroshi/internal/engine/detect"
)

// Machines that a day of logs has something planted for.
const (
	plantBeacon = 12_345 // speaks with one server every minute, all day
	plantTunnel = 23_456 // asks for ten long names a minute below one name
	plantSweep  = 7      // tries a port of the machines inside, in one hour
	plantLeave  = 9_999  // sends 10 GB to one server, in one hour
)

const (
	sweepHour = 13
	leaveHour = 15
	leaveTime = 20 // connections in which it leaves
)

// planted are the findings that must be told of a day.
var planted = map[detect.Kind]uint32{detect.Beacon: plantBeacon, detect.DNSTunnel: plantTunnel, detect.HostScan: plantSweep, detect.DataLeaving: plantLeave}

// plant makes the i-th connection one of those that must be found, if it is its
// turn.
func (d *zeekDay) plant(i int, c *zeekConn) bool {
	step := d.connections / (zeekHours * 60) // a minute
	hour := d.connections / zeekHours
	switch {
	case step < 20:
		return false // too few to plant anything in
	case i%step == 0:
		c.kind, c.machine, c.name, c.took, c.out, c.in = zeekOwn, plantBeacon, 20_000_001, 300_000, 412, 980
	case i%(step/10) == 1:
		c.kind, c.machine, c.name, c.dst = zeekDNS, plantTunnel, tunnelName, [4]byte{10, 250, 0, 1}
		c.took, c.out, c.in = 20_000, 120, 240
	case i/hour == sweepHour && i%1000 == 2:
		c.kind, c.machine, c.dst = zeekSweep, plantSweep, [4]byte{10, 249, byte(i / 1000 >> 8), byte(i / 1000)}
	case i/hour == leaveHour && i%hour%(hour/leaveTime) == 3:
		c.kind, c.machine, c.name, c.took, c.out, c.in = zeekOwn, plantLeave, 20_000_002, 60_000_000, 500_000_000, 900_000
	default:
		return false
	}
	return true
}

// zeekMachine is the address of a machine inside.
func zeekMachine(machine uint32) [4]byte {
	return [4]byte{10, byte(machine >> 12), byte(machine >> 5), byte(1 + machine&31)}
}

// zeekFound reads findings in JSON lines and counts those that were planted and the
// others that are worth a look.
func zeekFound(lines []byte) (right, others float64) {
	seen := map[detect.Kind]bool{}
	for line := range bytes.Lines(lines) {
		var f struct {
			Kind  detect.Kind
			Score float64
			Src   netip.Addr
		}
		if json.Unmarshal(line, &f) != nil || f.Score < 0.5 {
			continue
		}
		machine, is := planted[f.Kind]
		if is = is && f.Src == netip.AddrFrom4(zeekMachine(machine)); !is {
			others++
		} else if !seen[f.Kind] {
			seen[f.Kind] = true
			right++
		}
	}
	return right, others
}
