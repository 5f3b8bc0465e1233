// Package nft is a firewall of one's own: nftables of the Linux kernel, told over
// netlink by a process that holds CAP_NET_ADMIN and nothing else.
//
// It owns one table (inet noroshi) and never reads or writes another. In it, each
// shape of rule (which address, of which prefix length, with or without protocol
// and port) is one set, and each rule one element of it: a hash of masked
// addresses, so that what an order says is one line of what the kernel lists,
// however the prefixes of different orders lie over each other. A packet costs
// one lookup per shape in use.
//
// Every element has a timeout. The kernel ends it by itself, whether or not
// anybody of ours is still running. Its comment says for which orders it is there
// and until when, so a process that starts anew takes over what it finds. Its
// counter says how many packets it held back.
//
// A rule with a port sees the first fragment of a packet alone, which has the
// ports; the others pass unless the host puts packets together (connection
// tracking does).
//
// Invariants: a change is one transaction; the chains accept what no set holds;
// nothing is ever held that loops back, is link-local or multicast (neighbour
// discovery, RFC 4861), is this machine's own or on the list of what is never
// held, or is shorter than the floor.
package nft

import "embed"

// Words are the sentences of what this equipment refuses.
//
//go:embed text
var Words embed.FS
