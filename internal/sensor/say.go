package sensor

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow/record"
)

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

// Say is a finding in one sentence, for those it is released to: with its ends
// if its organisation is named, else with nothing of whose network it was.
func Say(p text.Printer, f *Finding, named bool) string {
	if named {
		return FindingText(p, f.detected())
	}
	return p.T("sensor.release.note", "kind", kindWord(p, f.Kind), "from", p.Time(f.Start), "to", p.Time(f.End), "score", strconv.FormatFloat(f.Score, 'f', 2, 64))
}

// detected is the finding as the detectors had it, as far as its evidence
// tells; what is not understood of it is left out.
func (f *Finding) detected() *detect.Finding {
	out := &detect.Finding{Kind: detect.Kind(f.Kind), Score: f.Score, Attack: f.Attack, Start: f.Start.UnixNano(), End: f.End.UnixNano()}
	out.Src, _ = netip.ParseAddr(f.Src) // not every finding has both ends
	var err error
	if out.Dst, err = netip.ParseAddr(f.Dst); err != nil {
		out.Name = f.Dst
	}
	var evidence map[string]any
	if json.Unmarshal(f.Evidence, &evidence) != nil {
		return out
	}
	for _, key := range sortedKeys(evidence) {
		switch v := evidence[key].(type) {
		case map[string]any:
			if key == "parts" {
				for _, k := range sortedKeys(v) {
					if score, ok := v[k].(float64); ok {
						out.Parts = append(out.Parts, detect.Part{Key: k, Score: score})
					}
				}
			}
		case []any:
			out.Facts = append(out.Facts, detect.Fact{Key: key, Value: row(key, v)})
		case float64:
			if key == "port" && v >= 0 && v <= math.MaxUint16 {
				out.Port = uint16(v)
				continue
			}
			out.Facts = append(out.Facts, detect.Fact{Key: key, Value: v})
		case string:
			switch key {
			case "app":
				out.App, _ = record.ParseApp(v)
			case "address":
				out.Dst, _ = netip.ParseAddr(v)
			default:
				out.Facts = append(out.Facts, detect.Fact{Key: key, Value: v})
			}
		case bool:
			out.Facts = append(out.Facts, detect.Fact{Key: key, Value: v})
		}
	}
	return out
}

// row is a list of the evidence as the detectors have it: words, counts of gaps,
// or numbers.
func row(key string, list []any) any {
	var words []string
	var numbers []float64
	for _, v := range list {
		switch v := v.(type) {
		case string:
			words = append(words, v)
		case float64:
			numbers = append(numbers, v)
		}
	}
	switch {
	case len(words) > 0:
		return words
	case key == "gaps":
		whole := make([]int64, len(numbers))
		for i, v := range numbers {
			whole[i] = int64(v)
		}
		return whole
	}
	return numbers
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
