package cacao

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/openc2"
)

// mostPrinted bounds the commands of a list that a person is shown; --json has all.
const mostPrinted = 200

// Load finds an order whose rules the caller may read.
type Load func(ctx context.Context, id string) (Order, error)

// imported is what `act import` says.
type imported struct {
	Format    string            `json:"format"`
	Playbook  *Playbook         `json:"playbook,omitempty"`
	Commands  []openc2.Seen     `json:"commands,omitempty"`
	Proposals []openc2.Proposal `json:"proposals"`
}

// Import returns the command "import FILE": shows a playbook or OpenC2 commands as
// plan text. It asks for nothing and runs nothing.
func Import(env *cli.Env) *cobra.Command {
	p := env.Printer()
	return &cobra.Command{Use: "import FILE", Short: p.T("cacao.cli.import"), Long: p.T("cacao.cli.import") + "\n\n" + p.T("cacao.cli.import_long"), Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			raw, err := cli.ReadFile(args[0], MostBytes)
			if err != nil {
				return err
			}
			found, err := readAny(raw, env)
			if err != nil {
				return err
			}
			return env.Emit(found, found.print)
		}}
}

// readAny tells a playbook and commands apart by what they are.
func readAny(raw []byte, env *cli.Env) (found imported, err error) {
	var head struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(raw, &head) == nil && head.Type != "" {
		found.Format = "cacao"
		if found.Playbook, err = Read(raw, env.Now()); err == nil {
			found.Proposals = found.Playbook.Proposals()
		}
		return found, err
	}
	found.Format = "openc2"
	if found.Commands, err = openc2.Read(raw, env.Now()); err != nil {
		return found, err
	}
	for _, s := range found.Commands {
		found.Proposals = append(found.Proposals, s.Proposals...)
	}
	found.Proposals = openc2.Merge(found.Proposals)
	return found, nil
}

func (i imported) print(w io.Writer, p text.Printer) error {
	b := &page{Printer: p}
	if i.Playbook != nil {
		b.playbook(i.Playbook)
	}
	for _, s := range i.Commands[:min(len(i.Commands), mostPrinted)] {
		b.command(s, "")
	}
	if more := len(i.Commands) - mostPrinted; more > 0 {
		b.line("", b.T("cacao.more_commands", "n", more))
	}
	b.proposals(i.Proposals)
	_, err := w.Write(b.out.Bytes())
	return err
}

// page is what is printed.
type page struct {
	out bytes.Buffer
	text.Printer
}

func (b *page) line(indent, s string) {
	for part := range strings.SplitSeq(s, "\n") {
		fmt.Fprintf(&b.out, "%s%s\n", indent, part)
	}
}

func (b *page) playbook(k *Playbook) {
	b.line("", b.T("cacao.head", "name", k.Name, "id", k.ID))
	b.line("  ", b.T("cacao.made", "by", k.CreatedBy, "at", k.Modified))
	if k.Description != "" {
		b.line("  ", k.Description)
	}
	switch {
	case k.ValidFrom != "" && k.ValidUntil != "":
		b.line("  ", b.T("cacao.valid", "from", k.ValidFrom, "until", k.ValidUntil))
	case k.ValidFrom != "":
		b.line("  ", b.T("cacao.valid_from", "from", k.ValidFrom))
	case k.ValidUntil != "":
		b.line("  ", b.T("cacao.valid_until", "until", k.ValidUntil))
	}
	if k.Revoked {
		b.line("  ", b.T("cacao.revoked"))
	}
	if len(k.Markings) > 0 {
		b.line("  ", b.T("cacao.marked", "how", strings.Join(k.Markings, ", ")))
	}
	if k.Signed > 0 {
		b.line("  ", b.T("cacao.signed", "n", k.Signed))
	} else {
		b.line("  ", b.T("cacao.unsigned"))
	}
	for _, v := range k.Variables {
		b.line("  ", b.T("cacao.variable", "name", v.Name, "type", v.Type, "value", v.Value))
	}
	for n, s := range k.Steps {
		b.step(n+1, s)
	}
	for _, note := range k.Notes {
		b.line("", b.T(note.Code, "step", note.At))
	}
}

// step prints one step, as deep as it lies.
func (b *page) step(n int, s Step) {
	indent := strings.Repeat("  ", min(s.Depth, 20))
	head := b.T("cacao.type."+s.Type, "name", s.Name)
	if !b.Has("cacao.type." + s.Type) {
		head = b.T("cacao.type.other", "type", s.Type, "name", s.Name)
	}
	if s.Way != "" && s.Way != "on_completion" {
		head = b.T("cacao.way."+s.Way, "case", s.Case) + head
	}
	b.line(fmt.Sprintf("%3d %s", n, indent), strings.TrimRight(head, ": ：　")) // many steps have no name
	indent += "      "
	if s.Again {
		if s.Type != "end" {
			b.line(indent, b.T("cacao.again", "step", s.ID))
		}
		return
	}
	if s.Condition != "" {
		b.line(indent, b.T("cacao.condition", "condition", s.Condition))
	}
	if s.Agent != "" && len(s.Targets) == 0 {
		b.line(indent, b.T("cacao.agent_alone", "agent", s.Agent))
	} else if s.Agent != "" {
		b.line(indent, b.T("cacao.agent", "agent", s.Agent, "targets", strings.Join(s.Targets, ", ")))
	}
	for _, c := range s.Commands {
		if c.Seen == nil {
			b.line(indent, b.T("cacao.command", "type", c.Type, "why", b.Fault(c.Why).Title))
			if c.Text != "" {
				b.line(indent+"  | ", c.Text)
			}
			continue
		}
		for _, seen := range c.Seen {
			b.command(seen, indent)
		}
	}
}

// command prints what an OpenC2 command is here.
func (b *page) command(s openc2.Seen, indent string) {
	b.line(indent, s.Says)
	if s.Why != nil {
		b.line(indent+"  ", b.T("cacao.only_shown", "why", b.Fault(s.Why).Title))
	}
	for _, p := range s.Proposals {
		b.line(indent+"  ", b.proposal(p))
	}
}

func (b *page) proposal(p openc2.Proposal) string {
	targets := strings.Join(p.Targets[:min(len(p.Targets), 5)], ", ")
	if more := len(p.Targets) - 5; more > 0 {
		targets = b.T("cacao.more", "targets", targets, "n", more)
	}
	key := "cacao.proposal.to"
	if p.Sources {
		key = "cacao.proposal.from"
	}
	s := b.T(key, "kind", b.T("cacao.kind."+string(p.Kind)), "targets", targets)
	if p.Other != "" {
		s += " / " + p.Other
	}
	if p.Protocol != 0 {
		s += b.T("cacao.proposal.protocol", "protocol", p.Protocol)
	}
	if p.Port != 0 {
		s += b.T("cacao.proposal.port", "port", fmt.Sprint(p.Port))
	}
	if p.Hours != 0 {
		s += b.T("cacao.proposal.hours", "n", p.Hours)
	}
	return s
}

func (b *page) proposals(list []openc2.Proposal) {
	if len(list) == 0 {
		b.line("", b.T("cacao.nothing"))
		return
	}
	b.line("", b.T("cacao.proposals", "n", len(list)))
	for _, p := range list {
		b.line("  ", b.proposal(p))
		b.line("    ", asking(p))
	}
	b.line("", b.T("cacao.next"))
}

// verbs are the commands of act by what they ask for.
var verbs = map[driver.Kind]string{driver.Sinkhole: "sinkhole", driver.Proxy: "proxy", driver.Filter: "block", driver.FlowSpec: "flowspec", driver.Blackhole: "blackhole"}

// asking is the command line that asks for a proposal; what a person has to add is
// left open.
func asking(p openc2.Proposal) string {
	words := []string{"noroshi", "act", verbs[p.Kind]}
	if len(p.Targets) <= mostTyped {
		words = append(words, p.Targets...)
	} else {
		words = append(words, "--file", "LIST")
	}
	hours := "N"
	if p.Hours > 0 {
		hours = strconv.Itoa(p.Hours)
	}
	words = append(words, "--hours", hours, "--grounds", "WHY")
	add := func(is bool, more ...string) {
		if is {
			words = append(words, more...)
		}
	}
	add(p.Kind == driver.Sinkhole && !p.Below, "--below=false")
	add(p.Kind == driver.Proxy && p.Below, "--below")
	add(p.Answer != "" && p.Answer != driver.NoDomain, "--answer", string(p.Answer))
	add(p.Sources, "--sources")
	add(p.Other != "", "--other", p.Other)
	add(p.Protocol != 0, "--protocol", strconv.Itoa(p.Protocol))
	add(p.Port != 0, "--port", strconv.Itoa(p.Port))
	return strings.Join(words, " ")
}

// mostTyped is how many targets a command line names; more are in a file.
const mostTyped = 5

// Export returns the command "export ID": an order in the words of others.
func Export(env *cli.Env, load Load) *cobra.Command {
	p := env.Printer()
	var format, out string
	c := &cobra.Command{Use: "export ID", Short: p.T("cacao.cli.export"), Long: p.T("cacao.cli.export") + "\n\n" + p.T("cacao.cli.export_long"), Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&format, "format", "openc2", p.T("cacao.cli.format"))
	c.Flags().StringVarP(&out, "out", "o", "-", p.T("cacao.cli.out"))
	c.RunE = func(c *cobra.Command, args []string) error {
		write := map[string]func(io.Writer, Order) error{
			"openc2": func(w io.Writer, o Order) error { return openc2.Write(w, o.Rules, o.From) },
			"cacao":  Write,
		}[format]
		if write == nil {
			return fault.New(fault.Usage, "cacao.cli.no_format", "format", format)
		}
		o, err := load(c.Context(), args[0])
		if err != nil {
			return err
		}
		var b bytes.Buffer // whole, or nothing
		if err := write(&b, o); err != nil {
			return err
		}
		if out == "-" {
			_, err = env.Out.Write(b.Bytes())
			return err
		}
		if err := os.WriteFile(out, b.Bytes(), 0o600); err != nil {
			return fault.New(fault.Usage, "cacao.cli.cannot_write", "file", out).Because(err)
		}
		return nil
	}
	return c
}
