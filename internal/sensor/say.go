package sensor

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
)

// Part is one of the sub-scores that a finding rests on, in words.
type Part struct{ Name, Hundred, Width, Rests string }

// FoundOf is a finding of the detectors as a source gives it to the hub.
func FoundOf(f *detect.Finding) (Found, error) {
	raw, err := f.JSON("")
	if err != nil {
		return Found{}, fmt.Errorf("finding: %w", err)
	}
	var out Found
	err = json.Unmarshal(raw, &out)
	return out, err
}

// Say is a finding in one sentence.
func Say(p text.Printer, x *Finding) string {
	say, _, _, _ := explain(p, x)
	return say
}

// explain says a finding in words: a sentence, what to do now, the sub-scores
// and what they rest on, the pictures.
func explain(p text.Printer, x *Finding) (say string, steps []string, parts []Part, pictures []page.Figure) {
	var e struct {
		Scores map[string]float64 `json:"scores"`
	}
	if json.Unmarshal(x.Evidence, &e) == nil {
		for _, name := range slices.Sorted(maps.Keys(e.Scores)) {
			parts = append(parts, Part{Name: name, Hundred: strconv.FormatFloat(e.Scores[name], 'f', 2, 64), Width: fmt.Sprintf("%.0f", 100*e.Scores[name])})
		}
	}
	return kindWord(p, x.Kind), nil, parts, nil
}
