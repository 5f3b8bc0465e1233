package asset

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
)

// Routes registers the JSON API of registers and statements. words are what
// the forms of statements speak.
func Routes(r *httpd.Router, s *Service, words *text.Catalog) {
	routesItem(r, s)
	routesRegister(r, s)
	routesImport(r, s)
	routesStatement(r, s, words)
}

// ItemInput is a piece of equipment as a client writes it. Dates are read as
// in lists: 2026-03-31, 令和8年3月31日.
type ItemInput struct {
	Key         string            `json:"id,omitempty" maxLength:"800" doc:"The operator's own id"`
	Kind        string            `json:"kind,omitempty" maxLength:"800" doc:"vpn, firewall, … or what people write for it; empty: what the product is known for"`
	Maker       string            `json:"maker" maxLength:"800"`
	Product     string            `json:"product" maxLength:"800"`
	Model       string            `json:"model,omitempty" maxLength:"800"`
	Version     string            `json:"version,omitempty" maxLength:"800" doc:"Version or firmware"`
	CPE         string            `json:"cpe,omitempty" maxLength:"4000" doc:"CPE 2.3 formatted string"`
	PURL        string            `json:"purl,omitempty" maxLength:"4000" doc:"Package URL"`
	Quantity    int               `json:"quantity,omitempty" minimum:"0" maximum:"1000000" doc:"0 is 1"`
	Service     string            `json:"service,omitempty" maxLength:"800" doc:"Essential service it supports"`
	Zone        string            `json:"zone,omitempty" maxLength:"800" doc:"internet, dmz, internal, ot, isolated, or what people write for it"`
	Addresses   []string          `json:"addresses,omitempty" maxItems:"256" nullable:"false"`
	Domains     []string          `json:"domains,omitempty" maxItems:"256" nullable:"false"`
	Connects    []string          `json:"connects_to,omitempty" maxItems:"256" nullable:"false" doc:"Own ids, addresses or names of what it talks to"`
	OperatedBy  string            `json:"operated_by,omitempty" maxLength:"800" doc:"own, a corporate number, or a name"`
	Site        string            `json:"site,omitempty" maxLength:"800" doc:"Site, or cloud region"`
	Introduced  string            `json:"introduced_at,omitempty" maxLength:"100"`
	Changed     string            `json:"changed_at,omitempty" maxLength:"100"`
	SupportEnds string            `json:"support_ends_at,omitempty" maxLength:"100"`
	Further     map[string]string `json:"further,omitempty" doc:"Anything else, at most 30"`
	Used        Answer            `json:"used,omitempty" enum:"yes,no,unknown" doc:"Scope check: used, not only owned; empty: as for the whole register"`
	Affects     Answer            `json:"affects,omitempty" enum:"yes,no,unknown" doc:"Scope check: may affect essential equipment; empty: as for the whole register"`
}

func (in *ItemInput) draft() *Draft {
	d := &Draft{Further: in.Further}
	for f, v := range map[Field]string{
		FieldKey: in.Key, FieldKind: in.Kind, FieldMaker: in.Maker, FieldProduct: in.Product, FieldModel: in.Model, FieldVersion: in.Version, FieldCPE: in.CPE, FieldPURL: in.PURL,
		FieldService: in.Service, FieldZone: in.Zone, FieldAddresses: strings.Join(in.Addresses, "\n"), FieldDomains: strings.Join(in.Domains, "\n"), FieldConnects: strings.Join(in.Connects, "\n"),
		FieldOperatedBy: in.OperatedBy, FieldSite: in.Site, FieldIntroduced: in.Introduced, FieldChanged: in.Changed, FieldSupportEnds: in.SupportEnds,
	} {
		d.Values[f] = v
	}
	if in.Quantity > 0 {
		d.Values[FieldQuantity] = strconv.Itoa(in.Quantity)
	}
	return d
}

// ConfirmInput names what somebody says is still so.
type ConfirmInput struct {
	Org string `json:"org,omitempty" maxLength:"60" doc:"Of a contractor: the customer whose equipment it is"`
	IDs []ID   `json:"ids" minItems:"1" maxItems:"500" nullable:"false"`
}

// ConfirmMade says of how many pieces it was noted.
type ConfirmMade struct {
	Entries int `json:"entries"`
}

type (
	itemIn struct {
		ID ID `path:"id" maxLength:"60"`
	}
	itemOut struct {
		Status int
		ETag   string `header:"ETag"`
		Body   Entry
	}
	itemsIn struct {
		httpd.Paging
		Org      string  `query:"org" maxLength:"60" doc:"Of a contractor: the customer whose equipment to list"`
		Text     string  `query:"q" maxLength:"200" doc:"Own id, or words of maker and product in any spelling"`
		Kind     Kind    `query:"kind" maxLength:"40"`
		Zone     string  `query:"zone" enum:"internet,dmz,internal,ot,isolated,none" doc:"none: nobody said"`
		Gap      string  `query:"gap" maxLength:"60" doc:"Id of something that is missing, as in the overview"`
		Mark     string  `query:"mark" enum:"act,attend,fine"`
		Support  Support `query:"support" enum:"unknown,ended,ending,fine"`
		Operated string  `query:"operated_by" maxLength:"200"`
		Service  string  `query:"service" maxLength:"200"`
		Maker    string  `query:"maker_key" maxLength:"200"`
		Product  string  `query:"product_key" maxLength:"200"`
		Sort     string  `query:"sort" enum:"key,-key,product,-product,confirmed,-confirmed,support,-support"`
	}
	registerIn struct {
		Org string `query:"org" maxLength:"60" doc:"Of a contractor: the customer"`
	}
	changeIn struct {
		httpd.Match
		ID   ID `path:"id" maxLength:"60"`
		Body ItemInput
	}
	pastIn struct {
		httpd.Paging
		ID ID `path:"id" maxLength:"60"`
	}
)

func routesItem(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/assets", "asset.list", "List or search the equipment of your register, or what you operate for a customer", func(ctx context.Context, in *itemsIn) (*httpd.List[Entry], error) {
		got, err := s.List(ctx, Filter{Org: in.Org, Text: in.Text, Kind: in.Kind, Zone: in.Zone, Gap: in.Gap, Mark: in.Mark, Support: in.Support, Operated: in.Operated,
			Service: in.Service, Maker: in.Maker, Product: in.Product, Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, got.Entries, got.Next), nil
	})
	httpd.Op(r, "POST /api/v1/assets", "asset.add", "Add one piece of equipment", func(ctx context.Context, in *struct{ Body ItemInput }) (*itemOut, error) {
		e, err := s.Add(ctx, in.Body.draft(), in.Body.Used, in.Body.Affects)
		if err != nil {
			return nil, err
		}
		return &itemOut{201, httpd.ETag(e.Revision), e}, nil
	})
	httpd.Op(r, "GET /api/v1/assets/{id}", "asset.read", "Read one piece of equipment", func(ctx context.Context, in *itemIn) (*itemOut, error) {
		e, err := s.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &itemOut{200, httpd.ETag(e.Revision), e}, nil
	})
	httpd.Op(r, "PUT /api/v1/assets/{id}", "asset.change", "Replace what the register says of one piece of equipment", func(ctx context.Context, in *changeIn) (*itemOut, error) {
		saw, err := in.Version()
		if err != nil {
			return nil, err
		}
		e, err := s.Change(ctx, in.ID, saw, in.Body.draft(), in.Body.Used, in.Body.Affects)
		if err != nil {
			return nil, matched(err)
		}
		return &itemOut{200, httpd.ETag(e.Revision), e}, nil
	})
	httpd.Op(r, "DELETE /api/v1/assets/{id}", "asset.remove", "Take one piece of equipment out of the register; its history stays", func(ctx context.Context, in *struct {
		httpd.Match
		ID ID `path:"id" maxLength:"60"`
	}) (*struct{}, error) {
		saw, err := in.Version()
		if err != nil {
			return nil, err
		}
		return nil, matched(s.Remove(ctx, in.ID, saw))
	})
	httpd.Op(r, "GET /api/v1/assets/{id}/history", "asset.history", "List who changed what of one piece of equipment", func(ctx context.Context, in *pastIn) (*httpd.List[Past], error) {
		list, next, err := s.History(ctx, in.ID, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
}

// matched says a conflict of versions as what it is in HTTP: a failed
// precondition.
func matched(err error) error {
	if isStale(err) {
		return httpd.ErrMatch
	}
	return err
}

func routesRegister(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/asset-overview", "asset.overview", "Count a register: completeness, age, support, kinds and zones", func(ctx context.Context, in *registerIn) (*struct{ Body Overview }, error) {
		o, err := s.Overview(ctx, in.Org)
		return &struct{ Body Overview }{o}, err
	})
	httpd.Op(r, "GET /api/v1/asset-picture", "asset.picture", "Draw up zones, groups of equipment and links", func(ctx context.Context, in *registerIn) (*struct{ Body Picture }, error) {
		p, err := s.Picture(ctx, in.Org)
		return &struct{ Body Picture }{p}, err
	})
	httpd.Op(r, "GET /api/v1/asset-removals", "asset.removals", "List what was taken out of your register", func(ctx context.Context, in *struct{ httpd.Paging }) (*httpd.List[Past], error) {
		list, next, err := s.Removed(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/asset-confirmations", "asset.confirm", "Note that what the register says of some equipment is so today", func(ctx context.Context, in *struct{ Body ConfirmInput }) (*struct{ Body ConfirmMade }, error) {
		n, err := s.Confirm(ctx, in.Body.Org, in.Body.IDs...)
		return &struct{ Body ConfirmMade }{ConfirmMade{n}}, err
	})
}

func routesImport(r *httpd.Router, s *Service) {
	type previewOut struct{ Body Preview }
	type tokenIn struct {
		Token string `path:"token" maxLength:"60" doc:"Of the preview"`
	}
	// What has no name of its own in the file is named by the client.
	httpd.Op(r, "POST /api/v1/asset-imports", "asset.preview", "Read an equipment list (CSV, XLSX or CycloneDX JSON) and say by row what applying it would do; nothing changes", func(ctx context.Context, in *struct {
		Name    string `query:"name" maxLength:"200" doc:"File name, for messages"`
		Remove  bool   `query:"remove" doc:"Take out what earlier lists brought and this one does not name"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*previewOut, error) {
		v, err := s.PreviewImport(ctx, in.Name, bytes.NewReader(in.RawBody), int64(len(in.RawBody)), in.Remove)
		return &previewOut{v}, err
	}, httpd.MaxBody(MaxFile+1))
	httpd.Op(r, "GET /api/v1/asset-imports/{token}", "asset.previewed", "Read an import preview again", func(ctx context.Context, in *tokenIn) (*previewOut, error) {
		v, err := s.Preview(ctx, in.Token)
		return &previewOut{v}, err
	})
	httpd.Op(r, "POST /api/v1/asset-imports/{token}/apply", "asset.import", "Apply an import preview: all of it or nothing", func(ctx context.Context, in *tokenIn) (*struct{ Body Applied }, error) {
		a, err := s.ApplyImport(ctx, in.Token)
		return &struct{ Body Applied }{a}, err
	})
}
