package sensor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
)

// oneConnection is a log with a single ordinary connection.
const oneConnection = `{"_path":"conn","ts":1793764800.5,"id.orig_h":"10.20.1.1","id.orig_p":50000,"id.resp_h":"198.51.100.9","id.resp_p":443,"proto":"tcp","duration":1.0,"orig_bytes":400,"resp_bytes":900,"conn_state":"SF","orig_pkts":5,"orig_ip_bytes":700,"resp_pkts":5,"resp_ip_bytes":1200}` + "\n"

// putIn writes a file of a test.
func putIn(t *testing.T, dir, name, content string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The all-clear is given only of what was judged: not of nothing, and not of a
// network of which no machine was seen.
func TestDetectSaysWhenItCannotJudge(t *testing.T) {
	dir := t.TempDir()
	empty, one := putIn(t, dir, "empty.log", ""), putIn(t, dir, "one.log", oneConnection)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{one}, 0, "Nothing stands out"},
		{[]string{"--home", "10.20.0.0/16", one}, 0, "Nothing stands out"},
		{[]string{"--home", "192.168.0.0/16", one}, 1, "none of your own machines"},
		{[]string{empty}, 1, "no communication was read"},
		{[]string{"--since", "2030-01-01", one}, 1, "no communication was read"},
	} {
		for format, none := range map[string]string{"table": "Nothing stands out", "html": "Nothing is worth a look"} {
			args := append([]string{"detect", "--basis", "test", "--lang", "en", "--format", format}, c.args...)
			code, out, talk := runFlow(t, nil, args...)
			clear := strings.Contains(out, none)
			if code != c.code || clear != (c.code == 0) || c.code != 0 && (!strings.Contains(out, c.want) || !strings.Contains(talk, c.want)) {
				t.Errorf("%v: %d\n%s\n%s", args, code, out, talk)
			}
		}
	}
	for _, bad := range []string{"-0.1", "1.1", "NaN", "3"} {
		if code, _, talk := runFlow(t, nil, detectArgs("--min-score", bad, one)...); code != 2 {
			t.Errorf("--min-score %s: %d %s", bad, code, talk)
		}
	}
}

// A time without a zone is one of the clock that is shown.
func TestSinceIsInTheZoneThatIsShown(t *testing.T) {
	noon := time.Date(2026, 11, 4, 12, 0, 0, 0, text.JST).UnixNano()
	for _, s := range []string{"2026-11-04T12:00", "2026-11-04 12:00", "2026-11-04T12:00:00", "2026-11-04 12:00:00", "2026-11-04T12:00+09:00", "2026-11-04T12:00:00+09:00",
		"2026-11-04 12:00+09:00", "2026-11-04T03:00Z", "2026-11-04T03:00:00Z"} {
		if got, err := sinceOf(s, text.JST); err != nil || got != noon {
			t.Errorf("%s: %v %v", s, time.Unix(0, got).UTC(), err)
		}
	}
	if got, err := sinceOf("2026-11-04", text.JST); err != nil || got != noon-int64(12*time.Hour) {
		t.Errorf("a day: %v %v", time.Unix(0, got).UTC(), err)
	}
	for _, s := range []string{"soon", "12:00", "2026-13-01", "2026-11-04T25:00"} {
		if _, err := sinceOf(s, text.JST); err == nil {
			t.Errorf("%s is taken", s)
		}
	}
}
