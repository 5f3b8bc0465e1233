package selection

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/selector"
)

// Bounds of what the commands on lists read, in bytes.
const (
	maxListFile    = 1 << 31 // a list, compiled or not
	maxWarningList = 256 << 20
	maxKeyFile     = 4096
)

// compileGC is by how many per cent of what is used memory may grow before it
// is collected, while lists are compiled.
const compileGC = 25

// selectorCommand is "noroshi selector": lists of search conditions, compiled
// to one file and described.
func selectorCommand(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "selector", Short: p.T("selector.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(selectorCompileCommand(env, p), selectorInfoCommand(env, p))
	return c
}

// compiling are the options of "selector compile". None of them leaves the
// program's own warning lists out.
type compiling struct {
	from, warning     []string
	skip              bool
	sign, now, out    string
	lister            string
	source, act       string
	approval, expires string
}

func selectorCompileCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var o compiling
	c := &cobra.Command{
		Use: "compile --from FILE... -o FILE", Short: p.T("selector.compile.short"), Long: p.T("selector.compile.long"),
		RunE: func(c *cobra.Command, more []string) error {
			if len(more) > 0 && !c.Flags().Changed("from") {
				o.from = nil // files are named, so standard input is not meant
			}
			o.from = append(o.from, more...)
			return o.run(env)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.from, "from", []string{"-"}, p.T("selector.compile.flag.from"))
	f.BoolVar(&o.skip, "skip-broken", false, p.T("selector.compile.flag.skip"))
	f.StringArrayVar(&o.warning, "warning", nil, p.T("selector.compile.flag.warning"))
	f.StringVar(&o.sign, "sign", "", p.T("selector.compile.flag.sign"))
	f.StringVar(&o.now, "now", "", p.T("selector.compile.flag.now"))
	f.StringVar(&o.lister, "lister", "", p.T("selector.compile.flag.lister"))
	f.StringVar(&o.source, "source", "", p.T("selector.compile.flag.source"))
	f.StringVar(&o.act, "act", "", p.T("selector.compile.flag.act"))
	f.StringVar(&o.approval, "approval", "", p.T("selector.compile.flag.approval"))
	f.StringVar(&o.expires, "expires", "", p.T("selector.compile.flag.expires"))
	f.StringVarP(&o.out, "out", "o", "", p.T("selector.compile.flag.out"))
	return c
}

// CompileFacts say what "selector compile" made of its lists.
type CompileFacts struct {
	File       string         `json:"file"`
	SHA256     string         `json:"sha256"` // of the compiled file: what an order names
	Hash       string         `json:"hash"`   // BLAKE3 of the compiled list, without signatures
	Selectors  int            `json:"selectors"`
	Kinds      map[string]int `json:"kinds"`
	Lists      []ListFacts    `json:"lists"`
	Duplicates int            `json:"duplicates"`
	Expired    int            `json:"expired"`
	Broken     int            `json:"broken"`
	Warned     int            `json:"warned"`     // kept out by a warning list
	Overridden int            `json:"overridden"` // taken in with a second person's reason
	SignedBy   string         `json:"signed_by,omitempty"`
}

// ListFacts say what one list held.
type ListFacts struct {
	File   string `json:"file"`
	Format string `json:"format"`
	Lines  int    `json:"lines"`
	Taken  int    `json:"taken"`
	Passed int    `json:"passed"` // objects that are no traffic to select
}

func (o *compiling) run(env *cli.Env) error {
	if o.out == "" {
		return fault.New(fault.Usage, "selector.compile.no_out")
	}
	// Of a long list nearly everything stays: collecting early costs no time
	// that can be measured, and halves the memory.
	defer debug.SetGCPercent(debug.SetGCPercent(compileGC))
	options, err := o.options(env)
	if err != nil {
		return err
	}
	var signer note.Signer
	if o.sign != "" {
		if signer, err = readSigner(o.sign); err != nil {
			return err
		}
	}
	facts := &CompileFacts{File: o.out, Kinds: map[string]int{}}
	b := selector.NewBuilder(options)
	var broken []fault.Place
	for _, name := range o.from {
		r, err := o.read(env, b, name)
		if err != nil {
			return err
		}
		facts.add(&r)
		broken = append(broken, placesOf(&r)...)
	}
	if b.Len() == 0 {
		return fault.New(fault.Usage, "selector.empty", "file", strings.Join(o.from, " ")).At(broken...)
	}
	file, err := b.Encode()
	b = nil // a long list has no room for both
	if err != nil {
		return selectorFault(o.out, err)
	}
	if signer != nil {
		if file, err = selector.Sign(file, signer); err != nil {
			return selectorFault(o.out, err)
		}
		facts.SignedBy = signer.Name()
	}
	digest := DigestOf(file)
	s, err := selector.Load(file, nil)
	if err != nil {
		return selectorFault(o.out, err)
	}
	facts.of(s)
	facts.SHA256 = digest
	if err := writeCompiled(o.out, file); err != nil {
		return err
	}
	if facts.Broken+facts.Warned > 0 {
		sayPlaces(env, fault.New(fault.Usage, "selector.skipped", "n", facts.Broken+facts.Warned, "warned", facts.Warned).At(broken...))
	}
	return env.Emit(facts, facts.tell)
}

// options reads what the flags say about every list.
func (o *compiling) options(env *cli.Env) (selector.Options, error) {
	options := selector.Options{Now: env.Now().UnixNano(), Lister: o.lister, Skip: o.skip, Warnings: selector.BuiltIn(),
		Default: selector.Selector{Source: o.source, Act: o.act, Approval: o.approval}}
	for _, t := range [...]struct {
		flag, text string
		to         *int64
	}{{"--now", o.now, &options.Now}, {"--expires", o.expires, &options.Default.Expires}} {
		if t.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, t.text)
		if err != nil || at.Year() < 1971 || at.Year() > 2261 {
			return options, fault.New(fault.Usage, "selector.bad_time", "flag", t.flag, "value", t.text)
		}
		*t.to = at.UnixNano()
	}
	for _, name := range o.warning {
		raw, err := cli.ReadFile(name, maxWarningList)
		if err != nil {
			return options, err
		}
		if _, err := options.Warnings.AddMISP(raw); err != nil {
			return options, fault.New(fault.Usage, "selector.bad_warning", "file", name, "why", strings.TrimPrefix(err.Error(), "selector: ")).Because(err)
		}
	}
	return options, nil
}

func (o *compiling) read(env *cli.Env, b *selector.Builder, name string) (selector.Report, error) {
	raw, err := readList(env, name)
	if err != nil {
		return selector.Report{}, err
	}
	if selector.Compiled(raw) {
		return selector.Report{}, fault.New(fault.Usage, "selector.compile.compiled", "file", name)
	}
	r, err := b.Read(name, raw)
	if err != nil {
		return r, selectorFault(name, err)
	}
	return r, nil
}

// readList reads a list, or standard input for "-". A file is read into as many
// bytes as it has: a compiled list stays in them, used in place.
func readList(env *cli.Env, name string) ([]byte, error) {
	cannot := func(err error) error {
		return fault.New(fault.Usage, "cli.cannot_read", "file", name).Because(err)
	}
	r := env.In
	var raw []byte
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, cannot(err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			raw = make([]byte, 0, min(info.Size(), maxListFile)+bytes.MinRead)
		}
		r = f
	}
	b := bytes.NewBuffer(raw)
	if _, err := b.ReadFrom(io.LimitReader(r, maxListFile+1)); err != nil {
		return nil, cannot(err)
	}
	if b.Len() > maxListFile {
		return nil, fault.New(fault.TooLarge, "cli.file_too_large", "file", name, "mb", maxListFile/1_000_000)
	}
	return b.Bytes(), nil
}

func (f *CompileFacts) add(r *selector.Report) {
	f.Lists = append(f.Lists, ListFacts{r.Name, string(r.Format), r.Lines, r.Taken, r.Passed})
	f.Duplicates += r.Duplicates
	f.Expired += r.Expired
	f.Broken += r.Broken
	f.Warned += r.Warned
	f.Overridden += r.Overridden
}

func (f *CompileFacts) of(s *selector.Set) {
	f.Hash, f.Selectors, f.Kinds = fmt.Sprintf("%x", s.Hash()), s.Len(), kindCounts(s)
}

func kindCounts(s *selector.Set) map[string]int {
	kinds := map[string]int{}
	for _, k := range s.Needs().Kinds() {
		kinds[k.String()] = s.Count(k)
	}
	return kinds
}

func (f *CompileFacts) tell(w io.Writer, p text.Printer) error {
	lines := []string{p.T("selector.compile.done", "file", f.File, "n", f.Selectors, "kinds", kindWords(p, f.Kinds))}
	for _, l := range f.Lists {
		lines = append(lines, p.T("selector.compile.list", "file", l.File, "lines", l.Lines, "taken", l.Taken, "passed", l.Passed))
	}
	lines = append(lines, p.T("selector.compile.left", "duplicates", f.Duplicates, "expired", f.Expired, "broken", f.Broken))
	if f.Overridden > 0 {
		lines = append(lines, p.T("selector.compile.overridden", "n", f.Overridden))
	}
	lines = append(lines, p.T("selector.sha256", "hash", f.SHA256), p.T("selector.hash", "hash", f.Hash))
	if f.SignedBy != "" {
		lines = append(lines, p.T("selector.signed", "names", f.SignedBy))
	} else {
		lines = append(lines, p.T("selector.compile.unsigned"))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// kindWords says how many there are of each kind, in the order of the kinds.
func kindWords(p text.Printer, kinds map[string]int) string {
	var parts []string
	for _, k := range selector.Kinds() {
		if n := kinds[k.String()]; n > 0 {
			parts = append(parts, p.T("selector.kind."+k.String(), "n", n))
		}
	}
	return strings.Join(parts, p.T("selector.and"))
}

// readSigner reads a key as "selection key" writes it.
func readSigner(name string) (note.Signer, error) {
	raw, err := cli.ReadFile(name, maxKeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	signer, err := note.NewSigner(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, fault.New(fault.Usage, "selector.bad_key", "file", name) // the reason could quote the key
	}
	return signer, nil
}

// readVerifiers reads the public half of a key; nil for "".
func readVerifiers(name string) (note.Verifiers, error) {
	if name == "" {
		return nil, nil
	}
	raw, err := cli.ReadFile(name, maxKeyFile)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, fault.New(fault.Usage, "selector.bad_public", "file", name).Because(err)
	}
	return note.VerifierList(v), nil
}

// writeCompiled writes a compiled list, whole or not at all, for its owner
// alone: what is looked for must not become known. A file that is there and is
// no compiled list is left alone.
func writeCompiled(name string, file []byte) error {
	cannot := func(err error) error {
		return fault.New(fault.Internal, "selector.compile.cannot_write", "file", name).Because(err)
	}
	if f, err := os.Open(name); err == nil {
		head := make([]byte, 64)
		n, _ := io.ReadFull(f, head)
		f.Close()
		if n > 0 && !selector.Compiled(head[:n]) {
			return fault.New(fault.Usage, "selector.compile.other_file", "file", name)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return cannot(err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return cannot(err)
	}
	_, err = f.Write(file)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // nothing to keep of it
		return cannot(err)
	}
	return nil
}

// inOrder returns the texts in order, each once.
func inOrder(all map[string]bool) []string {
	out := make([]string, 0, len(all))
	for t := range all {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}
