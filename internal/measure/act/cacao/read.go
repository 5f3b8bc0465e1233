package cacao

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/openc2"
)

// Bounds of what is read.
const (
	MostBytes    = 16 << 20
	mostDepth    = 32
	mostSteps    = 2_000
	mostWays     = 20_000 // between steps
	mostCommands = 20_000
	mostShown    = 300   // characters of a name or condition
	mostText     = 2_000 // characters of a command
)

// Playbook is what a playbook says, in the order in which it says it.
type Playbook struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	CreatedBy   string     `json:"created_by"`
	Modified    string     `json:"modified"`
	ValidFrom   string     `json:"valid_from,omitempty"`
	ValidUntil  string     `json:"valid_until,omitempty"`
	Revoked     bool       `json:"revoked,omitempty"`
	Types       []string   `json:"playbook_types,omitempty"`
	Markings    []string   `json:"markings,omitempty"`   // how it may be passed on: TLP:AMBER, or a sentence
	Signed      int        `json:"signatures,omitempty"` // how many it carries; none is checked
	Variables   []Variable `json:"variables,omitempty"`
	Steps       []Step     `json:"steps"`
	Notes       []Note     `json:"notes,omitempty"` // what is odd about its graph
}

// Variable is a value that a playbook leaves open or sets.
type Variable struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value,omitempty"`
}

// Step is one step of the workflow.
type Step struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Name      string    `json:"name,omitempty"`
	Way       string    `json:"way,omitempty"`  // how one comes here: on_completion, on_true, case …
	Case      string    `json:"case,omitempty"` // of a switch
	Depth     int       `json:"depth"`          // within how many branches
	Condition string    `json:"condition,omitempty"`
	Again     bool      `json:"again,omitempty"` // shown above already
	Delay     int64     `json:"delay_ms,omitempty"`
	Timeout   int64     `json:"timeout_ms,omitempty"`
	Agent     string    `json:"agent,omitempty"`   // who is to do it, as the playbook names it
	Targets   []string  `json:"targets,omitempty"` // and to what
	Commands  []Command `json:"commands,omitempty"`
}

// Command is one command of a step: text, and a proposal where we have equipment.
type Command struct {
	Type   string        `json:"type"`
	Text   string        `json:"text"` // as it was written, shortened
	Seen   []openc2.Seen `json:"openc2,omitempty"`
	Why    *fault.Error  `json:"-"` // why it is only shown; nil when something is proposed
	Reason string        `json:"reason,omitempty"`
}

// Note is something odd at a step.
type Note struct {
	At   string `json:"at"`
	Code string `json:"code"` // key of its sentence
}

// Read reads a playbook of CACAO 2.0. Now is the reader's clock.
func Read(raw []byte, now time.Time) (*Playbook, error) {
	if len(raw) > MostBytes {
		return nil, fault.New(fault.TooLarge, "openc2.large", "mb", MostBytes>>20)
	}
	if err := openc2.Whole(raw, mostDepth); err != nil {
		return nil, err
	}
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fault.New(fault.Usage, "cacao.shape").Because(err)
	}
	switch {
	case d.Type != "playbook":
		return nil, fault.New(fault.Usage, "cacao.other")
	case d.Version != "cacao-2.0":
		return nil, fault.New(fault.Usage, "cacao.version", "version", line(d.Version))
	case len(d.Workflow) > mostSteps:
		return nil, fault.New(fault.TooLarge, "cacao.many", "n", len(d.Workflow), "max", mostSteps)
	case d.Workflow[d.Start] == nil:
		return nil, fault.New(fault.Usage, "cacao.start", "step", line(d.Start))
	}
	p := &Playbook{ID: line(d.ID), Name: line(d.Name), Description: line(d.Description), CreatedBy: line(d.CreatedBy), Modified: line(d.Modified),
		ValidFrom: line(d.ValidFrom), ValidUntil: line(d.ValidUntil), Revoked: d.Revoked, Signed: len(d.Signatures)}
	for _, t := range d.Types[:min(len(d.Types), 20)] {
		p.Types = append(p.Types, line(t))
	}
	for _, id := range slices.Sorted(maps.Keys(d.Marks)) {
		if m := d.Marks[id]; len(p.Markings) < 20 {
			p.Markings = append(p.Markings, line(cmp.Or(m.TLP2, m.Statement, m.Type)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
		if v := d.Variables[name]; len(p.Variables) < 1_000 {
			p.Variables = append(p.Variables, Variable{line(name), line(v.Type), line(v.Value)})
		}
	}
	w := walk{doc: &d, book: p, now: now, state: map[string]state{}}
	if err := w.all(); err != nil {
		return nil, err
	}
	return p, nil
}

// Proposals are all that the playbook's commands would be as orders, joined where
// they differ in their targets alone.
func (p *Playbook) Proposals() []openc2.Proposal {
	var all []openc2.Proposal
	for _, s := range p.Steps {
		for _, c := range s.Commands {
			for _, seen := range c.Seen {
				all = append(all, seen.Proposals...)
			}
		}
	}
	return openc2.Merge(all)
}

// document is a playbook's JSON (CACAO 2.0, section 3.1), as far as it is shown.
type document struct {
	Type        string              `json:"type"`
	Version     string              `json:"spec_version"`
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Description string              `json:"description"`
	Types       []string            `json:"playbook_types"`
	CreatedBy   string              `json:"created_by"`
	Modified    string              `json:"modified"`
	Revoked     bool                `json:"revoked"`
	ValidFrom   string              `json:"valid_from"`
	ValidUntil  string              `json:"valid_until"`
	Variables   map[string]variable `json:"playbook_variables"`
	Start       string              `json:"workflow_start"`
	Exception   string              `json:"workflow_exception"`
	Workflow    map[string]*step    `json:"workflow"`
	Agents      map[string]place    `json:"agent_definitions"`
	Targets     map[string]place    `json:"target_definitions"`
	Marks       map[string]mark     `json:"data_marking_definitions"`
	Signatures  []json.RawMessage   `json:"signatures"`
}

// mark is how a playbook may be passed on (section 9).
type mark struct {
	Type      string `json:"type"`
	TLP2      string `json:"tlpv2_level"`
	Statement string `json:"statement"`
}

type variable struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// place is an agent or a target.
type place struct {
	Type    string              `json:"type"`
	Name    string              `json:"name"`
	Address map[string][]string `json:"address"`
}

// step is a workflow step's JSON (section 4), whatever its type.
type step struct {
	Type         string            `json:"type"`
	Name         string            `json:"name"`
	Delay        int64             `json:"delay"`
	Timeout      int64             `json:"timeout"`
	OnCompletion string            `json:"on_completion"`
	OnSuccess    string            `json:"on_success"`
	OnFailure    string            `json:"on_failure"`
	OnTrue       string            `json:"on_true"`
	OnFalse      string            `json:"on_false"`
	Condition    string            `json:"condition"`
	Switch       string            `json:"switch"`
	Cases        map[string]string `json:"cases"`
	NextSteps    []string          `json:"next_steps"`
	PlaybookID   string            `json:"playbook_id"`
	Agent        string            `json:"agent"`
	Targets      []string          `json:"targets"`
	Commands     []instruction     `json:"commands"`
}

// instruction is a command's JSON (section 5), whatever its type.
type instruction struct {
	Type          string `json:"type"`
	Description   string `json:"description"`
	Command       string `json:"command"`
	CommandBase64 string `json:"command_b64"`
	Content       string `json:"content"`
	ContentBase64 string `json:"content_b64"`
}
