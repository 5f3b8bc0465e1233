package cacao

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/openc2"
)

// state of a step in the walk.
type state uint8

const (
	unseen state = iota
	open         // on the way here: coming back to it is a cycle
	closed
)

// walk puts the steps of a graph into one order: what follows stands below, what
// branches off stands indented below what it branches from.
type walk struct {
	doc      *document
	book     *Playbook
	now      time.Time
	state    map[string]state
	ways     int
	commands int
}

// way leads from a step to another.
type way struct {
	name, value string // on_true; case and its value
	to          string
	in          bool // it branches off
}

func (w *walk) all() error {
	if err := w.from(way{to: w.doc.Start}, 0); err != nil {
		return err
	}
	if w.doc.Exception != "" {
		if err := w.from(way{name: "workflow_exception", to: w.doc.Exception}, 0); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(w.doc.Workflow)) {
		if w.state[id] != unseen {
			continue
		}
		w.note(id, "cacao.note.alone")
		if err := w.from(way{name: "alone", to: id}, 0); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) note(at, code string) {
	w.book.Notes = append(w.book.Notes, Note{line(at), code}) // at most one for each way and step
}

// from shows the step that a way leads to, what branches off it, and what follows.
func (w *walk) from(by way, depth int) error {
	if w.ways++; w.ways > mostWays {
		return fault.New(fault.TooLarge, "cacao.ways", "max", mostWays)
	}
	s := w.doc.Workflow[by.to]
	if s == nil {
		w.note(by.to, "cacao.note.missing")
		return nil
	}
	shown := Step{ID: line(by.to), Type: line(s.Type), Name: line(s.Name), Way: by.name, Case: line(by.value), Depth: depth}
	if was := w.state[by.to]; was != unseen {
		if was == open {
			w.note(by.to, "cacao.note.cycle")
		}
		shown.Again = true
		w.book.Steps = append(w.book.Steps, shown)
		return nil
	}
	w.state[by.to] = open
	shown.Delay, shown.Timeout, shown.Agent = s.Delay, s.Timeout, w.place(w.doc.Agents, s.Agent)
	shown.Condition = line(s.Condition + s.Switch + s.PlaybookID) // a step has one of them
	for _, t := range s.Targets[:min(len(s.Targets), 100)] {
		shown.Targets = append(shown.Targets, w.place(w.doc.Targets, t))
	}
	for _, c := range s.Commands {
		if w.commands++; w.commands > mostCommands {
			return fault.New(fault.TooLarge, "cacao.commands", "max", mostCommands)
		}
		shown.Commands = append(shown.Commands, c.seen(w.now))
	}
	w.book.Steps = append(w.book.Steps, shown)
	for _, next := range s.ways() {
		inner := depth
		if next.in {
			inner++
		}
		if err := w.from(next, inner); err != nil {
			return err
		}
	}
	w.state[by.to] = closed
	return nil
}

// ways are where a step leads: what branches off first, what follows last.
func (s *step) ways() (list []way) {
	add := func(name, value, to string, in bool) {
		if to != "" {
			list = append(list, way{name, value, to, in})
		}
	}
	add("on_true", "", s.OnTrue, true)
	add("on_false", "", s.OnFalse, true)
	for _, value := range slices.Sorted(maps.Keys(s.Cases)) {
		add("case", value, s.Cases[value], true)
	}
	for _, to := range s.NextSteps {
		add("next_steps", "", to, true)
	}
	add("on_failure", "", s.OnFailure, true)
	add("on_success", "", s.OnSuccess, false)
	add("on_completion", "", s.OnCompletion, false)
	return list
}

// place says an agent or a target: its name, its type and where the playbook says
// it is, which nobody asks.
func (w *walk) place(among map[string]place, id string) string {
	p, ok := among[id]
	if !ok {
		return line(id)
	}
	text := p.Name + " (" + p.Type
	for _, kind := range slices.Sorted(maps.Keys(p.Address)) {
		text += ", " + strings.Join(p.Address[kind], " ")
	}
	return line(text + ")")
}

// hole is a variable that somebody or something would fill in (section 10.18).
var hole = regexp.MustCompile(`__[A-Za-z_][A-Za-z0-9_-]{0,199}__(:value|\.value)?`)

// openC2 are the types that hold OpenC2: that of 2.0, that of 1.1, and what is
// written for them.
var openC2 = []string{"openc2-http", "openc2-json", "openc2"}

// seen is what a command says. OpenC2 is read, and everything else is text.
func (c instruction) seen(now time.Time) Command {
	text := c.text()
	out := Command{Type: line(c.Type), Text: openc2.Plain(text, mostText)}
	switch {
	case c.Type == "manual":
		out.Why = fault.New(fault.Unmet, "cacao.no.manual")
	case !slices.Contains(openC2, c.Type):
		out.Why = fault.New(fault.Unmet, "cacao.no.run")
	case hole.MatchString(text):
		out.Why = fault.New(fault.Unmet, "cacao.no.variable")
	default:
		seen, err := openc2.Read([]byte(text), now)
		if err != nil {
			out.Why = fault.Of(err)
			break
		}
		out.Seen = seen
		if !slices.ContainsFunc(seen, func(s openc2.Seen) bool { return s.Why == nil }) {
			out.Why = seen[0].Why
		}
	}
	if out.Why != nil {
		out.Reason = out.Why.Code
	}
	return out
}

// text is what a command says, whichever of its fields holds it. Of an HTTP
// request it is the content; the request's first line says nothing of what would
// be done.
func (c instruction) text() string {
	for _, raw := range []string{c.ContentBase64, c.CommandBase64} {
		if plain, err := base64.StdEncoding.DecodeString(raw); err == nil && len(plain) > 0 {
			return string(plain)
		}
	}
	if c.Content != "" && (c.Command == "" || json.Valid([]byte(c.Content))) {
		return c.Content
	}
	if c.Command != "" {
		return c.Command
	}
	return c.Description
}

// line is what somebody wrote, on one line, shortened.
func line(s string) string { return openc2.Line(s, mostShown) }
