package exposure

import (
	"context"

	"noroshi/internal/base/httpd"
)

// routesIndicator registers what items of intelligence name of registers.
func routesIndicator(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/exposure-indicators", "exposure.appear", "Items of intelligence that name something registered: to an operator its own, to the office counts", func(ctx context.Context, in *struct {
		httpd.Paging
	}) (*httpd.List[Appearance], error) {
		list, next, err := s.Appears(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
}
