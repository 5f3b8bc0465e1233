package incident

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// maxReportFile bounds a report file; the decoder has its own limit below it.
const maxReportFile = 4 << 20

// Commands returns `noroshi incident`: template, check and render work without
// a hub; submit, list and show ask one.
func Commands(env *cli.Env) *cobra.Command {
	c := &cobra.Command{Use: "incident", Short: env.Printer().T("incident.cli.short")}
	c.AddCommand(templateCommand(env), checkCommand(env), renderCommand(env))
	c.AddCommand(hubCommands(env)...)
	return c
}

// profileFlags are what check and render share.
type profileFlags struct {
	only      []string
	folder    string
	submitted []string
}

func (f *profileFlags) add(env *cli.Env, c *cobra.Command) {
	say := env.Printer()
	c.Flags().StringArrayVar(&f.only, "profile", nil, say.T("incident.cli.profile"))
	c.Flags().StringVar(&f.folder, "profiles", "", say.T("incident.cli.profiles"))
	c.Flags().StringArrayVar(&f.submitted, "submitted", nil, say.T("incident.cli.submitted"))
}

// load reads the report and the profiles, and what was submitted before.
func (f *profileFlags) load(env *cli.Env, file string) (*Report, *Profiles, Facts, error) {
	facts := Facts{Submitted: map[StageRef]time.Time{}}
	raw, err := cli.ReadFile(file, maxReportFile)
	if err != nil {
		return nil, nil, facts, err
	}
	r, err := DecodeReport(raw)
	if err != nil {
		return nil, nil, facts, err
	}
	if at := r.Ahead(env.Now()); len(at) > 0 {
		return nil, nil, facts, fault.New(fault.Invalid, "incident.report.invalid", "n", len(at)).At(at...)
	}
	var extra fs.FS
	if f.folder != "" {
		if st, err := os.Stat(f.folder); err != nil || !st.IsDir() {
			return nil, nil, facts, fault.New(fault.Usage, "incident.cli.no_folder", "folder", f.folder)
		}
		extra = os.DirFS(f.folder)
	}
	ps, err := LoadProfiles(extra)
	if err != nil {
		return nil, nil, facts, err
	}
	for _, s := range f.submitted {
		ref, at, err := parseSubmitted(s, ps)
		if err != nil {
			return nil, nil, facts, err
		}
		facts.Submitted[ref] = at
	}
	if len(f.only) > 0 {
		ps, err = ps.Only(f.only...)
	}
	return r, ps, facts, err
}

// parseSubmitted reads "eu-nis2/warning=2026-11-05T10:00+09:00".
func parseSubmitted(s string, ps *Profiles) (StageRef, time.Time, error) {
	name, when, _ := strings.Cut(s, "=")
	id, stage, _ := strings.Cut(name, "/")
	at, err := time.Parse(time.RFC3339, canonInstant(when))
	p, ok := ps.Get(id)
	if !ok || err != nil || !slices.ContainsFunc(p.Stages, func(x ProfileStage) bool { return x.ID == stage }) {
		return StageRef{}, at, fault.New(fault.Usage, "incident.cli.bad_submitted", "text", s)
	}
	return StageRef{id, stage}, at, nil
}

func templateCommand(env *cli.Env) *cobra.Command {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = string(k)
	}
	return &cobra.Command{
		Use:       "template " + strings.Join(names, "|"),
		Short:     env.Printer().T("incident.cli.template"),
		ValidArgs: names,
		Args:      cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(Kinds, Kind(args[0])) {
				return fault.New(fault.Usage, "incident.cli.kind", "kind", args[0], "known", strings.Join(names, " "))
			}
			raw, err := Template(Kind(args[0])).Encode()
			if err != nil {
				return fmt.Errorf("write the template: %w", err)
			}
			_, err = env.Out.Write(raw)
			return err
		},
	}
}

func checkCommand(env *cli.Env) *cobra.Command {
	var f profileFlags
	c := &cobra.Command{
		Use:   "check REPORT.json",
		Short: env.Printer().T("incident.cli.check"),
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, ps, facts, err := f.load(env, args[0])
			if err != nil {
				return err
			}
			now := env.Now()
			res := Check(r, ps, facts, now)
			err = env.Emit(res, func(w io.Writer, say text.Printer) error {
				_, err := io.WriteString(w, res.say(now, say))
				return err
			})
			if err != nil || res.Clean {
				return err
			}
			return fault.New(fault.Unmet, "incident.check.missing", "n", len(res.Missing))
		},
	}
	f.add(env, c)
	return c
}

// marks repeat the state of a profile in shape.
var marks = map[Ready]string{ReadyYes: "✓ ", ReadyMissing: "✗ ", ReadyOpen: "? ", ReadyConsent: "– ", ReadyNotInUse: "– "}

// say writes the result for a reader: what is missing first, then each
// profile with its clocks.
func (res *Result) say(now time.Time, say text.Printer) string {
	var b strings.Builder
	line := func(indent int, s string) { fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", indent), s) }
	for _, g := range res.Missing {
		line(0, "✗ "+say.T("incident.check."+string(g.Reason), "label", g.Label.In(say.Lang), "field", string(g.Field)))
		for _, w := range g.Wanted {
			by := say.T("incident.clock.none")
			if w.By != nil {
				by = w.By.Say(say)
			}
			names := make([]string, len(w.For))
			for i, n := range w.For {
				names[i] = n.In(say.Lang)
			}
			line(2, say.T("incident.check.wanted", "to", strings.Join(names, " / "), "profile", w.Name.In(say.Lang), "by", by))
		}
	}
	if len(res.Missing) > 0 {
		line(0, "")
	}
	for _, p := range res.Profiles {
		if p.Ready == ReadyNo {
			continue
		}
		line(0, marks[p.Ready]+
			say.T("incident.check.profile", "profile", p.Name.In(say.Lang), "id", p.ID, "ready", say.T("incident.ready."+string(p.Ready), "n", len(p.Missing))))
		for i := range p.Clocks {
			c := &p.Clocks[i]
			left := c.SayLeft(now, say)
			if left != "" {
				left = "  " + left
			}
			line(2, say.T("incident.sheet.pair", "stage", c.StageName.In(say.Lang), "says", c.Say(say)+left))
		}
		for _, rc := range p.Recipients {
			if rc.Withheld {
				line(2, rc.Name.In(say.Lang)+" — "+say.T("incident.sheet.withheld"))
			}
		}
	}
	return b.String()
}

// rendered is one file that render wrote.
type rendered struct {
	Profile string `json:"profile,omitempty"`
	Format  string `json:"format"`
	File    string `json:"file"`
	InForce bool   `json:"in_force"`
}

func renderCommand(env *cli.Env) *cobra.Command {
	var f profileFlags
	var out, format string
	var every, redacted bool
	c := &cobra.Command{
		Use:   "render REPORT.json --out DIR",
		Short: env.Printer().T("incident.cli.render"),
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			formats := FileFormats
			if format != "" {
				formats = []FileFormat{FileFormat(format)}
			}
			if !slices.Contains(FileFormats, formats[0]) {
				return fault.New(fault.Usage, "incident.sheet.format", "format", format)
			}
			if out == "" {
				return fault.New(fault.Usage, "incident.cli.no_out")
			}
			r, ps, facts, err := f.load(env, args[0])
			if err != nil {
				return err
			}
			res := Check(r, ps, facts, env.Now())
			if redacted {
				r = r.Redact()
			}
			files, err := renderAll(env, r, ps, facts, out, formats, every || len(f.only) > 0)
			if err != nil {
				return err
			}
			err = env.Emit(map[string]any{"files": files}, func(w io.Writer, _ text.Printer) error {
				for _, x := range files {
					fmt.Fprintln(w, x.File)
				}
				return nil
			})
			if err == nil && len(res.Missing) > 0 { // beside the files, so that nobody hands an incomplete form in unawares
				env.Say("incident.cli.render_missing", "n", len(res.Missing))
				for _, g := range res.Missing {
					env.Say("incident.check."+string(g.Reason), "label", g.Label.In(env.Lang()), "field", string(g.Field))
				}
			}
			return err
		},
	}
	say := env.Printer()
	c.Flags().StringVar(&out, "out", "", say.T("incident.cli.out"))
	c.Flags().StringVar(&format, "format", "", say.T("incident.cli.format"))
	c.Flags().BoolVar(&every, "all", false, say.T("incident.cli.all"))
	c.Flags().BoolVar(&redacted, "redacted", false, say.T("incident.cli.redacted"))
	f.add(env, c)
	return c
}

// renderAll writes the form of every profile in force that applies, or may;
// with every, of all enabled ones. The clocks come with them as clocks.ics.
func renderAll(env *cli.Env, r *Report, ps *Profiles, facts Facts, dir string, formats []FileFormat, every bool) ([]rendered, error) {
	cannot := func(err error) error {
		return fault.New(fault.Internal, "incident.cli.cannot_write", "folder", dir).Because(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, cannot(err)
	}
	now, say := env.Now(), env.Printer()
	var files []rendered
	write := func(profile string, inForce bool, name, format string, raw []byte) error {
		file := filepath.Join(dir, name)
		files = append(files, rendered{profile, format, file, inForce})
		return os.WriteFile(file, raw, 0o600)
	}
	for _, p := range ps.All {
		v, _ := p.AppliesTo(r)
		if p.Disabled || !every && (v == VerdictNo || !p.InForce(now)) {
			continue
		}
		s := Fill(r, p, facts, now, say)
		for _, format := range formats {
			raw, err := s.File(format)
			if err != nil {
				return files, err
			}
			if err := write(p.ID, s.InForce, s.FileName(format), string(format), raw); err != nil {
				return files, cannot(err)
			}
		}
	}
	if err := write("", true, "clocks.ics", "ics", Calendar(r, ps, facts, now, say)); err != nil {
		return files, cannot(err)
	}
	return files, nil
}
