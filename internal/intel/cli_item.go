package intel

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
)

// addCommand is "noroshi intel add FILE": the file is JSON of an item or text,
// "-" is standard input; with --report the indicators of a report.
func addCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var in AddInput
	var tlp, grade string
	var publish bool
	c := &cobra.Command{
		Use: "add FILE", Short: p.T("intel.cli.add"), Long: p.T("intel.cli.add.long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && in.Report == "" {
				return fault.New(fault.Usage, "intel.cli.add_what")
			}
			in.Item.TLP = incident.TLP(tlp)
			if grade != "" {
				g, err := ParseGrade(grade)
				if err != nil {
					return err
				}
				in.Item.Grade = g
			}
			if len(args) > 0 {
				raw, err := cli.ReadFile(args[0], MaxItemFile)
				if err != nil {
					return err
				}
				in.File, in.Raw = filepath.Base(args[0]), string(raw)
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var it Item
			if err := hub.Do(c.Context(), "POST", "/api/v1/intel-items", in, &it, ""); err != nil {
				return err
			}
			if publish {
				if err := hub.Do(c.Context(), "POST", "/api/v1/intel-items/"+url.PathEscape(it.ID)+"/publish", struct{}{}, &it, ""); err != nil {
					return err
				}
			}
			return env.Emit(it, func(w io.Writer, p text.Printer) error { return it.writeText(w, p) })
		},
	}
	f := c.Flags()
	f.StringVar(&in.Item.Title, "title", "", p.T("intel.cli.flag.title"))
	f.StringVar(&tlp, "tlp", "", p.T("intel.cli.flag.tlp"))
	f.IntVar(&in.Item.Clearance, "clearance", 0, p.T("intel.cli.flag.clearance"))
	f.StringVar(&grade, "grade", "", p.T("intel.cli.flag.grade"))
	f.StringVar(&in.Item.Source, "source", "", p.T("intel.cli.flag.source"))
	f.StringSliceVar(&in.Item.To, "to", nil, p.T("intel.cli.flag.to"))
	f.StringVar(&in.Report, "report", "", p.T("intel.cli.flag.report"))
	f.StringVar(&in.Purpose, "purpose", "", p.T("intel.cli.flag.purpose"))
	f.BoolVar(&publish, "publish", false, p.T("intel.cli.flag.publish"))
	env.HubFlags(c)
	return c
}

// writeText says what an item is and what was found for it.
func (it *Item) writeText(w io.Writer, p text.Printer) error {
	var b strings.Builder
	say := it.In(string(p.Lang))
	fmt.Fprintln(&b, it.ID, it.TLP.Label(), it.Grade, p.T("intel.item_state."+string(it.State)))
	if it.Clearance > 0 {
		fmt.Fprintln(&b, p.T("intel.item.clearance_is", "level", it.Clearance))
	}
	fmt.Fprintln(&b, say.Title)
	for _, words := range []string{say.Summary, say.Text} {
		if words != "" {
			fmt.Fprintln(&b, words)
		}
	}
	const most = 50
	for i, x := range it.Indicators {
		if i == most {
			fmt.Fprintln(&b, "  "+p.T("intel.item.more", "n", len(it.Indicators)-most))
			break
		}
		line := "  " + p.T("intel.indicator."+string(x.Type)) + "  " + x.Defang()
		for _, warn := range x.Warnings {
			line += "  ! " + p.T("intel.warn."+string(warn))
		}
		fmt.Fprintln(&b, line)
	}
	if len(it.Vulnerabilities) > 0 {
		fmt.Fprintln(&b, "  "+strings.Join(it.Vulnerabilities, " "))
	}
	for _, step := range it.Provenance {
		for _, what := range slices.Sorted(maps.Keys(step.Left)) {
			fmt.Fprintln(&b, "  – "+p.T("intel.item.left", "what", what, "n", step.Left[what]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
