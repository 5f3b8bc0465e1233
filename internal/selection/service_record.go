package selection

import (
	"context"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

func runObject(id string) string { return "selection_run/" + id }

// Reason is for what records are read, disclosed or used.
type Reason struct {
	Purpose string `json:"purpose"`           // id of Purposes
	Consent string `json:"consent,omitempty"` // of an agreement's party, for another purpose
}

// say writes the consent into what an act says in clear, where there is one.
func (w Reason) say(public map[string]any) {
	if w.Consent != "" {
		public["consent"] = w.Consent
	}
}

// purpose checks for what somebody wants records of a run: another purpose than
// preventing specified damage needs the consent of the party whose agreement
// gave them, and there is none for what the commission approved.
func (s *Service) purpose(ctx context.Context, tx *db.Tx, r HubRun, why Reason) error {
	p, ok := purposeOf(why.Purpose)
	if !ok {
		return ErrReadFirst
	}
	if !p.Other {
		if why.Consent != "" {
			return ErrPurpose
		}
		return nil
	}
	if r.Agreement == "" || why.Consent == "" {
		return ErrPurpose
	}
	list, err := loadConsents(ctx, tx, r.Agreement)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.ID == why.Consent && c.Covers(s.now()) {
			return nil
		}
	}
	return ErrNoConsent
}

// Read returns a page of the records of a run, for a purpose; each page is an act
// on the ledger, and shown to the inspector. A recipient reads what was disclosed
// to it, for the purpose it was disclosed for. Faults: ErrReadFirst, ErrPurpose,
// ErrNoConsent, ErrNoRun.
func (s *Service) Read(ctx context.Context, f RecordFilter, why Reason) (out []Stored, next string, err error) {
	act := &ledger.Act{Verb: "selection.read", Object: runObject(f.Run), Purpose: why.Purpose}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, err := s.readable(ctx, tx, f, why, who, reach)
		if err != nil {
			return err
		}
		act.Grant = r.Approval
		if out, next, err = listRecords(ctx, tx, f, who, reach, s.now()); err != nil {
			return err
		}
		if err := s.openRecords(ctx, tx, r.Approval, out); err != nil {
			return err
		}
		act.Public = map[string]any{"records": len(out)}
		why.say(act.Public)
		return insertReading(ctx, tx, r.Org, ReadingOf{ID: act.Entry, Run: r.ID, Org: who.Org, Purpose: why.Purpose, Consent: why.Consent, Records: len(out), At: s.now(), person: who.Person})
	})
	if err != nil {
		return nil, "", err // nothing of what an act that was not recorded read
	}
	return out, next, nil
}

// readable returns a run of which who acts may read records for a purpose. A
// recipient names the disclosure, and reads for its purpose.
func (s *Service) readable(ctx context.Context, tx *db.Tx, f RecordFilter, why Reason, who gate.Identity, reach gate.Reach) (r HubRun, err error) {
	if reach == gate.Addressed {
		d, err := loadDisclosure(ctx, tx, f.Disclosure, who, reach)
		if err != nil {
			return r, err
		}
		if d.Run != f.Run {
			return r, ErrNoRun
		}
		if why.Purpose == "" {
			return r, ErrReadFirst
		}
		if why.Purpose != d.Purpose || why.Consent != d.Consent {
			return r, ErrPurpose
		}
		if r, err = lockRun(ctx, tx, f.Run); err != nil {
			return r, err
		}
	} else if r, err = loadRun(ctx, tx, f.Run, who, reach); err != nil {
		return r, err
	}
	return r, s.purpose(ctx, tx, r, why)
}

// openRecords opens what is sealed of records of one approval.
func (s *Service) openRecords(ctx context.Context, tx *db.Tx, approvalID string, list []Stored) error {
	if len(list) == 0 {
		return nil
	}
	k, err := s.Keys.For(ctx, tx, keyOwner(approvalID))
	if err != nil {
		return fmt.Errorf("records of %s: %w", approvalID, err)
	}
	for i := range list {
		raw, err := k.Open(list[i].sealed, recordName(&list[i]))
		if err != nil {
			return fmt.Errorf("record %s: %w", list[i].ID, err)
		}
		list[i].Line, list[i].sealed = raw, nil
	}
	return nil
}

// Extend lets the records of a run be kept longer, with a reason, as often and as
// long as configured. Faults: ErrRunOver, ErrExtension.
func (s *Service) Extend(ctx context.Context, run string, until time.Time, reason string) (e Extension, err error) {
	act := &ledger.Act{Verb: "selection.extend", Object: runObject(run)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reason, err = words("reason", reason, true); err != nil {
			return err
		}
		if _, err := loadRun(ctx, tx, run, who, reach); err != nil {
			return err
		}
		r, err := lockRun(ctx, tx, run)
		if err != nil {
			return err
		}
		until = until.UTC().Truncate(time.Second)
		if err := s.Limits.mayExtend(r, until, s.now()); err != nil {
			return err
		}
		k, err := s.Keys.Make(ctx, tx, r.Org)
		if err != nil {
			return err
		}
		e = Extension{ID: newID(), Until: until, Reason: reason, At: s.now(), Entry: act.Entry}
		if e.sealed, err = k.SealJSON(reason, "selection_extension/"+e.ID); err != nil {
			return err
		}
		r.RetainUntil, r.Extended = until, r.Extended+1
		act.Grant, act.Secret, act.Public = r.Approval, reason, map[string]any{"until": until.Format(time.RFC3339), "times": r.Extended}
		if err := retainRecords(ctx, tx, run, until); err != nil {
			return err
		}
		if err := insertExtension(ctx, tx, run, e); err != nil {
			return err
		}
		return updateRun(ctx, tx, r)
	})
	return e, err
}

// eraseBatch bounds the records that one act destroys.
const eraseBatch = 1000

// Erase destroys what may not be kept any longer: records with receipts, then the
// vault of a run without records, then the key of an approval without any.
// It returns how many records it destroyed.
func (s *Service) Erase(ctx context.Context) (n int64, err error) {
	for {
		var due []string
		if err := s.DB.Read(ctx, func(tx *db.Tx) error {
			due, err = dueRuns(ctx, tx, s.now(), 100)
			return err
		}); err != nil || len(due) == 0 {
			return n, err
		}
		for _, id := range due {
			got, err := s.eraseRun(ctx, id, "retention", s.now())
			if n += got; err != nil {
				return n, err
			}
			if got == 0 {
				return n, nil // nothing moves: not to be tried for ever
			}
		}
	}
}

// eraseRun destroys the records of a run that are due at an instant.
func (s *Service) eraseRun(ctx context.Context, run, why string, at time.Time) (n int64, err error) {
	for {
		batch := 0
		act := &ledger.Act{Verb: "selection.erase", Object: runObject(run)}
		_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
			r, err := lockRun(ctx, tx, run)
			if err != nil {
				return err
			}
			due, err := dueRecords(ctx, tx, run, at, eraseBatch)
			if err != nil {
				return err
			}
			batch = len(due)
			for _, id := range due {
				if err := eraseRecord(ctx, tx, id); err != nil {
					return fmt.Errorf("erase: %w", err)
				}
			}
			return s.erased(ctx, tx, act, r, due, why)
		})
		if n += int64(batch); err != nil || batch < eraseBatch {
			return n, err
		}
	}
}

// erased writes a receipt, and destroys the vault with the last record and the
// key with the last of the approval.
func (s *Service) erased(ctx context.Context, tx *db.Tx, act *ledger.Act, r HubRun, list []string, why string) error {
	r.Erased += int64(len(list))
	act.Grant = r.Approval
	x := Receipt{ID: newID(), Approval: r.Approval, Run: r.ID, Why: why, Records: int64(len(list)), Digest: digestOfIDs(list), At: s.now(), Entry: act.Entry, org: r.Org}
	act.Public = map[string]any{"why": why, "records": x.Records, "digest": x.Digest}
	if len(list) > 0 || why == "interrupted" {
		if err := insertReceipt(ctx, tx, x); err != nil {
			return err
		}
	}
	if r.Left() == 0 && r.vault != "" {
		if err := s.Blobs.Remove(ctx, tx, r.vault); err != nil {
			return err
		}
		r.vault = ""
		act.Public["vault"] = true
	}
	if err := updateRun(ctx, tx, r); err != nil {
		return err
	}
	left, going, err := leftOf(ctx, tx, r.Approval)
	if err != nil {
		return err
	}
	if left == 0 && going == 0 {
		// What is sealed under it anywhere, in a backup too, opens no more. A later
		// run of the approval makes a new one.
		if err := s.Keys.Destroy(ctx, tx, keyOwner(r.Approval)); err != nil {
			return err
		}
		act.Public["key"] = true
		if err := insertReceipt(ctx, tx, Receipt{ID: newID(), Approval: r.Approval, Why: "key", Digest: digestOfIDs(nil), At: s.now(), Entry: act.Entry, org: r.Org}); err != nil {
			return err
		}
	}
	return publish(ctx, tx, "erased", Happened{Run: r.ID, Approval: r.Approval, Org: r.Org, Records: uint64(len(list)), At: s.now()})
}

// Receipts lists what was destroyed, the newest first.
func (s *Service) Receipts(ctx context.Context, cursor string, limit int) (out []Receipt, next string, err error) {
	err = s.read(ctx, "selection.runs", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		out, next, err = s.receipts(ctx, tx, "", who, reach, cursor, limit)
		return err
	})
	return out, next, err
}

// receipts are those of a run, or of all, with the numbers of their approvals.
func (s *Service) receipts(ctx context.Context, tx *db.Tx, run string, who gate.Identity, reach gate.Reach, cursor string, limit int) (out []Receipt, next string, err error) {
	if out, next, err = loadReceipts(ctx, tx, run, who, reach, cursor, limit); err != nil {
		return nil, "", err
	}
	for i := range out {
		if out[i].Number, err = s.Approvals.Number(ctx, tx, out[i].Approval); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}

// invalid is a fault at one place of a form.
func invalid(at, code string, pairs ...any) error {
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

// ConsentsOf lists the consents in force of the party whose agreement gave the
// records of a run; none for what the commission approved.
func (s *Service) ConsentsOf(ctx context.Context, run string) (out []Consent, err error) {
	err = s.read(ctx, "selection.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, err := loadRun(ctx, tx, run, who, reach)
		if err != nil || r.Agreement == "" {
			return err
		}
		list, err := loadConsents(ctx, tx, r.Agreement)
		if err != nil || len(list) == 0 {
			return err
		}
		k, err := s.Keys.For(ctx, tx, r.Org)
		if err != nil {
			return err
		}
		for _, c := range list {
			if !c.Covers(s.now()) {
				continue
			}
			if err := k.OpenJSON(c.sealed, "selection_consent/"+c.ID, &c.Purpose); err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	return out, err
}
