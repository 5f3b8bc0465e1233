package org

import (
	"context"

	"noroshi/internal/base/bus"
)

// Registered is the event org.registered: an organisation is new here.
type Registered struct {
	Org     ID       `json:"org"`
	Kinds   []Kind   `json:"kinds"`
	Sectors []string `json:"sectors"`
}

// Changed is the event org.changed: the facts or contacts of an organisation
// changed. What they are now is for whoever may read them to read.
type Changed struct {
	Org ID `json:"org"`
}

// Tied is the event org.tied: a tie between two organisations was confirmed,
// or ended.
type Tied struct {
	Tie      string   `json:"tie"`
	Kind     TieKind  `json:"kind"`
	Customer ID       `json:"customer"`
	Other    ID       `json:"other"`
	State    TieState `json:"state"`
}

// PersonEvent is the event person.invited, person.joined or person.changed,
// which is also what suspending somebody is. It never carries a link or an
// address.
type PersonEvent struct {
	Person PersonID `json:"person"`
	Org    ID       `json:"org"`
}

func publishRegistered(ctx context.Context, tx *transaction, o Org) error {
	return bus.Publish(ctx, tx, "org.registered", Registered{o.ID, o.Kinds, o.Sectors}, string(o.ID))
}

func publishChanged(ctx context.Context, tx *transaction, id ID) error {
	return bus.Publish(ctx, tx, "org.changed", Changed{id}, string(id))
}

func publishTied(ctx context.Context, tx *transaction, t Tied) error {
	return bus.Publish(ctx, tx, "org.tied", t, string(t.Customer), string(t.Other))
}

func publishPerson(ctx context.Context, tx *transaction, what string, p Person) error {
	return bus.Publish(ctx, tx, "person."+what, PersonEvent{p.ID, p.Org}, string(p.Org))
}
