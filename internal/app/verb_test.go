package app

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

// TestRefusalsSayTheVerbInWords holds the words of refusals against the tables of
// all nouns: each verb has words in both languages, and there are none of a verb
// that is gone. A program still gets the verb's own name.
func TestRefusalsSayTheVerbInWords(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	all := verbs()
	for _, lang := range text.Langs {
		said := map[string]string{}
		p := words.Printer(lang, nil)
		for _, verb := range all {
			_, _, err := gate.Table{verb: {}}.Allow(gate.With(t.Context(), gate.Identity{}), verb)
			title := p.Fault(err).Title
			if !errors.Is(err, gate.ErrRole) || strings.Contains(title, verb) || strings.Contains(title, "[") {
				t.Errorf("%s: %s: %s", lang, verb, title)
			}
			if other := said[title]; other != "" {
				t.Errorf("%s: %s and %s are told alike: %s", lang, verb, other, title)
			}
			said[title] = verb
		}
	}
	for _, key := range words.Keys() {
		if verb, ok := strings.CutPrefix(key, "gate.may."); ok && !slices.Contains(all, verb) {
			t.Errorf("%s: there is no such verb", key)
		}
	}
}
