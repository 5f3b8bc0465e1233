package hunt

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// navigatorSink writes a layer of the ATT&CK Navigator, format 4.5: techniques
// by the gravest rule that was hit, with the rules and counts as comment.
type navigatorSink struct {
	Picture
	w io.Writer
	p text.Printer
}

func (s *navigatorSink) take(d *Detection) error {
	s.add(d)
	return nil
}

type layer struct {
	Name        string            `json:"name"`
	Versions    map[string]string `json:"versions"`
	Domain      string            `json:"domain"`
	Description string            `json:"description"`
	Sorting     int               `json:"sorting"` // 3: by score, highest first
	HideOff     bool              `json:"hideDisabled"`
	Techniques  []layerTechnique  `json:"techniques"`
	Gradient    layerGradient     `json:"gradient"`
	Legend      []layerLegend     `json:"legendItems"`
}

type layerTechnique struct {
	ID       string      `json:"techniqueID"`
	Score    int         `json:"score"` // 0 to 100: 20 for each level
	Comment  string      `json:"comment"`
	Enabled  bool        `json:"enabled"`
	Metadata []layerPair `json:"metadata"`
	Expand   bool        `json:"showSubtechniques"`
}

type layerPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type layerGradient struct {
	Colors []string `json:"colors"`
	Min    int      `json:"minValue"`
	Max    int      `json:"maxValue"`
}

type layerLegend struct {
	Label string `json:"label"`
	Color string `json:"color"`
}

// layerColors are those of levels, from informational on.
var layerColors = []string{"#e8eef4", "#c9d9e8", "#f3d9a4", "#e99a5c", "#c8402f"}

// commented is how many rules a technique's comment names.
const commented = 20

func (s *navigatorSink) close(*Report) error {
	s.rank()
	l := layer{Name: s.p.T("hunt.layer.name"), Versions: map[string]string{"layer": "4.5", "navigator": "5.1.0"}, Domain: "enterprise-attack",
		Description: s.p.T("hunt.layer.about", "n", s.Count), Sorting: 3, Techniques: []layerTechnique{}, Gradient: layerGradient{layerColors, 0, 100}}
	for level := sigma.Informational; level <= sigma.Critical; level++ {
		l.Legend = append(l.Legend, layerLegend{s.p.T("hunt.level." + level.String()), layerColors[level-1]})
	}
	for id, levels := range s.Attack {
		t := layerTechnique{ID: id, Enabled: true, Expand: strings.Contains(id, "."), Metadata: []layerPair{}}
		n := 0
		for level, k := range levels {
			n += k
			if k > 0 {
				t.Score = 20 * level
			}
		}
		t.Metadata = append(t.Metadata, layerPair{s.p.T("hunt.layer.count"), fmt.Sprint(n)})
		var rules []string
		for _, g := range s.Groups {
			if slices.Contains(Techniques(g.Rule), id) && len(rules) < commented {
				rules = append(rules, fmt.Sprintf("%s (%d)", ruleTitle(s.p, g.Rule), g.Count))
			}
		}
		t.Comment = strings.Join(rules, "\n")
		l.Techniques = append(l.Techniques, t)
	}
	slices.SortFunc(l.Techniques, func(a, b layerTechnique) int { return cmp.Compare(a.ID, b.ID) })
	enc := json.NewEncoder(s.w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(l)
}
