// Package proxylist keeps a list of names for one's own proxy to refuse, as a
// file that the proxy reads: for Squid, for HAProxy, as a hosts file, or plain.
//
// The file is replaced whole, and behind it a file with its SHA-256 by the same
// name and ".sha256". That the proxy reads it again is its administrator's to
// arrange (a timer, or a path unit that watches the checksum): this process runs
// no command.
//
// How each form is used:
//
//	squid    acl held dstdomain "FILE" and http_access deny held
//	         ".bad.example" is the name and all below it
//	haproxy  http-request deny if { str(=),concat(,txn.host),map_str(FILE) -m found }
//	         http-request deny if { var(txn.host),map_end(FILE) -m found }
//	         after http-request set-var(txn.host) req.hdr(host),host_only,lower
//	         "=bad.example" is the name, ".bad.example" all below it
//	domains  one name a line; "*.bad.example" is all below it
//	hosts    0.0.0.0 and ::, which know no "below"
package proxylist

import "embed"

// Words are the sentences of the package.
//
//go:embed text
var Words embed.FS
