package synth_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"noroshi/internal/engine/sigma"
	"noroshi/internal/hunt"
	"noroshi/internal/hunt/starter"
	"noroshi/internal/hunt/synth"
)

// The same seed gives the same day, another seed another, and a larger one has
// more events.
func TestASeedGivesOneDay(t *testing.T) {
	whole := func(c synth.Config) []byte {
		var b bytes.Buffer
		for _, f := range synth.New(c).Files() {
			if len(f.Data) == 0 {
				t.Errorf("%s is empty", f.Name)
			}
			b.Write(f.Data)
		}
		return b.Bytes()
	}
	first := whole(synth.Config{Seed: 1})
	if !bytes.Equal(first, whole(synth.Config{Seed: 1})) {
		t.Error("the same seed gives another day")
	}
	if bytes.Equal(first, whole(synth.Config{Seed: 2})) {
		t.Error("another seed gives the same day")
	}
	if n := len(whole(synth.Config{Seed: 1, Events: 6000})); n < len(first)*3/2 {
		t.Errorf("twice the events are %d bytes, once %d", n, len(first))
	}
}

// The starter rules find every step that is planted, and above the low level
// nothing else; in a clean day they find nothing.
func TestRulesFindWhatIsPlantedAndNothingElse(t *testing.T) {
	rules, err := hunt.LoadRules(t.Context(), nil, starter.FS(), sigma.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []synth.Config{{Seed: 1}, {Seed: 7, Machines: 40, Events: 8000}, {Seed: 3, Only: []string{"remote_tool", "copy_script"}}, {Seed: 1, Clean: true}} {
		day := synth.New(c)
		dir := t.TempDir()
		for _, f := range day.Files() {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		told := make([]map[string]bool, len(day.Planted()))
		for i := range told {
			told[i] = map[string]bool{}
		}
		scan := &hunt.Scan{Paths: []string{dir}, Rules: rules, Least: sigma.Medium, Workers: 1}
		report, err := scan.Run(t.Context(), func(d *hunt.Detection) error {
			for i, p := range day.Planted() {
				if p.Tells(d.Rule.ID, d.Host) {
					told[i][d.Rule.ID] = true
					return nil
				}
			}
			t.Errorf("seed %d: nothing was planted for %s on %s: %v", c.Seed, d.Rule.Title, d.Host, d.Why)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if int(report.Events) != day.Events() || len(report.Passed) > 0 {
			t.Errorf("seed %d: %d of %d events were read, passed over %v", c.Seed, report.Events, day.Events(), report.Passed)
		}
		for i, p := range day.Planted() {
			if len(told[i]) != len(p.Rules) {
				t.Errorf("seed %d: of %d rules %d tell of %s", c.Seed, len(p.Rules), len(told[i]), p.Step)
			}
		}
	}
}
