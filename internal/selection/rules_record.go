package selection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	flowrecord "noroshi/internal/engine/flow/record"
)

// Faults of runs at a hub and of their records.
var (
	ErrNoRun      = fault.New(fault.NotFound, "selection.hub.none")
	ErrRunOver    = fault.New(fault.Conflict, "selection.hub.over")         // the run does not go on
	ErrNoSource   = fault.New(fault.Invalid, "selection.hub.source")        // nothing to read from
	ErrPage       = fault.New(fault.Invalid, "selection.hub.page")          // of records: broken, too long, or not the next one
	ErrRecordLine = fault.New(fault.Invalid, "selection.hub.line")          // a line that is no record of this run
	ErrStated     = fault.New(fault.Invalid, "selection.hub.statement")     // does not agree with what was handed in
	ErrPurpose    = fault.New(fault.Refused, "selection.record.purpose")    // none, or not one for these records
	ErrExtension  = fault.New(fault.Refused, "selection.record.extension")  // longer or oftener than may be
	ErrReceiver   = fault.New(fault.Refused, "selection.record.recipient")  // not on the order's list
	ErrNoRecords  = fault.New(fault.NotFound, "selection.record.none")      // or not theirs to know
	ErrNoSighting = fault.New(fault.Unmet, "selection.record.no_sighting")  // what the selector names is nothing a sighting can say
	ErrInvalid    = fault.New(fault.Invalid, "selection.record.invalid")    // with places
	ErrTooMany    = fault.New(fault.TooLarge, "selection.record.too_many")  // for one disclosure
	ErrReadFirst  = fault.New(fault.Refused, "selection.record.no_purpose") // the purpose has to be chosen
)

// Bounds of a run at a hub.
const (
	MaxPage      = 1000    // records that are handed in at once
	MaxPageBytes = 1 << 20 // of such a page
	maxKept      = 1 << 20 // records of one run
	maxLineBytes = 4096
	maxStated    = 1 << 20 // bytes of a statement
	maxDisclosed = 10_000  // records of one disclosure
	silence      = 15 * time.Second
)

// keyOwner is whose key seals the records of an approval: a key of its own, so
// that destroying it destroys them.
func keyOwner(approvalID string) string { return "selection/" + approvalID }

// recordName is what a sealed record is bound to: moved to another run, or given
// another provenance, it does not open.
func recordName(c *Stored) string {
	return "selection_record/" + c.ID + "/" + c.Run + "/" + c.Approval + "/" + c.Provenance + "/" + c.Selector
}

// recordFields are the fields that a record may have at all; which of them an
// order allows it says itself.
type recordFields struct {
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Src         *string   `json:"src"`
	Dst         *string   `json:"dst"`
	SPort       *uint16   `json:"sport"`
	DPort       *uint16   `json:"dport"`
	Proto       *uint8    `json:"proto"`
	Packets     uint64    `json:"pkts"`
	Bytes       uint64    `json:"bytes"`
	App         *string   `json:"app"`
	Flags       *uint8    `json:"flags"`
	VLAN        *uint16   `json:"vlan"`
	Tunnel      *string   `json:"tunnel"`
	Name        *string   `json:"name"`
	JA3         *string   `json:"ja3"`
	JA4         *string   `json:"ja4"`
	Direction   string    `json:"direction"`
	Selector    string    `json:"selector"`
	Approval    string    `json:"approval"`
	RetainUntil time.Time `json:"retain_until"`
	Provenance  string    `json:"provenance"`
}

// strange finds a text that is more than its field is for: addresses, words of a
// fixed vocabulary, fingerprints and one host name are all a record may say.
func (f *recordFields) strange() string {
	for _, a := range []*string{f.Src, f.Dst} {
		if a != nil {
			if _, err := netip.ParseAddr(strings.TrimPrefix(*a, "p:net:")); err != nil {
				return "addresses"
			}
		}
	}
	if f.App != nil {
		if _, ok := flowrecord.ParseApp(*f.App); !ok {
			return "text"
		}
	}
	for _, w := range []*string{f.Tunnel, f.JA3, f.JA4} {
		if w != nil && (len(*w) > 40 || strings.Trim(*w, "abcdefghijklmnopqrstuvwxyz0123456789_+./-") != "") {
			return "text"
		}
	}
	if f.Name != nil && (len(*f.Name) > 300 || strings.ContainsFunc(*f.Name, func(r rune) bool { return r <= ' ' || r > '~' })) {
		return "text"
	}
	return ""
}

// named lists which of the fields that an order has to allow a record has.
func (f *recordFields) named() (out []string) {
	for name, has := range map[string]bool{"src": f.Src != nil, "dst": f.Dst != nil, "sport": f.SPort != nil, "dport": f.DPort != nil, "proto": f.Proto != nil, "app": f.App != nil,
		"flags": f.Flags != nil, "vlan": f.VLAN != nil, "tunnel": f.Tunnel != nil, "name": f.Name != nil, "ja3": f.JA3 != nil, "ja4": f.JA4 != nil} {
		if has {
			out = append(out, name)
		}
	}
	return out
}

// readRecord checks a line that a run handed in against its order: nothing that
// the order does not allow is stored, whoever wrote it. The rest is for the
// caller to fill in.
func readRecord(line []byte, o approval.Order) (Stored, error) {
	bad := func(why string) (Stored, error) {
		return Stored{}, fault.New(fault.Invalid, ErrRecordLine.Code, "why", why)
	}
	if len(line) > maxLineBytes {
		return bad("long")
	}
	var f recordFields
	if err := strictly(line, &f); err != nil {
		return bad("form")
	}
	switch {
	case slices.ContainsFunc(f.named(), func(x string) bool { return !slices.Contains(o.Fields, x) }):
		return bad("field")
	case f.Approval != o.ID:
		return bad("approval")
	case !allowed(o, f.Direction):
		return bad("direction")
	case f.Provenance != provenanceOf(o, f.Direction):
		return bad("provenance")
	case f.Start.Before(o.From) || !f.Start.Before(o.Until) || f.End.Before(f.Start):
		return bad("period")
	case f.Packets == 0 || len(f.Selector) != 18 || !strings.HasPrefix(f.Selector, "s:"):
		return bad("selector")
	case o.Addresses == "pseudonym" && (f.Src != nil && !strings.HasPrefix(*f.Src, "p:net:") || f.Dst != nil && !strings.HasPrefix(*f.Dst, "p:net:")):
		return bad("addresses")
	case f.RetainUntil.IsZero():
		return bad("retain")
	}
	if why := f.strange(); why != "" {
		return bad(why)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, line) != nil || !bytes.Equal(compact.Bytes(), line) {
		return bad("form") // white space can say something too
	}
	personal := f.Name != nil && strings.HasPrefix(*f.Name, "p:")
	return Stored{Approval: o.ID, Provenance: f.Provenance, Selector: f.Selector, Personal: personal, Line: slices.Clone(json.RawMessage(line)), startAt: f.Start, RetainUntil: f.RetainUntil}, nil
}

// allowed reports whether an order covers a direction as a record writes it.
func allowed(o approval.Order, direction string) bool {
	for _, c := range o.Directions {
		if c.String() == direction {
			return true
		}
	}
	return false
}

// ends are the words that a statement may end with.
var ends = []Ended{EndInput, EndCap, EndPeriod, EndBefore, EndWithdrawn, EndExpired, EndStopped, EndUnreadable}

// provenanceOf is the label that never gets lost (FACTS P22).
func provenanceOf(o approval.Order, direction string) string {
	if o.Kind == approval.Agreement {
		return string(approval.Agreement)
	}
	return direction
}

// digestOfIDs is what a receipt says of ids: their SHA-256, one a line, in order.
func digestOfIDs(list []string) string {
	h := sha256.New()
	for _, id := range list {
		h.Write([]byte(id))
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// purposeOf finds a purpose; false when there is none of that name.
func purposeOf(id string) (Purpose, bool) {
	i := slices.IndexFunc(Purposes, func(p Purpose) bool { return p.ID == id })
	if i < 0 {
		return Purpose{}, false
	}
	return Purposes[i], true
}

// mayExtend checks an extension of a run's records (FACTS P15).
func (l Limits) mayExtend(r HubRun, until, now time.Time) error {
	switch {
	case r.State != RunDone || r.Left() == 0 || !now.Before(r.RetainUntil):
		return ErrRunOver
	case r.Extended >= l.Extensions, !until.After(r.RetainUntil), until.After(r.RetainUntil.AddDate(0, 0, l.ExtendDays)):
		return fault.New(fault.Refused, ErrExtension.Code, "days", l.ExtendDays, "times", l.Extensions)
	}
	return nil
}

// runSecret is what of a run is stored sealed.
type runSecret struct {
	Source string `json:"source"` // what was read, as the handler calls it
}

// RunFilter narrows a list of runs.
type RunFilter struct {
	Approval string
	State    RunState
	Cursor   string
	Limit    int
}

// RecordFilter narrows a list of records: by run and selector alone. There is no
// search over what they hold.
type RecordFilter struct {
	Run        string
	Selector   string // public id
	Disclosure string // those given under it
	Cursor     string
	Limit      int
}

// strictly decodes one JSON object without unknown or doubled fields.
func strictly(raw []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return ErrRecordLine
	}
	return noneTwice(raw)
}

// noneTwice refuses an object with a member twice: the first would be checked by
// nobody and still be stored.
func noneTwice(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	seen := map[string]bool{}
	for depth, name := 0, true; ; {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > 1 {
				return ErrRecordLine // records are flat
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			continue
		}
		if s, ok := t.(string); name && ok {
			// encoding/json takes names in any case, so their case does not count here.
			if s = strings.ToLower(s); seen[s] {
				return ErrRecordLine
			}
			seen[s] = true
		}
		name = !name
	}
}
