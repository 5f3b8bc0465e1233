package app

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/cacao"
	"noroshi/internal/measure/act/executor"
	"noroshi/internal/measure/request"
)

// openActs opens the orders of organisations' own networks. Instructions are signed
// with the key that signs Grants.
func (h *Hub) openActs(o Options) (err error) {
	var n act.Numbers
	if name := h.Config.Measure.Own; name != "" {
		raw, err := os.ReadFile(name)
		if err == nil {
			n, err = act.ReadNumbers(raw)
		}
		if err != nil {
			return fmt.Errorf("measure.own_numbers_file %s: %w", name, err)
		}
	}
	h.Acts, err = act.New(act.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Blobs: h.Blobs, Orgs: h.Orgs, Approvals: h.Approvals, Measures: h.Measures,
		Signer: h.Approvals.Signer, Authority: h.Selections.Authority, Own: h.Sensors.Own, Numbers: n, Now: o.Now})
	return err
}

// actCommands are those that speak to a hub, and the process beside the equipment.
func actCommands(env *cli.Env) *cobra.Command {
	c := act.Commands(env, executor.Preview, executor.MarkUndo)
	export := cacao.Export(env, func(ctx context.Context, id string) (cacao.Order, error) {
		o, rules, err := act.Load(ctx, env, id)
		until := o.Until
		if len(rules) > 0 {
			until = rules[0].Until
		}
		return cacao.Order{ID: o.ID, Number: o.Number, Org: o.Org, Asked: o.AskedAt, From: o.From, Until: until, Rules: rules}, err
	})
	env.HubFlags(export)
	c.AddCommand(executor.Command(env), request.Commands(env), cacao.Import(env), export)
	return c
}
