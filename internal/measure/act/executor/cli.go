package executor

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/confine"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Command is "noroshi act run": the process beside the equipment. It gives up
// every power of the system that its equipment does not need before it speaks with
// the hub.
func Command(env *cli.Env) *cobra.Command {
	p := env.Printer()
	var dir, file string
	var reset, accept bool
	c := &cobra.Command{Use: "run --dir DIR --config FILE", Short: p.T("executor.cli.short"), Long: p.T("executor.cli.long"), Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error {
		for flag, v := range map[string]string{"--dir": dir, "--config": file} {
			if v == "" {
				return fault.New(fault.Usage, "executor.cli.needs", "flag", flag)
			}
		}
		raw, err := cli.ReadFile(file, MaxConfig)
		if err != nil {
			return err
		}
		if dir, err = filepath.Abs(dir); err != nil {
			return err
		}
		cfg, list, keep, err := Load(file, raw, dir)
		if err != nil {
			return err
		}
		if len(cfg.Authorities) == 0 {
			return fault.New(fault.Usage, ErrAuthority.Code, "value", "")
		}
		if cfg.Equipment, err = Start(list); err != nil { // ports are bound while that is allowed
			return err
		}
		defer Stop(cfg.Equipment)
		if err := confined(keep); err != nil {
			return err
		}
		if reset {
			n, err := Reset(c.Context(), cfg)
			if err != nil {
				return err
			}
			env.Say("executor.cli.reset", "n", n)
			return nil
		}
		cfg.Accept = accept
		cfg.Say = func(err error) string { return inWords(env.Printer(), err) }
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		h, err := Open(c.Context(), cfg)
		if err != nil {
			return err
		}
		defer h.Close()
		env.Say("executor.cli.running", "id", h.Actuator(), "dir", dir)
		return h.Run(c.Context(), hub, func(err error) {
			m := env.Printer().Fault(err)
			env.Say("executor.cli.trouble", "what", m.Title)
		})
	}
	env.HubFlags(c)
	f := c.Flags()
	f.StringVar(&dir, "dir", "", p.T("executor.cli.dir"))
	f.StringVar(&file, "config", "", p.T("executor.cli.config"))
	f.BoolVar(&reset, "reset", false, p.T("executor.cli.reset_flag"))
	f.BoolVar(&accept, "accept-rollback", false, p.T("executor.cli.accept"))
	c.AddCommand(heldCommand(env, p), templateCommand(env, p))
	return c
}

// maxPlaces bounds the places that a refusal names.
const maxPlaces = 5

// inWords says a refusal of the equipment with the first places that it is about.
func inWords(p text.Printer, err error) string {
	m := p.Fault(err)
	words := m.Title
	for _, at := range m.Places[:min(len(m.Places), maxPlaces)] {
		words += "\n" + at.At + ": " + at.Say
	}
	return words
}

// confined gives up what the equipment does not need.
func confined(keep confine.Set) error {
	err := confine.To(keep)
	switch {
	case errors.Is(err, confine.ErrLacks):
		return fault.New(fault.Refused, "executor.cli.lacks").Because(err)
	case errors.Is(err, confine.ErrSystem) && keep == 0:
		return nil // nothing here has powers to give up
	case errors.Is(err, confine.ErrThreads):
		return fault.New(fault.Refused, "executor.cli.threads").Because(err)
	case errors.Is(err, confine.ErrSystem), errors.Is(err, confine.ErrPowerful):
		return fault.New(fault.Refused, "executor.cli.powerful").Because(err)
	}
	return err
}

// heldCommand is "noroshi act run held --dir DIR": what a folder's journal says.
func heldCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "held --dir DIR", Short: p.T("executor.cli.held"), Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		rows, err := Status(dir)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r Row) bool { return r.Line == Gone })
		if len(rows) == 0 {
			env.Say("executor.cli.none")
		}
		return env.Emit(rows, func(w io.Writer, p text.Printer) error {
			for _, r := range rows {
				key := "executor.cli.row"
				if r.Line == Removing {
					key = "executor.cli.row_removing"
				}
				if _, err := fmt.Fprintln(w, p.T(key, "order", r.Order, "n", r.Rules, "at", r.Until)); err != nil {
					return err
				}
			}
			return nil
		})
	}}
	c.Flags().StringVar(&dir, "dir", "", p.T("executor.cli.dir"))
	return c
}
