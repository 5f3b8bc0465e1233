package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestCauses: what the system says is said in the reader's language, once.
func TestCauses(t *testing.T) {
	full := fmt.Errorf("flush: %w", &fs.PathError{Op: "write", Path: "/dev/full", Err: syscall.ENOSPC})
	for _, c := range []struct {
		err    error
		ja, en string
	}{
		{full, "ヒント：/dev/full：書き込む先に空きがありません", "/dev/full: no space is left there"},
		{errors.Join(full, full), "ヒント：/dev/full：書き込む先に空きがありません", "/dev/full: no space is left there"},
		{&fs.PathError{Op: "open", Path: "d", Err: syscall.EACCES}, "ヒント：d：権限がありません", "d: permission is missing"},
		{&fs.PathError{Op: "read", Path: "d", Err: syscall.EISDIR}, "ヒント：d：ファイルではなくフォルダーです", "d: it is a folder, not a file"},
		{errors.Join(context.Canceled, context.Canceled), "ヒント：中断されました", "it was interrupted"},
		{errors.Join(errors.New("odd"), errors.New("odd")), "ヒント：odd", "hint: odd"},
	} {
		for lang, want := range map[string]string{"ja": c.ja, "en": c.en} {
			t.Setenv("NOROSHI_LANG", lang)
			code, said := run(t, func() error { return c.err }, "go")
			if lines := strings.Split(strings.TrimSpace(said), "\n"); code != 1 || len(lines) != 2 || !strings.HasSuffix(strings.ToLower(lines[1]), strings.ToLower(want)) {
				t.Errorf("%v in %s: %q", c.err, lang, said)
			}
		}
	}
}
