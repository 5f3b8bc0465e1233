package org

import (
	"time"

	"noroshi/internal/base/fault"
)

// TieKind is how two organisations are tied.
type TieKind string

// The kinds of tie, named for what the other organisation is to the one that
// declares it.
const (
	SupplierTie   TieKind = "supplier"   // delivers to us
	ContractorTie TieKind = "contractor" // operates equipment for us
)

// TieKinds lists the kinds of tie.
var TieKinds = []TieKind{SupplierTie, ContractorTie}

// Tie is a supply or contractor link. The customer declares it by the other's
// corporate number, and is not told whether that number is registered here:
// otherwise a declaration would be a way to ask who takes part. The other
// organisation, if it is here, sees the declaration and confirms or declines
// it; only a confirmed tie opens anything to either.
type Tie struct {
	ID         string    `json:"id"`
	Kind       TieKind   `json:"kind"`
	Customer   ID        `json:"customer"`
	Number     Number    `json:"number"`          // of the other, as declared
	Name       string    `json:"name"`            // of the other, as declared
	Other      ID        `json:"other,omitempty"` // set once confirmed, and for the other itself
	Services   string    `json:"services,omitempty"`
	State      TieState  `json:"state"`
	DeclaredAt time.Time `json:"declared_at"`
	SettledAt  time.Time `json:"settled_at,omitzero"`

	CustomerName string `json:"customer_name,omitempty"`
}

// TieState is where a tie stands.
type TieState string

// The states of a tie. A declined one looks declared to its customer: the
// refusal would tell that the other is registered.
const (
	Declared  TieState = "declared"
	Confirmed TieState = "confirmed"
	Declined  TieState = "declined"
	Ended     TieState = "ended"
)

// Normal returns the tie with tidy fields, or a fault that names every field
// to correct. Faults: org.tie.invalid with places.
func (t Tie) Normal() (Tie, error) {
	var p problems
	if t.Kind != SupplierTie && t.Kind != ContractorTie {
		p.add("kind", "org.tie.kind", "kind", string(t.Kind))
	}
	n, err := ParseNumber(string(t.Number))
	p.because("number", err)
	t.Number = n
	t.Name = p.text("name", t.Name, true, maxName)
	t.Services = p.text("services", t.Services, false, 400)
	return t, p.fault("org.tie.invalid")
}

// Errors about ties.
var (
	errTieGone   = fault.New(fault.NotFound, "org.tie.gone")
	errTieExists = fault.New(fault.Conflict, "org.tie.exists")
	errTieOwn    = fault.New(fault.Invalid, "org.tie.own")
)
