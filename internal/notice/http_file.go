package notice

import (
	"bytes"
	"context"
	"io"
)

func reader(raw []byte) io.Reader { return bytes.NewReader(raw) }

// copyOut sends a file; the client may go away before its end.
func copyOut(w io.Writer, r io.Reader) { _, _ = io.Copy(w, r) }

func csvOf(ctx context.Context, s *Service, id ID) ([]byte, error) {
	var b bytes.Buffer
	err := s.Table(ctx, id, &b)
	return b.Bytes(), err
}
