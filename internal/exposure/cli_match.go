package exposure

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/asset"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/intel"
	"noroshi/internal/intel/feed"
)

// OfflineCommands returns the verbs of "exposure" that need no hub: match,
// compile and explain. csaf reads CSAF documents; it may be nil.
func OfflineCommands(env *cli.Env, csaf intel.CSAFReader) []*cobra.Command {
	p := env.Printer()
	return []*cobra.Command{matchCommand(env, p, csaf), compileCommand(env, p, csaf), explainCommand(env, p, csaf)}
}

// matchCommand is "noroshi exposure match --assets FILE --feeds PATH...": what
// concerns the equipment of a list, without a hub and without the network.
// Exit 0 when every row was matched, 2 when list or feeds cannot be read, 3
// when rows of the list could not be accepted (the others are matched).
func matchCommand(env *cli.Env, p text.Printer, csaf intel.CSAFReader) *cobra.Command {
	var assets string
	var feeds []string
	var all, affected bool
	c := &cobra.Command{
		Use: "match --assets FILE --feeds PATH...", Short: p.T("exposure.match.short"), Long: p.T("exposure.match.long"), Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			// "--feeds a b" is understood as well as "--feeds a --feeds b".
			feeds = append(feeds, args...)
			if assets == "" || len(feeds) == 0 {
				return fault.New(fault.Usage, "exposure.match.what")
			}
			raw, err := cli.ReadFile(assets, asset.MaxFile)
			if err != nil {
				return err
			}
			stated, err := readFeeds(c.Context(), env, feeds, csaf)
			if err != nil {
				return err
			}
			return runMatch(c.Context(), env, stated, filepath.Base(assets), raw, all || env.JSON() && !affected)
		},
	}
	c.Flags().StringVar(&assets, "assets", "", p.T("exposure.match.flag.assets"))
	c.Flags().StringArrayVar(&feeds, "feeds", nil, p.T("exposure.match.flag.feeds"))
	c.Flags().BoolVar(&all, "all", false, p.T("exposure.match.flag.all"))
	c.Flags().BoolVar(&affected, "affected", false, p.T("exposure.match.flag.affected"))
	return c
}

// readFeeds reads feeds for a command that ends soon after: memory that is
// garbage may grow meanwhile.
func readFeeds(ctx context.Context, env *cli.Env, paths []string, csaf intel.CSAFReader) (*Stated, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	start := time.Now()
	s, err := ReadStated(ctx, paths, feed.Reader{Now: env.Now(), CSAF: csaf})
	if err != nil {
		return nil, err
	}
	env.Say("exposure.match.loaded", "n", s.Statements(), "ms", int(time.Since(start).Milliseconds()))
	return s, nil
}

func runMatch(ctx context.Context, env *cli.Env, stated *Stated, name string, raw []byte, all bool) error {
	p := env.Printer()
	out := bufio.NewWriterSize(env.Out, 1<<18)
	if !env.JSON() {
		fmt.Fprintln(out, p.T("exposure.match.head"))
	}
	start := time.Now()
	in := &watchedList{bytes.NewReader(raw), env.Progress(int64(len(raw)), p.T("exposure.match.short"))}
	m, err := stated.list(ctx, name, in, int64(len(raw)), out, p, env.JSON(), all)
	if e := out.Flush(); err == nil {
		err = e
	}
	if err != nil {
		if f := fault.Of(err); f.Kind == fault.Invalid {
			g := *f
			g.Kind = fault.Usage
			return &g
		}
		return err
	}
	took := time.Since(start)
	env.Say("exposure.match.done", "rows", m.rows, "affected", m.affected, "unknown", m.unknown,
		"ms", int(took.Milliseconds()), "rate", int(float64(m.rows)/max(took.Seconds(), 1e-6)))
	if m.bad > 0 {
		return fault.New(fault.Unmet, "exposure.match.bad_rows", "n", m.bad).At(m.places...)
	}
	return nil
}

// watchedList tells how far a list has been read.
type watchedList struct {
	io.ReaderAt
	done func(int64)
}

func (w *watchedList) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	w.done(off + int64(n))
	return n, err
}

// compileCommand is "noroshi exposure compile --out FILE --feeds PATH...": the
// feeds as one file that "match" and "explain" read within seconds.
func compileCommand(env *cli.Env, p text.Printer, csaf intel.CSAFReader) *cobra.Command {
	var out string
	var feeds []string
	c := &cobra.Command{
		Use: "compile --out FILE --feeds PATH...", Short: p.T("exposure.compile.short"), Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			feeds = append(feeds, args...)
			if out == "" || len(feeds) == 0 {
				return fault.New(fault.Usage, "exposure.compile.what")
			}
			s, err := readFeeds(c.Context(), env, feeds, csaf)
			if err != nil {
				return err
			}
			f, err := os.CreateTemp(filepath.Dir(out), ".compile-*")
			if err != nil {
				return fault.New(fault.Usage, "exposure.compile.cannot_write", "file", out).Because(err)
			}
			defer os.Remove(f.Name())
			n, err := s.WriteTo(f)
			if e := f.Close(); err == nil {
				err = e
			}
			if err == nil {
				err = os.Rename(f.Name(), out)
			}
			if err != nil {
				return fault.New(fault.Internal, "exposure.compile.cannot_write", "file", out).Because(err)
			}
			env.Say("exposure.compile.done", "file", out, "bytes", n)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", p.T("exposure.compile.flag.out"))
	c.Flags().StringArrayVar(&feeds, "feeds", nil, p.T("exposure.match.flag.feeds"))
	return c
}

// Explanation is the answer of "exposure explain": the proof in both languages.
type Explanation struct {
	Name          string              `json:"cpe,omitempty"`
	Package       string              `json:"purl,omitempty"`
	Vulnerability string              `json:"vulnerability"`
	Verdict       string              `json:"verdict"`
	Certainty     string              `json:"certainty"`
	Priority      string              `json:"priority,omitempty"`
	Because       map[string][]string `json:"because"` // by language: ja, en
	Steps         []Step              `json:"steps"`
}

// Step is one step of a proof for programs.
type Step struct {
	Rule      string `json:"rule"`
	Source    string `json:"source"`
	By        string `json:"by,omitempty"`
	Ref       string `json:"ref"`
	Path      string `json:"path,omitempty"`
	Version   string `json:"version,omitempty"`
	At        string `json:"at,omitempty"` // when the source last said it
	Licence   string `json:"licence,omitempty"`
	Overruled bool   `json:"overruled,omitempty"`
}

// explainCommand is "noroshi exposure explain --cpe NAME --cve ID --feeds
// PATH...": why a product is concerned or not. Exit 1 when no feed speaks of
// the vulnerability.
func explainCommand(env *cli.Env, p text.Printer, csaf intel.CSAFReader) *cobra.Command {
	var name, purl, cve, version string
	var feeds, platforms []string
	c := &cobra.Command{
		Use: "explain --cpe NAME --cve ID --feeds PATH...", Short: p.T("exposure.explain.short"), Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			feeds = append(feeds, args...)
			if name == "" && purl == "" || cve == "" || len(feeds) == 0 {
				return fault.New(fault.Usage, "exposure.explain.what")
			}
			s := product.Subject{Package: purl, Version: version}
			var err error
			if name != "" {
				if s.Name, err = parseName(name); err != nil {
					return err
				}
			}
			for _, other := range platforms {
				n, err := parseName(other)
				if err != nil {
					return err
				}
				s.Platforms = append(s.Platforms, n)
			}
			stated, err := readFeeds(c.Context(), env, feeds, csaf)
			if err != nil {
				return err
			}
			id := strings.ToUpper(cve)
			f, ok := stated.index.Explain(s, id)
			if !ok {
				if f, ok = stated.index.Explain(s, cve); !ok {
					return fault.New(fault.NotFound, "exposure.explain.nobody", "id", cve)
				}
			}
			return env.Emit(explained(env, stated, s, &f), func(w io.Writer, p text.Printer) error { return tellProof(w, p, &f) })
		},
	}
	c.Flags().StringVar(&name, "cpe", "", p.T("exposure.explain.flag.cpe"))
	c.Flags().StringVar(&purl, "purl", "", p.T("exposure.explain.flag.purl"))
	c.Flags().StringVar(&version, "version", "", p.T("exposure.explain.flag.version"))
	c.Flags().StringArrayVar(&platforms, "platform", nil, p.T("exposure.explain.flag.platform"))
	c.Flags().StringVar(&cve, "cve", "", p.T("exposure.explain.flag.cve"))
	c.Flags().StringArrayVar(&feeds, "feeds", nil, p.T("exposure.match.flag.feeds"))
	return c
}

func parseName(s string) (cpe.Name, error) {
	n, err := cpe.ParseLenient(s)
	if err != nil {
		return n, fault.New(fault.Usage, "exposure.explain.cpe_bad", "cpe", s).Because(err)
	}
	return n, nil
}

func explained(env *cli.Env, stated *Stated, s product.Subject, f *product.Finding) *Explanation {
	e := &Explanation{Package: s.Package, Vulnerability: f.Vulnerability, Verdict: f.Verdict.String(), Certainty: f.Certainty.String(), Because: map[string][]string{}}
	if s.Name != (cpe.Name{}) {
		e.Name = s.Name.String()
	}
	for _, lang := range text.Langs {
		words := newPhrases(env.Words.Printer(lang, nil))
		for i := range f.Because {
			e.Because[string(lang)] = append(e.Because[string(lang)], words.reason(&f.Because[i]))
		}
	}
	for i := range f.Because {
		r := &f.Because[i]
		step := Step{Rule: string(r.Rule), Path: r.Path, Version: r.Version, Overruled: r.Overruled}
		if st := r.Statement; st != nil {
			step.Source, step.By, step.Ref, step.Licence = st.Source, st.By, st.Ref, st.Licence
			if !st.At.IsZero() {
				step.At = st.At.Format(time.RFC3339)
			}
		}
		e.Steps = append(e.Steps, step)
	}
	if f.Verdict != product.VerdictNotAffected {
		e.Priority = stated.decide(&variant{}, 1, f.Vulnerability, f.Verdict, f.Certainty).Priority.String()
	}
	return e
}

// tellProof writes a proof for people, numbered, each step with its place.
func tellProof(w io.Writer, p text.Printer, f *product.Finding) error {
	words := newPhrases(p)
	fmt.Fprintln(w, p.T("exposure.explain.verdict."+f.Verdict.String(), "id", f.Vulnerability))
	for i := range f.Because {
		r := &f.Because[i]
		fmt.Fprintf(w, "%2d. %s\n", i+1, words.reason(r))
		if r.Statement != nil && r.Path != "" {
			fmt.Fprintf(w, "    %s\n", place(r))
		}
	}
	return nil
}
