package vendor

import (
	"bytes"
	"context"
	"mime"

	"noroshi/internal/base/httpd"
)

type fileOut struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

// attached is the Content-Disposition of a download (RFC 6266): never inline.
func attached(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

func routesDocument(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/vendor-requests/{id}/documents/{document}", "vendor.document", "Download a document of a request", func(ctx context.Context, in *struct {
		ID       string `path:"id" maxLength:"60"`
		Document string `path:"document" maxLength:"60"`
	}) (*fileOut, error) {
		d, raw, err := s.Download(ctx, in.ID, in.Document)
		return &fileOut{"application/octet-stream", attached(d.Name), raw}, err
	})
	httpd.Op(r, "POST /api/v1/vendor-requests/{id}/documents", "vendor.upload", "Answer with a CSAF document", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*struct {
		Status int
		Body   Document
	}, error) {
		d, err := s.Upload(ctx, in.ID, in.RawBody)
		return &struct {
			Status int
			Body   Document
		}{201, d}, err
	}, httpd.MaxBody(MaxDocument+1))
	httpd.Op(r, "GET /api/v1/vendor-requests/{id}/csaf", "vendor.csaf", "Write the advisory of a request as CSAF 2.0, as it stands now", func(ctx context.Context, in *struct {
		ID  string `path:"id" maxLength:"60"`
		TLP string `query:"tlp" enum:"CLEAR,GREEN,AMBER,AMBER+STRICT,RED" doc:"Empty: the label of the case; another only once no embargo runs"`
	}) (*fileOut, error) {
		d, raw, err := s.CSAF(ctx, in.ID, in.TLP)
		return &fileOut{"application/json", attached(d.Name), raw}, err
	})
	httpd.Op(r, "GET /api/v1/vendor-folder", "vendor.folder", "Write the folder of a CSAF provider with what you may publish, as a zip", func(ctx context.Context, in *struct {
		Site string `query:"site" required:"true" minLength:"10" maxLength:"500" doc:"https address of the folder, ending in a slash"`
	}) (*fileOut, error) {
		var b bytes.Buffer
		if _, err := s.Folder(ctx, in.Site, &b); err != nil {
			return nil, err
		}
		return &fileOut{"application/zip", attached("csaf.zip"), b.Bytes()}, nil
	})
}
