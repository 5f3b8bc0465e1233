package hunt

import (
	"slices"
	"time"
)

// maxSigns bounds what a report of a file keeps for the path: rules on hosts of
// accounts.
const maxSigns = 4000

// signs gathers what the path is made of out of detections.
type signs struct {
	byKey map[signKey]*sign
	list  []*sign
	More  int // detections beyond the bound
}

type signKey struct{ rule, host, user string }

func (s *signs) add(d *Detection, title string) {
	key := signKey{d.Rule.Ref(), fold(d.Host), fold(d.User)}
	x := s.byKey[key]
	if x == nil {
		if len(s.list) >= maxSigns {
			s.More++
			return
		}
		x = &sign{Level: d.Rule.Level, Host: d.Host, User: d.User, Tactics: knownTactics(Tactics(d.Rule)), Title: title}
		if s.byKey == nil {
			s.byKey = map[signKey]*sign{}
		}
		s.byKey[key], s.list = x, append(s.list, x)
	}
	x.Count++
	if d.Time != 0 {
		at := time.Unix(0, d.Time)
		if x.At.IsZero() || at.Before(x.At) {
			x.At = at
		}
		for _, t := range []int64{d.Time, d.Last} {
			if end := time.Unix(0, t); t != 0 && end.After(x.Last) {
				x.Last = end
			}
		}
	}
	if x.From == "" && x.To == "" && len(d.Event) > 0 {
		x.between(func(name string) string {
			if i := slices.IndexFunc(d.Event, func(f Field) bool { return f.Name == name }); i >= 0 {
				return clip(d.Event[i].Value, maxName)
			}
			return ""
		})
	}
}

// route is the path of what was gathered: of what is grave, where there is any.
func (s *signs) route() *route {
	var list []sign
	for _, x := range s.list {
		if x.Level >= pathLevel {
			list = append(list, *x)
		}
	}
	p := newRoute(list)
	p.Left += s.More
	return p
}

// knownTactics are those that a person can be told of.
func knownTactics(list []string) []string {
	return slices.DeleteFunc(list, func(t string) bool { return !slices.Contains(tactics, t) })
}
