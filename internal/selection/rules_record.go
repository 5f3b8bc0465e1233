package selection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/deid"
	flowrecord "noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// Faults of runs at a hub and of their records.
var (
	ErrNoRun      = fault.New(fault.NotFound, "selection.hub.none")
	ErrRunOver    = fault.New(fault.Conflict, "selection.hub.over")         // the run does not go on
	ErrNoSource   = fault.New(fault.Invalid, "selection.hub.source")        // nothing to read from
	ErrPage       = fault.New(fault.Invalid, "selection.hub.page")          // of records: broken, too long, or not the next one
	ErrRecordLine = fault.New(fault.Invalid, "selection.hub.line")          // a line that is no record of this run
	ErrVaultFile  = fault.New(fault.Invalid, "selection.hub.vault_file")    // no vault of this run
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
	maxAmount    = 1 << 42 // packets or bytes of one record: the sum of all fits 62 bits
	refBytes     = 18      // of a selector's public id
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

// lineRule is what a line that a run hands in is held against.
type lineRule struct {
	order approval.Order
	ways  []geo.Class                  // of the use; none: all of the order
	known map[string]selector.Selector // of the run's list, those that the page names
	guard *Prefixes                    // nothing is foreign that it takes for domestic; nil: of a trial
}

// readRecord checks a line that a run handed in, byte for byte as Verify reads
// one: nothing that the order does not allow is stored, and no text but words of
// a fixed vocabulary, addresses, fingerprints, pseudonyms, and of a name what the
// selector itself says. The rest of Stored is for the caller to fill in.
func (u lineRule) readRecord(line []byte) (Stored, error) {
	if len(line) > maxLineBytes {
		return Stored{}, badLine("long")
	}
	l, ok := readKept(line)
	if !ok {
		return Stored{}, badLine("form")
	}
	o := u.order
	start, err1 := time.Parse(timeForm, l.Start)
	end, err2 := time.Parse(timeForm, l.End)
	retain, err3 := time.Parse(time.RFC3339, l.RetainUntil)
	why := ""
	switch {
	case err1 != nil || err2 != nil || start.Format(timeForm) != l.Start || end.Format(timeForm) != l.End:
		why = "form"
	case slices.ContainsFunc(l.fields(), func(x string) bool { return !slices.Contains(o.Fields, x) }):
		why = "field"
	case l.Approval != o.ID:
		why = "approval"
	case !slices.Contains(o.Directions, l.Direction) || len(u.ways) > 0 && !slices.Contains(u.ways, l.Direction):
		why = "direction"
	case l.Provenance != provenanceOf(o, l.Direction):
		why = "provenance"
	case !selectedWithin(&o, start, end):
		why = "period"
	case l.Packets == 0 || l.Bytes == 0 || l.Packets > maxAmount || l.Bytes > maxAmount:
		why = "count"
	case err3 != nil || retain.IsZero() || retain.UTC().Format(time.RFC3339) != l.RetainUntil:
		why = "retain"
	case !fixedWords(&l):
		why = "text"
	default:
		why = u.fits(&l, start)
	}
	if why != "" {
		return Stored{}, badLine(why)
	}
	return Stored{Approval: o.ID, Provenance: l.Provenance, Selector: l.Selector, Personal: strings.HasPrefix(l.Name, "p:"), Line: slices.Clone(json.RawMessage(line)),
		startAt: start, RetainUntil: retain, sum: Chosen{l.Packets, l.Bytes, 1}}, nil
}

// selectedWithin reports whether a record's first and last packet are of the period
// of an order, to the microsecond.
func selectedWithin(o *approval.Order, start, end time.Time) bool {
	return !start.Before(o.From.Truncate(time.Microsecond)) && start.Before(o.Until) && !end.Before(start) && end.Before(o.Until)
}

func badLine(why string) error { return fault.New(fault.Invalid, ErrRecordLine.Code, "why", why) }

// fixedWords reports whether a line's words are of their vocabularies.
func fixedWords(l *keptLine) bool {
	if app, ok := flowrecord.ParseApp(l.App); l.App != "" && (!ok || app.String() != l.App) {
		return false
	}
	if _, value, err := selector.Parse(selector.JA4, l.JA4); l.JA4 != "" && (err != nil || value != l.JA4) {
		return false
	}
	return (l.Tunnel == "" || tunnelWord(l.Tunnel)) && (l.JA3 == "" || len(l.JA3) == 32 && lowHex(l.JA3))
}

// fits checks addresses, and that the selector is one of the list and finds what
// the line says, as far as the line shows it.
func (u lineRule) fits(l *keptLine, start time.Time) string {
	src, dst, ok := u.addresses(l)
	if !ok {
		return "addresses"
	}
	x, ok := u.known[l.Selector]
	if !ok || x.Expires != 0 && start.UnixNano() > x.Expires {
		return "selector"
	}
	why := ""
	c := checker{v: &Verified{}}
	c.matches(l, x, src, dst, func(ok bool, what string) {
		if !ok && why == "" {
			why = what
		}
	})
	return why
}

// addresses reads the addresses of a line; false where they are not written as
// the order wants it, or where one is foreign by the line and domestic by the
// table of prefixes.
func (u lineRule) addresses(l *keptLine) (src, dst netip.Addr, ok bool) {
	if u.order.Addresses == "pseudonym" {
		for _, text := range []string{l.Src, l.Dst} {
			if _, err := deid.ParseNetwork(text); text != "" && err != nil {
				return src, dst, false
			}
		}
		return src, dst, true
	}
	for _, x := range []struct {
		text    string
		to      *netip.Addr
		foreign bool
	}{{l.Src, &src, l.Direction == geo.FF || l.Direction == geo.FD}, {l.Dst, &dst, l.Direction == geo.FF || l.Direction == geo.DF}} {
		if x.text == "" {
			continue
		}
		a, err := netip.ParseAddr(x.text)
		if err != nil || a.String() != x.text || a.Zone() != "" {
			return src, dst, false
		}
		if raw := a.As16(); u.guard != nil && x.foreign && u.guard.Side(&raw) == geo.Domestic {
			return src, dst, false
		}
		*x.to = a
	}
	return src, dst, true
}

// refOf is the selector that a line names, before the line is read; empty where
// it names none.
func refOf(line []byte) string {
	_, rest, _ := bytes.Cut(line, []byte(`"selector":"`))
	ref, _, ok := bytes.Cut(rest, []byte{'"'})
	if !ok || len(ref) != refBytes {
		return ""
	}
	return string(ref)
}

// ends are the words that a statement may end with.
var ends = []Ended{EndInput, EndCap, EndPeriod, EndBefore, EndWithdrawn, EndExpired, EndStopped, EndUnreadable}

// provenanceOf is the label that never gets lost.
func provenanceOf(o approval.Order, direction geo.Class) string {
	if o.Kind == approval.Agreement {
		return string(approval.Agreement)
	}
	return direction.String()
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

// mayExtend checks an extension of a run's records.
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
