package selection

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/deid"
)

// Files beside the selected records of a run.
const (
	vaultFile  = "vault"
	recordFile = "reidentifications.jsonl"
)

// maxReveal bounds how much one act re-identifies: it is for one person and
// one reason, not for a whole run.
const maxReveal = 1000

// maxReason bounds in bytes what a line of the record holds of a person's words.
const maxReason = 4000

// Revealed is one answer of "deid reidentify", as its JSON.
type Revealed struct {
	Pseudonym string   `json:"pseudonym"`
	Values    []string `json:"values,omitempty"` // of an address, one per rotation epoch
	Missing   bool     `json:"missing,omitempty"`
}

// reveal is one call of "deid reidentify".
type reveal struct {
	dir       string
	shares    []string
	asked     []string
	order     string // file of the order to open them
	authority []string
	act       Act
}

// deidRevealCommand is "noroshi deid reidentify": what pseudonyms of a run
// stand for. The act is on record before anything is shown; a refusal too.
func deidRevealCommand(env *cli.Env, p text.Printer) *cobra.Command {
	r := reveal{}
	c := &cobra.Command{Use: "reidentify DIR PSEUDONYM...", Short: p.T("deid.reveal.short"), Long: p.T("deid.reveal.long"), Args: cobra.RangeArgs(2, 1+maxReveal),
		RunE: func(_ *cobra.Command, args []string) error {
			r.dir, r.asked = args[0], args[1:]
			if err := r.check(); err != nil {
				return err
			}
			paper, err := cli.ReadFile(r.order, approval.MaxOrder)
			if err != nil {
				return err
			}
			authorities, err := verifiersOf(r.authority)
			if err != nil {
				return err
			}
			return r.run(env, func() error { return r.approved(env.Now(), paper, authorities) })
		}}
	c.Flags().StringArrayVar(&r.shares, "share", nil, p.T("deid.flag.share"))
	c.Flags().StringVar(&r.order, "order", "", p.T("deid.flag.order"))
	c.Flags().StringSliceVar(&r.authority, "authority", nil, p.T("selection.run.flag.authority"))
	c.Flags().StringVar(&r.act.Reason, "reason", "", p.T("deid.flag.reason"))
	c.Flags().StringVar(&r.act.By, "by", "", p.T("deid.flag.by"))
	return c
}

// check refuses what is no pseudonym, before anything is put on record.
func (r *reveal) check() error {
	if err := pseudonyms(r.asked); err != nil {
		return err
	}
	var lacks []string
	for _, f := range [...][2]string{{"--order", r.order}, {"--authority", strings.Join(r.authority, "")}, {"--share", strings.Join(r.shares, "")}, {"--reason", r.act.Reason}, {"--by", r.act.By}} {
		if strings.TrimSpace(f[1]) == "" {
			lacks = append(lacks, f[0])
		}
	}
	if len(lacks) > 0 {
		return fault.New(fault.Usage, "deid.reveal.needed", "flag", strings.Join(lacks, " "))
	}
	if len(r.act.Reason) > maxReason || len(r.act.By) > maxReason {
		return fault.New(fault.Usage, "deid.reveal.too_long", "max", maxReason)
	}
	return nil
}

// pseudonyms refuses what is none.
func pseudonyms(asked []string) error {
	bad := fault.New(fault.Usage, "deid.reveal.bad")
	for _, s := range asked {
		_, err := deid.ParsePseudonym(s)
		_, err2 := deid.ParseNetwork(s)
		if err != nil && err2 != nil {
			bad = bad.At(fault.Place{At: printableOnly(s), Code: "deid.reveal.bad_one"})
		}
	}
	if len(bad.Places) > 0 {
		return bad
	}
	return nil
}

// approved refuses unless an order of its own, signed by the authority under which
// the run was, lets these pseudonyms of this run be opened now. The order of the
// run lets nobody open anything.
func (r *reveal) approved(now time.Time, paper []byte, authorities []note.Verifier) error {
	g, err := approval.Open(paper, authorities...)
	if err != nil {
		return err
	}
	o := g.Order()
	r.act.Approval, r.act.Order = o.ID, g.Digest()
	raw, err := readBounded(filepath.Join(r.dir, fileStatement), maxStatement)
	if err != nil {
		return fault.New(fault.Refused, "deid.reveal.no_statement", "dir", r.dir).Because(err)
	}
	st, err := ReadStatement(raw)
	switch {
	case err != nil:
		return err
	case st.Pseudonyms != r.act.Key:
		return fault.New(fault.Refused, "deid.reveal.other_vault", "dir", r.dir)
	case st.Authority != g.Authority():
		return fault.New(fault.Refused, "deid.reveal.other_authority", "run", st.Authority, "order", g.Authority())
	}
	if err := g.Covers(approval.Scope{Kind: approval.Reidentify, Run: st.Run, Subjects: r.asked}); err != nil {
		return err
	}
	switch {
	case now.Before(o.From):
		return approval.ErrEarly
	case !now.Before(o.Until):
		return approval.ErrExpired
	}
	return nil
}

func (r *reveal) run(env *cli.Env, approved func() error) error {
	name := filepath.Join(r.dir, vaultFile)
	raw, err := cli.ReadFile(name, deid.MaxVault)
	if errors.Is(err, fs.ErrNotExist) && r.forgotten() {
		return fault.New(fault.Refused, "deid.reveal.forgotten", "dir", r.dir).Because(err)
	}
	if err != nil {
		return err
	}
	head, err := deid.PeekVault(raw)
	if err != nil {
		return deidFault(name, err)
	}
	record, err := openRecord(filepath.Join(r.dir, recordFile))
	if err != nil {
		return err
	}
	defer record.close()
	r.act.Key, r.act.Pseudonyms = head.ID, slices.Compact(slices.Sorted(slices.Values(r.asked)))
	if u, err := user.Current(); err == nil {
		r.act.Account = u.Username
	}
	err = approved()
	var vault *deid.Vault
	if err == nil {
		vault, err = r.open(name, raw)
	}
	if err != nil {
		// A refusal is a result: it is kept like the act would be.
		r.act.Act, r.act.Refused = actRefused, fault.Of(err).Code
		return errors.Join(err, record.add(env.Now(), &r.act))
	}
	defer vault.Wipe()
	r.act.Act = actReveal
	if err := record.add(env.Now(), &r.act); err != nil {
		return err
	}
	found, missing, err := r.reveal(vault, name)
	after := Act{Act: actOutcome, Approval: r.act.Approval, Key: head.ID, Found: len(found) - missing, Missing: missing}
	if err != nil {
		after.Refused = fault.Of(err).Code
	}
	if err2 := record.add(env.Now(), &after); err != nil || err2 != nil {
		return errors.Join(err, err2)
	}
	if err := env.Emit(found, func(w io.Writer, p text.Printer) error { return showRevealed(w, p, found) }); err != nil {
		return err
	}
	env.Say("deid.reveal.recorded", "file", filepath.Join(r.dir, recordFile), "by", r.act.By)
	if missing > 0 {
		return fault.New(fault.NotFound, "deid.reveal.missing", "n", missing)
	}
	return nil
}

// open opens the vault with the holders' shares.
func (r *reveal) open(name string, raw []byte) (*deid.Vault, error) {
	k, err := joinFiles(r.shares)
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	if err := r.inRun(); err != nil {
		return nil, err
	}
	v, err := deid.OpenVault(k, raw)
	return v, deidFault(name, err)
}

// forgotten reports whether the run says of itself that nobody has its key.
func (r *reveal) forgotten() bool {
	raw, err := readBounded(filepath.Join(r.dir, fileStatement), maxStatement)
	if err != nil {
		return false
	}
	st, err := ReadStatement(raw)
	return err == nil && st.Pseudonyms == "forgotten"
}

// inRun refuses an address that stands in no record of the run. Every image of an
// address opens to the address of somebody, so a wrong digit would point at a
// person who has nothing to do with it.
func (r *reveal) inRun() error {
	asked := map[netip.Addr]string{}
	for _, s := range r.asked {
		if a, err := deid.ParseNetwork(s); err == nil {
			asked[a] = s
		}
	}
	if len(asked) == 0 {
		return nil
	}
	f, err := os.Open(filepath.Join(r.dir, fileSelected))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Usage, "cli.cannot_read", "file", filepath.Join(r.dir, fileSelected)).Because(err)
	}
	if err == nil {
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, maxKeptLine)
		for lines.Scan() && len(asked) > 0 {
			var l struct{ Src, Dst string }
			if json.Unmarshal(lines.Bytes(), &l) != nil {
				continue // the line is no record: verify says so
			}
			for _, s := range [...]string{l.Src, l.Dst} {
				if a, err := deid.ParseNetwork(s); err == nil {
					delete(asked, a)
				}
			}
		}
		if err := lines.Err(); err != nil && len(asked) > 0 {
			return fault.New(fault.Invalid, "deid.reveal.records", "file", filepath.Join(r.dir, fileSelected)).Because(err)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	bad := fault.New(fault.Refused, "deid.reveal.not_in_run", "dir", r.dir)
	for _, s := range slices.Sorted(maps.Values(asked)) {
		bad = bad.At(fault.Place{At: s, Code: "deid.reveal.not_in_run_one"})
	}
	return bad
}

// reveal asks the vault for each pseudonym, in the order asked.
func (r *reveal) reveal(v *deid.Vault, name string) (out []Revealed, missing int, err error) {
	for _, s := range r.asked {
		values, err := v.RevealText(s)
		switch {
		case errors.Is(err, deid.ErrAbsent):
			missing++
		case err != nil:
			return nil, 0, deidFault(name, err)
		}
		out = append(out, Revealed{Pseudonym: s, Values: values, Missing: err != nil})
	}
	return out, missing, nil
}

func showRevealed(w io.Writer, p text.Printer, found []Revealed) error {
	var b strings.Builder
	for _, f := range found {
		value := p.T("deid.reveal.none")
		if !f.Missing {
			value = printableOnly(strings.Join(f.Values, " | "))
		}
		b.WriteString(f.Pseudonym + "  " + value + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printableOnly writes what a terminal should not be sent as an escape: the
// values come from traffic.
func printableOnly(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}
