package selection

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/deid"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// Verified is what Verify found out about a run.
type Verified struct {
	Statement Statement     `json:"statement"`
	Records   uint64        `json:"records"`              // read again
	Wrong     []fault.Place `json:"wrong,omitempty"`      // file or field, and what is wrong with it
	Unchecked []string      `json:"unchecked,omitempty"`  // codes of what nothing that is kept can show
	Strange   []string      `json:"strange,omitempty"`    // files in the folder that are not of the run, and were not looked at
	Anchored  bool          `json:"anchored"`             // somebody vouches for who signed: see Vouched
	Vouched   string        `json:"vouched,omitempty"`    // VouchedOrder, VouchedExecutor, VouchedJournal or VouchedBeside
	Beside    string        `json:"beside,omitempty"`     // the journal of VouchedBeside; else one that the folder names, and that is not believed
	Uses      int           `json:"uses,omitempty"`       // runs that the journal beside the order tells of, of this order
	Use       int           `json:"use,omitempty"`        // which of them this is, from 1
	Opened    int           `json:"opened,omitempty"`     // re-identifications on the run's record
	NotOpened int           `json:"not_opened,omitempty"` // that were refused
	order     approval.Order
	grant     approval.Grant
	list      *Selectors
	sides     *Prefixes
}

// Against is what a run is verified against. Authorities are needed.
type Against struct {
	Authorities []note.Verifier
	Executor    note.Verifier // who must have signed; nil: whoever the journal names
	Journal     []byte        // the journal that stands beside the order; nil: only its copy
	Prefixes    string        // digest of the table that comes with the program that asks; may be empty
	Program     string        // SHA-256 of the program that asks, hex; may be empty
}

// Who vouches for who signed a statement: without any, whoever has the folder can
// have written all of it but the order.
const (
	VouchedOrder    = "order"    // the order names the key, and the authority signed that
	VouchedExecutor = "executor" // who asks named the key
	VouchedJournal  = "journal"  // the journal that who asks gave
	VouchedBeside   = "beside"   // the journal beside the order, which this account wrote here: see ownJournal
)

// ErrUnverified is returned by Verify when something is wrong; its places say what.
// ErrUnproved is where nothing is, and nobody vouches for who signed.
var (
	ErrUnverified = fault.New(fault.Unmet, "selection.verify.wrong")
	ErrUnproved   = fault.New(fault.Unmet, "selection.verify.unproved")
	ErrNoFolder   = fault.New(fault.Usage, "selection.verify.no_run") // no such folder
)

// What Verify cannot show, by code: see the words.
const (
	uncheckedRaw       = "raw"       // what was destroyed cannot be counted again
	uncheckedDirection = "direction" // addresses are pseudonyms
	uncheckedAddresses = "addresses" // are not kept
	uncheckedExecutor  = "executor"  // whose key it is
	uncheckedJournal   = "journal"   // only the copy was there
	uncheckedProgram   = "program"   // another program than this one ran, or an unknown one
	uncheckedElsewhere = "elsewhere" // that the order was not used with another journal too
	uncheckedPrefixes  = "prefixes"  // that they are right: they are not this program's own
	uncheckedNames     = "names"     // that the selector matches: only a pseudonym of the name, or nothing of it, is kept
)

// maxWrong bounds how many faults are told.
const maxWrong = 20

func (v *Verified) wrong(at, code string, pairs ...any) {
	if len(v.Wrong) < maxWrong {
		v.Wrong = append(v.Wrong, fault.Place{At: at, Code: "selection.verify." + code, Args: fault.New(fault.Unmet, code, pairs...).Args})
	}
}

func (v *Verified) unchecked(code string) {
	if !slices.Contains(v.Unchecked, code) {
		v.Unchecked = append(v.Unchecked, code)
	}
}

// Verify recomputes from the folder of a run what its statement says: who signed
// the order, that list, prefixes, output and statement are those of the run, every
// sum, and of every record direction, period, selector, fields and until when it
// may be kept. ErrUnverified with all that is wrong; ErrUnproved; ErrNoFolder.
func Verify(dir string, a Against) (*Verified, error) {
	v := &Verified{}
	v.unchecked(uncheckedRaw)
	v.unchecked(uncheckedElsewhere)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fault.New(fault.Usage, ErrNoFolder.Code, "dir", dir).Because(err)
	}
	files := map[string][]byte{}
	for name, limit := range map[string]int64{fileStatement: maxStatement, fileOrder: approval.MaxOrder, fileSelectors: MaxSelectors, filePrefixes: MaxPrefixes, fileUses: maxJournal} {
		raw, err := readBounded(filepath.Join(dir, name), limit)
		if err == nil {
			files[name] = raw
		} else if !errors.Is(err, fs.ErrNotExist) {
			v.wrong(name, "unreadable")
		} else if _, e := os.Stat(filepath.Join(dir, fileMarker)); name == fileStatement && e == nil {
			v.wrong(name, "under_way")
		} else {
			v.wrong(name, "missing")
		}
	}
	v.strangers(dir)
	var err error
	if raw, ok := files[fileStatement]; ok {
		if v.Statement, err = ReadStatement(raw); err != nil {
			v.wrong(fileStatement, "statement")
			v.Statement = Statement{}
		}
	}
	v.paper(files[fileOrder], a)
	if v.Statement.Form != "" && v.grant.ID() != "" {
		v.fits()
		v.lists(files)
		v.sums()
		v.executor(files, a)
		if v.list != nil && v.sides != nil {
			if err := v.output(dir); err != nil {
				return nil, err
			}
		}
		v.vault(dir)
		v.acts(dir)
	}
	if a.Prefixes == "" || a.Prefixes != v.Statement.Hashes.Prefixes {
		v.unchecked(uncheckedPrefixes)
	}
	if a.Program == "" || a.Program != v.Statement.Hashes.Program {
		v.unchecked(uncheckedProgram)
	}
	slices.SortFunc(v.Wrong, func(a, b fault.Place) int { return bytes.Compare([]byte(a.At), []byte(b.At)) })
	slices.Sort(v.Unchecked)
	if len(v.Wrong) > 0 {
		return v, ErrUnverified.At(v.Wrong...)
	}
	if !v.Anchored {
		return v, ErrUnproved
	}
	return v, nil
}

// strangers lists what lies in the folder and is not of the run.
func (v *Verified) strangers(dir string) {
	all, err := os.ReadDir(dir)
	if err != nil {
		v.wrong(dir, "unreadable")
	}
	for _, e := range all {
		switch e.Name() {
		case fileOrder, fileSelectors, filePrefixes, fileSelected, fileVault, fileStatement, fileUses, recordFile:
		default:
			if len(v.Strange) < maxWrong {
				v.Strange = append(v.Strange, printed(e.Name()))
			}
		}
	}
}

// paper checks who signed the order.
func (v *Verified) paper(raw []byte, a Against) {
	if raw == nil {
		return
	}
	var err error
	if v.grant, err = approval.Open(raw, a.Authorities...); err != nil {
		v.wrong(fileOrder, "order")
		return
	}
	v.order = v.grant.Order()
	if h := v.Statement.Hashes; v.Statement.Form != "" && h.Order != DigestOf(raw) {
		v.wrong(fileOrder, "hash")
	}
}

// fits compares what the statement says with the order.
func (v *Verified) fits() {
	s, o := &v.Statement, &v.order
	check := func(at string, ok bool) {
		if !ok {
			v.wrong(fileStatement+": "+at, "not_order")
		}
	}
	check("order", s.Order == o.ID && s.Hashes.Digest == v.grant.Digest())
	check("kind", s.Kind == o.Kind)
	check("authority", s.Authority == v.grant.Authority())
	check("link", s.Link == o.Link)
	check("fields", slices.Equal(s.Fields, o.Fields))
	check("addresses", s.Addresses == o.Addresses)
	check("directions", len(s.Directions) > 0 && v.grant.Covers(approval.Scope{Directions: s.Directions, Selectors: o.Selectors}) == nil)
	check("retain_until", s.RetainUntil.Equal(s.BegunAt.Truncate(time.Second).Add(time.Duration(o.RetainDays)*24*time.Hour)))
	check("begun_at", !s.BegunAt.Add(skew).Before(o.IssuedAt) && !s.EndedAt.Before(s.BegunAt) && !s.DestroyedAt.Before(s.BegunAt) && !s.EndedAt.Before(s.DestroyedAt))
	check("ended", slices.Contains(allEnds, s.Ended))
	check("made_up", s.MadeUp == nil || o.Kind == approval.Trial)
	check("overridden", o.Kind != approval.Trial || s.Overridden == o.Overridden)
	check("executor", o.Executor == "" || s.Executor == o.Executor)
	if s.First.IsZero() != s.Last.IsZero() || s.First.IsZero() != (s.Seen.Packets == 0) ||
		!s.First.IsZero() && (s.First.Before(o.From) || !s.Last.Before(o.Until) || s.Last.Before(s.First)) {
		check("first_packet", false)
	}
	used := s.Taken()
	check("used_before", (o.Cap.Packets == 0 || s.Before.Packets+used.Packets <= o.Cap.Packets) && (o.Cap.Bytes == 0 || s.Before.Bytes+used.Bytes <= o.Cap.Bytes))
}

// lists checks the list of selectors and the table of prefixes.
func (v *Verified) lists(files map[string][]byte) {
	s := &v.Statement
	if raw, ok := files[fileSelectors]; ok {
		if d := DigestOf(raw); d != s.Hashes.Selectors || d != v.order.Selectors {
			v.wrong(fileSelectors, "hash")
		} else if l, err := readSelectors(fileSelectors, raw, warningsOf(raw)); err != nil {
			v.wrong(fileSelectors, "unreadable")
		} else if v.list = l; l.overridden() != s.Overridden {
			v.wrong(fileStatement+": overridden", "count")
		}
	}
	raw, ok := files[filePrefixes]
	if !ok {
		return
	}
	if DigestOf(raw) != s.Hashes.Prefixes {
		v.wrong(filePrefixes, "hash")
		return
	}
	own, ok1 := prefixesOf(s.MadeUp["domestic"])
	away, ok2 := prefixesOf(s.MadeUp["foreign"])
	t, err := geo.Decode(raw)
	if err == nil {
		if !t.Meta().Date.Equal(s.PrefixesOf) {
			v.wrong(fileStatement+": prefixes_of", "prefixes_of")
		}
		v.sides, err = compiled(raw, t, own, away)
	}
	if err == nil && s.Strict {
		v.sides, err = v.sides.Strict()
	}
	if err == nil && v.order.Kind != approval.Trial {
		if v.sides, err = v.sides.guarded(); err == nil && v.sides.guard != nil && v.sides.guard.digest != s.Hashes.Guard {
			v.wrong(filePrefixes, "guard")
		}
	}
	if err != nil || !ok1 || !ok2 {
		v.sides = nil
		v.wrong(filePrefixes, "unreadable")
	}
}

// warningsOf are those that a list of a run that is over is read under: what was
// compiled was looked at then.
func warningsOf(list []byte) *selector.Warnings {
	if selector.Compiled(list) {
		return &selector.Warnings{}
	}
	return nil
}

func prefixesOf(text []string) (out []netip.Prefix, ok bool) {
	for _, t := range text {
		p, err := netip.ParsePrefix(t)
		if err != nil {
			return nil, false
		}
		out = append(out, p)
	}
	return out, true
}

// sums checks that nothing is missing: seen = dropped + selected.
func (v *Verified) sums() {
	s := &v.Statement
	sum := s.Dropped.Sum()
	sum.Packets += s.Selected.Packets
	sum.Bytes += s.Selected.Bytes
	if sum != s.Seen {
		v.wrong(fileStatement+": seen", "sum")
	}
	if s.TunnelPort.Packets > s.Dropped.Unknown.Packets || s.TunnelPort.Bytes > s.Dropped.Unknown.Bytes {
		v.wrong(fileStatement+": tunnel_port", "sum")
	}
	var all Chosen
	for _, c := range s.Selected.BySelector {
		all = Chosen{all.Packets + c.Packets, all.Bytes + c.Bytes, all.Records + c.Records}
	}
	if all != s.Selected.Chosen {
		v.wrong(fileStatement+": by_selector", "sum")
	}
}

// executor checks whose key signed, as far as the journal and who asks can tell.
func (v *Verified) executor(files map[string][]byte, a Against) {
	s := &v.Statement
	if a.Executor != nil {
		if w, err := note.NewVerifier(s.Executor); err != nil || w.Name() != a.Executor.Name() || w.KeyHash() != a.Executor.KeyHash() {
			v.wrong(fileStatement+": executor", "executor", "name", keyPerson(s.Executor))
		}
		v.vouch(VouchedExecutor)
	}
	if v.order.Executor != "" {
		v.vouch(VouchedOrder)
	}
	copied, ok := files[fileUses]
	if !ok {
		return
	}
	if DigestOf(copied) != s.Hashes.Journal {
		v.wrong(fileUses, "hash")
	}
	uses, err := ReadJournal(copied)
	if err != nil {
		v.wrong(fileUses, "journal")
		return
	}
	at := slices.IndexFunc(uses, func(u Use) bool { return u.What == Begun && u.Run == s.Run })
	if at < 0 || uses[at].Order != s.Hashes.Digest {
		v.wrong(fileUses, "not_in_journal")
		return
	}
	if uses[at].Executor != s.Executor {
		v.wrong(fileStatement+": executor", "resigned", "name", keyPerson(s.Executor))
	}
	if b := account(uses[:at], s.Hashes.Digest); b.used != s.Before {
		v.wrong(fileStatement+": used_before", "used")
	}
	whole, by := a.Journal, VouchedJournal
	if name := uses[at].Paper + ".uses"; whole == nil && uses[at].Paper != "" { // where it lay when the run began
		if _, err := os.Lstat(name); err == nil {
			v.Beside = printableOnly(name)
		}
		whole, by = ownJournal(name, uses[at].File), VouchedBeside
	}
	if whole != nil {
		v.beside(whole, copied, files[fileStatement])
		v.vouch(by)
		return
	}
	v.unchecked(uncheckedJournal)
	if !v.Anchored {
		v.unchecked(uncheckedExecutor)
	}
}

// ownJournal reads a journal that the folder names, where this account wrote it on
// this machine: nobody else may write to it, and it is the very file that the line
// of the run was written to. Whoever hands a folder over can put a file of theirs at
// any place, or have it unpacked there, and cannot choose its number.
func ownJournal(name string, number uint64) []byte {
	info, err := os.Lstat(name)
	if err != nil {
		return nil
	}
	if n, ours := numberOf(info); !ours || n == 0 || n != number {
		return nil
	}
	raw, err := readBounded(name, maxJournal)
	if err != nil {
		return nil
	}
	return raw
}

// vouch puts down who vouches for who signed: the first of the order is the best.
func (v *Verified) vouch(by string) {
	best := []string{VouchedOrder, VouchedExecutor, VouchedJournal, VouchedBeside}
	if v.Anchored = true; v.Vouched == "" || slices.Index(best, by) < slices.Index(best, v.Vouched) {
		v.Vouched = by
	}
}

// beside compares the copy of the journal with the one beside the order, which
// tells how the run ended too.
func (v *Verified) beside(whole, copied, statement []byte) {
	uses, err := ReadJournal(whole)
	switch {
	case err != nil:
		v.wrong(fileOrder+".uses", "journal")
	case !bytes.HasPrefix(whole, copied):
		v.wrong(fileUses, "journal_other")
	default:
		over := slices.IndexFunc(uses, func(u Use) bool { return u.What == Over && u.Run == v.Statement.Run })
		if over < 0 || uses[over].Statement != DigestOf(statement) {
			v.wrong(fileStatement, "journal_statement")
		}
		for _, u := range uses {
			if u.What != Begun || u.Order != v.Statement.Hashes.Digest {
				continue
			}
			if v.Uses++; u.Run == v.Statement.Run {
				v.Use = v.Uses
			}
		}
	}
}

// acts checks the record of re-identifications, whose lines follow from each other,
// and counts them. A run of which nobody opened anything has none.
func (v *Verified) acts(dir string) {
	raw, err := readBounded(filepath.Join(dir, recordFile), maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	_, whole, bad := chain(raw)
	if err != nil || bad > 0 || whole != len(raw) {
		v.wrong(recordFile, "acts")
		return
	}
	for line := range bytes.Lines(raw) {
		var a Act
		if json.Unmarshal(line, &a) != nil {
			v.wrong(recordFile, "acts")
			return
		}
		switch a.Act {
		case actReveal:
			v.Opened++
		case actRefused:
			v.NotOpened++
		}
	}
}

// keyPerson is the name in a verifier's key.
func keyPerson(key string) string {
	if w, err := note.NewVerifier(key); err == nil {
		return w.Name()
	}
	return ""
}

// vault checks the file that pseudonyms can be opened with.
func (v *Verified) vault(dir string) {
	want := v.Statement.Hashes.Vault
	raw, err := readBounded(filepath.Join(dir, fileVault), deid.MaxVault)
	switch {
	case errors.Is(err, fs.ErrNotExist) && want == "":
	case errors.Is(err, fs.ErrNotExist):
		v.wrong(fileVault, "missing")
	case err != nil:
		v.wrong(fileVault, "unreadable")
	case DigestOf(raw) != want:
		v.wrong(fileVault, "hash")
	default:
		if h, err := deid.PeekVault(raw); err != nil || h.ID != v.Statement.Pseudonyms {
			v.wrong(fileVault, "vault")
		}
	}
}

// readBounded reads a file of at most limit bytes.
func readBounded(name string, limit int64) ([]byte, error) {
	info, err := os.Lstat(name) // a pipe or a device would never end
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, errors.New("no file, or too long")
	}
	return os.ReadFile(name)
}
