package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/ledger"
)

// maxCosigned bounds a checkpoint with cosignatures that somebody sends.
const maxCosigned = 64 << 10

// submit asks the witnesses that are asked for cosignatures, until ctx ends.
func (h *Hub) submit(ctx context.Context) {
	c := h.Config.Witness
	if len(c.URLs) == 0 {
		return
	}
	h.Ledger.Submit(ctx, c.Every, c.URLs, func(ctx context.Context, url string, body []byte) (int, []byte, error) {
		got, err := h.witnesses.Post(ctx, url, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body)
		return got.Status, got.Body, err
	})
}

// witnessing reads whether those who cosign the ledger keep up.
func (h *Hub) witnessing(ctx context.Context) (s ledger.Witnessing, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) (err error) {
		s, err = h.Ledger.Witnessing(ctx, tx)
		return err
	})
	return s, err
}

// witnessed is the part of /healthz that tells of witnesses.
func (h *Hub) witnessed(ctx context.Context) error {
	s, err := h.witnessing(ctx)
	if err == nil && s.Waits {
		err = fmt.Errorf("no witness has cosigned since %s; ordinary acts of power wait", s.Since.Format(time.RFC3339))
	}
	return err
}

// takeCosignature takes a checkpoint of the ledger with a cosignature from whoever
// may audit: the witness calls, so that its machine need not be called.
func (h *Hub) takeCosignature(r *httpd.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx := req.Context()
		if _, _, err := ledgerAccess.Allow(ctx, "ledger.audit"); err != nil {
			r.Error(w, req, h.Ledger.Refuse(ctx, "ledger.audit", "", fault.Of(err)))
			return
		}
		msg, err := io.ReadAll(io.LimitReader(req.Body, maxCosigned+1))
		if err == nil {
			err = h.Ledger.Cosign(ctx, msg)
		}
		if err != nil {
			r.Error(w, req, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
