// Package proxylist keeps a list of names for one's own proxy to refuse, as a
// file that the proxy reads: for Squid, for HAProxy, as a hosts file, or plain.
//
// The file is replaced whole, and behind it a file with its SHA-256 by the same
// name and ".sha256", and one with the second (Unix) at which the first order in it
// ends, by the name and ".until": a list behind that second, with some minutes for
// this process to mend it, is one that nobody keeps. That the proxy reads it again is its administrator's to
// arrange (a timer, or a path unit that watches the checksum): this process runs
// no command.
//
// How each form is used:
//
//	squid    acl held dstdomain "FILE" and http_access deny held
//	         ".bad.example" is the name and all below it
//	haproxy  http-request set-var(txn.host) req.hdr(host),host_only,lower
//	         http-request set-var(txn.end) str(=),concat(,txn.host),map_str_int(FILE,0)
//	         http-request deny if { date,sub(txn.end) -m int lt 0 }
//	         http-request set-var(txn.end) var(txn.host),map_end_int(FILE,0)
//	         http-request deny if { date,sub(txn.end) -m int lt 0 }
//	         "=bad.example 1790000000" is the name until that second (Unix),
//	         ".bad.example 1790000000" all below it: HAProxy ends them by itself
//	domains  one name a line; "*.bad.example" is all below it
//	hosts    0.0.0.0 and ::, which know no "below"
package proxylist

import "embed"

// Words are the sentences of the package.
//
//go:embed text
var Words embed.FS
