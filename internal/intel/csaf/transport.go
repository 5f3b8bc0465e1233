package csaf

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Folder makes a transport of a folder or archive: what stands under base in
// URLs stands at the top of fsys. For closed networks, and for mirrors.
func Folder(fsys fs.FS, base string) Get {
	if !strings.HasSuffix(base, "/") {
		base += "/"
	}
	return func(ctx context.Context, url string, c Condition) (io.ReadCloser, Meta, error) {
		if err := ctx.Err(); err != nil {
			return nil, Meta{}, err
		}
		name, ok := strings.CutPrefix(url, base)
		if !ok || !fs.ValidPath(name) {
			return nil, Meta{}, &fs.PathError{Op: "open", Path: url, Err: fs.ErrNotExist}
		}
		f, err := fsys.Open(name)
		if err != nil {
			return nil, Meta{}, err
		}
		m := Meta{}
		if info, err := f.Stat(); err == nil {
			m.Modified = info.ModTime()
			if !c.Since.IsZero() && !m.Modified.After(c.Since) {
				f.Close()
				return nil, Meta{Modified: m.Modified, Unchanged: true}, nil
			}
		}
		return f, m, nil
	}
}

func dearmor(raw []byte) ([]byte, error) {
	b, err := armor.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(b.Body, maxKey))
}
