package selection

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/engine/deid"
	"noroshi/internal/org"
)

// RunCapture selects from a capture that is read while it comes in: it is
// written nowhere. It returns when the run has ended. Faults: those of
// approval.Redeem and of Run.
func (s *Service) RunCapture(ctx context.Context, n NewRun, capture io.Reader) (HubRun, error) {
	if capture == nil {
		return HubRun{}, ErrNoSource
	}
	n.Test = false
	b, err := s.begin(ctx, n, OnHub)
	if err != nil {
		return HubRun{}, err
	}
	return s.carry(ctx, b, Source{Name: "capture", Open: func() (io.ReadCloser, error) { return io.NopCloser(capture), nil }}, s.Prefixes, false)
}

// RunDrill selects from made-up traffic of the hub and returns when the run has
// ended. Faults: ErrNoSource, those of approval.Redeem and of Run.
func (s *Service) RunDrill(ctx context.Context, n NewRun, drill string) (HubRun, error) {
	b, d, err := s.beginDrill(ctx, n, drill)
	if err != nil {
		return HubRun{}, err
	}
	return s.carry(ctx, b, Source{Name: d.ID, Open: d.Open}, d.Prefixes, true)
}

// StartDrill is RunDrill in the background: it returns once the Grant was
// redeemed. Close waits for it.
func (s *Service) StartDrill(ctx context.Context, n NewRun, drill string) (HubRun, error) {
	b, d, err := s.beginDrill(ctx, n, drill)
	if err != nil {
		return HubRun{}, err
	}
	s.under.Add(1)
	go func() {
		defer s.under.Done()
		if _, err := s.carry(context.WithoutCancel(ctx), b, Source{Name: d.ID, Open: d.Open}, d.Prefixes, true); err != nil && isKind(err, fault.Internal) {
			s.Log.Error("selection run", "run", b.run.ID, "error", err)
		}
	}()
	return b.run, nil
}

func (s *Service) beginDrill(ctx context.Context, n NewRun, drill string) (begun, Drill, error) {
	if err := s.admit(ctx, "selection.run"); err != nil {
		return begun{}, Drill{}, err
	}
	i := slices.IndexFunc(s.Drills, func(d Drill) bool { return d.ID == drill })
	if i < 0 {
		return begun{}, Drill{}, ErrNoSource
	}
	d := s.Drills[i]
	n.Test, n.Link, n.Source = true, d.Link, d.Name.JA
	b, err := s.begin(ctx, n, OnHub)
	return b, d, err
}

// Close stops the runs of this process and waits for them: each ends with its
// statement, as stopped.
func (s *Service) Close() {
	s.once.Do(func() { close(s.halt) })
	s.under.Wait()
}

// errHalt ends runs when the hub stops.
var errHalt = fmt.Errorf("the hub stops: %w", context.Canceled)

// carry carries out a run that was begun. Whatever happens the run ends: with a
// statement, or with all it had destroyed.
func (s *Service) carry(ctx context.Context, b begun, src Source, prefixes *Prefixes, madeUp bool) (out HubRun, err error) {
	id := b.run.ID
	sink := &pageSink{s: s, ctx: ctx, run: b.run, order: b.grant.Order()}
	defer sink.wipe()
	public, err := s.vaultKey(ctx, b.run.Approval)
	if err != nil {
		return out, errors.Join(err, s.interrupt(context.WithoutCancel(ctx), id, "fail", "failed", 0))
	}
	_, file, err := s.listFor(ctx, b.grant.Order().Asker, b.grant.Order().Selectors)
	if err != nil {
		return out, errors.Join(err, s.interrupt(context.WithoutCancel(ctx), id, "fail", "failed", 0))
	}
	list, err := ReadSelectors(b.list.ID, file)
	if err != nil {
		return out, errors.Join(err, s.interrupt(context.WithoutCancel(ctx), id, "fail", "failed", 0))
	}
	var beat time.Time
	job := Job{Grant: b.grant, Run: id, Selectors: list, Prefixes: prefixes, Sources: []Source{src}, Used: b.used, Now: s.Now, Vault: public, Program: s.Program, MadeUp: madeUp,
		Directions: b.use.Scope.Directions, Link: b.use.Scope.Link, Put: sink.put,
		Reserve: func(upTo approval.Quantity) error { return s.reserve(ctx, id, upTo) },
		Alive: func() error {
			select {
			case <-s.halt:
				return errHalt
			default:
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			return s.alive(ctx, id, b.use.ID, &beat)
		}}
	vault := s.openVault(public)
	defer vault.end()
	if public != nil {
		job.Seal = vault.write
	}
	st, err := Run(ctx, job)
	// From here on the run has to end, even when who asked for it went away.
	ctx = context.WithoutCancel(ctx)
	sink.ctx = ctx
	if st.Run == "" || st.Ended == EndOutput {
		why := "output_failed"
		if st.Run == "" {
			why = "refused"
		}
		return out, errors.Join(err, s.interrupt(ctx, id, "fail", why, 0))
	}
	end := sink.flush()
	var add func(tx *db.Tx, object string) (string, error)
	if end == nil && public != nil {
		add, end = vault.staged(ctx, s, b.run.Org)
	}
	if end == nil {
		out, end = s.complete(ctx, id, b.grant, st, add)
	}
	if end != nil {
		return out, errors.Join(end, s.interrupt(ctx, id, "fail", "failed", 0))
	}
	if errors.Is(err, context.Canceled) || isKind(err, fault.Refused) {
		err = nil // the statement says why it ended; that is no failure
	}
	return out, err
}

// pageSink gathers records into pages.
type pageSink struct {
	s     *Service
	ctx   context.Context
	run   HubRun
	order approval.Order
	lines [][]byte
	page  int64
}

func (p *pageSink) put(k Kept) error {
	p.lines = append(p.lines, bytes.Clone(bytes.TrimSuffix(k.Line, []byte("\n"))))
	if len(p.lines) < MaxPage {
		return nil
	}
	return p.flush()
}

func (p *pageSink) flush() error {
	if len(p.lines) == 0 {
		return nil
	}
	u, err := p.s.ruleOf(p.ctx, p.run, p.order, p.lines)
	if err == nil {
		err = p.s.keep(p.ctx, p.run.ID, p.page, u, p.lines)
	}
	p.page++
	p.wipe()
	return err
}

// wipe overwrites the lines that were handed on.
func (p *pageSink) wipe() {
	for _, l := range p.lines {
		clear(l)
	}
	p.lines = p.lines[:0]
}

// vaultStage encrypts the vault of a run to the disk while the run writes it.
type vaultStage struct {
	w    *io.PipeWriter
	done chan struct{}
	meta blob.Meta
	err  error
}

// openVault begins the vault of a run; with a nil key there is none.
func (s *Service) openVault(public *deid.Public) *vaultStage {
	v := &vaultStage{done: make(chan struct{})}
	if public == nil {
		close(v.done)
		return v
	}
	r, w := io.Pipe()
	v.w = w
	go func() {
		defer close(v.done)
		v.meta, v.err = s.Blobs.Stage(r, "vault")
		_ = r.CloseWithError(v.err) // never fails
	}()
	return v
}

func (v *vaultStage) write(lines []byte) error {
	_, err := v.w.Write(lines)
	return err
}

// end gives up what was staged and not added.
func (v *vaultStage) end() {
	if v.w != nil {
		_ = v.w.CloseWithError(context.Canceled) // never fails; after Close it does nothing
	}
	<-v.done
}

// staged ends the vault and returns how it becomes part of the run.
func (v *vaultStage) staged(ctx context.Context, s *Service, org string) (func(tx *db.Tx, object string) (string, error), error) {
	if err := v.w.Close(); err != nil {
		return nil, err
	}
	<-v.done
	if v.err != nil {
		return nil, v.err
	}
	return func(tx *db.Tx, object string) (string, error) {
		m, err := s.Blobs.Add(ctx, tx, v.meta, org, object)
		return m.ID, err
	}, nil
}

// Runs lists runs within reach, the newest first.
func (s *Service) Runs(ctx context.Context, f RunFilter) (out []HubRun, next string, err error) {
	if f.Approval, err = s.Approvals.Named(ctx, f.Approval); err != nil {
		return nil, "", err
	}
	err = s.read(ctx, "selection.runs", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listRuns(ctx, tx, f, who, reach); err != nil {
			return err
		}
		for i := range out {
			if err := s.unveil(ctx, tx, &out[i], reach); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// unveil opens the statement of a run, and what only the office knows of it: how
// its handler calls what was read.
func (s *Service) unveil(ctx context.Context, tx *db.Tx, r *HubRun, reach gate.Reach) error {
	k, err := s.Keys.For(ctx, tx, r.Org)
	if err != nil {
		return fmt.Errorf("run %s: %w", r.ID, err)
	}
	if r.Number, err = s.Approvals.Number(ctx, tx, r.Approval); err != nil {
		return err
	}
	if r.Statement, err = openStatement(k, *r); err != nil || reach != gate.Own {
		return err
	}
	var sec runSecret
	err = k.OpenJSON(r.sealed, runObject(r.ID), &sec)
	r.Source = sec.Source
	return err
}

// statementName is what a sealed statement is bound to. The key is the office's,
// not the approval's: records are destroyed with theirs, and statements stay.
func statementName(run string) string { return runObject(run) + "/statement" }

// sealStatement returns a statement as it is stored: it names the line, and by
// selector what was found.
func (s *Service) sealStatement(ctx context.Context, tx *db.Tx, org, run string, statement []byte) (string, error) {
	k, err := s.Keys.Make(ctx, tx, org)
	if err != nil {
		return "", fmt.Errorf("statement of %s: %w", run, err)
	}
	return hex.EncodeToString(k.Seal(statement, statementName(run))), nil
}

// openStatement returns the statement of a run; nil where it has none.
func openStatement(k *key.Cipher, r HubRun) (json.RawMessage, error) {
	if r.stated == "" || r.stated[0] == '{' { // of a time when it was not sealed
		return json.RawMessage(r.stated), nil
	}
	raw, err := hex.DecodeString(r.stated)
	if err == nil {
		raw, err = k.Open(raw, statementName(r.ID))
	}
	if err != nil {
		return nil, fmt.Errorf("statement of %s: %w", r.ID, err)
	}
	return raw, nil
}

// sealStatements seals those that a version before stored in clear.
func (s *Service) sealStatements(ctx context.Context) error {
	for {
		n := 0
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			list, err := statedInClear(ctx, tx, 100)
			for _, r := range list {
				if r.stated, err = s.sealStatement(ctx, tx, r.Org, r.ID, []byte(r.stated)); err != nil {
					return err
				}
				if err = updateRun(ctx, tx, r); err != nil {
					return err
				}
			}
			n = len(list)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// ShowRun returns a run with what was done with its records. Faults: ErrNoRun.
func (s *Service) ShowRun(ctx context.Context, id string) (v RunView, err error) {
	err = s.read(ctx, "selection.runs", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, err := loadRun(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		l, err := listByID(ctx, tx, r.List)
		if err != nil {
			return err
		}
		v.Selectors = l.SHA256
		if v.Readings, err = loadReadings(ctx, tx, id); err != nil {
			return err
		}
		if v.Receipts, _, err = s.receipts(ctx, tx, id, who, reach, "", db.MaxLimit); err != nil {
			return err
		}
		if v.Extensions, err = s.extensions(ctx, tx, r, reach); err != nil {
			return err
		}
		if v.Disclosures, err = s.disclosuresOf(ctx, tx, r, who, reach); err != nil {
			return err
		}
		if err := s.unveil(ctx, tx, &r, reach); err != nil {
			return err
		}
		v.Run = r
		orgs := []string{r.Org}
		for _, d := range v.Disclosures {
			orgs = append(orgs, d.Recipient)
		}
		for _, x := range v.Readings {
			orgs = append(orgs, x.Org)
		}
		if v.Names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...); err != nil {
			return err
		}
		return s.people(ctx, tx, &v)
	})
	return v, err
}

// people names who carried a run out and who read its records.
func (s *Service) people(ctx context.Context, tx *db.Tx, v *RunView) error {
	list := []org.PersonID{org.PersonID(v.Run.person)}
	for _, x := range v.Readings {
		list = append(list, org.PersonID(x.person))
	}
	names, err := s.Orgs.PersonNames(ctx, tx, list...)
	v.Handler = names[list[0]]
	for i := range v.Readings {
		v.Readings[i].Person = names[org.PersonID(v.Readings[i].person)]
	}
	return err
}

// extensions opens the extensions of a run; their reasons are for the office and
// who supervises it.
func (s *Service) extensions(ctx context.Context, tx *db.Tx, r HubRun, _ gate.Reach) ([]Extension, error) {
	list, err := loadExtensions(ctx, tx, r.ID)
	if err != nil || len(list) == 0 {
		return list, err
	}
	k, err := s.Keys.For(ctx, tx, r.Org)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := k.OpenJSON(list[i].sealed, "selection_extension/"+list[i].ID, &list[i].Reason); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Carrier lists, for a carrier, the runs under the instructions it was given:
// when, and how much, and nothing else.
func (s *Service) Carrier(ctx context.Context) (out []CarrierRow, err error) {
	if err := s.admit(ctx, "selection.carrier"); err != nil {
		return nil, err
	}
	list, _, err := s.Approvals.Instructions(ctx, approval.Filter{Limit: db.MaxLimit})
	if err != nil {
		return nil, err
	}
	approvals := make([]string, len(list))
	for i, x := range list {
		approvals[i] = x.Approval
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		got, err := runsOf(ctx, tx, approvals)
		if err != nil {
			return err
		}
		out, err = s.volumes(ctx, tx, got)
		return err
	})
	return out, err
}

// volumes are runs as who hands communications over sees them.
func (s *Service) volumes(ctx context.Context, tx *db.Tx, list []HubRun) (out []CarrierRow, err error) {
	for _, r := range list {
		row := CarrierRow{Approval: r.Approval, StartedAt: r.StartedAt, EndedAt: r.EndedAt, Taken: r.Taken}
		if row.Number, err = s.Approvals.Number(ctx, tx, r.Approval); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// Tick does what time does by itself: agreements expire, runs nobody carries on
// are destroyed, and records that may not be kept any longer are erased. The hub
// calls it every few seconds, as the system itself.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	n, first := s.expireAgreements(ctx)
	m, second := s.interruptSilent(ctx, silence)
	third := s.eraseLeftover(ctx)
	k, fourth := s.Erase(ctx)
	s.forgetShares()
	return n + m + int(k), errors.Join(first, second, third, fourth)
}

// Recover ends, at the start of a process, the runs of one that broke off.
func (s *Service) Recover(ctx context.Context) (n int, err error) {
	n, err = s.interruptSilent(ctx, 2*time.Second)
	return n, errors.Join(err, s.eraseLeftover(ctx), s.sealStatements(ctx))
}

// eraseLeftover destroys what a run that was interrupted still has, where the
// destruction itself broke off.
func (s *Service) eraseLeftover(ctx context.Context) error {
	var list []string
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		list, err = interruptedWithRecords(ctx, tx, 100)
		return err
	}); err != nil {
		return err
	}
	for _, id := range list {
		if _, err := s.eraseRun(ctx, id, "interrupted", time.Unix(1<<40, 0)); err != nil {
			return err
		}
	}
	return nil
}
