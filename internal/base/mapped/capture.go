package mapped

import (
	"errors"
	"os"

	"noroshi/internal/engine/flow/capture"
)

// Capture opens a capture: mapped where its file allows it, otherwise read, and
// then pages is nil. Packets are looked at within [File.Guard] of pages, which
// are told how far the reader is ([capture.Reader.Offset]) and closed after
// everything that was lent has come back. Errors are those of
// [capture.NewReader] and of the system.
func Capture(f *os.File) (r *capture.Reader, pages *File, err error) {
	pages, err = New(f)
	if err == nil {
		err = pages.Guard(func() (err error) {
			r, err = capture.NewMapped(pages.Data)
			return err
		})
		if err == nil {
			return r, pages, nil
		}
		pages.Close()
	}
	if !errors.Is(err, ErrUnfit) && !errors.Is(err, capture.ErrCompressed) {
		return nil, nil, err
	}
	r, err = capture.NewReader(f)
	return r, nil, err
}
