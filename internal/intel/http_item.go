package intel

import (
	"context"

	"noroshi/internal/base/httpd"
)

// itemOut is one item.
type itemOut struct {
	ETag string `header:"ETag"`
	Body Item
}

func outOf(it Item) *itemOut {
	if it.Revision == 0 { // another's: nothing to base a change on
		return &itemOut{Body: it}
	}
	return &itemOut{httpd.ETag(int64(it.Revision)), it}
}

// maxItemBody bounds a request with a file in it, in which quotes and line ends
// are longer than in the file.
const maxItemBody = 2*MaxItemFile + 1<<20

// addIn is an item to keep: written, from a file, or from a report.
type addIn struct {
	Body AddInput
}

// AddInput is an item as a client sends it.
type AddInput struct {
	Item    NewItem `json:"item,omitzero" required:"false"`
	File    string  `json:"file,omitempty" maxLength:"200" doc:"Name of the file it was read from"`
	Raw     string  `json:"raw,omitempty" maxLength:"8388608" doc:"The file: JSON of an item, a MISP event, a STIX 2.1 bundle, a list in CSV, or text of which the first line is the title"`
	Report  string  `json:"report,omitempty" maxLength:"200" doc:"Id of an incident report whose indicators are taken"`
	Purpose string  `json:"purpose,omitempty" maxLength:"40" doc:"For which the report is opened; its reporter sees it"`
}

// routesItem registers the JSON API of items.
func routesItem(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/intel-items", "intel.add", "Keep an item as a draft", func(ctx context.Context, in *addIn) (*itemOut, error) {
		var it Item
		var err error
		switch b := &in.Body; {
		case b.Report != "":
			it, err = s.AddFromReport(ctx, b.Report, b.Purpose, b.Item)
		case b.Raw != "":
			it, err = s.AddFile(ctx, b.File, []byte(b.Raw), b.Item)
		default:
			it, err = s.Add(ctx, b.Item)
		}
		if err != nil {
			return nil, err
		}
		return outOf(it), nil
	}, httpd.MaxBody(maxItemBody))
	httpd.Op(r, "GET /api/v1/intel-items", "intel.items", "Items that the reader may know, the newest first", func(ctx context.Context, in *struct {
		httpd.Paging
		State         string `query:"state" enum:"draft,published,replaced,withdrawn"`
		Vulnerability string `query:"vulnerability" maxLength:"60"`
		Indicator     string `query:"indicator" maxLength:"2048" doc:"In any spelling, broken or not"`
	}) (*httpd.List[Item], error) {
		list, next, err := s.Items(ctx, ItemFilter{State: ItemState(in.State), Vulnerability: in.Vulnerability, Indicator: in.Indicator, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/intel-items/{id}", "intel.item", "One item", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"60"`
	}) (*itemOut, error) {
		it, err := s.Item(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return outOf(it), nil
	})
	httpd.Op(r, "PUT /api/v1/intel-items/{id}", "intel.edit", "Change a draft, or draft the next version of a published item", func(ctx context.Context, in *struct {
		httpd.Match
		ID   string `path:"id" maxLength:"60"`
		Body NewItem
	}) (*itemOut, error) {
		revision, err := in.Version()
		if err != nil {
			return nil, err
		}
		it, err := s.Edit(ctx, in.ID, int(revision), in.Body)
		if err != nil {
			return nil, err
		}
		return outOf(it), nil
	}, httpd.MaxBody(maxItemBody))
	httpd.Op(r, "GET /api/v1/intel-items/{id}/history", "intel.history", "How an item became what it is, the newest step first", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"60"`
	}) (*httpd.List[ItemStep], error) {
		steps, err := s.History(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, steps, ""), nil
	})
	httpd.Op(r, "GET /api/v1/intel-items/{id}/file", "intel.file", "The file that an item of one's own was read from", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"60"`
	}) (*fileOut, error) {
		_, raw, err := s.ItemFile(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &fileOut{"application/octet-stream", raw}, nil
	})
	httpd.Op(r, "POST /api/v1/intel-items/{id}/publish", "intel.publish", "Publish a draft", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"60"`
	}) (*itemOut, error) {
		it, err := s.Publish(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return outOf(it), nil
	})
	httpd.Op(r, "POST /api/v1/intel-items/{id}/withdraw", "intel.withdraw", "Take a published item back", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body WithdrawInput
	}) (*itemOut, error) {
		it, err := s.Withdraw(ctx, in.ID, in.Body.Why)
		if err != nil {
			return nil, err
		}
		return outOf(it), nil
	})
}

// WithdrawInput says why an item is taken back.
type WithdrawInput struct {
	Why string `json:"why" maxLength:"1000"`
}

// fileOut is a file as it was.
type fileOut struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}
