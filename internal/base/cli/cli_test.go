package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

func run(t *testing.T, fn func() error, args ...string) (code int, stderr string) {
	t.Helper()
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	e := &Env{In: strings.NewReader(""), Out: &out, Err: &errs, Words: words}
	root := e.Root("probe", "probe")
	root.AddCommand(&cobra.Command{Use: "go", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return fn() }})
	return e.Run(t.Context(), root, args), errs.String()
}

func TestExitCodes(t *testing.T) {
	t.Setenv("NOROSHI_LANG", "en")
	for _, c := range []struct {
		name string
		err  error
		args []string
		want int
		says string
	}{
		{"done", nil, []string{"go"}, 0, ""},
		{"a fault's own code", fault.New(fault.Unmet, "cli.cannot_read", "file", "x"), []string{"go"}, 3, "Cannot read x"},
		{"a plain error is ours", errors.New("disk on fire"), []string{"go"}, 1, "hint: disk on fire"},
		{"an unknown flag", nil, []string{"go", "--nonsense"}, 2, "nonsense"},
		{"an unknown command", nil, []string{"went"}, 2, "went"},
		{"an argument too many", nil, []string{"go", "x"}, 2, "hint"},
	} {
		code, stderr := run(t, func() error { return c.err }, c.args...)
		if code != c.want || !strings.Contains(strings.ToLower(stderr), strings.ToLower(c.says)) {
			t.Errorf("%s: exit %d, want %d; %q", c.name, code, c.want, stderr)
		}
	}
}

func TestReadFileLimits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if raw, err := ReadFile(name, 5); err != nil || string(raw) != "12345" {
		t.Errorf("%q %v", raw, err)
	}
	if _, err := ReadFile(name, 4); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := ReadFile(name+"x", 4); fault.KindOf(err) != fault.Usage {
		t.Errorf("not there: %v", err)
	}
}
