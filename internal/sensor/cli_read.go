package sensor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/write"
)

// reading is how files are turned into records: what "flow read" and others
// that take such files ask a person for.
type reading struct {
	basis   string
	names   string
	reason  string
	sides   geoFlags
	key     string
	workers int
	flows   int
}

// flags adds the options to a command.
func (r *reading) flags(env *cli.Env, c *cobra.Command) {
	p, f := env.Printer(), c.Flags()
	f.StringVar(&r.basis, "basis", string(OwnNetwork), p.T("sensor.read.flag.basis"))
	f.StringVar(&r.names, "names", "short", p.T("sensor.read.flag.names"))
	f.StringVar(&r.reason, "reason", "", p.T("sensor.read.flag.reason"))
	r.sides.add(c, p)
	f.StringVar(&r.key, "key", "", p.T("sensor.read.flag.key"))
	f.IntVar(&r.workers, "workers", runtime.GOMAXPROCS(0), p.T("sensor.read.flag.workers"))
	f.IntVar(&r.flows, "max-flows", flow.DefaultFlows, p.T("sensor.read.flag.flows"))
}

// options turns what was asked for into options of the table, and refuses what
// may not be.
func (r *reading) options(env *cli.Env) (o flow.Options, err error) {
	basis, err := Permit(r.basis, false)
	if err != nil {
		return o, err
	}
	switch r.names {
	case "short":
	case "full":
		if strings.TrimSpace(r.reason) == "" && basis != Test {
			return o, fault.New(fault.Refused, "sensor.read.no_reason")
		}
		o.Full = true
		env.Say("sensor.read.full", "basis", string(basis))
		if r.reason != "" {
			env.Say("sensor.read.full_why", "reason", strings.TrimSpace(r.reason))
		}
	default:
		return o, fault.New(fault.Usage, "sensor.read.names", "value", r.names)
	}
	if r.workers < 1 || r.workers > flow.MaxWorkers {
		return o, fault.New(fault.Usage, "sensor.read.workers", "value", r.workers, "max", flow.MaxWorkers)
	}
	if r.flows < flow.MaxWorkers || r.flows > maxFlows {
		return o, fault.New(fault.Usage, "sensor.read.flows", "value", r.flows, "min", flow.MaxWorkers, "max", maxFlows)
	}
	o.Workers, o.Flows, o.Exports = r.workers, r.flows, true
	if o.Key, err = r.readKey(); err != nil {
		return o, err
	}
	sides, err := r.sides.open()
	if err != nil {
		return o, err
	}
	start := time.Now()
	o.Class, o.Clock = sides.Class, func() int64 { return int64(time.Since(start)) }
	return o, nil
}

// maxFlows bounds --max-flows: about 16 GiB of table.
const maxFlows = 1 << 24

// readKey reads the key of hashes, 32 bytes as they are or in hexadecimal, or
// makes one that nobody has again.
func (r *reading) readKey() (key [32]byte, err error) {
	if r.key == "" {
		_, err = rand.Read(key[:])
		return key, err
	}
	b, err := cli.ReadFile(r.key, 1024)
	if err != nil {
		return key, err
	}
	if len(b) != len(key) {
		if b, err = hex.DecodeString(strings.TrimSpace(string(b))); err != nil || len(b) != len(key) {
			return key, fault.New(fault.Usage, "sensor.read.key", "file", r.key)
		}
	}
	copy(key[:], b)
	return key, nil
}

// readCommand is "noroshi flow read FILE...": who spoke with whom, as records
// that hold no content. Exit 0 when every file was read; 2 when one is nothing
// that can be read, and then no output file is left; 3 when the basis does not
// allow it.
func readCommand(env *cli.Env) *cobra.Command {
	var r reading
	var format, out string
	p := env.Printer()
	c := &cobra.Command{
		Use: "read FILE...", Short: p.T("sensor.read.short"), Long: p.T("sensor.read.long"), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			o, err := r.options(env)
			if err != nil {
				return err
			}
			return runRead(c.Context(), env, o, files, write.Format(format), out)
		},
	}
	r.flags(env, c)
	c.Flags().StringVar(&format, "format", string(write.JSONL), p.T("sensor.read.flag.format"))
	c.Flags().StringVar(&out, "out", "", p.T("sensor.read.flag.out"))
	return c
}

func runRead(ctx context.Context, env *cli.Env, o flow.Options, files []string, format write.Format, out string) error {
	if format == write.Parquet && out == "" && isTerminal(env.Out) {
		return fault.New(fault.Usage, "sensor.read.terminal")
	}
	var to io.Writer = env.Out
	var made *cli.OutFile
	if out != "" && out != "-" {
		var err error
		if made, err = cli.Create(out); err != nil {
			return err
		}
		defer made.Abandon()
		to = made
	}
	w, err := write.New(to, format)
	var unknown *write.FormatError
	if errors.As(err, &unknown) {
		return fault.New(fault.Usage, "sensor.read.format", "value", string(format))
	} else if err != nil {
		return wroteBadly(out, err)
	}
	var wrote error
	sum, err := readFiles(ctx, env, o, files, func(rec *record.Record) error {
		wrote = w.Write(rec)
		return wrote
	})
	if wrote != nil {
		return wroteBadly(out, wrote)
	}
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return wroteBadly(out, err)
	}
	if made != nil {
		if err := made.Keep(); err != nil {
			return wroteBadly(out, err)
		}
	}
	sum.say(env)
	return nil
}

func wroteBadly(out string, err error) error {
	if out == "" {
		out = "-"
	}
	return fault.New(fault.Internal, "sensor.read.write", "file", out).Because(err)
}
