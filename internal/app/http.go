package app

import (
	"context"
	"net/http"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/page"
	"noroshi/internal/org"
)

// ledgerRoutes serves the log: tiles for everybody, entries for auditors, whose
// cosignatures it takes, proofs for those whose receipt it is, and the page of
// the record.
func (h *Hub) ledgerRoutes(r *httpd.Router) {
	files := h.Ledger.Files(func(req *http.Request) bool { return ledgerAccess.May(req.Context(), "ledger.audit") })
	r.Handle("GET /ledger/", http.StripPrefix("/ledger", files), httpd.Public)
	r.Handle("POST /ledger/cosignature", h.takeCosignature(r), httpd.MaxBody(maxCosigned))
	httpd.Op(r, "GET /api/v1/proofs/{entry}", "ledger.prove", "Prove an entry of the ledger; its salt is given to the organisation that acted", h.prove)
	r.Page("GET /record", func(q *httpd.Request) error {
		if _, _, err := ledgerAccess.Allow(q.Context(), "ledger.audit"); err != nil {
			return h.Ledger.Refuse(q.Context(), "ledger.audit", "", fault.Of(err))
		}
		rows, next, err := h.Ledger.Entries(q.Context(), ledger.Filter{Object: q.Query("object"), Cursor: q.Query("after")})
		if err != nil {
			return err
		}
		view, err := h.recordView(q, rows, next)
		if err != nil {
			return err
		}
		shell := q.Shell(q.Printer.T("app.record.title"))
		shell.Key, shell.Density = "record", page.Desk
		return q.Render("app/record", shell, view)
	})
}

type proveIn struct {
	Entry string `path:"entry" maxLength:"36" doc:"Id of the entry, as a receipt names it"`
}

type proveOut struct{ Body ledger.Proven }

// prove gives the proof of an entry to whoever was told its id: ids are not
// guessable, and an entry holds pseudonyms and what the act made public. What
// opens its digest is for the organisation that acted.
func (h *Hub) prove(ctx context.Context, in *proveIn) (*proveOut, error) {
	proven, err := h.Ledger.Prove(ctx, in.Entry)
	if err != nil {
		return nil, err
	}
	who, _ := gate.From(ctx)
	own, err := h.Ledger.Owns(ctx, in.Entry, who.Org)
	if err != nil {
		return nil, err
	}
	if !own {
		proven.Salt = ""
	}
	return &proveOut{proven}, nil
}

// recordRow is one entry as the page of the record shows it.
type recordRow struct {
	ledger.Row
	Org, Who string // names, where the table of names has them
	Act      string // the verb in words; empty for one that has none
}

type recordView struct {
	Head page.Head
	List *page.List
	Rows []recordRow
	ledger.Status
	ledger.Witnessing
	Ages []string // of the newest cosignature of each witness, in words
}

func (h *Hub) recordView(q *httpd.Request, rows []ledger.Row, next string) (v recordView, err error) {
	p := q.Printer
	v.Head = page.Head{H1: p.T("app.record.title"), Lead: p.T("app.record.lead")}
	v.List = &page.List{Path: "/record", Query: q.Queries(), Next: next, Size: db.DefaultLimit, Shown: len(rows), Total: -1,
		Columns: []page.Column{{Title: p.T("app.record.seq"), Num: true}, {Title: p.T("app.record.at")}, {Title: p.T("app.record.org")},
			{Title: p.T("app.record.verb")}, {Title: p.T("app.record.object")}, {Title: p.T("app.record.purpose")}, {Title: p.T("app.record.outcome")}}}
	if v.Status, err = h.Ledger.Status(q.Context()); err != nil {
		return v, err
	}
	if v.Witnessing, err = h.witnessing(q.Context()); err != nil {
		return v, err
	}
	for _, w := range v.Witnesses {
		v.Ages = append(v.Ages, p.Duration(h.now().Sub(w.Signed)))
	}
	var orgs []org.ID
	var people []org.PersonID
	for _, r := range rows {
		orgs, people = append(orgs, org.ID(r.OrgID)), append(people, org.PersonID(r.WhoID))
	}
	err = h.DB.Read(q.Context(), func(tx *db.Tx) error {
		orgNames, err := h.Orgs.Names(q.Context(), tx, q.Lang, orgs...)
		if err != nil {
			return err
		}
		personNames, err := h.Orgs.PersonNames(q.Context(), tx, people...)
		for _, r := range rows {
			row := recordRow{Row: r, Org: orgNames[org.ID(r.OrgID)], Who: personNames[org.PersonID(r.WhoID)]}
			for _, key := range []string{"app.act." + r.Entry.Verb, "gate.may." + r.Entry.Verb} {
				if p.Has(key) {
					row.Act = p.T(key)
					break
				}
			}
			v.Rows = append(v.Rows, row)
		}
		return err
	})
	return v, err
}
