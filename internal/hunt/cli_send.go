package hunt

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// maxSendLine is one detection in bytes; maxSendStats what --stats may have.
const (
	maxSendLine  = 1 << 20
	maxSendStats = 1 << 20
)

// sendCommand is "noroshi hunt send RESULT --hunt ID": what scan or seal found
// goes to the hub. Sent again, it goes on where it was.
func sendCommand(env *cli.Env, version string) *cobra.Command {
	p := env.Printer()
	var hunt, stats, note string
	c := &cobra.Command{
		Use: "send RESULT", Short: p.T("hunt.send.short"), Long: p.T("hunt.send.long"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := openResult(args[0], stats, version)
			if err != nil {
				return err
			}
			defer r.close()
			r.told.Note = note
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			progress := env.Progress(r.size, p.T("hunt.send.progress"))
			out, err := r.send(c.Context(), hub, hunt, progress)
			if err != nil {
				return err
			}
			return env.Emit(out, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("hunt.send.done", "taken", out.Taken, "groups", out.Groups, "quiet", out.Quiet, "beyond", out.Beyond, "run", out.ID))
				return err
			})
		},
	}
	c.Flags().StringVar(&hunt, "hunt", "", p.T("hunt.send.hunt"))
	c.Flags().StringVar(&stats, "stats", "", p.T("hunt.send.stats"))
	c.Flags().StringVar(&note, "note", "", p.T("hunt.send.note"))
	_ = c.MarkFlagRequired("hunt") // the flag is there
	env.HubFlags(c)
	return c
}

// result are the findings of a run in a file.
type result struct {
	name  string
	lines io.Reader
	file  *os.File
	size  int64  // of the lines, in bytes
	key   string // SHA-256 of the file: the same results are the same run
	told  Told
}

func (r *result) close() { r.file.Close() }

// openResult opens lines of scan or a pack of seal, whose sums it checks.
func openResult(name, stats, version string) (*result, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	r := &result{name: name, file: f, lines: f}
	if err = r.look(stats, version); err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

func (r *result) look(stats, version string) error {
	h := sha256.New()
	size, err := io.Copy(h, r.file)
	if err != nil {
		return unreadable(r.name, err)
	}
	r.key, r.size = hex.EncodeToString(h.Sum(nil)), size
	head := make([]byte, 4)
	if n, _ := r.file.ReadAt(head, 0); string(head[:n]) == "PK\x03\x04" {
		return r.pack()
	}
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return unreadable(r.name, err)
	}
	r.told.Program = version
	return r.stats(stats)
}

// pack reads the findings of an evidence pack, and what its manifest says.
func (r *result) pack() error {
	p, err := openPack(r.file, r.size, nil)
	if err != nil {
		return err
	}
	m := &p.Manifest
	r.told = Told{Program: m.Program.Version, Rules: p.rules.Sum(), Events: m.Counts.Events, Sources: len(m.Inputs), Damage: len(m.Damage), Pack: r.key, Detections: m.Counts.Detections}
	r.lines, r.size = bytes.NewReader(p.findings), int64(len(p.findings))
	return nil
}

// stats reads what "hunt scan --stats" wrote.
func (r *result) stats(file string) error {
	if file == "" {
		return nil
	}
	raw, err := cli.ReadFile(file, maxSendStats)
	if err != nil {
		return err
	}
	var s scanStats
	if err := json.Unmarshal(raw, &s); err != nil || !isSum(s.RulesSHA256) {
		return fault.New(fault.Usage, "hunt.send.bad_stats", "file", file)
	}
	r.told.Events, r.told.Rules, r.told.Damage = s.Events, s.RulesSHA256, s.Damaged
	return nil
}

// send sends the lines in parts of less than 2 MB. Parts that the hub has are
// not sent again: the same file makes the same parts.
func (r *result) send(ctx context.Context, hub *fetch.Hub, hunt string, progress func(int64)) (out Received, err error) {
	if err := hub.Do(ctx, "POST", "/api/v1/hunts/"+url.PathEscape(hunt)+"/runs", RunInput{Key: r.key, Told: r.told}, &out, ""); err != nil {
		return out, err
	}
	run := "/api/v1/hunt-runs/" + url.PathEscape(out.ID)
	have, n, first := out.Parts, 0, 1
	var part []json.RawMessage
	var size int
	flush := func(next int) error {
		if n++; n > have && len(part) > 0 {
			path := run + "/parts/" + strconv.Itoa(n)
			if err := hub.Do(ctx, "PUT", path, map[string]any{"detections": part}, &out, ""); err != nil {
				return r.refused(err, first)
			}
		}
		part, size, first = part[:0], 0, next
		return nil
	}
	lines := bufio.NewScanner(r.lines)
	lines.Buffer(nil, maxSendLine)
	var done int64
	at := 0
	for lines.Scan() {
		at++
		done += int64(len(lines.Bytes()) + 1)
		one, err := sendLine(lines.Bytes())
		if err != nil {
			return out, fault.New(fault.Usage, "hunt.send.line", "file", r.name, "line", at).Because(err)
		}
		if len(part) == MaxLines || size+len(one) > MaxPart-MaxPart/16 && len(part) > 0 {
			if err := flush(at); err != nil {
				return out, err
			}
		}
		part, size = append(part, one), size+len(one)+1
		progress(done)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return out, fault.New(fault.Usage, "hunt.send.line", "file", r.name, "line", at+1)
	} else if err != nil {
		return out, unreadable(r.name, err)
	}
	if len(part) > 0 {
		if err := flush(at); err != nil {
			return out, err
		}
	}
	return out, hub.Do(ctx, "POST", run+"/end", map[string]int{"parts": n}, &out, "")
}

// sendLine reads a line and writes it as the hub takes it.
func sendLine(raw []byte) (json.RawMessage, error) {
	var l LineInput
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, err
	}
	if _, ok := l.incoming(); !ok || l.Kind == "" {
		return nil, errors.New("not a detection")
	}
	l.Attack, l.Why, l.Rule.Tags = append([]string{}, l.Attack...), append([]Why{}, l.Why...), append([]string{}, l.Rule.Tags...)
	return json.Marshal(l)
}

// refused names the lines of the detections that a hub refuses of the part that
// begins at a line; another fault stays what it is.
func (r *result) refused(err error, first int) error {
	told := fault.Of(err)
	if told == nil || told.Kind != fault.Invalid || len(told.Places) == 0 {
		return err
	}
	places := slices.Clone(told.Places)
	for i, p := range places {
		var n int
		if _, err := fmt.Sscanf(p.At, "detections.%d", &n); err == nil {
			places[i].At = fmt.Sprintf("%s:%d", r.name, first+n)
		}
	}
	return fault.New(told.Kind, told.Code, "n", len(places)).At(places...).Because(err)
}
