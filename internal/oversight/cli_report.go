package oversight

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

// Faults of reports.
var (
	ErrYear = fault.New(fault.Usage, "oversight.no_year")
	ErrOut  = fault.New(fault.Usage, "oversight.bad_out")
)

func reportCommand(env *cli.Env) *cobra.Command {
	var s source
	var year int
	var dir string
	p := env.Printer()
	c := &cobra.Command{
		Use: "report DIR", Short: p.T("oversight.cli.report"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if year < 2025 || year > 9999 || dir == "" {
				return ErrYear
			}
			fsys, signed, err := openLog(args[0])
			if err != nil {
				return err
			}
			o, err := s.options(env, signed)
			if err != nil {
				return err
			}
			r, res, err := replayDir(cmd.Context(), args[0], fsys, o)
			if err != nil {
				return asFault(err)
			}
			if len(res.Gaps)+len(res.Alarms) > 0 { // of a log that was changed nothing can be counted
				return conclude(env, res)
			}
			files, err := r.writeReports(env, res, year, dir)
			if err != nil {
				return fault.New(fault.Usage, ErrOut.Code, "dir", dir).Because(err)
			}
			if err := env.Emit(r.report(res, year, p), func(w io.Writer, p text.Printer) error {
				for _, f := range files {
					fmt.Fprintln(w, f)
				}
				_, err := fmt.Fprintln(w, p.T("oversight.cli.reported", "year", fmt.Sprint(year)))
				return err
			}); err != nil {
				return err
			}
			if !res.Clean() {
				return res.Fault()
			}
			return nil
		},
	}
	s.flags(env, c)
	c.Flags().IntVar(&year, "year", 0, p.T("oversight.cli.year"))
	c.Flags().StringVar(&dir, "out", "", p.T("oversight.cli.out"))
	return c
}

// writeReports writes the three versions in both languages, each as a page to
// print, a workbook and JSON.
func (r *Replay) writeReports(env *cli.Env, res Result, year int, dir string) (files []string, err error) {
	for _, l := range text.Langs {
		p := env.Words.Printer(l, nil)
		for _, name := range Versions {
			out := r.Report(res, year, name, p)
			page, err := out.HTML(p)
			if err != nil {
				return nil, err
			}
			raw, err := json.MarshalIndent(out, "", "  ")
			if err != nil {
				return nil, err
			}
			sheet, err := out.XLSX(p)
			if err != nil {
				return nil, err
			}
			for ext, data := range map[string][]byte{"html": page, "json": append(raw, '\n'), "xlsx": sheet} {
				file := filepath.Join(dir, fmt.Sprintf("%s-%d.%s.%s", name, year, l, ext))
				if err := put(file, data, 0o644); err != nil {
					return nil, err
				}
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// ReplayCommand is the command that replays a log from its files, for those who
// have another name for it.
func ReplayCommand(env *cli.Env) *cobra.Command { return replayCommand(env) }

// OpenLog opens the folder of a log, or the folder ledger in it, with its signed
// checkpoint.
func OpenLog(where string) (fs.FS, []byte, error) { return openLog(where) }

// ReadKeys reads the verifier keys of a log from a file. Without a file nobody
// vouches for what is read: ErrNoKey.
func ReadKeys(file string) ([]note.Verifier, error) {
	if file == "" {
		return nil, ErrNoKey
	}
	return ledger.ReadKeys(file)
}

// Print writes a result in words, as a terminal shows it.
func (r Result) Print(w io.Writer, p text.Printer) error {
	r = r.Speak(p)
	return r.print(w, p)
}

// Fault is the fault of a result that found something; nil of a clean one.
func (r *Result) Fault() error {
	if r.Clean() {
		return nil
	}
	n := len(r.Gaps) + len(r.Alarms)
	if r.broken()+n == 0 {
		return fault.New(fault.Unmet, ErrLost.Code, "n", int64(r.gone()))
	}
	if r.broken() == 0 { // nothing that an entry shows
		return fault.New(fault.Unmet, ErrWrong.Code, "n", n)
	}
	return fault.New(fault.Unmet, ErrFound.Code, "violations", r.broken(), "others", n)
}
