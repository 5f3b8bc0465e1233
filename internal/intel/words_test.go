package intel

import (
	"strings"
	"testing"

	"noroshi/internal/base/text"
	"noroshi/internal/testkit"
)

// Every sentence is said, and every sentence that is said is written.
func TestEveryWordIsUsed(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	for key := range testkit.Said(t, "intel", Words) {
		// Verbs of the gate and topics have one dot; commands have words elsewhere.
		if strings.Count(key, ".") > 1 && !strings.HasSuffix(key, ".") && !strings.HasPrefix(key, "intel.cli") && !words.Has(key) {
			t.Errorf("%s: is said and not written", key)
		}
	}
}
