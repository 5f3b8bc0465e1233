package selection

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/geo"
)

// NewRun is a run before it begins.
type NewRun struct {
	Approval   string
	Directions []geo.Class // none: all that were approved
	Link       string      // that the packets are of; empty only where the order's is FilesLink
	Source     string      // what is read, as the handler calls it
	Test       bool        // made-up traffic; a run is a test only where the hub made it up
}

// begun is a run that redeemed its Grant.
type begun struct {
	run   HubRun
	grant approval.Grant
	use   approval.Use
	used  approval.Quantity // of the cap, by earlier runs
	list  List
}

// begin redeems the Grant and writes that a run goes on: the first step of every
// run of this hub, wherever its packets are. A refusal stays on the record.
func (s *Service) begin(ctx context.Context, n NewRun, place Place) (b begun, err error) {
	if n.Approval, err = s.Approvals.Named(ctx, n.Approval); err != nil {
		return b, err
	}
	id := newID()
	act := &ledger.Act{Verb: "selection.run", Object: runObject(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		b.grant, err = s.Approvals.Grant(ctx, tx, n.Approval)
		if isKind(err, fault.NotFound) {
			return approval.ErrNoGrant // on record, like every run without one
		}
		if err != nil {
			return err
		}
		o := b.grant.Order()
		if len(n.Directions) == 0 {
			n.Directions = o.Directions
		}
		scope := approval.Scope{Directions: n.Directions, Link: n.Link, Selectors: o.Selectors, Fields: o.Fields}
		if b.use, err = s.Approvals.Redeem(ctx, tx, act, b.grant, who, scope); err != nil {
			return err
		}
		agreement, err := s.beginning(ctx, tx, n.Link, who, o, &b)
		if err != nil {
			return err
		}
		b.used = usedBefore(o.Cap, b.use.Left)
		now := s.now()
		b.run = HubRun{ID: id, Org: who.Org, Approval: o.ID, Agreement: agreement, List: b.list.ID, Kind: o.Kind, Place: place, Basis: "acquisition", Source: clean(n.Source), State: RunGoing,
			StartedAt: now, BeatAt: now, RetainUntil: now.Truncate(time.Second).AddDate(0, 0, o.RetainDays), Entry: act.Entry, person: who.Person, use: b.use.ID,
			ways: Ways(n.Directions), madeUp: n.Test, used: b.used}
		if n.Test && place == OnHub {
			b.run.Basis = "test"
		}
		if place == OnMachine {
			b.run.Taken = heldBack(o.Cap, b.used)
		}
		if _, err := s.Keys.Make(ctx, tx, keyOwner(o.ID)); err != nil { // for its records
			return fmt.Errorf("begin a run: %w", err)
		}
		k, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("begin a run: %w", err)
		}
		if b.run.sealed, err = k.SealJSON(runSecret{b.run.Source}, runObject(id)); err != nil {
			return err
		}
		act.Public = map[string]any{"approval": o.ID, "order": b.grant.Digest(), "selectors": o.Selectors, "place": string(place), "basis": b.run.Basis, "directions": n.Directions,
			"retain_until": b.run.RetainUntil.Format(time.RFC3339)}
		act.Secret = runSecret{b.run.Source}
		if err := insertRun(ctx, tx, b.run); err != nil {
			return fmt.Errorf("begin a run: %w", err)
		}
		return publish(ctx, tx, "started", Happened{Run: id, Approval: o.ID, Org: who.Org, At: now})
	})
	return b, err
}

// beginning asks, once the Grant of a run was redeemed, the rest of what decides
// whether it may begin, and returns the agreement that its order rests on.
func (s *Service) beginning(ctx context.Context, tx *db.Tx, link string, who gate.Identity, o approval.Order, b *begun) (agreement string, err error) {
	p := beginning{order: &o, link: link, person: who.Person}
	if o.Kind == approval.Agreement {
		a, err := agreementOf(ctx, tx, o.ID)
		if err != nil {
			return "", err
		}
		if p.conducted, err = negotiated(ctx, tx, a.ID, who.Person); err != nil {
			return "", err
		}
		p.agreement, agreement = &a, a.ID
	}
	b.list, err = listBySHA(ctx, tx, o.Asker, o.Selectors)
	if err == nil {
		p.list = &b.list
	} else if !errors.Is(err, ErrNoList) {
		return "", err
	}
	return agreement, p.allows(s.now())
}

// alive reports whether a run may go on, and writes that it was heard of. Asked
// four times a second it writes once.
func (s *Service) alive(ctx context.Context, run, use string, last *time.Time) error {
	if err := s.Approvals.Alive(ctx, use); err != nil {
		return err
	}
	now := s.now()
	if now.Sub(*last) < time.Second && !now.Before(*last) {
		return nil
	}
	*last = now
	return s.DB.Write(ctx, func(tx *db.Tx) error { return beatRun(ctx, tx, run, now) })
}

// reserve writes up to how much a run may have taken, before it takes it: after a
// crash that much of the cap counts as used.
func (s *Service) reserve(ctx context.Context, run string, upTo approval.Quantity) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error { return reserveRun(ctx, tx, run, upTo) })
}

// chainOn goes on with the SHA-256 over the lines of a run; the state is kept
// between pages. An empty state begins.
func chainOn(state string, lines [][]byte) (string, error) {
	h := sha256.New()
	if state != "" {
		raw, err := hex.DecodeString(state)
		if err != nil {
			return "", err
		}
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(raw); err != nil {
			return "", err
		}
	}
	for _, l := range lines {
		h.Write(l)
		h.Write([]byte{'\n'})
	}
	raw, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	return hex.EncodeToString(raw), err
}

func chainName(run string) string { return runObject(run) + "/chain" }

// openChain returns the state of a run's chain: it holds the end of the last line,
// so it is sealed like records.
func openChain(k *key.Cipher, r HubRun) (string, error) {
	if r.chain == "" {
		return "", nil
	}
	raw, err := hex.DecodeString(r.chain)
	if err == nil {
		raw, err = k.Open(raw, chainName(r.ID))
	}
	if err != nil {
		return "", fmt.Errorf("chain of %s: %w", r.ID, err)
	}
	return string(raw), nil
}

// chainSum is the SHA-256 that a chain has come to, in hex.
func chainSum(state string) (string, error) {
	h := sha256.New()
	if state == "" {
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	raw, err := hex.DecodeString(state)
	if err != nil {
		return "", err
	}
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(raw); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// keep stores a page of records of a run, in the order they were made. Number
// counts pages from 0: a page that came twice is kept once. All or nothing. Of
// another machine nothing is taken once the approval was withdrawn, and never more
// than is left of the cap.
func (s *Service) keep(ctx context.Context, run string, number int64, u lineRule, lines [][]byte) error {
	if len(lines) > MaxPage {
		return ErrPage
	}
	// What is not about the database happens before it is held.
	list := make([]Stored, len(lines))
	for i, line := range lines {
		c, err := u.readRecord(line)
		if err != nil {
			return fault.Of(err).At(fault.Place{At: fmt.Sprint(i + 1), Code: "selection.hub.line_at"})
		}
		c.ID, c.Run = newID(), run
		list[i] = c
	}
	o := u.order
	act := &ledger.Act{Verb: "selection.run", Object: runObject(run), Grant: o.ID}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, err := lockRun(ctx, tx, run)
		if err != nil {
			return err
		}
		if _, err := r.does("keep", who.Org, who.Person); err != nil {
			return err
		}
		if again, err := r.page(number, len(lines)); again || err != nil {
			return err
		}
		if err := s.handsIn(ctx, tx, &r); err != nil {
			return err
		}
		k, err := s.Keys.For(ctx, tx, keyOwner(r.Approval))
		if err != nil {
			return fmt.Errorf("keep records: %w", err)
		}
		sums := map[string]Chosen{}
		for i, c := range list {
			if c.RetainUntil.After(r.RetainUntil.Add(time.Hour)) {
				return fault.New(fault.Invalid, ErrRecordLine.Code, "why", "retain")
			}
			c.RetainUntil, c.org = r.RetainUntil, r.Org
			c.sealed = k.Seal(lines[i], recordName(&c))
			if err := insertRecord(ctx, tx, c); err != nil {
				return fmt.Errorf("keep records: %w", err)
			}
			sum := sums[c.Selector]
			sums[c.Selector] = Chosen{sum.Packets + c.sum.Packets, sum.Bytes + c.sum.Bytes, sum.Records + 1}
			r.kept = plus(r.kept, c.sum)
		}
		if err := r.takes(o.Cap); err != nil {
			return err
		}
		if err := addFound(ctx, tx, run, sums); err != nil {
			return fmt.Errorf("keep records: %w", err)
		}
		state, err := openChain(k, r)
		if err != nil {
			return err
		}
		if state, err = chainOn(state, lines); err != nil {
			return err
		}
		r.chain = hex.EncodeToString(k.Seal([]byte(state), chainName(r.ID)))
		r.Records, r.pages = r.Records+int64(len(lines)), r.pages+1
		sum, err := chainSum(state)
		if err != nil {
			return err
		}
		act.Public = map[string]any{"page": number, "records": len(lines), "output": sum}
		return updateRun(ctx, tx, r)
	})
}

// handsIn refuses what another machine hands in once its use may not go on.
func (s *Service) handsIn(ctx context.Context, tx *db.Tx, r *HubRun) error {
	alive := s.Approvals.AliveIn(ctx, tx, r.use)
	if alive != nil && isKind(alive, fault.Internal) {
		return alive
	}
	return r.handsIn(alive, s.now())
}

// complete ends a run with its statement: it has to agree with the order, with
// what was handed in, and with itself. Vault is a staged file, or nil.
func (s *Service) complete(ctx context.Context, run string, g approval.Grant, st Statement, vault func(tx *db.Tx, object string) (string, error)) (out HubRun, err error) {
	act := &ledger.Act{Verb: "selection.run", Object: runObject(run), Grant: g.ID()}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, err := lockRun(ctx, tx, run)
		if err != nil {
			return err
		}
		to, err := r.does("state", who.Org, who.Person)
		if err != nil {
			return err
		}
		found, err := loadFound(ctx, tx, run)
		if err != nil {
			return err
		}
		k, err := s.Keys.For(ctx, tx, keyOwner(r.Approval))
		if err != nil {
			return fmt.Errorf("end a run: %w", err)
		}
		state, err := openChain(k, r)
		if err != nil {
			return err
		}
		output, err := chainSum(state)
		if err != nil {
			return err
		}
		if err := agrees(st, r, g, found, output, s.now()); err != nil {
			return err
		}
		if err := s.vaultAgrees(ctx, tx, r, st); err != nil {
			return err
		}
		taken, charged := r.charged(approval.Quantity(st.Taken()), g.Order().Cap)
		raw := st.encode()
		if len(raw) > maxStated {
			return ErrStated
		}
		// A run that ended because time or cap was over still ends in order.
		if err := s.Approvals.Finish(ctx, tx, r.use, charged, string(st.Ended)); err != nil {
			return err
		}
		var small json.RawMessage
		if small, err = json.Marshal(st); err != nil {
			return err
		}
		r.State, r.Outcome, r.EndedAt, r.Taken, r.Statement, r.chain = to, string(st.Ended), s.now(), taken, small, ""
		if r.stated, err = s.sealStatement(ctx, tx, r.Org, r.ID, small); err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		if r.Counter, err = s.countersign(run, sum[:]); err != nil {
			return err
		}
		if vault != nil && r.Records > 0 {
			if r.vault, err = vault(tx, runObject(run)); err != nil {
				return err
			}
		} else if r.Records == 0 && r.vault != "" {
			if err := s.Blobs.Remove(ctx, tx, r.vault); err != nil {
				return err
			}
			r.vault = ""
		}
		r.Vault = r.vault != ""
		act.Public = map[string]any{"ended": string(st.Ended), "statement": hex.EncodeToString(sum[:]), "seen": st.Seen, "dropped": st.Dropped, "selected": st.Selected.Chosen, "destroyed_at": st.DestroyedAt, "hashes": st.Hashes,
			"first_at": stamp(st.First), "last_at": stamp(st.Last)}
		out = r
		if err := updateRun(ctx, tx, r); err != nil {
			return err
		}
		if err := dropFound(ctx, tx, run); err != nil {
			return err
		}
		return publish(ctx, tx, "finished", Happened{Run: run, Approval: r.Approval, Org: r.Org, Records: uint64(r.Records), At: r.EndedAt})
	})
	return out, err
}

// stamp writes a time as entries have it, to the microsecond; empty where there
// was none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// clockSkew is how far the clock of another machine may be from the hub's.
const clockSkew = time.Hour

// agrees checks a statement against its run: the same order, list and use, all
// that was seen accounted for, the records that are here with their hash and sums,
// by selector too, and no more taken than was left of the cap.
func agrees(st Statement, r HubRun, g approval.Grant, found map[string]Chosen, output string, now time.Time) error {
	o := g.Order()
	chosen := st.Dropped.Sum()
	chosen.Packets, chosen.Bytes = chosen.Packets+st.Selected.Packets, chosen.Bytes+st.Selected.Bytes
	wrong := ""
	switch {
	case st.Run != r.ID:
		wrong = "run"
	case st.Order != o.ID || st.Hashes.Order != g.Digest() || st.Authority != g.Authority():
		wrong = "order"
	case st.Kind != o.Kind:
		wrong = "kind"
	case st.Link != o.Link:
		wrong = "link"
	case len(r.ways) > 0 && !slices.Equal(st.Directions, []geo.Class(r.ways)):
		wrong = "directions"
	case !slices.Equal(st.Fields, o.Fields) || st.Addresses != o.Addresses:
		wrong = "fields"
	case st.RetainUntil.Sub(r.RetainUntil).Abs() > clockSkew:
		wrong = "retain_until"
	case st.BegunAt.Before(r.StartedAt.Add(-clockSkew)), st.EndedAt.Before(st.BegunAt), st.EndedAt.After(now.Add(clockSkew)), st.DestroyedAt.Before(st.BegunAt), st.EndedAt.Before(st.DestroyedAt):
		wrong = "begun_at"
	case st.First.IsZero() != st.Last.IsZero(), !st.First.IsZero() && (st.First.Before(o.From) || !st.Last.Before(o.Until) || st.Last.Before(st.First)):
		wrong = "first_packet"
	case st.MadeUp != nil && !r.madeUp && o.Kind != approval.Trial:
		wrong = "made_up"
	case st.Before != r.used:
		wrong = "used_before"
	case beyond(approval.Quantity(st.Taken()), o.Cap, r.used):
		wrong = "taken"
	case st.Hashes.Selectors != o.Selectors:
		wrong = "selectors"
	case !slices.Contains(ends, st.Ended):
		wrong = "ended"
	case st.TunnelPort.Packets > st.Dropped.Unknown.Packets || st.TunnelPort.Bytes > st.Dropped.Unknown.Bytes:
		wrong = "tunnel_port"
	case st.Seen != chosen:
		wrong = "seen"
	case int64(st.Selected.Records) != r.Records || st.Selected.Packets != r.kept.Packets || st.Selected.Bytes != r.kept.Bytes:
		wrong = "records"
	case !maps.Equal(st.Selected.BySelector, found):
		wrong = "by_selector"
	case r.Records > 0 && st.Hashes.Output != output:
		wrong = "output"
	}
	if wrong != "" {
		return fault.New(fault.Invalid, ErrStated.Code, "what", wrong)
	}
	return nil
}

// counterHead is the first line of what the hub signs; no other note begins so.
const counterHead = "noroshi selection countersignature v1"

// countersign signs that a statement came in and agreed with what was handed in.
func (s *Service) countersign(run string, statement []byte) (string, error) {
	if s.Signer == nil {
		return "", nil
	}
	n, err := note.Sign(&note.Note{Text: counterHead + "\n" + run + "\n" + hex.EncodeToString(statement) + "\n"}, s.Signer)
	if err != nil {
		return "", fmt.Errorf("countersign: %w", err)
	}
	return string(n), nil
}

// interrupt ends a run that broke off: all it had is destroyed, with a receipt,
// and what it may have taken counts as taken. By is "abort", "fail" or "silence";
// of the last, it is looked at again whether nobody heard of the run for so long.
func (s *Service) interrupt(ctx context.Context, run, by, outcome string, long time.Duration) error {
	side := HubSide
	if by == "abort" {
		side = HandlerSide
	}
	act := &ledger.Act{Verb: "selection.interrupt", Object: runObject(run)}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		r, err := lockRun(ctx, tx, run)
		if err != nil {
			return err
		}
		to, err := leads(r.State, by, side)
		if err != nil {
			return err
		}
		if by == "silence" && !r.quiet(long, s.now()) {
			return errHeard
		}
		r.State, r.Outcome, r.EndedAt, r.Taken, r.chain = to, outcome, s.now(), r.lost(), ""
		act.Grant, act.Public = r.Approval, map[string]any{"outcome": outcome, "records": r.Records, "taken": map[string]any{"packets": r.Taken.Packets, "bytes": r.Taken.Bytes}}
		if err := s.Approvals.Finish(ctx, tx, r.use, r.Taken, outcome); err != nil && isKind(err, fault.Internal) {
			return err
		}
		if err := updateRun(ctx, tx, r); err != nil {
			return err
		}
		if err := dropFound(ctx, tx, run); err != nil {
			return err
		}
		return publish(ctx, tx, "finished", Happened{Run: run, Approval: r.Approval, Org: r.Org, At: r.EndedAt})
	})
	if err != nil {
		return err
	}
	_, err = s.eraseRun(ctx, run, "interrupted", time.Unix(1<<40, 0))
	return err
}

// errHeard is a run that was heard of after all.
var errHeard = errors.New("the run was heard of")

// interruptSilent ends runs that have not been heard of for so long.
func (s *Service) interruptSilent(ctx context.Context, long time.Duration) (n int, err error) {
	var list []HubRun
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err = silentRuns(ctx, tx, s.now().Add(-long), 100)
		return err
	}); err != nil {
		return 0, err
	}
	for _, r := range list {
		switch err := s.interrupt(ctx, r.ID, "silence", "interrupted", long); {
		case errors.Is(err, errHeard), isKind(err, fault.Conflict): // somebody was there first
		case err != nil:
			return n, err
		default:
			n++
		}
	}
	return n, nil
}
