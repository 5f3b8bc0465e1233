// Package driver says what equipment of one's own network can be told, whatever
// it is: a set of rules is live there, some are added, some are taken away.
//
// A driver touches one's own resolver, router, firewall or proxy and nothing
// else. It is told only by the process that holds orders under a Grant
// (noroshi/internal/measure/act), and it never resolves, asks or probes what a
// rule names.
package driver

import (
	"context"
	"net/netip"
	"time"
)

// Kind is by what means something is held back.
type Kind string

// The kinds.
const (
	Sinkhole  Kind = "sinkhole"  // one's own resolver answers for the name (response policy zone)
	Filter    Kind = "filter"    // one's own firewall drops it (nftables set)
	FlowSpec  Kind = "flowspec"  // one's own routers drop a flow (RFC 8955, RFC 8956)
	Blackhole Kind = "blackhole" // one's own routers discard a destination (RFC 5635, RFC 7999)
	Proxy     Kind = "proxy"     // one's own proxy refuses the name
)

// Kinds lists them.
var Kinds = []Kind{Sinkhole, Filter, FlowSpec, Blackhole, Proxy}

// Answer is what one's own resolver says of a name.
type Answer string

// The answers. Walled sends to a page of one's own that says why.
const (
	NoDomain Answer = "nxdomain"
	NoData   Answer = "nodata"
	Walled   Answer = "walled"
)

// Rule is one thing that is held back. Which fields it has depends on its kind:
// names for Sinkhole and Proxy, prefixes for the others. It is comparable, and a
// driver knows a rule by all of it but Until.
type Rule struct {
	Order  string       `json:"order"` // on whose account: the order's UUIDv7
	Kind   Kind         `json:"kind"`
	Name   string       `json:"name,omitempty"`     // A-labels, lower case, without the last dot
	Below  bool         `json:"below,omitempty"`    // names below it too
	Answer Answer       `json:"answer,omitempty"`   // of Sinkhole
	To     netip.Prefix `json:"to,omitzero"`        // destination
	From   netip.Prefix `json:"from,omitzero"`      // source, of FlowSpec and Filter
	Proto  uint8        `json:"protocol,omitempty"` // IANA number; 0: every
	Port   uint16       `json:"port,omitempty"`     // of the destination; 0: every
	Until  time.Time    `json:"until"`              // UTC; it ends by itself
}

// Outliving is equipment that goes on holding rules past their end when the process
// that tells it is dead. Outlives says in words how long, for whoever approves; nil
// where it does not.
type Outliving interface{ Outlives() error }

// Driver is one piece of equipment. Its methods are called one at a time.
type Driver interface {
	// Check refuses a rule that this equipment must not be told, before anything
	// is touched: not one's own prefix, too short a prefix, too many rules. Faults
	// name the rule.
	Check(rules []Rule) error

	// Show says what Apply would change, in the equipment's own words, and
	// touches nothing: the dry run. At most 1,000 lines; more is how many were
	// left out.
	Show(add, remove []Rule) (lines []string, more int, err error)

	// Apply makes the change whole or not at all. Told twice it does the same.
	Apply(ctx context.Context, add, remove []Rule) error

	// Live asks the equipment itself whether it holds exactly these rules.
	// What is missing and what is there beyond them is returned, at most 100 each.
	Live(ctx context.Context, want []Rule) (missing, extra []Rule, err error)

	Close() error
}
