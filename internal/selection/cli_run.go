package selection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/deid"
	"noroshi/internal/engine/geo"
)

// running are the options of "selection run".
type running struct {
	order, selectors, domestic, out, executor, deid, link string
	authority                                             []string
	strict                                                bool
	pass                                                  passphrase
}

// runCommand is "noroshi selection run": packets of files under an order. Exit 0
// with a statement, also where the cap, the end of the period or a signal ended
// the run; 3 when it was refused, or the order was taken away meanwhile.
func runCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var r running
	c := &cobra.Command{
		Use: "run --order ORDER --selectors FILE --authority KEY.pub --out DIR PCAP...", Short: p.T("selection.run.short"), Long: p.T("selection.run.long"), Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, files []string) error {
			if link := c.Flags().Lookup("link"); link != nil { // of a run at the hub; here the order names it
				r.link = link.Value.String()
			}
			return r.run(c.Context(), env, files)
		},
	}
	c.PreRunE = func(c *cobra.Command, files []string) error { // under an order, what else lacks is said with it
		if hub := c.Flags().Lookup("approval"); hub != nil && hub.Changed && len(files) == 0 {
			return fault.New(fault.Usage, "selection.run.no_capture")
		}
		return nil
	}
	f := c.Flags()
	f.StringVar(&r.order, "order", "", p.T("selection.run.flag.order"))
	f.StringVar(&r.selectors, "selectors", "", p.T("selection.run.flag.selectors"))
	f.StringSliceVar(&r.authority, "authority", nil, p.T("selection.run.flag.authority"))
	f.StringVar(&r.domestic, "domestic", "", p.T("selection.run.flag.domestic"))
	f.BoolVar(&r.strict, "strict", false, p.T("selection.run.flag.strict"))
	f.StringVar(&r.out, "out", "", p.T("selection.run.flag.out"))
	f.StringVar(&r.executor, "executor", "", p.T("selection.run.flag.executor"))
	f.StringVar(&r.deid, "deid", "", p.T("selection.run.flag.deid"))
	r.pass.add(c, p)
	return c
}

func (r *running) run(ctx context.Context, env *cli.Env, files []string) error {
	var lacks []string
	for _, f := range [...][2]string{{"--order", r.order}, {"--selectors", r.selectors}, {"--authority", strings.Join(r.authority, "")}, {"--out", r.out}} {
		if f[1] == "" || f[1] == "-" {
			lacks = append(lacks, f[0])
		}
	}
	switch {
	case len(lacks) > 0 && len(files) == 0:
		lacks = append(lacks, "PCAP")
		fallthrough
	case len(lacks) > 0:
		return fault.New(fault.Usage, "selection.run.needed", "flag", strings.Join(lacks, " "))
	case len(files) == 0:
		return fault.New(fault.Usage, "selection.run.no_capture")
	}
	job, err := r.job(env)
	if err != nil {
		return err
	}
	if job.Sources, err = sources(env, files); err != nil {
		return err
	}
	var outside time.Time
	unknown := ""
	job.Unknown = func(why string) { unknown = why }
	job.Outside = func(at time.Time) { outside = at }
	st, err := RunFiles(ctx, job)
	if st.Form == "" {
		return err
	}
	if e := env.Emit(st, st.tell); e != nil {
		return errors.Join(err, e)
	}
	if unknown != "" {
		env.Say("selection.run.all_unknown", "why", env.Printer().T("selection.run.unknown."+unknown))
	}
	if !outside.IsZero() {
		env.Say("selection.run.outside", "file", files[st.Input.Sources-1], "at", outside)
	}
	if unread := files[st.Input.Sources:]; len(unread) > 0 {
		env.Say("selection.run.unread", "files", strings.Join(unread, ", "))
	}
	if st.ExecutorKey == "run" {
		env.Say("selection.run.key_forgotten")
	}
	if st.forgot() {
		env.Say("selection.run.deid_forgotten")
	}
	return err
}

// job reads everything but the captures.
func (r *running) job(env *cli.Env) (job FileJob, err error) {
	job = FileJob{Order: r.order, ListName: r.selectors, TableName: r.domestic, Strict: r.strict, Dir: r.out}
	job.Now, job.Program, job.Link = env.Now, programHash(), r.link
	job.Found = func(u Use) {
		if len(u.Destroyed) == 0 {
			env.Say("selection.run.crashed", "run", u.Run)
			return
		}
		env.Say("selection.run.crashed_destroyed", "run", u.Run, "files", strings.Join(u.Destroyed, ", "))
	}
	job.First = func(journal string) { env.Say("selection.run.first_use", "journal", journal) }
	if job.Paper, err = cli.ReadFile(r.order, 1<<21); err != nil {
		return job, err
	}
	if job.Authorities, err = verifiersOf(r.authority); err != nil {
		return job, err
	}
	if job.List, err = readLong(r.selectors, MaxSelectors); err != nil {
		return job, err
	}
	if r.domestic != "" {
		if job.Table, err = cli.ReadFile(r.domestic, MaxPrefixes); err != nil {
			return job, err
		}
		if job.Table == nil {
			job.Table = []byte{}
		}
	}
	if r.executor != "" {
		if job.Signer, err = readExecutorFile(r.executor); err != nil {
			return job, err
		}
	}
	if r.deid != "" {
		err = r.pseudonyms(env, &job)
	}
	return job, err
}

// pseudonyms takes the key of an approval: its public half, with which nobody but
// its holders can open what this run makes; or the key itself, with which every
// run of the approval makes the same.
func (r *running) pseudonyms(env *cli.Env, job *FileJob) error {
	raw, err := cli.ReadFile(r.deid, deid.MaxFile)
	if err != nil {
		return err
	}
	if pub, err := deid.ParsePublic(raw); err == nil {
		job.Vault = &pub
		return nil
	}
	k, err := openKey(env, &r.pass, r.deid)
	if err != nil {
		return err
	}
	defer k.Wipe()
	pub, err := k.Public()
	if err != nil {
		return err
	}
	job.Working, job.Vault = k.Working(), &pub
	return nil
}

// sources looks that every capture is there; "-" is standard input. None is read.
func sources(env *cli.Env, files []string) (all []Source, err error) {
	var size int64
	for _, name := range files {
		if name == "-" {
			size = -1
		} else if info, err := os.Stat(name); err != nil {
			return nil, sourceFault(name, err)
		} else if info.IsDir() {
			return nil, sourceFault(name, errFolder)
		} else if size >= 0 {
			size += info.Size()
		}
	}
	done := env.Progress(size, env.Printer().T("selection.run.short"))
	var read int64
	for _, name := range files {
		all = append(all, Source{Name: name, Open: func() (io.ReadCloser, error) {
			if name == "-" {
				if f, ok := env.In.(*os.File); ok {
					return unclosed{f}, nil
				}
				return io.NopCloser(env.In), nil
			}
			f, err := os.Open(name)
			if err != nil {
				return nil, err
			}
			return &watched{f, &read, done}, nil
		}})
	}
	return all, nil
}

// unclosed is standard input, which stays open. A file that was put there is read
// as one.
type unclosed struct{ *os.File }

// Close implements io.Closer.
func (unclosed) Close() error { return nil }

// watched is a file of which is told how far it was read.
type watched struct {
	*os.File
	read *int64
	done func(int64)
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.File.Read(p)
	*w.read += int64(n)
	w.done(*w.read)
	return n, err
}

// tell writes a statement for people.
func (s *Statement) tell(w io.Writer, p text.Printer) error {
	line := func(key string, pairs ...any) { fmt.Fprintln(w, p.T(key, pairs...)) }
	number := func(n uint64) string { return p.Number(int64(n)) }
	line("selection.statement.order", "order", s.Order, "authority", s.Authority)
	var ways []string
	for _, d := range s.Directions {
		if d != geo.Unknown {
			ways = append(ways, p.T("selection.statement.direction."+d.String()))
		}
	}
	line("selection.statement.directions", "ways", strings.Join(ways, p.T("selector.and")))
	line("selection.statement.ended."+string(s.Ended), "at", p.Time(s.EndedAt))
	line("selection.statement.seen", "n", number(s.Seen.Packets), "bytes", number(s.Seen.Bytes))
	d := &s.Dropped
	for _, one := range []struct {
		key string
		n   uint64
	}{{"domestic", d.Domestic.Packets}, {"direction", d.Direction.Packets}, {"unknown", d.Unknown.Packets}, {"unselected", d.Unselected.Packets},
		{"malformed", d.Malformed.Packets}, {"cap", d.Cap.Packets}} {
		line("selection.statement.dropped."+one.key, "n", number(one.n))
		if n := s.TunnelPort.Packets; n > 0 && one.key == "unknown" {
			line("selection.statement.tunnel_port", "n", number(n))
		}
	}
	line("selection.statement.selected", "n", number(s.Selected.Packets), "bytes", number(s.Selected.Bytes), "records", number(s.Selected.Records))
	line("selection.statement.destroyed", "at", p.Time(s.DestroyedAt), "ms", fmt.Sprintf("%.1f", float64(max(s.Stay.Longest, s.Stay.Batch))/1000))
	if s.Overridden > 0 {
		line("selection.statement.overridden", "n", s.Overridden)
	}
	if age := s.BegunAt.Sub(s.PrefixesOf); !s.PrefixesOf.IsZero() {
		line("selection.statement.prefixes", "date", p.Date(s.PrefixesOf))
		if age > staleTable {
			line("selection.statement.prefixes_old", "days", int(age/(24*time.Hour)))
		}
	}
	line("selection.statement.retain", "at", p.Time(s.RetainUntil))
	return nil
}

// programHash is the SHA-256 of this program's file, in hex; "" where it cannot be
// read.
func programHash() string {
	name, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}
