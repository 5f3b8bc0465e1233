package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"noroshi/internal/base/fault"
)

// inMemory is how much of a posted file stays in memory; a longer one goes to
// a file that has no name any more when the first byte is written.
const inMemory = 1 << 20

// maxText bounds the fields of a form together, files apart.
const maxText = 1 << 20

// File is a posted file. It can be read at any place, as often as wanted.
type File struct {
	Field string // of the form
	Name  string // what the client calls it: last element only, valid UTF-8; for show
	Type  string // what the client says it is; not to be trusted
	Size  int64

	io.ReaderAt
	disk *os.File
}

// Reader returns a reader from the start of the file.
func (f *File) Reader() *io.SectionReader { return io.NewSectionReader(f, 0, f.Size) }

func (q *Request) close() {
	for _, f := range q.files {
		if f.disk != nil {
			f.disk.Close()
		}
	}
}

// parse reads the posted form, if there is one.
func (q *Request) parse() error {
	if q.R.Method != http.MethodPost && q.R.Method != http.MethodPut && q.R.Method != http.MethodPatch {
		return nil
	}
	ct := q.R.Header.Get("Content-Type")
	if ct == "" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(ct)
	switch {
	case err != nil:
		return ErrForm.Because(err)
	case kind == "application/x-www-form-urlencoded":
		return q.parseEncoded()
	case kind == "multipart/form-data":
		return q.parseMultipart(params["boundary"])
	}
	return ErrMediaType
}

func (q *Request) parseEncoded() error {
	raw, err := io.ReadAll(io.LimitReader(q.R.Body, maxText+1))
	if err != nil {
		return bodyFault(err, visitOf(q.R.Context()).route.body)
	}
	if len(raw) > maxText {
		return tooLarge(maxText)
	}
	if bytes.Count(raw, []byte("&")) >= maxFields {
		return ErrForm
	}
	if q.values, err = url.ParseQuery(string(raw)); err != nil {
		return ErrForm.Because(err)
	}
	return validText(q.values)
}

func (q *Request) parseMultipart(boundary string) error {
	limit := visitOf(q.R.Context()).route.body
	r := multipart.NewReader(q.R.Body, boundary)
	q.values = url.Values{}
	left := int64(maxText)
	for n := 0; ; n++ {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return validText(q.values)
		}
		if err != nil {
			return bodyFault(err, limit)
		}
		if n == maxFields {
			return ErrForm
		}
		name := part.FormName()
		if _, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition")); err == nil {
			if file, ok := params["filename"]; ok {
				if err := q.keep(part, name, file, limit); err != nil {
					return err
				}
				continue
			}
		}
		raw, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return bodyFault(err, limit)
		}
		if left -= int64(len(raw)); left < 0 {
			return tooLarge(maxText)
		}
		q.values.Add(name, string(raw))
	}
}

// keep stores one posted file. A field in which no file was chosen arrives
// without a name and without content.
func (q *Request) keep(part *multipart.Part, field, name string, limit int64) error {
	f := &File{Field: field, Name: fileName(name), Type: part.Header.Get("Content-Type")}
	var head bytes.Buffer
	n, err := io.CopyN(&head, part, inMemory)
	if err != nil && !errors.Is(err, io.EOF) {
		return bodyFault(err, limit)
	}
	if n == 0 && name == "" {
		return nil
	}
	if len(q.files) == maxFiles {
		return ErrForm
	}
	f.Size, f.ReaderAt = n, bytes.NewReader(head.Bytes())
	if err == nil { // there may be more
		disk, err := os.CreateTemp("", "noroshi-upload-")
		if err != nil {
			return fmt.Errorf("keep upload: %w", err)
		}
		f.disk, f.ReaderAt = disk, disk
		q.files = append(q.files, f)
		if err := os.Remove(disk.Name()); err != nil {
			return fmt.Errorf("keep upload: %w", err)
		}
		if f.Size, err = io.Copy(disk, io.MultiReader(&head, part)); err != nil {
			return bodyFault(err, limit)
		}
		return nil
	}
	q.files = append(q.files, f)
	return nil
}

// fileName cuts what a client calls its file down to what can be shown.
func fileName(s string) string {
	s = path.Base(strings.ReplaceAll(strings.ToValidUTF8(s, ""), `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if s == "." || s == "/" {
		return ""
	}
	for len(s) > 200 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// validText refuses fields that are no text: nothing behind them expects it.
func validText(v url.Values) error {
	for name, list := range v {
		for _, s := range list {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				return ErrForm.At(fault.Place{At: name, Code: "httpd.field.text"})
			}
		}
	}
	return nil
}

func tooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, ErrTooLarge.Code, "limit", sizeText(limit))
}

func sizeText(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d KB", max(1, n>>10))
}

// bodyFault says what went wrong with reading a body.
func bodyFault(err error, limit int64) error {
	var over *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &over):
		return tooLarge(limit)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrCut.Because(err)
	}
	return ErrForm.Because(err)
}
