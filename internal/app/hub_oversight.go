package app

import (
	"context"
	"os"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/oversight/desk"
)

// openDesk opens the oversight commission's desk. Of the rules it knows what the
// ledger's folder says, and nothing from the database.
func (h *Hub) openDesk(o Options) (err error) {
	h.Desk, err = desk.New(desk.Config{DB: h.DB, Ledger: h.Ledger, Log: os.DirFS(h.Ledger.Dir), Trust: []note.Verifier{h.Ledger.Verifier}, Keys: h.Keys, Kinds: h.Approvals.Rules, Orgs: h.Orgs, Now: o.Now, Kept: h.kept})
	return err
}

// kept is what the hub keeps of the sealed part of an entry, whichever noun keeps it.
// Fault of kind NotFound: none does.
func (h *Hub) kept(ctx context.Context, tx *db.Tx, entry string) (raw []byte, err error) {
	for _, said := range []func(context.Context, *db.Tx, string) ([]byte, error){h.Measures.Said, h.Approvals.Said, h.Requests.Said} {
		if raw, err = said(ctx, tx, entry); err == nil || fault.KindOf(err) != fault.NotFound {
			return raw, err
		}
	}
	return nil, err
}
