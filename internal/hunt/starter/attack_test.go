package starter

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var techniqueTag = regexp.MustCompile(`^attack\.t\d{4}(\.\d{3})?$`)

// technique is a technique of ATT&CK that is in use.
type technique struct {
	Type       string
	Revoked    bool
	Deprecated bool `json:"x_mitre_deprecated"`
	References []struct {
		Source string `json:"source_name"`
		ID     string `json:"external_id"`
	} `json:"external_references"`
	Phases []struct {
		Name string `json:"phase_name"`
	} `json:"kill_chain_phases"`
}

// shared opens a file of the public data beside the repository, or skips.
func shared(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the shared data are not here: %v", err)
	}
	return path
}

// TestTechniques: every technique of a tag exists, and each tactic is one of a
// technique's own.
func TestTechniques(t *testing.T) {
	archive, err := zip.OpenReader(shared(t, "attack/enterprise-attack-stix20.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	file, err := archive.Open("enterprise-attack.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var bundle struct{ Objects []technique }
	if err := json.NewDecoder(file).Decode(&bundle); err != nil {
		t.Fatal(err)
	}
	tactics := map[string][]string{}
	for _, o := range bundle.Objects {
		if o.Type != "attack-pattern" || o.Revoked || o.Deprecated {
			continue
		}
		for _, ref := range o.References {
			if ref.Source == "mitre-attack" {
				for _, p := range o.Phases {
					tag := "attack." + strings.ToLower(ref.ID)
					tactics[tag] = append(tactics[tag], "attack."+p.Name)
				}
			}
		}
	}
	for _, r := range shown(load(t)) {
		var may []string
		for _, tag := range r.Tags {
			if techniqueTag.MatchString(tag) {
				if tactics[tag] == nil {
					t.Errorf("%s: ATT&CK has no %s", r.File, tag)
				}
				may = append(may, tactics[tag]...)
			}
		}
		for _, tag := range r.Tags {
			if !techniqueTag.MatchString(tag) && !slices.Contains(may, tag) {
				t.Errorf("%s: %s is the tactic of none of its techniques", r.File, tag)
			}
		}
	}
}
