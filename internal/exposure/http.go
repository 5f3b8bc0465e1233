package exposure

import (
	"bytes"
	"context"

	"noroshi/internal/base/httpd"
)

type (
	listIn struct {
		httpd.Paging
		State         State  `query:"state" enum:"new,seen,judged,handled,ended" doc:"One state; without it what is open"`
		All           bool   `query:"all" doc:"Every state"`
		Priority      string `query:"priority" enum:"act,attend,watch,track"`
		Verdict       string `query:"verdict" enum:"affected,unknown"`
		Kind          string `query:"kind" enum:"vulnerability,support" doc:"support: the end of the maker's support"`
		Exploited     bool   `query:"exploited" doc:"Only what is used in attacks"`
		Org           string `query:"org" maxLength:"60"`
		Sector        string `query:"sector" maxLength:"60"`
		Vulnerability string `query:"vulnerability" maxLength:"200"`
		ProductKey    string `query:"product_key" maxLength:"1000"`
		Sort          string `query:"sort" enum:"next,newest" doc:"next: by what to do next"`
	}
	oneIn struct {
		ID ID `path:"id" maxLength:"60"`
	}
	oneOut  struct{ Body Exposure }
	doneOut struct{ Body Done }
)

func (in *listIn) filter() Filter {
	return Filter{State: in.State, All: in.All, Priority: in.Priority, Verdict: in.Verdict, Kind: in.Kind, Exploited: in.Exploited, Org: in.Org, Sector: in.Sector,
		Vulnerability: in.Vulnerability, ProductKey: in.ProductKey, Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit}
}

// MarkInput says what was done about exposures.
type MarkInput struct {
	Exposures []ID   `json:"exposures" minItems:"1" maxItems:"200" nullable:"false"`
	State     State  `json:"state" enum:"seen,handled,new" doc:"new opens them again"`
	Words     string `json:"words,omitempty" maxLength:"3200"`
}

// UndoInput names the exposures whose verdict is taken back.
type UndoInput struct {
	Exposures []ID `json:"exposures" minItems:"1" maxItems:"200" nullable:"false"`
}

// AgreeInput names the proposed verdict that is made one's own.
type AgreeInput struct {
	Verdict string `json:"verdict" maxLength:"60"`
}

// TallyMade counts open exposures by priority.
type TallyMade struct {
	Act    int `json:"act"`
	Attend int `json:"attend"`
	Watch  int `json:"watch"`
	Track  int `json:"track"`
}

// PictureMade is exposure by sector, product and, if asked, week.
type PictureMade struct {
	Squares []Square `json:"squares" nullable:"false"`
}

// Routes registers the JSON API of exposures.
func Routes(r *httpd.Router, s *Service) {
	routesIndicator(r, s)
	routesRead(r, s)
	routesAct(r, s)
	routesPicture(r, s)
	routesName(r, s)
	routesTouch(r, s)
}

func routesRead(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/exposures", "exposure.list", "List exposures: your own, those of your sectors, or all, by what to do next", func(ctx context.Context, in *listIn) (*httpd.List[Exposure], error) {
		got, err := s.List(ctx, in.filter())
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, got.Rows, got.Next), nil
	})
	httpd.Op(r, "GET /api/v1/exposures/{id}", "exposure.read", "Read one exposure: why, and for its operator which equipment", func(ctx context.Context, in *oneIn) (*oneOut, error) {
		e, err := s.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &oneOut{e}, nil
	})
	httpd.Op(r, "GET /api/v1/exposure-tally", "exposure.tally", "Count exposures by priority", func(ctx context.Context, in *listIn) (*struct{ Body TallyMade }, error) {
		n, err := s.Tally(ctx, in.filter())
		if err != nil {
			return nil, err
		}
		return &struct{ Body TallyMade }{TallyMade{n[Act], n[Attend], n[Watch], n[Track]}}, nil
	})
	httpd.Op(r, "GET /api/v1/vulnerabilities/{vulnerability}/exposures", "exposure.where", "List the organisations that a vulnerability concerns", func(ctx context.Context, in *struct {
		Vulnerability string `path:"vulnerability" maxLength:"200"`
		httpd.Paging
		All bool `query:"all" doc:"Every state"`
	}) (*httpd.List[Exposure], error) {
		got, err := s.Where(ctx, in.Vulnerability, Filter{All: in.All, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, got.Rows, got.Next), nil
	})
	httpd.Op(r, "GET /api/v1/exposure-figures", "exposure.figures", "The five numbers of an executive", func(ctx context.Context, _ *struct{}) (*struct{ Body Figures }, error) {
		f, err := s.Figures(ctx)
		if err != nil {
			return nil, err
		}
		return &struct{ Body Figures }{f}, nil
	})
	httpd.Op(r, "GET /api/v1/exposure-supply", "exposure.supply", "Who depends on an organisation, and on whom it depends", func(ctx context.Context, in *struct {
		Org string `query:"org" maxLength:"60" doc:"For the national office; without it your own"`
	}) (*struct{ Body Chain }, error) {
		c, err := s.Supply(ctx, in.Org)
		if err != nil {
			return nil, err
		}
		return &struct{ Body Chain }{c}, nil
	})
}

// TouchInput are addresses, networks and domains to look for in registers.
type TouchInput struct {
	Values []string `json:"values" minItems:"1" maxItems:"500" nullable:"false"`
}

// TouchMade says whose registered networks were touched.
type TouchMade struct {
	Touched []Touched `json:"touched" nullable:"false"`
}

func routesTouch(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/exposure-indicators", "exposure.touch", "Find whose registered networks, addresses and domains indicators touch; nothing is connected to", func(ctx context.Context, in *struct{ Body TouchInput }) (*struct{ Body TouchMade }, error) {
		list, err := s.Touch(ctx, in.Body.Values)
		if err != nil {
			return nil, err
		}
		return &struct{ Body TouchMade }{TouchMade{append([]Touched{}, list...)}}, nil
	})
}

func routesAct(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/exposure-verdicts", "exposure.judge", "Say that exposures are none, and why; it holds for the next version and for new equipment of the product", func(ctx context.Context, in *struct{ Body NewJudgement }) (*doneOut, error) {
		d, err := s.Judge(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		return &doneOut{d}, nil
	})
	httpd.Op(r, "POST /api/v1/exposure-proposals", "exposure.propose", "Suggest a verdict to operators", func(ctx context.Context, in *struct{ Body NewJudgement }) (*doneOut, error) {
		d, err := s.Propose(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		return &doneOut{d}, nil
	})
	httpd.Op(r, "POST /api/v1/exposures/{id}/agree", "exposure.agree", "Make a suggested verdict your own", func(ctx context.Context, in *struct {
		ID   ID `path:"id" maxLength:"60"`
		Body AgreeInput
	}) (*doneOut, error) {
		d, err := s.Agree(ctx, in.ID, in.Body.Verdict)
		if err != nil {
			return nil, err
		}
		return &doneOut{d}, nil
	})
	httpd.Op(r, "POST /api/v1/exposure-undo", "exposure.undo", "Take verdicts back", func(ctx context.Context, in *struct{ Body UndoInput }) (*doneOut, error) {
		d, err := s.Undo(ctx, in.Body.Exposures)
		if err != nil {
			return nil, err
		}
		return &doneOut{d}, nil
	})
	httpd.Op(r, "POST /api/v1/exposure-marks", "exposure.mark", "Note that exposures were seen or handled, or open them again", func(ctx context.Context, in *struct{ Body MarkInput }) (*doneOut, error) {
		d, err := s.Mark(ctx, in.Body.Exposures, in.Body.State, in.Body.Words)
		if err != nil {
			return nil, err
		}
		return &doneOut{d}, nil
	})
	httpd.Op(r, "POST /api/v1/exposure-rematch", "exposure.rematch", "Match everything again; writes only what differs", func(ctx context.Context, _ *struct{}) (*struct{ Body Run }, error) {
		run, err := s.Rematch(ctx)
		if err != nil {
			return nil, err
		}
		return &struct{ Body Run }{run}, nil
	})
	httpd.Op(r, "GET /api/v1/exposure-rematches", "exposure.runs", "The last rematches", func(ctx context.Context, _ *struct{}) (*httpd.List[Run], error) {
		list, err := s.Runs(ctx)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, ""), nil
	})
}

type pictureIn struct {
	Weeks    bool   `query:"weeks" doc:"By the week in which they were found, too"`
	All      bool   `query:"all" doc:"Closed ones too"`
	Sector   string `query:"sector" maxLength:"60"`
	Priority string `query:"priority" enum:"act,attend,watch,track"`
	Kind     string `query:"kind" enum:"vulnerability,support"`
}

func routesPicture(r *httpd.Router, s *Service) {
	get := func(ctx context.Context, in *pictureIn) ([]Square, error) {
		return s.Picture(ctx, Filter{All: in.All, Sector: in.Sector, Priority: in.Priority, Kind: in.Kind}, in.Weeks)
	}
	httpd.Op(r, "GET /api/v1/exposure-picture", "exposure.picture", "Exposure by sector and product; small counts are ranges", func(ctx context.Context, in *pictureIn) (*struct{ Body PictureMade }, error) {
		list, err := get(ctx, in)
		if err != nil {
			return nil, err
		}
		return &struct{ Body PictureMade }{PictureMade{append([]Square{}, list...)}}, nil
	})
	httpd.Op(r, "GET /api/v1/exposure-picture.csv", "exposure.table", "The same as CSV", func(ctx context.Context, in *pictureIn) (*csvOut, error) {
		list, err := get(ctx, in)
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := WriteCSV(&b, list); err != nil {
			return nil, err
		}
		return &csvOut{"text/csv; charset=utf-8", `attachment; filename="exposure.csv"`, b.Bytes()}, nil
	})
}

type csvOut struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func routesName(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/exposure-names", "exposure.names", "List products of your register that have no name of their own, with what they may be called", func(ctx context.Context, in *struct {
		httpd.Paging
		Undecided bool `query:"undecided" doc:"Only those a person should look at"`
	}) (*httpd.List[Name], error) {
		list, next, err := s.Names(ctx, in.Undecided, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "PUT /api/v1/exposure-names", "exposure.name", "Say what a product is called, or that no name is right", func(ctx context.Context, in *struct{ Body NewName }) (*struct{ Body NameMade }, error) {
		rcpt, err := s.SetName(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		return &struct{ Body NameMade }{NameMade{rcpt.Entry}}, nil
	})
}

// NameMade names the entry of the record.
type NameMade struct {
	Entry string `json:"entry"`
}
