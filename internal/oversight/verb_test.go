package oversight

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/measure"
	"noroshi/internal/selection"
)

// byTheClock are acts that no table of access has: nobody does them.
var byTheClock = map[string]bool{"approval.expire": true, "selection.interrupt": true, "selection.erase": true, "measure.lapse": true, "measure.alarm": true, "act.end": true, "act.alarm": true,
	"oversight.remind": true, "oversight.draw": true, "oversight.forget": true, "oversight.replay": true,
	"ledger.cosigned": true}

// TestTheTableOfVerbsIsThatOfTheNouns: a verb that a noun lets somebody do is one
// that the replay knows, and one that it knows somebody may do.
func TestTheTableOfVerbsIsThatOfTheNouns(t *testing.T) {
	known, allowed := verbsOfPower(), map[string]bool{}
	for _, table := range []gate.Table{approval.Access, selection.Access, measure.Access} {
		for verb := range table {
			allowed[verb] = true
		}
	}
	written := regexp.MustCompile(`(?m)^\s*"((?:act|measure|oversight)\.[a-z_]+)":|Verb: +"([a-z]+\.[a-z_]+)"`)
	for _, dir := range []string{"../approval", "../selection", "../measure", "../measure/act", "../measure/request", "desk"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			base := filepath.Base(name)
			if strings.HasSuffix(base, "_test.go") || base != "rules_access.go" && !strings.HasPrefix(base, "service") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range written.FindAllStringSubmatch(string(raw), -1) {
				if m[1] != "" {
					allowed[m[1]] = true
				} else if verb := m[2]; !allowed[verb] && !byTheClock[verb] && powers[string(nounOf([]byte(verb)))] {
					t.Errorf("%s: %s is in no table of access", name, verb)
				}
			}
		}
	}
	for verb := range allowed {
		if _, ok := known[verb]; !ok && powers[string(nounOf([]byte(verb)))] {
			t.Errorf("%s is done by somebody, and no replay knows it", verb)
		}
	}
	for verb := range known {
		if !allowed[verb] && !byTheClock[verb] && powers[string(nounOf([]byte(verb)))] {
			t.Errorf("a replay takes %s, and nobody may do it", verb)
		}
	}
}
