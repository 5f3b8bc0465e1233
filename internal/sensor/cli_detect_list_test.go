package sensor

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/detect"
)

// The example that help shows is one that is read, and what is wrong with an
// entry is said by its name.
func TestAllowCanBeLearned(t *testing.T) {
	dir := t.TempDir()
	log := putIn(t, dir, "one.log", oneConnection)
	for _, lang := range []string{"ja", "en"} {
		code, out, _ := runFlow(t, nil, "detect", "--lang", lang, "--help")
		at, end := strings.Index(out, "  [[allow]]"), strings.Index(out, "2027-03-31\n")
		if code != 0 || at < 0 || end < at {
			t.Fatalf("%d %s", code, out)
		}
		shown := putIn(t, dir, "allow.toml", out[at:end+len("2027-03-31\n")])
		if code, _, talk := runFlow(t, nil, detectArgs("--allow", shown, log)...); code != 0 {
			t.Error(talk)
		}
	}
	for content, want := range map[string]string{
		"[[deny]]\n": "kind, src, dst, name, port, reason and until",
		"[[allow]]\nport = 1\nreason = \"x\"\nuntil = \"soon\"\n":                 "2027-03-31",
		"[[allow]]\nport = 1\nreason = \"x\"\nuntil = 1026-11-30\n":               "2027-03-31",
		"[[allow]]\nport = 1\nkind = \"x\"\nreason = \"x\"\nuntil = 2027-01-01\n": string(detect.Beacon),
		"[[allow]]\nreason = \"x\"\nuntil = 2027-01-01\n":                         "one of src, dst, name and port",
	} {
		code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", "--allow", putIn(t, dir, "bad.toml", content), log)...)
		if code != 2 || !strings.Contains(talk, want) {
			t.Errorf("%s%d %s", content, code, talk)
		}
	}
}

// A picture or an empty file is no list of indicators.
func TestIndicatorsAreText(t *testing.T) {
	dir := t.TempDir()
	log := putIn(t, dir, "one.log", oneConnection)
	for name, content := range map[string]string{"picture.jpg": "\xff\xd8\xff\xe0\x00\x10JFIF\x00\n192.0.2.1\n", "empty.txt": "", "blank.txt": " \n\n"} {
		if code, _, talk := runFlow(t, nil, detectArgs("--indicators", putIn(t, dir, name, content), log)...); code != 2 || !strings.Contains(talk, filepath.Join(dir, name)) {
			t.Errorf("%s: %d %s", name, code, talk)
		}
	}
	if code, _, talk := runFlow(t, nil, detectArgs("--lang", "en", "--indicators", putIn(t, dir, "none.txt", "# none today\n"), log)...); code != 0 || !strings.Contains(talk, "1 machine of your own") {
		t.Errorf("a list with nothing but a remark: %d %s", code, talk)
	}
}

// An entry holds through its last day where the person is, and that day is what
// is said when it ran out.
func TestAllowLastDay(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*3600)
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, tokyo)
	for _, until := range []string{"2027-01-31", `"2027-01-31"`} {
		all, err := parseAllow("x", []byte("[[allow]]\nport = 1\nreason = \"x\"\nuntil = "+until+"\n"), now)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %v", until, err)
		}
		if got := all[0].Until; got.Format(time.DateOnly) != "2027-01-31" || !got.Add(1).Equal(time.Date(2027, 2, 1, 0, 0, 0, 0, tokyo)) {
			t.Errorf("%s: %v", until, got)
		}
	}
}
