package org

import "noroshi/internal/base/httpd"

// pagesView save and drop views of lists.
func pagesView(r *httpd.Router, s *Service) {
	r.Page("POST /views", func(q *httpd.Request) error {
		v := View{Path: q.Form("path"), Name: q.Form("name"), Query: q.Form("query")}
		if _, err := s.SaveView(q.Context(), v); err != nil {
			return err
		}
		return q.Redirect(httpd.LocalPath(v.Path + "?" + v.Query))
	})
	r.Page("POST /views/{id}/drop", func(q *httpd.Request) error {
		if err := s.DropView(q.Context(), q.Path("id")); err != nil {
			return err
		}
		return q.Redirect("/account")
	})
}
