package vendor

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

type ownProduct struct {
	productLine
	Request ID
	Number  string
	Title   string
}

type productsView struct {
	Head  page.Head
	List  *page.List
	Rows  []ownProduct
	Empty *page.Empty
}

// showProducts is a maker's list of its own products over all requests.
func showProducts(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, next, err := s.Products(q.Context(), Filter{Fix: Fix(q.Query("fix")), Done: q.Query("done") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := productsView{Head: page.Head{H1: p.T("vendor.web.own_products"), Lead: p.T("vendor.web.own_products_lead"), Crumbs: []page.Crumb{{Text: p.T("vendor.web.title"), Href: "/vendor"}, {Text: p.T("vendor.web.own_products")}}}}
	for _, x := range list {
		y := x.Product
		l := ownProduct{productLine{ID: y.ID, Name: y.Name, Versions: y.Versions, Status: p.status(y.Status), Tag: statusTag[y.Status], FixOn: p.day(y.FixOn), Fixed: y.Fixed, Support: p.day(y.SupportEnds)}, x.Request.ID, x.Case.Number, x.Case.Title}
		if y.Status == Affected {
			l.Fix = p.T("vendor.fix." + string(y.Fix))
		}
		v.Rows = append(v.Rows, l)
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("vendor.web.empty"), Say: p.T("vendor.web.empty_say")}
	}
	v.List = &page.List{Path: "/vendor/products", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: p.T("vendor.web.product")}, {Title: p.T("vendor.web.case")}, {Title: p.T("vendor.web.status")}, {Title: p.T("vendor.web.fix")}, {Title: p.T("vendor.web.support")}}}
	for _, f := range Fixes {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "fix", Value: string(f), Label: p.T("vendor.fix." + string(f)), Count: -1})
	}
	v.List.Filters = append(v.List.Filters, page.Filter{Name: "done", Value: "1", Label: p.T("vendor.web.done_too"), Count: -1})
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "vendor", page.Desk, "/live/vendor"
	return q.Render("vendor/products", shell, v)
}
