package executor

import (
	"bytes"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// The template is a configuration: as it stands it has no equipment, and with a
// section taken in it is read to the last key.
func TestTemplate(t *testing.T) {
	var b bytes.Buffer
	if err := Template(&b); err != nil {
		t.Fatal(err)
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
