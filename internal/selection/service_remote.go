package selection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/deid"
)

// Remote is what a run on another machine begins with.
type Remote struct {
	Run   HubRun            `json:"run"`
	Paper string            `json:"order"`           // signed, as a run on files reads it
	Used  approval.Quantity `json:"used"`            // of the cap, by earlier runs
	Vault string            `json:"vault,omitempty"` // seals what pseudonyms stand for, as deid.ParsePublic reads it; empty while nobody could open it
}

// BeginRemote redeems the Grant for a run on another machine. From then on it
// has to be heard of: what is silent for 15 seconds is destroyed.
func (s *Service) BeginRemote(ctx context.Context, n NewRun) (out Remote, err error) {
	b, err := s.begin(ctx, n, OnMachine)
	if err != nil {
		return out, err
	}
	paper, err := s.Approvals.Paper(ctx, n.Approval)
	if err != nil {
		return out, err
	}
	out = Remote{Run: b.run, Paper: string(paper), Used: b.used}
	public, err := s.vaultKey(ctx, b.run.Approval)
	if public != nil {
		out.Vault = string(public.Text())
	}
	return out, err
}

// mineGoing returns a run that who acts carries out on another machine, and on
// which they may do something now.
func (s *Service) mineGoing(ctx context.Context, act, id string) (r HubRun, err error) {
	err = s.read(ctx, "selection.run", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if r, err = loadRun(ctx, tx, id, who, reach); err != nil {
			return err
		}
		if r.Place != OnMachine {
			return ErrNoRun
		}
		_, err := r.does(act, who.Org, who.Person)
		return err
	})
	return r, err
}

// ListFile returns the compiled list of a run on another machine while its
// approval is in force. Handing it out is recorded, and so is refusing it.
func (s *Service) ListFile(ctx context.Context, run string) (file []byte, err error) {
	r, err := s.mineGoing(ctx, "list", run)
	if err != nil {
		return nil, err
	}
	act := &ledger.Act{Verb: "selection.run", Object: runObject(run), Grant: r.Approval, Public: map[string]any{"what": "selectors"}}
	var l List
	if err := s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		if err := s.Approvals.AliveIn(ctx, tx, r.use); err != nil {
			return err
		}
		l, err = listByID(ctx, tx, r.List)
		return err
	}); err != nil {
		return nil, err
	}
	return s.listFile(ctx, l.blob)
}

// Beat says that a run on another machine goes on, and up to how much of the cap
// it may have taken; the answer is the refusal that ends it, if one does.
func (s *Service) Beat(ctx context.Context, run string, upTo approval.Quantity) error {
	r, err := s.mineGoing(ctx, "beat", run)
	if err != nil {
		return err
	}
	if err := s.Approvals.Alive(ctx, r.use); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if upTo.Packets > r.Taken.Packets || upTo.Bytes > r.Taken.Bytes {
			most := approval.Quantity{Packets: max(upTo.Packets, r.Taken.Packets), Bytes: max(upTo.Bytes, r.Taken.Bytes)}
			if err := reserveRun(ctx, tx, run, most); err != nil {
				return err
			}
		}
		return beatRun(ctx, tx, run, s.now())
	})
}

// grantOf returns the Grant of a run.
func (s *Service) grantOf(ctx context.Context, r HubRun) (g approval.Grant, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		g, err = s.Approvals.Grant(ctx, tx, r.Approval)
		return err
	})
	return g, err
}

// Deliver takes a page of records from a run on another machine: lines of JSON,
// in the order they were made. Pages count from 0; one that came before is
// accepted and changes nothing. What the order does not allow is refused.
// Faults: ErrPage, ErrRecordLine, ErrRunOver.
func (s *Service) Deliver(ctx context.Context, run string, page int64, body []byte) error {
	r, err := s.mineGoing(ctx, "keep", run)
	if err != nil {
		return err
	}
	if len(body) > MaxPageBytes {
		return ErrPage
	}
	g, err := s.grantOf(ctx, r)
	if err != nil {
		return err
	}
	var lines [][]byte
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSuffix(line, []byte("\n")); len(lines) == MaxPage {
			return ErrPage
		}
		lines = append(lines, bytes.Clone(line))
	}
	clear(body)
	u, err := s.ruleOf(ctx, r, g.Order(), lines)
	if err != nil {
		return err
	}
	return s.keep(ctx, run, page, u, lines)
}

// TakeVault takes what the pseudonyms of a run on another machine stand for, sealed
// to the key of the approval: after its records, before its statement. One that
// comes again takes the place of the one before. Faults: ErrVaultFile for all that is
// no vault of this run, and where nobody holds the key; ErrRunOver.
func (s *Service) TakeVault(ctx context.Context, run string, body io.Reader) error {
	r, err := s.mineGoing(ctx, "vault", run)
	if err != nil {
		return err
	}
	public, err := s.vaultKey(ctx, r.Approval)
	if err != nil {
		return err
	}
	if public == nil {
		return ErrVaultFile
	}
	m, err := s.Blobs.Stage(body, "vault") // encrypted; what is not added is swept
	if err != nil {
		return err
	}
	f, err := s.Blobs.Open(m)
	if err != nil {
		return err
	}
	head, n, err := deid.CheckVault(f)
	f.Close()
	if err != nil || head.ID != public.ID || head.Approval != r.Approval {
		return ErrVaultFile.Because(err)
	}
	act := &ledger.Act{Verb: "selection.run", Object: runObject(run), Grant: r.Approval, Public: map[string]any{"vault": m.SHA256, "entries": n}}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, err := lockRun(ctx, tx, run)
		if err != nil {
			return err
		}
		if _, err := r.does("vault", who.Org, who.Person); err != nil {
			return err
		}
		if int64(n) > r.Records+1 { // a name of each record, and the key of the addresses
			return ErrVaultFile
		}
		if err := s.handsIn(ctx, tx, &r); err != nil {
			return err
		}
		if r.vault != "" {
			if err := s.Blobs.Remove(ctx, tx, r.vault); err != nil {
				return err
			}
		}
		if m, err = s.Blobs.Add(ctx, tx, m, r.Org, runObject(run)); err != nil {
			return err
		}
		r.vault = m.ID
		return updateRun(ctx, tx, r)
	})
}

// vaultAgrees refuses the statement of a run on another machine that is not of the
// vault it handed in, and one without where the key was held when the run began:
// what the commission let be opened can be opened.
func (s *Service) vaultAgrees(ctx context.Context, tx *db.Tx, r HubRun, st Statement) error {
	if r.Place != OnMachine || r.Records == 0 {
		return nil
	}
	sum := ""
	if r.vault != "" {
		m, err := s.Blobs.Get(ctx, tx, r.vault)
		if err != nil {
			return fmt.Errorf("vault of %s: %w", r.ID, err)
		}
		sum = m.SHA256
	}
	c, err := loadCustody(ctx, tx, r.Approval)
	if err != nil && !errors.Is(err, ErrNoCustody) {
		return err
	}
	held := err == nil && c.Ready() && c.FirstAt.Before(r.StartedAt) && c.SecondAt.Before(r.StartedAt)
	if sum != st.Hashes.Vault || held && sum == "" {
		return fault.New(fault.Invalid, ErrStated.Code, "what", "vault")
	}
	return nil
}

// State takes the statement by which a run on another machine ends. Faults:
// ErrStatement, ErrStated.
func (s *Service) State(ctx context.Context, run string, raw []byte) (HubRun, error) {
	r, err := s.mineGoing(ctx, "state", run)
	if err != nil {
		return r, err
	}
	if len(raw) > maxStated {
		return r, ErrStated
	}
	st, err := ReadStatement(raw)
	if err != nil {
		return r, err
	}
	g, err := s.grantOf(ctx, r)
	if err != nil {
		return r, err
	}
	l, err := s.opened(ctx, r)
	if err != nil {
		return r, err
	}
	if n, _ := l.set.Overridden(); n != st.Overridden {
		return r, fault.New(fault.Invalid, ErrStated.Code, "what", "overridden")
	}
	return s.complete(ctx, run, g, st, nil)
}

// Abort gives up a run on another machine: all it handed in is destroyed.
func (s *Service) Abort(ctx context.Context, run string) error {
	if _, err := s.mineGoing(ctx, "abort", run); err != nil {
		return err
	}
	if err := s.do(ctx, &ledger.Act{Verb: "selection.run", Object: runObject(run), Public: map[string]any{"what": "abort"}}, func(*db.Tx, gate.Identity, gate.Reach) error { return nil }); err != nil {
		return err
	}
	err := s.interrupt(ctx, run, "abort", "aborted", 0)
	if isKind(err, fault.Conflict) {
		err = nil
	}
	return err
}
