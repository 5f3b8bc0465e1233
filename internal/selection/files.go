package selection

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
)

// FileJob is a run on files: an order and its list as they lie on disk, and the
// folder that the result is written to.
type FileJob struct {
	Order       string // file of the order; the journal of its uses stands beside it
	Paper       []byte // what is in it
	Authorities []note.Verifier
	ListName    string
	List        []byte
	TableName   string
	Table       []byte // of prefixes, as ReadPrefixes takes it; nil is the program's own
	Strict      bool   // see Prefixes.Strict
	Dir         string
	Job         // of which Directions, Link, Sources, Now, Working, Vault, VaultID, Signer and Program count

	// Found is told of a run that crashed, before this one begins.
	Found func(Use)
	// First is told where no journal is beside the order, so that this run counts as
	// the first under it: of a copy of the order that lies elsewhere nobody knows.
	First func(journal string)
}

// Faults of the folder, which holds a run already or cannot be made, and of the key.
var (
	ErrDir       = fault.New(fault.Conflict, "selection.run.dir_used")
	ErrVault     = fault.New(fault.Refused, "selection.run.deid_other") // the key of pseudonyms belongs to another approval
	ErrExecutor  = fault.New(fault.Refused, "selection.run.executor")   // the order names another key to sign the statement
	ErrOverrides = fault.New(fault.Refused, "selection.run.overridden") // not as many selectors meet a warning as the order says
	ErrSigner    = fault.New(fault.Refused, "selection.run.signer")     // the order is signed, and not with a key that was given
	ErrVaultNone = fault.New(fault.Refused, "selection.run.deid_none")  // it belongs to none
	ErrHub       = fault.New(fault.Refused, "selection.run.hub")        // only a hub knows whether such an order still stands
	ErrDirMake   = fault.New(fault.Usage, "selection.run.dir")
)

// Refusal is one line of DIR/refusals.jsonl: a run that was not begun, or not
// gone on with, and why.
type Refusal struct {
	At     time.Time     `json:"at"`
	Order  string        `json:"order"` // digest; "" where the paper is no order
	Code   string        `json:"code"`
	Places []fault.Place `json:"places,omitempty"`
}

// fileRun is a FileJob under way.
type fileRun struct {
	FileJob
	grant   approval.Grant
	journal journal
	begun   bool
	out     *sink
	vault   *sink
	create  func(name string) (io.WriteCloser, error)
}

// RunFiles opens the order, carries out the run and writes DIR. Whatever refuses
// it is recorded in the journal beside the order and in DIR/refusals.jsonl, and
// nothing else is left then. Faults are those of approval.Open, approval.Grant and
// Run, and of the journal and DIR.
func RunFiles(ctx context.Context, f FileJob) (Statement, error) {
	name, err := filepath.EvalSymlinks(f.Order) // one journal, by whatever name the order is called
	if err != nil {
		return Statement{}, ErrJournalWrite.Because(err)
	}
	r := &fileRun{FileJob: f, journal: journal{name + ".uses"}, create: createNew}
	return r.run(ctx)
}

func (r *fileRun) run(ctx context.Context) (Statement, error) {
	st, err := r.permitted(ctx)
	if err == nil || st.Form != "" {
		return st, err
	}
	if k := fault.KindOf(err); k == fault.Refused || k == fault.Invalid {
		err = r.refuse(err)
	}
	return st, err
}

// permitted asks the Grant before anything else; then one run at a time goes on.
func (r *fileRun) permitted(ctx context.Context) (Statement, error) {
	var err error
	if r.grant, err = approval.Open(r.Paper, r.Authorities...); err != nil {
		return Statement{}, r.signedBy(err)
	}
	o := r.grant.Order()
	if len(r.Directions) == 0 {
		r.Directions = o.Directions
	}
	if err := r.grant.Covers(approval.Scope{Directions: r.Directions, Link: r.Link, Selectors: DigestOf(r.List)}); err != nil {
		if errors.Is(err, approval.ErrSelectors) {
			err = fault.Of(err).At(fault.Place{At: r.FileJob.Order, Code: "selection.run.list_ordered", Args: fault.Args{"hash": o.Selectors}},
				fault.Place{At: r.ListName, Code: "selection.run.list_given", Args: fault.Args{"hash": DigestOf(r.List)}})
		}
		return Statement{}, err
	}
	if o.Kind != approval.Trial {
		return Statement{}, ErrHub
	}
	if r.Vault != nil && r.Vault.Approval == "" {
		return Statement{}, ErrVaultNone
	}
	if r.Vault != nil && r.Vault.Approval != o.ID {
		return Statement{}, fault.New(fault.Refused, ErrVault.Code, "key", r.Vault.Approval, "order", o.ID)
	}
	if r.Selectors, err = ReadSelectors(r.ListName, r.List); err != nil {
		return Statement{}, err
	}
	if err := r.Selectors.serves(o.Targets); err != nil {
		return Statement{}, err
	}
	if n := r.Selectors.overridden(); n != o.Overridden {
		return Statement{}, fault.New(fault.Refused, ErrOverrides.Code, "n", n, "ordered", o.Overridden)
	}
	if o.Executor != "" && (r.Signer == nil || r.Signer.verifier != o.Executor) {
		return Statement{}, fault.New(fault.Refused, ErrExecutor.Code, "name", keyPerson(o.Executor))
	}
	if r.Prefixes, err = ReadPrefixes(r.TableName, r.Table); err != nil {
		return Statement{}, err
	}
	if r.FileJob.Strict {
		if r.Prefixes, err = r.Prefixes.Strict(); err != nil {
			return Statement{}, err
		}
	}
	release, err := lockFile(r.journal.lock())
	if err != nil {
		if !errors.Is(err, approval.ErrBusy) {
			err = ErrJournalWrite.Because(err)
		}
		return Statement{}, err
	}
	defer release()
	if err := r.settleAccounts(); err != nil {
		return Statement{}, err
	}
	return r.carryOut(ctx)
}

// signedBy tells an order that somebody else signed from one that was changed after
// the authority did.
func (r *fileRun) signedBy(err error) error {
	var p struct{ Signature string }
	if !errors.Is(err, approval.ErrSignature) || json.Unmarshal(r.Paper, &p) != nil {
		return err
	}
	_, lines, _ := strings.Cut(p.Signature, "\n\n")
	var signers []string
	for line := range strings.Lines(lines) {
		name, sum, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "— "), " ")
		raw, e := base64.StdEncoding.DecodeString(sum)
		if !ok || e != nil || len(raw) < 4 {
			continue
		}
		for _, a := range r.Authorities {
			if a.Name() == name && a.KeyHash() == binary.BigEndian.Uint32(raw) {
				return fault.Of(err).At(fault.Place{At: r.FileJob.Order, Code: "selection.run.changed", Args: fault.Args{"name": printed(name)}})
			}
		}
		if len(signers) < 3 {
			signers = append(signers, fmt.Sprintf("%s+%x", printed(name), raw[:4]))
		}
	}
	var given []string
	for _, a := range r.Authorities {
		given = append(given, fmt.Sprintf("%s+%08x", a.Name(), a.KeyHash()))
	}
	if len(signers) == 0 || len(given) == 0 {
		return err
	}
	return fault.New(fault.Refused, ErrSigner.Code, "signer", strings.Join(signers, ", "), "given", strings.Join(given, ", ")).Because(err)
}

// settleAccounts finds runs that crashed, destroys what they left, and adds up
// what was used of the cap.
func (r *fileRun) settleAccounts() error {
	uses, lines, err := r.journal.read()
	if err != nil {
		return err
	}
	if lines == nil && r.First != nil {
		r.First(r.journal.name)
	}
	b := account(uses, r.grant.Digest())
	for _, u := range b.open {
		free, err := holdFile(filepath.Join(u.Dir, fileMarker)) // somebody may have removed the lock under way
		if errors.Is(err, approval.ErrBusy) {
			return err
		}
		over := r.clear(u)
		if err == nil {
			free()
		}
		if err := r.journal.add(over); err != nil {
			return err
		}
		if r.Found != nil && over.What == Crashed {
			r.Found(over)
		}
		if u.Order == r.grant.Digest() {
			b.used.Packets += over.Packets
			b.used.Bytes += over.Bytes
		}
	}
	r.Used = b.used
	return nil
}

// clear destroys what a run left that never came to its end, and returns the line
// that says so. A run whose statement is there came to its end; only the journal
// does not know.
func (r *fileRun) clear(u Use) Use {
	over := Use{At: r.now(), What: Crashed, Run: u.Run, Packets: u.Packets, Bytes: u.Bytes}
	mark, err := os.ReadFile(filepath.Join(u.Dir, fileMarker))
	if raw, e := os.ReadFile(filepath.Join(u.Dir, fileStatement)); e == nil {
		if st, e := ReadStatement(raw); e == nil && st.Run == u.Run && st.Executor == u.Executor {
			if err == nil && string(mark) == u.Run {
				_ = os.Remove(filepath.Join(u.Dir, fileMarker))
			}
			return overOf(&st, raw, r.now())
		}
	}
	if err == nil && len(mark) == 0 { // it ended between making the marker and writing whose it is: nothing else was made yet
		_ = os.Remove(filepath.Join(u.Dir, fileMarker))
	}
	if err != nil || string(mark) != u.Run {
		return over // the folder is gone, or another run's: nothing is known of files
	}
	over.Destroyed = destroyRun(u.Dir)
	return over
}

func overOf(st *Statement, raw []byte, at time.Time) Use {
	t := st.Taken()
	return Use{At: at, What: Over, Run: st.Run, Ended: st.Ended, Packets: t.Packets, Bytes: t.Bytes, Records: st.Selected.Records, Statement: DigestOf(raw)}
}

// carryOut runs with the journal in hand.
func (r *fileRun) carryOut(ctx context.Context) (st Statement, err error) {
	if err := r.makeDir(); err != nil {
		return Statement{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Statement{}, err
	}
	r.Grant, r.Run = r.grant, id.String()
	if r.Signer == nil {
		if r.Signer, err = NewExecutor("run-" + r.Run); err != nil {
			return Statement{}, err
		}
	}
	if err := r.covered(r.grant.Order()); err != nil { // before there is anything to clear away
		return Statement{}, err
	}
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return Statement{}, r.noDir(err)
	}
	paper, err := filepath.Abs(strings.TrimSuffix(r.journal.name, ".uses"))
	if err != nil {
		return Statement{}, r.noDir(err)
	}
	begin := Use{At: r.now(), What: Begun, Run: r.Run, Order: r.grant.Digest(), Dir: dir, Paper: paper, Executor: r.Signer.verifier}
	if err := r.journal.add(begin); err != nil {
		return Statement{}, err
	}
	// The marker says whose the files of the folder are. Where it is there by now,
	// or cannot be written, they are not ours to touch.
	if err := writeNew(filepath.Join(r.Dir, fileMarker), []byte(r.Run)); err != nil {
		failed := r.noDir(err)
		if errors.Is(err, os.ErrExist) {
			failed = fault.New(fault.Conflict, ErrDir.Code, "dir", r.Dir, "file", fileMarker).Because(err)
		}
		return Statement{}, errors.Join(failed, r.journal.add(Use{At: r.now(), What: Over, Run: r.Run, Ended: EndOutput, Code: failed.Code}))
	}
	free, err := holdFile(filepath.Join(r.Dir, fileMarker))
	if err != nil {
		return Statement{}, r.failed(ErrOutput.Because(err))
	}
	defer free()
	r.begun = true
	return r.under(ctx)
}

// under carries out a run that the journal knows of.
func (r *fileRun) under(ctx context.Context) (Statement, error) {
	_, lines, err := r.journal.read()
	if err == nil {
		err = r.prepare(lines)
	}
	if err != nil {
		return Statement{}, r.failed(ErrOutput.Because(err))
	}
	job := r.Job
	job.Paper, job.Journal = DigestOf(r.FileJob.Paper), DigestOf(lines)
	job.Put = func(k Kept) error { return r.out.write(k.Line) }
	if r.vault != nil {
		job.Seal = r.vault.write
	}
	job.Settle, job.Alive = r.settle, r.alive
	job.Reserve = func(q approval.Quantity) error {
		return r.journal.add(Use{At: r.now(), What: Reserved, Run: r.Run, Packets: q.Packets, Bytes: q.Bytes})
	}
	st, err := Run(ctx, job)
	if st.Form == "" {
		return st, r.failed(err)
	}
	if st.Ended == EndOutput {
		r.destroyOutput()
	}
	if e := r.keep(&st); e != nil {
		// What was selected cannot be kept: it goes, which makes room to say so.
		r.destroyOutput()
		st.unkept()
		err = ErrOutput.Because(e)
		if e = r.Signer.sign(&st); e == nil {
			e = r.keep(&st)
		}
		if e != nil {
			return Statement{}, r.failed(ErrOutput.Because(e))
		}
	}
	return st, err
}

// unkept says that what was selected is destroyed like all else.
func (s *Statement) unkept() {
	s.Dropped.Unselected.Packets += s.Selected.Packets
	s.Dropped.Unselected.Bytes += s.Selected.Bytes
	s.Selected = Selected{BySelector: map[string]Chosen{}}
	s.Ended, s.Hashes.Output, s.Hashes.Vault = EndOutput, DigestOf(nil), ""
}

// failed clears away a run that has no statement, and says so in the journal;
// a refusal says it itself.
func (r *fileRun) failed(err error) error {
	r.destroyOutput()
	destroyRun(r.Dir)
	_ = os.Remove(r.Dir) // where nothing else is in it
	if k := fault.KindOf(err); k == fault.Refused || k == fault.Invalid {
		return err
	}
	end := EndUnreadable
	if !errors.Is(err, ErrSource) {
		end = EndOutput
	}
	if e := r.journal.add(Use{At: r.now(), What: Over, Run: r.Run, Ended: end, Code: fault.Of(err).Code}); e != nil {
		return errors.Join(err, e)
	}
	return err
}

// alive looks whether the order still lies where it lay, as it was: to take it
// away is to withdraw it.
func (r *fileRun) alive() error {
	raw, err := os.ReadFile(r.Order)
	if err != nil || !bytes.Equal(raw, r.Paper) {
		return approval.ErrWithdrawn
	}
	if r.Alive != nil {
		return r.Alive()
	}
	return nil
}

func (r *fileRun) noDir(err error) *fault.Error {
	return fault.New(fault.Usage, ErrDirMake.Code, "dir", r.Dir).Because(err)
}

// makeDir makes the folder of the run, and refuses one that has a run in it.
func (r *fileRun) makeDir() error {
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return r.noDir(err)
	}
	for _, name := range []string{fileStatement, fileSelected, fileMarker, fileOrder, fileSelectors, filePrefixes, fileUses, fileVault} {
		if _, err := os.Lstat(filepath.Join(r.Dir, name)); err == nil {
			return fault.New(fault.Conflict, ErrDir.Code, "dir", r.Dir, "file", name)
		}
	}
	return nil
}

// prepare copies what Verify needs, and makes the files that records go to.
func (r *fileRun) prepare(uses []byte) (err error) {
	for name, raw := range map[string][]byte{fileOrder: r.Paper, fileSelectors: r.List, filePrefixes: r.Prefixes.file, fileUses: uses} {
		if err := writeNew(filepath.Join(r.Dir, name), raw); err != nil {
			return err
		}
	}
	if r.out, err = r.sink(fileSelected); err == nil && r.Vault != nil {
		r.vault, err = r.sink(fileVault)
	}
	return err
}

func (r *fileRun) sink(name string) (*sink, error) {
	f, err := r.create(filepath.Join(r.Dir, name+underWay))
	if err != nil {
		return nil, err
	}
	return newSink(f), nil
}

// settle makes what was selected safe, still under the names that say it is
// under way.
func (r *fileRun) settle() error {
	err := r.out.settle()
	if r.vault != nil && err == nil {
		err = r.vault.settle()
	}
	return err
}

func (r *fileRun) destroyOutput() {
	for _, s := range []*sink{r.out, r.vault} {
		if s != nil && s.f != nil {
			s.f.Close()
			s.f = nil
		}
	}
	for _, name := range []string{fileSelected + underWay, fileVault + underWay, fileSelected, fileVault, fileStatement + underWay} {
		shred(filepath.Join(r.Dir, name))
	}
}

// keep gives the output its name, then the statement, then tells the journal. A
// crash between leaves either no statement, and then the next start destroys the
// output, or a whole run.
func (r *fileRun) keep(st *Statement) error {
	if st.Ended == EndOutput {
		if err := writeNew(filepath.Join(r.Dir, fileSelected), nil); err != nil {
			return err
		}
	} else {
		for _, name := range []string{fileSelected, fileVault} {
			if name == fileVault && r.vault == nil {
				continue
			}
			if err := os.Rename(filepath.Join(r.Dir, name+underWay), filepath.Join(r.Dir, name)); err != nil {
				return err
			}
		}
	}
	raw := st.encode()
	fresh := filepath.Join(r.Dir, fileStatement+underWay)
	if err := writeNew(fresh, raw); err != nil {
		return err
	}
	if err := os.Rename(fresh, filepath.Join(r.Dir, fileStatement)); err != nil {
		return err
	}
	if err := syncDir(r.Dir); err != nil {
		return err
	}
	// From here on the run has a statement, whatever happens.
	if err := r.journal.add(overOf(st, raw, r.now())); err != nil {
		return nil // the next start finds the statement, and adds the line
	}
	_ = os.Remove(filepath.Join(r.Dir, fileMarker))
	_ = syncDir(r.Dir)
	return nil
}

// refuse records a refusal, and returns it.
func (r *fileRun) refuse(err error) error {
	f := fault.Of(err)
	line := Refusal{At: r.now().UTC().Truncate(time.Microsecond), Order: r.grant.Digest(), Code: f.Code, Places: slices.Clone(f.Places)}
	if line.Order == "" {
		if o, e := approval.ReadOrder(r.Paper); e == nil {
			line.Order = o.Digest()
		}
	}
	u := Use{At: line.At, What: Refused, Order: line.Order, Code: line.Code, Places: line.Places}
	if r.begun {
		u.Run = r.Run
	}
	e := r.journal.add(u)
	if raw, err := json.Marshal(line); err == nil && os.MkdirAll(r.Dir, 0o700) == nil {
		e = errors.Join(e, appendLine(filepath.Join(r.Dir, fileRefusals), raw))
	}
	if e != nil {
		return f.Because(e)
	}
	return err
}

func appendLine(name string, line []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(line, '\n'))
	return err
}
