package app

import (
	"os"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/oversight/desk"
)

// openDesk opens the oversight commission's desk. Of the rules it knows what the
// ledger's folder says, and nothing from the database.
func (h *Hub) openDesk(o Options) (err error) {
	h.Desk, err = desk.New(desk.Config{DB: h.DB, Ledger: h.Ledger, Log: os.DirFS(h.Ledger.Dir), Trust: []note.Verifier{h.Ledger.Verifier}, Keys: h.Keys, Kinds: h.Approvals.Rules, Orgs: h.Orgs, Now: o.Now, Kept: h.Measures.Said})
	return err
}
