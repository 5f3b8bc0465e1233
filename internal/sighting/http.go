package sighting

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/httpd"
)

// maxUpload bounds the body of an evidence file's request; the hub's own limit
// may be lower and says so itself.
const maxUpload = 100 << 20

// RecordInput is a sighting as a client writes it.
type RecordInput struct {
	What          Kind      `json:"what" enum:"exploited,indicator,behaviour"`
	Value         string    `json:"value,omitempty" maxLength:"2048" doc:"Address, domain, URL, hash, CVE id, or a product in words; defanged forms are read"`
	Vulnerability string    `json:"vulnerability,omitempty" maxLength:"40"`
	Count         int       `json:"count,omitempty" minimum:"0" maximum:"1000000000" doc:"0 is once"`
	FirstAt       time.Time `json:"first_at,omitzero" doc:"Empty: as last_at"`
	LastAt        time.Time `json:"last_at,omitzero" doc:"Empty: now"`
	Origin        Origin    `json:"origin,omitempty" enum:"report,hunt,sensor,notice,hand"`
	Ref           string    `json:"ref,omitempty" maxLength:"800" doc:"Id of what it came from"`
	Note          string    `json:"note,omitempty" maxLength:"16000"`
	Victim        string    `json:"victim,omitempty" maxLength:"800" doc:"Where it was seen, when not in your own network"`
	TLP           string    `json:"tlp,omitempty" enum:"RED,AMBER+STRICT,AMBER,GREEN,CLEAR" doc:"Empty: AMBER. RED stays with your organisation"`
	Clearance     int       `json:"clearance,omitempty" minimum:"0" maximum:"3"`
	Named         bool      `json:"named,omitempty" doc:"Analysts may learn who reported it, and see the evidence"`
}

// sighting is the input as it is recorded; by which power something was selected
// nobody writes by hand.
func (in RecordInput) sighting() New {
	return New{What: in.What, Value: in.Value, Vulnerability: in.Vulnerability, Count: in.Count, FirstAt: in.FirstAt, LastAt: in.LastAt, Origin: in.Origin, Ref: in.Ref, Note: in.Note,
		Victim: in.Victim, TLP: in.TLP, Clearance: in.Clearance, Named: in.Named}
}

// WithdrawInput says why a sighting is taken back.
type WithdrawInput struct {
	Why string `json:"why,omitempty" maxLength:"16000"`
}

type (
	oneIn struct {
		ID string `path:"id" maxLength:"60"`
	}
	oneOut struct {
		Status int
		Body   Sighting
	}
	listIn struct {
		httpd.Paging
		What          Kind   `query:"what" enum:"exploited,indicator,behaviour"`
		Type          Type   `query:"type" enum:"address,domain,url,hash,vulnerability,product"`
		Origin        Origin `query:"origin" enum:"report,hunt,sensor,selection,notice,hand"`
		Value         string `query:"value" maxLength:"2048" doc:"In any spelling"`
		Vulnerability string `query:"vulnerability" maxLength:"40"`
		Withdrawn     bool   `query:"withdrawn" doc:"Show withdrawn ones too"`
	}
)

// Routes registers the JSON API of sightings.
func Routes(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/sightings", "sighting.list", "List sightings: your own, or as an analyst all", func(ctx context.Context, in *listIn) (*httpd.List[Sighting], error) {
		items, next, err := s.List(ctx, Filter{What: in.What, Type: in.Type, Origin: in.Origin, Value: in.Value, Vulnerability: in.Vulnerability, Withdrawn: in.Withdrawn, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, items, next), nil
	})
	httpd.Op(r, "POST /api/v1/sightings", "sighting.record", "Record a sighting", func(ctx context.Context, in *struct{ Body RecordInput }) (*oneOut, error) {
		x, err := s.Record(ctx, in.Body.sighting())
		return &oneOut{201, x}, err
	})
	httpd.Op(r, "GET /api/v1/sightings/{id}", "sighting.read", "Read a sighting", func(ctx context.Context, in *oneIn) (*oneOut, error) {
		x, err := s.Get(ctx, in.ID)
		return &oneOut{200, x}, err
	})
	httpd.Op(r, "POST /api/v1/sightings/{id}/withdraw", "sighting.withdraw", "Take back your own sighting; it stays on the record", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body WithdrawInput
	}) (*struct{}, error) {
		return nil, s.Withdraw(ctx, in.ID, in.Body.Why)
	})
	httpd.Op(r, "POST /api/v1/sightings/{id}/files", "sighting.attach", "Add evidence to your own sighting", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Name    string `query:"name" required:"true" minLength:"1" maxLength:"500" doc:"File name"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*struct {
		Status int
		Body   blob.Meta
	}, error) {
		m, err := s.Attach(ctx, in.ID, bytes.NewReader(in.RawBody), in.Name)
		return &struct {
			Status int
			Body   blob.Meta
		}{201, m}, err
	}, httpd.MaxBody(maxUpload))
	httpd.Op(r, "GET /api/v1/sightings/{id}/files/{file}", "sighting.download", "Download evidence", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		File string `path:"file" maxLength:"60"`
	}) (*struct{ Body func(huma.Context) }, error) {
		m, content, err := s.Download(ctx, in.ID, in.File)
		if err != nil {
			return nil, err
		}
		return &struct{ Body func(huma.Context) }{func(w huma.Context) {
			defer content.Close()
			w.SetHeader("Content-Type", "application/octet-stream") // never shown, only saved
			w.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": m.Name}))
			w.SetHeader("Content-Length", strconv.FormatInt(m.Size, 10))
			w.SetStatus(http.StatusOK)
			if _, err := io.Copy(w.BodyWriter(), content); err != nil {
				panic(http.ErrAbortHandler) // cut, so that nobody takes half for all
			}
		}}, nil
	})
}
