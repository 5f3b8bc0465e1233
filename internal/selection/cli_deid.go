package selection

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/key"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/deid"
)

// deidCommand is "noroshi deid": keys of de-identification, their division
// between holders, and re-identification.
func deidCommand(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "deid", Short: p.T("deid.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(deidKeyCommand(env, p), deidSplitCommand(env, p), deidJoinCommand(env, p), deidOrderCommand(env, p), deidRevealCommand(env, p))
	return c
}

// passphrase is where a passphrase comes from.
type passphrase struct{ file string }

func (s *passphrase) add(c *cobra.Command, p text.Printer) {
	c.Flags().StringVar(&s.file, "passphrase-file", "", p.T("deid.flag.passphrase"))
}

// read returns the passphrase of the file, of NOROSHI_PASSPHRASE, or as typed;
// a new one is typed twice. The caller overwrites it.
func (s *passphrase) read(env *cli.Env, fresh bool) ([]byte, error) {
	if s.file != "" {
		raw, err := cli.ReadFile(s.file, 4096)
		line, _, _ := bytes.Cut(raw, []byte{'\n'})
		return bytes.TrimSuffix(line, []byte{'\r'}), err
	}
	if v := os.Getenv("NOROSHI_PASSPHRASE"); v != "" {
		return []byte(v), nil
	}
	in, ok := env.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, fault.New(fault.Usage, "deid.passphrase.none")
	}
	typed := func(prompt string) ([]byte, error) {
		env.Say(prompt)
		return term.ReadPassword(int(in.Fd()))
	}
	first, err := typed("deid.passphrase.type")
	if err != nil || !fresh {
		return first, err
	}
	second, err := typed("deid.passphrase.again")
	defer clear(second)
	if err == nil && !bytes.Equal(first, second) {
		err = fault.New(fault.Usage, "deid.passphrase.differ")
	}
	return first, err
}

// writeKey writes a file only its owner can read; it never replaces one.
func writeKey(name string, raw []byte) error {
	switch err := key.WriteFile(name, raw); {
	case errors.Is(err, fs.ErrExist):
		return fault.New(fault.Conflict, "deid.exists", "file", name).Because(err)
	case err != nil:
		return fault.New(fault.Usage, "deid.cannot_write", "file", name).Because(err)
	}
	return nil
}

// deidFault says an error of the engine about a file in words. A nil error
// stays nil.
func deidFault(name string, err error) error {
	var line *deid.VaultError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, deid.ErrPassphrase):
		return fault.New(fault.Refused, "deid.passphrase.wrong", "file", name).Because(err)
	case errors.Is(err, deid.ErrWeak):
		return fault.New(fault.Usage, "deid.passphrase.short", "least", deid.MinPassphrase).Because(err)
	case errors.Is(err, deid.ErrForeign):
		return fault.New(fault.Usage, "deid.foreign", "file", name).Because(err)
	case errors.As(err, &line):
		return fault.New(fault.Invalid, "deid.vault.line", "file", name, "line", line.Line).Because(err)
	case errors.Is(err, deid.ErrDamaged):
		return fault.New(fault.Invalid, "deid.damaged", "file", name).Because(err)
	case errors.Is(err, deid.ErrApproval):
		return fault.New(fault.Usage, "deid.approval.bad", "max", deid.MaxApproval).Because(err)
	case errors.Is(err, deid.ErrHolders):
		return fault.New(fault.Usage, "deid.holders.bad", "max", deid.MaxHolders).Because(err)
	case errors.Is(err, deid.ErrOtherKey):
		return fault.New(fault.Refused, "deid.vault.other_key", "file", name).Because(err)
	}
	return err
}

// Made is what a command of keys wrote, as its JSON.
type Made struct {
	ID       string   `json:"id"`
	Approval string   `json:"approval,omitempty"`
	Key      string   `json:"key,omitempty"`
	Public   string   `json:"public,omitempty"`
	Shares   []string `json:"shares,omitempty"`
	Need     int      `json:"need,omitempty"`
	Removed  bool     `json:"removed,omitempty"` // the undivided key is gone
}

func (m Made) show(w io.Writer, p text.Printer) error {
	approval := m.Approval
	if approval == "" {
		approval = p.T("deid.approval.none")
	}
	lines := p.T("deid.made.id", "id", m.ID, "approval", approval) + "\n"
	if m.Key != "" {
		lines += p.T("deid.made.key", "file", m.Key) + "\n"
	}
	if m.Public != "" {
		lines += p.T("deid.made.public", "file", m.Public) + "\n"
	}
	for i, s := range m.Shares {
		lines += p.T("deid.made.share", "n", i+1, "of", len(m.Shares), "need", m.Need, "file", s) + "\n"
	}
	_, err := io.WriteString(w, lines)
	return err
}

// deidKeyCommand is "noroshi deid key": a new key, sealed with a passphrase,
// and the public part that runs may have.
func deidKeyCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var approval, out string
	var pass passphrase
	c := &cobra.Command{Use: "key", Short: p.T("deid.key.short"), Long: p.T("deid.key.long"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if approval == "" {
				return fault.New(fault.Usage, "deid.key.no_approval")
			}
			k, err := deid.New(approval)
			if err != nil {
				return deidFault(out, err)
			}
			defer k.Wipe()
			public, err := k.Public()
			if err != nil {
				return err
			}
			if err := sealTo(env, k, &pass, out); err != nil {
				return err
			}
			if err := writeKey(out+".pub", public.Text()); err != nil {
				return errors.Join(err, os.Remove(out)) // a key without its public part is of no use
			}
			made := Made{ID: k.ID(), Approval: approval, Key: out, Public: out + ".pub"}
			return env.Emit(made, made.show)
		}}
	c.Flags().StringVar(&approval, "approval", "", p.T("deid.flag.approval"))
	c.Flags().StringVarP(&out, "out", "o", "deid.key", p.T("deid.flag.key_out"))
	pass.add(c, p)
	return c
}

// sealTo writes a key to a file under a new passphrase.
func sealTo(env *cli.Env, k *deid.Key, pass *passphrase, out string) error {
	word, err := pass.read(env, true)
	defer clear(word)
	if err != nil {
		return err
	}
	raw, err := k.Seal(word)
	if err != nil {
		return deidFault(out, err)
	}
	return writeKey(out, raw)
}

// deidSplitCommand is "noroshi deid split": shares of a key for its holders.
func deidSplitCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var holders, need int
	var prefix string
	var destroy bool
	var pass passphrase
	c := &cobra.Command{Use: "split KEY", Short: p.T("deid.split.short"), Long: p.T("deid.split.long"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("need") {
				need = holders
			}
			k, err := openKey(env, &pass, args[0])
			if err != nil {
				return err
			}
			defer k.Wipe()
			made := Made{ID: k.ID(), Approval: k.Approval(), Need: need}
			if made.Shares, err = writeShares(k, holders, need, prefix); err != nil {
				return err
			}
			if destroy {
				if err := destroyFile(args[0]); err != nil {
					return fault.New(fault.Internal, "deid.split.still", "file", args[0]).Because(err)
				}
				made.Removed = true
			}
			if err := env.Emit(made, made.show); err != nil {
				return err
			}
			if destroy {
				env.Say("deid.split.gone", "file", args[0])
			} else {
				env.Say("deid.split.keep", "file", args[0])
			}
			return nil
		}}
	c.Flags().IntVar(&holders, "holders", 2, p.T("deid.flag.holders"))
	c.Flags().IntVar(&need, "need", 2, p.T("deid.flag.need"))
	c.Flags().StringVarP(&prefix, "out", "o", "", p.T("deid.flag.prefix"))
	c.Flags().BoolVar(&destroy, "destroy", false, p.T("deid.flag.destroy"))
	_ = c.MarkFlagRequired("out")
	pass.add(c, p)
	return c
}

func openKey(env *cli.Env, pass *passphrase, name string) (*deid.Key, error) {
	raw, err := cli.ReadFile(name, deid.MaxFile)
	if err != nil {
		return nil, err
	}
	if _, err := deid.Peek(raw); err != nil { // before anybody types for nothing
		return nil, deidFault(name, err)
	}
	word, err := pass.read(env, false)
	defer clear(word)
	if err != nil {
		return nil, err
	}
	k, err := deid.Open(raw, word)
	return k, deidFault(name, err)
}

// writeShares writes all shares or none, and reads them back: what gives the
// key is what lies on the disk.
func writeShares(k *deid.Key, holders, need int, prefix string) (names []string, err error) {
	shares, err := k.Split(holders, need)
	if err != nil {
		return nil, deidFault("", err)
	}
	defer func() {
		for _, s := range shares {
			s.Wipe()
		}
		if err != nil {
			for _, n := range names {
				_ = destroyFile(n)
			}
			names = nil
		}
	}()
	for _, s := range shares {
		name := prefix + "-" + strconv.Itoa(s.Index) + ".share"
		raw := s.Text()
		err := writeKey(name, raw)
		clear(raw)
		if err != nil {
			return names, err
		}
		names = append(names, name)
	}
	again, err := joinFiles(names)
	if err != nil {
		return names, err
	}
	again.Wipe()
	return names, nil
}

// destroyFile overwrites a file before it removes it. On a disk that writes
// elsewhere (SSD, copy-on-write) the old blocks live until they are reused.
func destroyFile(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(make([]byte, min(info.Size(), deid.MaxFile)))
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return os.Remove(name)
}

// deidJoinCommand is "noroshi deid join": the key again, from its shares.
func deidJoinCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var out string
	var pass passphrase
	c := &cobra.Command{Use: "join SHARE...", Short: p.T("deid.join.short"), Long: p.T("deid.join.long"), Args: cobra.RangeArgs(1, deid.MaxHolders),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := joinFiles(args)
			if err != nil {
				return err
			}
			defer k.Wipe()
			if err := sealTo(env, k, &pass, out); err != nil {
				return err
			}
			made := Made{ID: k.ID(), Approval: k.Approval(), Key: out}
			return env.Emit(made, made.show)
		}}
	c.Flags().StringVarP(&out, "out", "o", "", p.T("deid.flag.join_out"))
	_ = c.MarkFlagRequired("out")
	pass.add(c, p)
	return c
}

// joinFiles gives the key back from files of shares. A refusal names the files.
func joinFiles(names []string) (*deid.Key, error) {
	shares := make([]*deid.Share, len(names))
	for i, name := range names {
		raw, err := cli.ReadFile(name, deid.MaxFile)
		if err != nil {
			return nil, err
		}
		shares[i], err = deid.ParseShare(raw)
		clear(raw)
		if err != nil {
			return nil, deidFault(name, err)
		}
		defer shares[i].Wipe()
	}
	k, err := deid.Join(shares...)
	var why *deid.JoinError
	if !errors.As(err, &why) {
		return k, err
	}
	if why.Why == deid.TooFew {
		return nil, fault.New(fault.Refused, "deid.join.too_few", "need", why.Need, "have", why.Have).Because(err)
	}
	f := fault.New(fault.Refused, "deid.join.refused").Because(err)
	for _, at := range why.At {
		f = f.At(fault.Place{At: names[at], Code: "deid.join." + why.Why})
	}
	return nil, f
}
