package act

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
)

// What an instruction has its actuator do.
const (
	Show  = "show"  // say what would change, and touch nothing
	Apply = "apply" // carry the task out, under the Grant whose paper comes with it
	Undo  = "undo"  // take away all that the order put there
)

// Instruction is what a hub tells an actuator, signed: what to do with which
// order. It names its actuator, so that it is nothing to another; and it is
// numbered, so that an older one is known.
type Instruction struct {
	What     string      `json:"what"`
	Actuator ID          `json:"actuator"`
	Number   int64       `json:"number"` // greater than those before, of this hub
	Task     Task        `json:"task"`
	Digest   string      `json:"digest"`             // of the task
	Approval approval.ID `json:"approval,omitempty"` // Apply
	Paper    string      `json:"paper,omitempty"`    // digest of the Grant's order: Apply
	Use      ID          `json:"use,omitempty"`      // id of the intent, and of its outcome
	Until    time.Time   `json:"until,omitzero"`     // it ends by itself: Apply
	Reason   string      `json:"reason,omitempty"`   // Undo: person, revoked, settled
	IssuedAt time.Time   `json:"issued_at"`
}

// Faults of instructions.
var (
	ErrForm      = fault.New(fault.Invalid, "act.instruction.form")
	ErrSignature = fault.New(fault.Refused, "act.instruction.signature")
	ErrGrant     = fault.New(fault.Refused, "act.instruction.grant") // the paper allows something else
)

// maxInstruction bounds a signed instruction, in bytes.
const maxInstruction = 64 << 10

// instructed is an instruction as it travels.
type instructed struct {
	Instruction Instruction `json:"instruction"`
	Signature   string      `json:"signature"`
}

const instructionHead = "noroshi act instruction v1"

func (i Instruction) note() (string, error) {
	raw, err := json.Marshal(i)
	if err != nil {
		return "", err
	}
	return instructionHead + "\n" + i.Task.Order + "\n" + digestOf(raw) + "\n", nil
}

// Sign returns the instruction with the hub's signature (C2SP signed-note over its
// digest).
func (i Instruction) Sign(s note.Signer) (string, error) {
	text, err := i.note()
	if err != nil {
		return "", err
	}
	n, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(instructed{i, string(n)})
	return string(raw), err
}

// OpenInstruction reads an instruction to an actuator that one of the authorities
// signed. Faults: ErrForm, ErrSignature; ErrHeld when it is another's.
func OpenInstruction(raw string, actuator ID, authorities ...note.Verifier) (i Instruction, err error) {
	var p instructed
	d := json.NewDecoder(bytes.NewReader([]byte(raw)))
	d.DisallowUnknownFields()
	if len(raw) > maxInstruction || d.Decode(&p) != nil {
		return i, ErrForm
	}
	if _, err := d.Token(); err != io.EOF {
		return i, ErrForm
	}
	again, err := json.Marshal(p)
	if err != nil || string(again) != raw {
		return i, ErrForm
	}
	text, err := p.Instruction.note()
	if err != nil {
		return i, ErrForm
	}
	n, err := note.Open([]byte(p.Signature), note.VerifierList(authorities...))
	if err != nil || n.Text != text {
		return i, ErrSignature
	}
	i = p.Instruction
	switch {
	case i.Actuator != actuator:
		return i, ErrHeld
	case i.Task.Digest() != i.Digest || i.Task.Order == "":
		return i, ErrChanged
	}
	return i, nil
}

// Grant opens the paper of an instruction to carry a task out, and holds it
// against the task: that very order, or that very plan of that case, at this
// instant. Faults: those of [approval.Open], ErrGrant, ErrOver.
func (i Instruction) Grant(paper []byte, now time.Time, authorities ...note.Verifier) (approval.Grant, error) {
	g, err := approval.Open(paper, authorities...)
	if err != nil {
		return g, err
	}
	o, sc := g.Order(), i.Task.Scope()
	if sc.Kind == "" { // of a case: which chain of command it is, the paper says
		sc.Kind = o.Kind
	}
	switch {
	case i.What != Apply || i.Use == "" || g.ID() != i.Approval || g.Digest() != i.Paper:
		return g, ErrGrant
	case (o.Kind == approval.OwnNetwork) != (i.Task.Chain == "") || g.Covers(sc) != nil:
		return g, ErrGrant
	case i.Until.After(o.Until) || i.Until.After(i.IssuedAt.Add(time.Duration(i.Task.Hours)*time.Hour)):
		return g, ErrGrant
	case now.Before(o.From) || !now.Before(i.Until):
		return g, ErrOver
	}
	return g, nil
}

// Scope is what a task is about to do under a Grant. Its kind is empty for a step
// of a case.
func (t Task) Scope() approval.Scope {
	if t.Chain != "" {
		return approval.Scope{Measure: t.Chain, Plan: t.Plan}
	}
	return approval.Scope{Kind: approval.OwnNetwork, Measure: t.Order, Plan: t.Digest()}
}
