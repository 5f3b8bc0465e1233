package executor

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// The template is a configuration: as it stands it has no equipment, and with a
// section taken in it is read to the last key.
func TestTemplate(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	var b, english bytes.Buffer
	if err := errors.Join(Template(&b, words.Printer(text.JA, nil)), Template(&english, words.Printer(text.EN, nil))); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "[executor.") || !strings.Contains(b.String(), "# プロセスの名前") || !strings.Contains(english.String(), "# Name of the process") {
		t.Errorf("words: %.300s", b.String())
	}
	keys := func(s string) string { return regexp.MustCompile(`(?m)^# .*\n`).ReplaceAllString(s, "") }
	if keys(b.String()) != keys(english.String()) {
		t.Error("the languages have other keys")
	}
	if _, _, _, err := Load("x.toml", b.Bytes(), t.TempDir()); code(err) != ErrNothing.Code {
		t.Errorf("as it stands: %v", err)
	}
	whole := strings.NewReplacer("\n#[", "\n[", "\n#", "\n#").Replace(b.String())
	var lines []string
	for line := range strings.Lines(whole) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") {
			line = rest
		}
		lines = append(lines, line)
	}
	var any map[string]any
	if _, err := toml.Decode(strings.Join(lines, ""), &any); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(lines, ""))
	}
	_, list, keep, err := Load("x.toml", []byte(strings.Join(lines, "")), t.TempDir())
	if err != nil || len(list) != 4 || keep == 0 {
		t.Errorf("%d pieces of equipment, %v", len(list), err)
	}
	for _, key := range []string{"authority", "names", "zone", "table", "router_id", "format"} {
		if !strings.Contains(whole, key+" = ") {
			t.Errorf("%s is not in it", key)
		}
	}
	for name, raw := range map[string]string{"executor.config_key": "x = 1\n[nft]\n", "executor.config": "name = 1\n", "executor.authority": "authority = [\"x\"]\n[nft]\n", "executor.config_times": "look = \"0s\"\n[nft]\n"} {
		if _, _, _, err := Load("x.toml", []byte(raw), t.TempDir()); code(err) != name {
			t.Errorf("%q: %v", raw, err)
		}
	}
}
