package hunt

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// sealCommand is "noroshi hunt seal PATH... --out PACK.zip".
func sealCommand(env *cli.Env, own fs.FS, version string) *cobra.Command {
	p := env.Printer()
	s := scanFlags{ruleFlags: ruleFlags{own: own}}
	var key string
	c := &cobra.Command{
		Use: "seal PATH... --out PACK.zip", Short: p.T("hunt.seal.short"), Long: p.T("hunt.seal.long"), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error { return s.sealed(c.Context(), env, paths, key, version) },
	}
	s.ruleFlags.flags(p, c)
	s.readFlags.flags(p, c)
	f := c.Flags()
	f.StringVar(&s.out, "out", "", p.T("hunt.flag.pack"))
	f.StringVar(&key, "key", "", p.T("hunt.flag.key"))
	f.StringVar(&s.least, "min-level", "", p.T("hunt.flag.min_level"))
	f.IntVar(&s.workers, "workers", 0, p.T("hunt.flag.workers"))
	f.BoolVar(&s.noRouting, "no-routing", false, p.T("hunt.flag.no_routing"))
	return c
}

func (s *scanFlags) sealed(ctx context.Context, env *cli.Env, paths []string, key, version string) error {
	if s.out == "" || s.out == "-" {
		return fault.New(fault.Usage, "hunt.pack.out")
	}
	var signer note.Signer
	if key != "" {
		raw, err := cli.ReadFile(key, 4096)
		if err != nil {
			return err
		}
		if signer, err = note.NewSigner(strings.TrimSpace(string(raw))); err != nil {
			return fault.New(fault.Usage, "hunt.pack.key", "file", key)
		}
	}
	scan, err := s.asked(ctx, env, paths)
	if err != nil {
		return err
	}
	seal := &sealing{scan: scan, version: version, options: PackOptions{MinLevel: s.least, NoRouting: s.noRouting, Input: s.input, Timezone: s.zone}}
	if seal.mapping, err = s.mappingText(); err != nil {
		return err
	}
	if seal.values, err = readValues(s.values); err != nil {
		return err
	}
	begun := time.Now()
	var m *Manifest
	var report *Report
	if err := output(env, s.out, func(w io.Writer) error {
		m, report, err = seal.seal(ctx, w, signer)
		return err
	}); err != nil {
		return err
	}
	sayReport(env, report, scan.Rules, time.Since(begun))
	raw, err := os.Open(s.out)
	if err != nil {
		return err
	}
	defer raw.Close()
	sum, err := sumReader(raw)
	if err != nil {
		return err
	}
	env.Say("hunt.seal.done", "file", s.out, "n", m.Counts.Detections, "sum", sum)
	return report.judged()
}

// unsealCommand is "noroshi hunt unseal PACK.zip [PATH...]".
func unsealCommand(env *cli.Env) *cobra.Command {
	p := env.Printer()
	var public string
	var workers int
	c := &cobra.Command{
		Use: "unseal PACK.zip [PATH...]", Short: p.T("hunt.unseal.short"), Long: p.T("hunt.unseal.long"), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return unsealed(c.Context(), env, args[0], args[1:], public, workers)
		},
	}
	c.Flags().StringVar(&public, "public", "", p.T("hunt.flag.public"))
	c.Flags().IntVar(&workers, "workers", 0, p.T("hunt.flag.workers"))
	return c
}

// Unsealed is what "hunt unseal --json" says.
type Unsealed struct {
	Manifest    *Manifest    `json:"manifest"`
	SHA256      string       `json:"sha256"`               // of the pack
	Signed      string       `json:"signed,omitempty"`     // by which key, of those given
	Reproduced  bool         `json:"reproduced"`           // it was run again and came out the same
	Differences []Difference `json:"differences,omitzero"` // where it did not
}

func unsealed(ctx context.Context, env *cli.Env, name string, paths []string, public string, workers int) error {
	var verifier note.Verifier
	if public != "" {
		raw, err := cli.ReadFile(public, 4096)
		if err != nil {
			return err
		}
		if verifier, err = note.NewVerifier(strings.TrimSpace(string(raw))); err != nil {
			return fault.New(fault.Usage, "hunt.pack.key", "file", public)
		}
	}
	if _, err := sizeOf(append([]string{name}, paths...)); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return unreadable(name, err)
	}
	defer f.Close()
	is, err := f.Stat()
	if err != nil {
		return unreadable(name, err)
	}
	pack, err := openPack(f, is.Size(), verifier)
	if err != nil {
		return err
	}
	u := &Unsealed{Manifest: &pack.Manifest, Signed: pack.Signed}
	if u.SHA256, err = sumReader(io.NewSectionReader(f, 0, is.Size())); err != nil {
		return err
	}
	if len(paths) > 0 {
		if u.Differences, err = pack.again(ctx, paths, workers); err != nil {
			return err
		}
		u.Reproduced = len(u.Differences) == 0
	}
	if err := env.Emit(u, func(w io.Writer, p text.Printer) error { return tellUnsealed(w, p, u, len(paths) > 0) }); err != nil {
		return err
	}
	if len(u.Differences) > 0 {
		return fault.New(fault.Unmet, "hunt.pack.differs")
	}
	return nil
}

func tellUnsealed(w io.Writer, p text.Printer, u *Unsealed, ran bool) error {
	m := u.Manifest
	fmt.Fprintln(w, p.T("hunt.unseal.sums", "sum", u.SHA256))
	if u.Signed != "" {
		fmt.Fprintln(w, p.T("hunt.unseal.signed", "name", text.Printable(u.Signed)))
	} else {
		fmt.Fprintln(w, p.T("hunt.unseal.not_signed"))
	}
	fmt.Fprintln(w, p.T("hunt.unseal.program", "version", text.Printable(m.Program.Version), "sum", text.Printable(m.Program.SHA256)))
	fmt.Fprintln(w, p.T("hunt.unseal.counts", "inputs", len(m.Inputs), "events", int64(m.Counts.Events), "rules", m.Counts.Rules, "n", m.Counts.Detections))
	for l := sigma.Critical; ; l-- {
		if n := m.Counts.ByLevel[levelKey(l)]; n > 0 {
			fmt.Fprintf(w, "  %s %s\n", p.T("hunt.level."+levelKey(l)), p.Number(int64(n)))
		}
		if l == sigma.NoLevel {
			break
		}
	}
	for _, d := range u.Differences {
		fmt.Fprintln(w, p.T("hunt.unseal.differs_"+d.What, "name", text.Printable(d.Name), "line", d.Line))
	}
	switch {
	case u.Reproduced:
		fmt.Fprintln(w, p.T("hunt.unseal.same"))
	case !ran:
		fmt.Fprintln(w, p.T("hunt.unseal.not_run"))
	}
	return nil
}
