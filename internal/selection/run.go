package selection

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"math"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/zeebo/blake3"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/deid"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
	"noroshi/internal/engine/selector/sieve"
)

// Job is a run before it begins. Grant, Selectors, Prefixes, Sources and Put are
// needed.
type Job struct {
	Grant      approval.Grant
	Run        string      // id; "" makes one
	Directions []geo.Class // none: all that the order names
	Paper      string      // SHA-256 of the signed order's file, hex; "" where there is none
	Journal    string      // SHA-256 of the copy of the journal of uses, hex; "" where there is none
	Link       string      // that the sources are of; "" where the files are the link
	Selectors  *Selectors
	Prefixes   *Prefixes
	Sources    []Source
	Used       approval.Quantity // of the cap, by earlier runs

	Now     func() time.Time // nil: time.Now
	Alive   func() error     // asked at least every 250 ms while packets come or are waited for; an error ends the run
	Working *deid.Working    // makes pseudonyms; nil: one for this run, forgotten afterwards
	Vault   *deid.Public     // who may turn them back; nil: nobody
	VaultID string           // says whose the pseudonyms are where Working is given without Vault
	Signer  *Executor        // nil: one for this run, forgotten afterwards
	MadeUp  bool             // the packets are made up: networks of examples may stand for any side, whatever the order's kind
	Flows   int              // communications known at once, about 128 bytes each; 0: sieve.DefaultFlows
	Program string           // SHA-256 of the program, hex; "" where it cannot be read

	// Put is given every record, Seal the lines of the vault (nil only without
	// Vault). After an error of either the run ends as EndOutput, and whoever
	// keeps the output destroys all of it: the statement counts it as unselected.
	Put  func(Kept) error
	Seal func(lines []byte) error
	// Settle is called once everything was given to Put and Seal, before the
	// statement is signed: what was kept is safe when it returns. An error is one
	// of Put.
	Settle func() error
	// Unknown is told why where no packet at all had a known direction: "private",
	// "reserved", "unlisted" or "headers", of the first; nil: nobody is. No address
	// of an unselected packet leaves the run.
	Unknown func(why string)
	// Outside is told the time of the packet that ended the run as outside the
	// period; nil: nobody is.
	Outside func(at time.Time)
	// Reserve is told, before it is taken in, up to how much may be, beyond Used;
	// so that what a run that crashed used of the cap is known. nil where no crash
	// can lose it.
	Reserve func(upTo approval.Quantity) error
}

// Faults of a run. Those of approval.Grant are refusals too.
var (
	ErrClock  = fault.New(fault.Refused, "selection.run.clock")   // the clock stands before the order was issued
	ErrOver   = fault.New(fault.Refused, "selection.run.over")    // the period of an order that is no trial is over by the clock
	ErrMadeUp = fault.New(fault.Refused, "selection.run.made_up") // networks declared domestic or foreign, and no trial
	ErrOutput = fault.New(fault.Internal, "selection.run.output") // what was selected could not be kept
)

// skew is how far behind the clock of who issued an order ours may be.
const skew = 5 * time.Minute

// batchSize is how many packets are in memory at once, with the sieve's windows.
const batchSize = 512

// run is a Job under way, for one goroutine.
type run struct {
	job   *Job
	ctx   context.Context
	order approval.Order
	st    Statement
	sieve *sieve.Sieve
	shape *shaper
	out   hash.Hash
	vault hash.Hash
	batch []capture.Packet
	by    map[string]uint64 // records by selector

	begun        time.Time
	start        time.Time // the same, of the clock of this machine
	from, until  int64
	expires      int64 // of mono: a run that began before the period was over ends when it is; 0: it began later, on old captures
	first        bool  // no packet came yet
	live         bool  // the source is no file
	early, late  int64
	counted      uint64 // packets of the batches before
	latest       int64
	anchor       int64 // time of packets …
	anchored     int64 // … at this time of ours
	looked       int64
	asked        int64
	reservedP    uint64
	reservedB    uint64
	sinceP       uint64 // since the tally was last asked
	sinceB       uint64
	unknown      string // why the first packet without a direction had none
	why          Ended
	cause        error
	failedOutput error
}

// Run selects from the sources what the Grant covers, hands it to Put, and
// returns the signed statement. Without a Grant that covers the job nothing is
// opened and nothing read. Where the first packet of all is outside the period
// that is a refusal too. A run that broke off returns its statement and the
// reason: ErrSource, ErrOutput, or what Alive said. No statement comes with a
// refusal, nor where a source was no capture and nothing had been read.
func Run(ctx context.Context, j Job) (Statement, error) {
	o := j.Grant.Order()
	if len(j.Directions) == 0 {
		j.Directions = o.Directions
	}
	if err := j.covered(o); err != nil {
		return Statement{}, err
	}
	if err := leaveNoDump(); err != nil {
		return Statement{}, err
	}
	r, err := j.begin(ctx, o)
	if err != nil {
		return Statement{}, err
	}
	for _, s := range j.Sources {
		r.st.Input.Sources++
		if err := r.read(s); err != nil {
			break
		}
	}
	return r.finish()
}

// covered asks the Grant, and refuses what an order cannot allow.
func (j *Job) covered(o approval.Order) error {
	digest := ""
	if j.Selectors != nil {
		digest = j.Selectors.digest
	}
	scope := approval.Scope{Directions: j.Directions, Link: j.Link, Selectors: digest}
	if err := j.Grant.Covers(scope); err != nil {
		return err
	}
	if _, err := CheckFields(o.Fields); err != nil {
		return err
	}
	switch _, some := o.Cap.Left(j.Used); {
	case !some:
		return approval.ErrSpent
	case j.now().Add(skew).Before(o.IssuedAt):
		return ErrClock
	case o.Kind != approval.Trial && !j.now().Before(o.Until):
		return ErrOver
	case j.Prefixes == nil:
		return ErrPrefixes
	case o.Kind != approval.Trial && !j.MadeUp && j.Prefixes.madeUp() != nil:
		return ErrMadeUp
	case j.Alive == nil:
		return nil
	}
	return j.Alive()
}

func (j *Job) now() time.Time {
	if j.Now == nil {
		return time.Now()
	}
	return j.Now()
}

const contextSieve = "noroshi 2026-11-22 selection sieve key v1"

func (j *Job) begin(ctx context.Context, o approval.Order) (*run, error) {
	if j.Run == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		j.Run = id.String()
	}
	r := &run{job: j, ctx: ctx, order: o, begun: j.now(), start: time.Now(), from: nanos(o.From), until: nanos(o.Until),
		first: true, early: math.MaxInt64, late: math.MinInt64, batch: make([]capture.Packet, batchSize), by: map[string]uint64{}, out: sha256.New(), vault: sha256.New()}
	r.expires = max(r.until-r.begun.UnixNano(), 0)
	var err error
	if j.Signer == nil {
		if j.Signer, err = NewExecutor("run-" + j.Run); err != nil {
			return nil, err
		}
	}
	pseudonyms := j.VaultID
	if j.Vault != nil {
		pseudonyms = j.Vault.ID
	}
	if j.Working == nil {
		if j.Working, err = deid.NewWorking(""); err != nil {
			return nil, err
		}
		defer j.Working.Wipe()
	}
	if pseudonyms == "" {
		pseudonyms = "forgotten"
	}
	r.st = Statement{
		Form: StatementForm, Run: j.Run, Order: o.ID, Kind: o.Kind, Authority: j.Grant.Authority(), Directions: j.Directions, Link: o.Link,
		BegunAt: r.begun.UTC().Truncate(time.Microsecond), Before: j.Used, Fields: o.Fields, Addresses: o.Addresses, Pseudonyms: pseudonyms,
		MadeUp: j.Prefixes.madeUp(), PrefixesOf: j.Prefixes.table.Meta().Date, Strict: j.Prefixes.strict, Overridden: j.Selectors.overridden(),
		Hashes: Hashes{Order: j.Grant.Digest(), Journal: j.Journal, Selectors: j.Selectors.digest, Prefixes: j.Prefixes.digest, Program: j.Program},
	}
	sides := j.Prefixes
	if o.Kind != approval.Trial {
		if sides, err = sides.guarded(); err != nil {
			return nil, err
		}
		if sides.guard != nil {
			r.st.Hashes.Guard = sides.guard.digest
		}
	}
	if j.Paper != "" {
		r.st.Hashes.Order, r.st.Hashes.Digest = j.Paper, j.Grant.Digest()
	}
	r.st.RetainUntil = r.begun.UTC().Truncate(time.Second).Add(time.Duration(o.RetainDays) * 24 * time.Hour)
	if r.shape, err = newShaper(o, r.st.RetainUntil, j.Working, j.Vault); err != nil {
		return nil, err
	}
	left, _ := o.Cap.Left(j.Used)
	side := sides.Side
	if j.Unknown != nil {
		side = func(a *[16]byte) geo.Side {
			s := sides.Side(a)
			if s == geo.SideUnknown && r.unknown == "" {
				r.unknown = whyUnknown(a)
			}
			return s
		}
	}
	opts := sieve.Options{Directions: j.Directions, Side: side, From: r.from, Until: r.until, CapPackets: left.Packets, CapBytes: left.Bytes, Flows: j.Flows,
		Set: func() *selector.Set { return j.Selectors.set }, Clock: r.mono}
	secret := j.Working.Secret()
	blake3.DeriveKey(contextSieve, secret[:], opts.Key[:])
	clear(secret[:])
	r.sieve = sieve.New(opts, r.put)
	clear(opts.Key[:])
	return r, nil
}

// whyUnknown is the sort of address that lies on neither side.
func whyUnknown(a *[16]byte) string {
	switch x := netip.AddrFrom16(*a).Unmap(); {
	case x.IsPrivate():
		return "private"
	case !x.IsGlobalUnicast(), x.Is4() && x.As4()[0] >= 240:
		return "reserved"
	}
	return "unlisted"
}

// nanos is a time in ns since 1970 UTC; one that such a number cannot hold is the
// nearest that it can.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, 0)):
		return 0
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// mono is ns since the run began, by a clock that never goes back.
func (r *run) mono() int64 { return int64(time.Since(r.start)) }

// put hands a record on.
func (r *run) put(rec *sieve.Record) error {
	k, err := r.shape.shape(rec)
	if err == nil {
		err = r.shape.flush(r.seal)
	}
	if err == nil {
		err = r.job.Put(k)
	}
	if err != nil {
		r.failedOutput = err
		return err
	}
	r.out.Write(k.Line)
	r.by[k.Selector]++
	return nil
}

// seal hands on lines of the vault.
func (r *run) seal(lines []byte) error {
	r.vault.Write(lines)
	return r.job.Seal(lines)
}

// settle hands on what is left, and makes it safe.
func (r *run) settle() error {
	err := r.shape.flush(r.seal)
	if err == nil && r.job.Settle != nil {
		err = r.job.Settle()
	}
	return err
}

// reserve says how much of the cap may be used up from here on, before it is.
func (r *run) reserve(batch []capture.Packet) error {
	limit := r.order.Cap
	if r.job.Reserve == nil || limit == (approval.Quantity{}) {
		return nil
	}
	var bytes uint64
	for i := range batch {
		bytes += uint64(batch[i].Orig)
	}
	r.sinceP, r.sinceB = r.sinceP+uint64(len(batch)), r.sinceB+bytes
	if r.sinceP <= r.reservedP && r.sinceB <= r.reservedB {
		return nil
	}
	t := r.sieve.Tally()
	taken := t.Seen
	for _, a := range [...]sieve.Amount{t.Domestic, t.Direction, t.Unknown, t.Malformed, t.Cap} {
		taken.Packets, taken.Bytes = taken.Packets-a.Packets, taken.Bytes-a.Bytes
	}
	left, _ := limit.Left(r.job.Used)
	more := approval.Quantity{Packets: taken.Packets + max(8*batchSize, left.Packets/8), Bytes: taken.Bytes + bytes + max(8<<20, left.Bytes/8)}
	r.sinceP, r.sinceB = uint64(len(batch)), bytes
	r.reservedP, r.reservedB = more.Packets-taken.Packets, more.Bytes-taken.Bytes
	if left.Packets != 0 {
		more.Packets = min(more.Packets, left.Packets)
	}
	if left.Bytes != 0 {
		more.Bytes = min(more.Bytes, left.Bytes)
	}
	if err := r.job.Reserve(more); err != nil {
		r.why, r.failedOutput = EndOutput, err
		return errEnough
	}
	return nil
}

// endOf is the end that an answer of Alive means.
func endOf(err error) Ended {
	switch {
	case errors.Is(err, approval.ErrExpired), errors.Is(err, approval.ErrPeriod):
		return EndExpired
	case errors.Is(err, context.Canceled):
		return EndStopped
	}
	return EndWithdrawn
}

// outside is the refusal of a run whose first packet is not of the period.
func (r *run) outside(at int64) error {
	r.first = true
	first := time.Unix(0, at).UTC()
	return approval.ErrPeriod.At(fault.Place{At: first.Format(time.RFC3339), Code: "selection.run.first_packet", Args: fault.Args{"at": first, "from": r.order.From, "until": r.order.Until}})
}

// finish ends the sieve, destroys what is left and signs the statement.
func (r *run) finish() (Statement, error) {
	defer r.shape.wipe()
	if r.why == "" {
		r.why = EndInput
	}
	if r.why == EndOutput {
		r.sieve.Abort()
	} else if err := r.sieve.Close(); err != nil {
		r.why = EndOutput
	}
	clear(r.batch)
	gone := r.at()
	if r.first && (r.why == EndPeriod || r.why == EndUnreadable) {
		return Statement{}, r.cause
	}
	if r.why != EndOutput {
		if err := r.settle(); err != nil {
			r.why, r.failedOutput = EndOutput, err
		}
	}
	st := &r.st
	st.Ended, st.DestroyedAt = r.why, gone
	if r.late >= r.early {
		st.First, st.Last = time.Unix(0, r.early).UTC(), time.Unix(0, r.late).UTC()
	}
	r.count()
	d := r.sieve.Destroyed()
	st.Stay.Longest, st.Stay.P99 = d.Longest/1000, d.P99/1000
	st.Hashes.Output = hex.EncodeToString(r.out.Sum(nil))
	if r.job.Vault != nil && r.why != EndOutput {
		st.Hashes.Vault = hex.EncodeToString(r.vault.Sum(nil))
	}
	if all := r.sieve.Tally(); r.job.Unknown != nil && all.Unknown == all.Seen && all.Seen.Packets > 0 {
		r.job.Unknown(cmp.Or(r.unknown, "headers"))
	}
	st.EndedAt = r.at()
	if r.failedOutput != nil {
		r.cause = ErrOutput.Because(r.failedOutput)
	}
	if err := r.job.Signer.sign(st); err != nil {
		return Statement{}, err
	}
	return *st, r.cause
}

// at is the time, never before the run began, to the microsecond.
func (r *run) at() time.Time {
	return r.begun.Add(time.Duration(r.mono())).UTC().Truncate(time.Microsecond)
}

// count fills in what became of the packets. What could not be kept is as
// destroyed as what was not selected.
func (r *run) count() {
	t, st := r.sieve.Tally(), &r.st
	st.Seen = t.Seen
	st.TunnelPort = t.TunnelPort
	st.Dropped = Dropped{t.Domestic, t.Direction, t.Unknown, t.Unselected, t.Malformed, t.Cap}
	st.Selected = Selected{BySelector: map[string]Chosen{}}
	if r.why == EndOutput {
		st.Dropped.Unselected = st.Dropped.Unselected.Plus(t.Selected)
		r.out.Reset()
		return
	}
	st.Selected.Chosen = Chosen{t.Selected.Packets, t.Selected.Bytes, t.Records}
	for ref, a := range t.BySelector {
		st.Selected.BySelector[ref] = Chosen{a.Packets, a.Bytes, r.by[ref]}
	}
}
