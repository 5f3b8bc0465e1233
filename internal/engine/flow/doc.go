// Package flow turns packets into records of communications: a table of who
// speaks with whom, the reassembly of TCP as far as metadata needs it, and the
// times at which a communication counts as over.
//
// What belongs together. Packets are of one communication when the innermost IP
// header has the same two addresses, the transport the same two ports and the
// same protocol, the VLAN tags are the same (unless Options.JoinVLAN) and as
// many tunnels are around it. ICMP's questions and answers count as ports the
// way Community ID has them. What is not IP is counted and left out.
//
// Who began. The sender of the first packet, except where a SYN-ACK or, when
// the beginning was not seen, a well-known port on one end only says otherwise.
// A SYN with another sequence number on a communication that was seen to end,
// or whose beginning was not seen, begins a new one.
//
// When it is over. After a silence that depends on the protocol and on how far
// it got (Timeouts), in the time of the packets; when the table is full, by the
// second-chance rule, those never answered first; at the end of the input; and,
// if asked for, in slices of Options.Active. A clock that jumps is followed and
// counted: forward, by ending what is silent since; backward by more than
// MaxDisorder, by ending everything.
//
// What overlaps. Of TCP segments and IP fragments that overlap, the bytes that
// came first count in TCP; a fragmented packet whose parts overlap or
// contradict each other is not read at all (RFC 5722 section 4).
//
// Payload is only ever in the buffers of whoever captured it, in the table's
// windows and in its fragments; each is overwritten as soon as it was read.
package flow
