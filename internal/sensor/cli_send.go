package sensor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

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

	ErrRefused = fault.New(fault.Invalid, "sensor.send.refused") // by the hub, with the lines
)

// sendCommand is "noroshi flow send [FILE] --source ID --stats FILE": what
// flow detect found goes to the hub, together with what was read and lost.
func sendCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var source, stats string
	c := &cobra.Command{
		Use: "send [FILE]", Short: p.T("sensor.send.short"), Long: p.T("sensor.send.long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, name := env.In, "-"
			if len(args) == 1 && args[0] != "-" {
				raw, err := cli.ReadFile(args[0], maxLine*maxSent)
				if err != nil {
					return err
				}
				in, name = bytes.NewReader(raw), args[0]
			}
			found, err := readFindings(in, name)
			if err != nil {
				return err
			}
			reading, err := readStats(stats) // only now: flow detect in a pipe writes it at its end
			if err != nil {
				return err
			}
			reading.Findings = uint64(len(found.list))
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

// sending are findings with the lines they stand in.
type sending struct {
	file  string
	list  []FoundInput
	lines []int
}

// readFindings reads findings to the end, one JSON object a line. Those that are
// expected by an entry of the allow-list stay here.
func readFindings(r io.Reader, name string) (out sending, err error) {
	out.file = name
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 1
	for ; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var f struct {
			FoundInput
			Allowed string `json:"allowed"`
		}
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil || f.Kind == "" {
			return out, fault.New(fault.Usage, ErrLine.Code, "line", n)
		}
		if f.Allowed != "" {
			continue
		}
		f.Text = ""
		if out.list, out.lines = append(out.list, f.FoundInput), append(out.lines, n); len(out.list) > maxSent {
			return out, fault.New(fault.Usage, ErrMany.Code, "max", maxSent)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return out, fault.New(fault.Usage, ErrLine.Code, "line", n)
	case err != nil:
		return out, fmt.Errorf("read findings: %w", err)
	}
	return out, nil
}

// send sends findings in parts that one request takes; the reading goes with
// the first alone, so that its counts are counted once.
func send(ctx context.Context, hub *fetch.Hub, source string, r Reading, found sending) (sum TakenIn, err error) {
	feed := FeedInput{Reading: &r}
	for from := 0; from == 0 || from < len(found.list); from += MaxFindings {
		feed.Findings = found.list[from:min(from+MaxFindings, len(found.list))]
		var out TakenIn
		if err := hub.Do(ctx, "POST", "/api/v1/sensors/"+url.PathEscape(source)+"/findings", feed, &out, ""); err != nil {
			return sum, found.refused(err, from)
		}
		sum.New, sum.Again, sum.Unheard = sum.New+out.New, sum.Again+out.Again, sum.Unheard+out.Unheard
		feed.Reading = nil
	}
	return sum, nil
}

// refused names the lines of the findings that a hub refuses of the part that
// begins at from; another fault stays what it is.
func (f *sending) refused(err error, from int) error {
	told := fault.Of(err)
	if told == nil || told.Kind != fault.Invalid && told.Kind != fault.Usage {
		return err
	}
	bad := map[int]bool{}
	places := slices.Clone(told.Places)
	for i, p := range places {
		words := strings.FieldsFunc(p.At, func(r rune) bool { return r == '.' || r == '/' })
		if len(words) < 2 || words[0] != "findings" {
			continue
		}
		n, err := strconv.Atoi(words[1])
		if err != nil || n < 0 || n >= len(f.lines)-from {
			continue
		}
		line := f.lines[from+n]
		bad[line] = true
		places[i].At = f.file + ":" + strconv.Itoa(line) + " " + strings.Join(words[2:], ".")
	}
	if len(bad) == 0 {
		return err
	}
	return fault.New(told.Kind, ErrRefused.Code, "n", len(bad), "taken", from).At(places...).Because(err)
}
