package selection

import (
	"slices"
	"strings"

	"noroshi/internal/base/fault"
)

// Fields are what an order may allow to be kept of a selected communication
// (an allow-list: art 2(8), art 21), in the order in which they stand in a record. None
// of them can hold content: addresses, ports, protocol, application by its
// known name, TCP flags, VLAN, kind of tunnel, the name that a selector found,
// and fingerprints of TLS clients.
var Fields = []string{"src", "dst", "sport", "dport", "proto", "app", "flags", "vlan", "tunnel", "name", "ja3", "ja4"}

// Always are the fields of every record, whatever an order says: without them
// nobody could count what was kept, say on what it rests, or erase it in time.
var Always = []string{"start", "end", "pkts", "bytes", "direction", "selector", "approval", "retain_until", "provenance"}

// DefaultFields are the fields of an order on files that names none.
var DefaultFields = []string{"src", "dst", "sport", "dport", "proto", "app", "flags", "name", "ja3", "ja4"}

// ErrFields is returned for a field that no record has.
var ErrFields = fault.New(fault.Invalid, "selection.fields.unknown")

// CheckFields returns the fields that are to be kept, sorted, of those that an
// order or an agreement names: the names of Always may stand among them. ErrFields
// names each that does not exist, and what there is.
func CheckFields(named []string) ([]string, error) {
	var kept []string
	var bad []fault.Place
	for _, f := range named {
		switch {
		case slices.Contains(Fields, f):
			kept = append(kept, f)
		case !slices.Contains(Always, f):
			bad = append(bad, fault.Place{At: printed(f), Code: "selection.fields.no", Args: fault.Args{"all": strings.Join(Fields, " ")}})
		}
	}
	if len(bad) > 0 {
		return nil, ErrFields.At(bad[:min(len(bad), 10)]...)
	}
	slices.Sort(kept)
	return slices.Compact(kept), nil
}

// printed is text of somebody else as an error may repeat it: short and printable.
func printed(s string) string {
	s = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, s), "")
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return s
}

// FilesLink is the link of an order on files: the files are the line.
const FilesLink = "files"
