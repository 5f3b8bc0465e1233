package sensor

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// maxPlaces is at how many places findings of one feed are said to be wrong.
const maxPlaces = 50

// apart are the facts that make two findings of the same kind and ends two:
// those by which the detectors themselves tell them apart.
var apart = [...]string{"port", "app", "through", "print", "tool"}

// sameness is what two findings have in common that are one, seen twice.
func (f *Found) sameness() string {
	parts := []string{f.Kind, f.Src, f.Dst}
	var facts map[string]json.RawMessage
	_ = json.Unmarshal(f.Evidence, &facts) // was read when it came in; without evidence there is nothing more
	for _, key := range apart {
		parts = append(parts, string(facts[key]))
	}
	return strings.Join(parts, "\x00")
}

// sorted checks the findings of one feed, of a source with names in full or not, and leaves of those that are the same
// one that with the highest score, in the place of the first.
func sorted(found []Found, now time.Time, full bool) ([]Found, error) {
	out := make([]Found, 0, len(found))
	place := make(map[string]int, len(found))
	var bad []fault.Place
	for i := range found {
		f, err := found[i].normal(now, full)
		if err != nil {
			if bad = append(bad, at(err, i)...); len(bad) >= maxPlaces {
				break
			}
			continue
		}
		k := f.sameness()
		have, ok := place[k]
		switch {
		case !ok:
			place[k] = len(out)
			out = append(out, f)
		case thousandths(f.Score) > thousandths(out[have].Score):
			out[have] = f
		}
	}
	return out, problems(bad).fault()
}

// thousandths is a score as it is kept.
func thousandths(score float64) int64 { return int64(math.Round(score * 1000)) }

// with is a finding after it came in again as f, and whether that changed
// anything; sealed is nil when what f says takes the place of what was there.
// What was seen last counts: what ends earlier only makes the finding begin
// earlier, and of what ends at the same time the higher score stays.
func (old Finding) with(f Finding, now time.Time, out *TakenIn) (next Finding, changed bool) {
	newer, older := f.End.After(old.End), f.End.Before(old.End)
	better := !newer && !older && thousandths(f.Score) > thousandths(old.Score)
	longer := f.Start.Before(old.Start)
	next = old
	if newer || better {
		next.Source, next.Found, next.Entry, next.sealed = f.Source, f.Found, f.Entry, nil
		next.Rank = rankOf(&f.Found)
		next.Start = old.Start
	}
	if longer {
		next.Start = f.Start
	}
	if newer || older && longer {
		next.Times++
	}
	urgent := next.Rank < old.Rank
	harmless := old.State == Benign && now.Before(old.UntilAt)
	switch {
	case harmless && !urgent:
		next.Rank = old.Rank // of when it was called harmless: what falls and rises again is no news
		out.Unheard++
	case harmless, (old.State == Benign || old.State == Over) && (newer || urgent):
		next.State, next.UntilAt, next.TakenBy = Fresh, time.Time{}, ""
		out.New++
	default:
		out.Again++
	}
	return next, newer || better || longer
}
