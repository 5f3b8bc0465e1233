package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// causes are what systems say most often, and the word for it in keys of texts.
var causes = []struct {
	is  error
	key string
}{
	{syscall.ENOSPC, "no_space"},
	{syscall.EDQUOT, "no_space"},
	{syscall.EROFS, "read_only"},
	{syscall.EISDIR, "is_folder"},
	{syscall.ENOTDIR, "not_folder"},
	{syscall.EMFILE, "many_files"},
	{syscall.ENFILE, "many_files"},
	{syscall.ENAMETOOLONG, "long_name"},
	{syscall.EFBIG, "large_file"},
	{syscall.EIO, "device"},
	{syscall.ENOMEM, "no_memory"},
	{syscall.EPIPE, "closed"},
	{syscall.ECONNREFUSED, "refused"},
	{fs.ErrPermission, "forbidden"},
	{fs.ErrNotExist, "absent"},
	{fs.ErrExist, "exists"},
	{context.Canceled, "interrupted"},
	{context.DeadlineExceeded, "too_long"},
	{io.ErrUnexpectedEOF, "cut"},
}

// Cause says in the reader's language what the system gave as the reason of an
// error, with the file it is about. What is not known is said as it is, each line
// of it once.
func (e *Env) Cause(err error) string {
	p := e.Printer()
	for _, c := range causes {
		if !errors.Is(err, c.is) {
			continue
		}
		what := p.T("cli.cause." + c.key)
		var at *fs.PathError
		if errors.As(err, &at) && at.Path != "" {
			return p.T("cli.cause.at", "file", at.Path, "what", what)
		}
		return what
	}
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "; ")
}
