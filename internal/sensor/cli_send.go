package sensor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// Bounds of what is sent.
const (
	maxLine  = 64 << 10 // one finding, in bytes
	maxSent  = 100_000  // findings of one call
	maxStats = 4 << 20
)

// Faults of sending.
var (
	ErrLine = fault.New(fault.Usage, "sensor.send.line") // not a finding
	ErrMany = fault.New(fault.Usage, "sensor.send.many")
)

// sendCommand is "noroshi flow send [FILE] --source ID --stats FILE": what
// flow detect found goes to the hub, together with what was read and lost.
func sendCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var source, stats string
	c := &cobra.Command{
		Use: "send [FILE]", Short: p.T("sensor.send.short"), Long: p.T("sensor.send.long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			reading, err := readStats(stats)
			if err != nil {
				return err
			}
			in := env.In
			if len(args) == 1 && args[0] != "-" {
				raw, err := cli.ReadFile(args[0], maxLine*maxSent)
				if err != nil {
					return err
				}
				in = bytes.NewReader(raw)
			}
			found, err := readFindings(in)
			if err != nil {
				return err
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			out, err := send(c.Context(), hub, source, reading, found)
			if err != nil {
				return err
			}
			return env.Emit(out, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("sensor.send.done", "new", out.New, "again", out.Again, "unheard", out.Unheard))
				return err
			})
		},
	}
	c.Flags().StringVar(&source, "source", "", p.T("sensor.send.source"))
	c.Flags().StringVar(&stats, "stats", "", p.T("sensor.send.stats"))
	_ = c.MarkFlagRequired("source") // the flag is there
	_ = c.MarkFlagRequired("stats")
	env.HubFlags(c)
	return c
}

// readStats reads what "flow detect --stats" wrote of what was read.
func readStats(file string) (Reading, error) {
	raw, err := cli.ReadFile(file, maxStats)
	if err != nil {
		return Reading{}, err
	}
	var s struct {
		Reading *Reading `json:"reading"`
	}
	if err := json.Unmarshal(raw, &s); err != nil || s.Reading == nil {
		return Reading{}, fault.New(fault.Usage, "sensor.send.bad_stats", "file", file)
	}
	return *s.Reading, nil
}

// readFindings reads findings, one JSON object a line. Those that are expected
// by an entry of the allow-list stay here.
func readFindings(r io.Reader) (out []FoundInput, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var f struct {
			FoundInput
			Allowed string `json:"allowed"`
		}
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil || f.Kind == "" {
			return nil, fault.New(fault.Usage, ErrLine.Code, "line", n)
		}
		if f.Allowed != "" {
			continue
		}
		f.Text = ""
		if out = append(out, f.FoundInput); len(out) > maxSent {
			return nil, fault.New(fault.Usage, ErrMany.Code, "max", maxSent)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	return out, nil
}

// send sends findings in parts that one request takes; the reading goes with
// the first, so that its counts are counted once.
func send(ctx context.Context, hub *fetch.Hub, source string, r Reading, found []FoundInput) (sum TakenIn, err error) {
	for first := true; first || len(found) > 0; first = false {
		n := min(len(found), MaxFindings)
		var out TakenIn
		if err := hub.Do(ctx, "POST", "/api/v1/sensors/"+url.PathEscape(source)+"/findings", FeedInput{r, found[:n]}, &out, ""); err != nil {
			return sum, err
		}
		sum.New, sum.Again, sum.Unheard = sum.New+out.New, sum.Again+out.Again, sum.Unheard+out.Unheard
		found = found[n:]
		r = Reading{From: r.From, Until: r.Until}
	}
	return sum, nil
}
