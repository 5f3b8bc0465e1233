package incident

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
)

// maxUpload bounds the body of an attachment's request; the hub's own limit
// for attachments, which may be lower, says so with a fault of its own.
const maxUpload = 100 << 20

type (
	metaOut struct {
		Status int
		Body   blob.Meta
	}
	metasOut struct{ Body []blob.Meta }
	fileOut  struct {
		ContentType        string `header:"Content-Type"`
		ContentDisposition string `header:"Content-Disposition"`
		Body               []byte
	}
	streamOut struct{ Body func(huma.Context) }
)

// attached is the Content-Disposition of a download (RFC 6266): never inline,
// whatever the content is.
func attached(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

func fileAs(f File, err error) (*fileOut, error) {
	if err != nil {
		return nil, err
	}
	return &fileOut{f.Media, attached(f.Name), f.Data}, nil
}

func routesFile(r *httpd.Router, s *Service, words *text.Catalog) {
	say := func(ctx context.Context, lang string) text.Printer {
		l := httpd.Lang(ctx)
		if want, ok := text.ParseLang(lang); ok {
			l = want
		}
		return words.Printer(l, nil)
	}
	httpd.Op(r, "GET /api/v1/incidents/{id}/files", "incident.files", "List the attachments of your own report or draft", func(ctx context.Context, in *caseIn) (*metasOut, error) {
		list, err := s.Files(ctx, in.ID)
		return &metasOut{some(list)}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/files", "incident.attach", "Attach a file to your own report or draft", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Name    string `query:"name" required:"true" minLength:"1" maxLength:"500" doc:"File name"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*metaOut, error) {
		m, err := s.Attach(ctx, in.ID, bytes.NewReader(in.RawBody), in.Name)
		return &metaOut{201, m}, err
	}, httpd.MaxBody(maxUpload))
	httpd.Op(r, "DELETE /api/v1/incidents/{id}/files/{file}", "incident.detach", "Take a file off a draft", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		File string `path:"file" maxLength:"60"`
	}) (*struct{}, error) {
		return nil, s.Detach(ctx, in.ID, in.File)
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/files/{file}", "incident.download", "Download an attachment", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		File    string `path:"file" maxLength:"60"`
		Purpose string `query:"purpose" maxLength:"60" doc:"Needed unless you are the reporter"`
	}) (*streamOut, error) {
		m, content, err := s.Download(ctx, in.ID, in.File, in.Purpose)
		if err != nil {
			return nil, err
		}
		return &streamOut{func(w huma.Context) {
			defer content.Close()
			// What strangers made is never shown, only saved: the type would
			// let a browser run it.
			w.SetHeader("Content-Type", "application/octet-stream")
			w.SetHeader("Content-Disposition", attached(m.Name))
			w.SetHeader("Content-Length", strconv.FormatInt(m.Size, 10))
			w.SetHeader("Repr-Digest", reprDigest(m.SHA256))
			w.SetStatus(http.StatusOK)
			if _, err := io.Copy(w.BodyWriter(), content); err != nil {
				panic(http.ErrAbortHandler) // cut, so that nobody takes half for all
			}
		}}, nil
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/forms/{form}", "incident.form", "Make an authority's form of a report: jp-act42.xlsx, jp-ppc.json, jp-police.html", func(ctx context.Context, in *struct {
		ID       string `path:"id" maxLength:"60"`
		Form     string `path:"form" maxLength:"100" doc:"Profile and format"`
		Version  int    `query:"version" minimum:"0" maximum:"9999"`
		Lang     string `query:"lang" enum:"ja,en"`
		Redacted bool   `query:"redacted" doc:"Without what is sensitive"`
		Purpose  string `query:"purpose" maxLength:"60" doc:"Needed unless you are the reporter"`
	}) (*fileOut, error) {
		profile, format, _ := strings.Cut(in.Form, ".")
		return fileAs(s.Form(ctx, FormRequest{in.ID, in.Version, profile, FileFormat(format), in.Redacted, in.Purpose}, say(ctx, in.Lang)))
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/redacted", "incident.redacted", "Read a report without what is sensitive, to show it to others", func(ctx context.Context, in *openIn) (*struct{ Body *Report }, error) {
		rep, err := s.RedactedCopy(ctx, in.ID, in.Version, in.Purpose)
		return &struct{ Body *Report }{rep}, err
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/clocks.ics", "incident.calendar", "The running clocks of your own report or draft as iCalendar", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Lang string `query:"lang" enum:"ja,en"`
	}) (*fileOut, error) {
		return fileAs(s.Calendar(ctx, in.ID, say(ctx, in.Lang)))
	})
}

// reprDigest writes a hexadecimal SHA-256 as RFC 9530 does.
func reprDigest(sum string) string {
	raw, err := hex.DecodeString(sum)
	if err != nil {
		panic("BUG: incident: a blob's digest is not hexadecimal")
	}
	return "sha-256=:" + base64.StdEncoding.EncodeToString(raw) + ":"
}

// ProfileItem is a profile as a client may need to know it.
type ProfileItem struct {
	ID         string      `json:"id"`
	Name       text.Both   `json:"name"`
	Basis      text.Both   `json:"basis"`
	Country    string      `json:"country"`
	Status     Status      `json:"status"`
	InForce    bool        `json:"in_force"`
	Voluntary  bool        `json:"voluntary"`
	Verified   bool        `json:"verified"`
	Source     text.Both   `json:"source"`
	Consent    string      `json:"consent,omitempty"`
	Recipients []Recipient `json:"recipients"`
}

// HandlingOut is what the caller may name: purposes to open reports for, and
// grounds to delay the showing of it.
type HandlingOut struct {
	Purposes []Purpose `json:"purposes"`
	Grounds  []Ground  `json:"grounds"`
}

func routesRules(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/incident-profiles", "incident.profiles", "List the reporting regimes that this hub knows", func(context.Context, *struct{}) (*struct{ Body []ProfileItem }, error) {
		out := []ProfileItem{}
		for _, p := range s.Profiles.All {
			if !p.Disabled {
				out = append(out, ProfileItem{p.ID, p.Name, p.Basis, p.Country, p.Status, p.InForce(s.now()), p.Voluntary, p.Verified, p.Source, p.Consent, p.Recipients})
			}
		}
		return &struct{ Body []ProfileItem }{out}, nil
	})
	httpd.Op(r, "GET /api/v1/incident-purposes", "incident.purposes", "List the purposes you may name, and those that are refused", func(ctx context.Context, _ *struct{}) (*struct{ Body HandlingOut }, error) {
		who, _ := gate.From(ctx)
		return &struct{ Body HandlingOut }{HandlingOut{some(Rules().For(who.Kinds)), Rules().Grounds}}, nil
	})
}
