// Package sieve lets through what an order covers and what its selectors find,
// and nothing else: packets in, records of one direction out, everything not
// selected counted and destroyed (Act 42 of 2025, art 22: automatic selection).
//
// What happens to a packet, in this order. Its time is compared with the period:
// one outside ends the run and is not seen at all. Its headers are decoded; where
// that leaves an address of any layer in doubt it is malformed. The direction is
// decided from source and destination of every IP header, tunnels included
// (gate.go); what is not granted is counted and nothing more of it is read. What
// passes counts against the cap. Then selectors of addresses and ports decide at
// once: source before destination, destination port before source port. When the
// list has selectors that need payload, a flow nobody decided yet is looked at
// for at most MaxPackets packets or MaxWait of packet time, in its one direction.
// In one packet names and fingerprints go before patterns.
//
// A flow is one way: addresses, ports, protocol, VLAN tags and tunnel, from
// source to destination; an answer is another flow, in another direction or, of
// foreign to foreign, in the same. A flow that was found is selected with the
// packets seen so far; from then on its packets are only counted, until silence,
// FIN, RST or its selector's expiry ends it. A flow not found in time is
// unselected: what was held of it is overwritten and of the flow itself only a
// keyed hash is remembered, so that its later packets go the same way unread. One
// that had said nothing yet, as its connection took long or as it waits, is looked
// at from its first payload on, within the same bounds: of no flow more than one
// such stretch is read. A SYN with another number, or a silence, begins another
// flow on the same ports.
//
// When the table of Options.Flows is full, the one rejected longest ago and not
// heard of since is forgotten (it may be looked at again, within the same
// bounds); without such, the flow looked at longest is unselected and forgotten;
// without such, the selected flow silent longest is written out.
//
// Only what shows every layer passes. Behind the innermost IP header that must be
// TCP, UDP, UDP-Lite, SCTP, DCCP, ICMP, ICMPv6 or IGMP, its header read: every
// other protocol counts as unknown, as a tunnel may be in it whose inside is no IP,
// is cut off, or is encrypted (ESP). So do parts of a fragmented packet whose first
// part is not known; datagrams with a port of a tunnel at either end (tunnelPort),
// encrypted ones included (IPsec, WireGuard, OpenVPN: who speaks inside to whom is
// not seen), though the port may be chance; and datagrams that begin as an IP
// packet does, whatever their ports are; and what an option sends elsewhere, or has
// come from elsewhere, than its addresses say (source routes, home addresses). TLS,
// QUIC and SSH are no tunnels here, nor is the packet that an ICMP error quotes. An
// encrypted tunnel over any other port, or in a stream of TCP, cannot be told from
// other payload: its own addresses decide.
//
// Payload is only in the packets of the caller and in the pool (window.go),
// which overwrites what comes back to it. What leaves is in Record: numbers,
// addresses, hashes, and the name that a selector found in its bounded form.
package sieve
