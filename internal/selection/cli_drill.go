package selection

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/sensor/synth"
)

// drillList is what a drill selects by: a server and a name that the machines of
// the made-up line ask for orders.
const drillList = "type,value\naddress,198.51.100.66\nsuffix,.hibana.example\n"

// drillFiles are what a drill makes; it replaces none, since an order may stand on
// them.
var drillFiles = [...]string{"line.pcap", "prefixes.csv", "list.csv"}

// drillCommand writes what a first run needs: some minutes of a line that does
// not exist, the networks that are domestic and foreign on it, and a list.
func drillCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var out, at string
	var seed uint64
	c := &cobra.Command{
		Use: "drill --out DIR", Short: p.T("selection.drill.short"), Long: p.T("selection.drill.long"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			start := env.Now().Truncate(time.Second)
			if at != "" {
				var err error
				if start, err = time.Parse(time.RFC3339, at); err != nil {
					return fault.New(fault.Usage, "selection.drill.bad_time", "text", printed(at))
				}
			}
			if out == "" {
				return fault.New(fault.Usage, "selection.drill.no_out")
			}
			return writeDrill(env, out, start, seed)
		},
	}
	c.Flags().StringVar(&out, "out", "", p.T("selection.drill.flag.out"))
	c.Flags().StringVar(&at, "at", "", p.T("selection.drill.flag.at"))
	c.Flags().Uint64Var(&seed, "seed", 1, p.T("selection.drill.flag.seed"))
	return c
}

func writeDrill(env *cli.Env, dir string, start time.Time, seed uint64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.New(fault.Usage, "selection.drill.write", "dir", dir).Because(err)
	}
	for _, name := range drillFiles {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fault.New(fault.Conflict, "selection.drill.there", "file", filepath.Join(dir, name))
		}
	}
	var line, prefixes bytes.Buffer
	if err := synth.WriteLink(&line, synth.LinkConfig{Seed: seed, Start: start}); err != nil {
		return err
	}
	w := bufio.NewWriter(&prefixes)
	for _, side := range [...]struct {
		country string
		list    []netip.Prefix
	}{{"JP", synth.LinkOwn()}, {"US", synth.LinkAway()}} {
		for _, x := range side.list {
			fmt.Fprintf(w, "%s,%s\n", x, side.country)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, data := range [...][]byte{line.Bytes(), prefixes.Bytes(), []byte(drillList)} {
		if err := os.WriteFile(filepath.Join(dir, drillFiles[i]), data, 0o644); err != nil {
			return fault.New(fault.Usage, "selection.drill.write", "dir", dir).Because(err)
		}
	}
	p := env.Printer()
	env.Say("selection.drill.done", "dir", dir, "from", p.Time(start), "to", p.Time(start.Add(10*time.Minute)))
	return nil
}
