package app

import (
	"errors"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/sensor"
	"noroshi/internal/sensor/synth"
	"noroshi/internal/sighting"
)

// traffic is the part of the story in which an operator's own traffic is read.
type traffic struct {
	*story
	uplink  sensor.Source
	planted []synth.Planted
	found   []sensor.Found
	id      string // of the finding that is released
}

// trafficScenes follow the situation room: on the same network, what the
// records of a day give away.
func (s *story) trafficScenes() []scene {
	t := &traffic{story: s}
	at := func(hour, minute int) time.Duration {
		return 7*day + time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	}
	return []scene{
		{"sensor", at(31, 10), t.basis},
		{"sensor", at(31, 30), t.read},
		{"sensor", at(31, 40), t.kept},
		{"sighting", at(31, 50), t.released},
	}
}

// basis registers the uplink. Acquired traffic is refused, on the record.
func (t *traffic) basis() (string, error) {
	admin, err := t.acting("power", gate.OperatorAdmin)
	if err != nil {
		return "", err
	}
	_, refused := t.h.Sensors.Register(admin, sensor.NewSource{Name: "x", Kind: sensor.Interface, Basis: sensor.Acquisition})
	if err := must(errors.Is(refused, sensor.ErrAcquisition), "acquired traffic was taken: %v", refused); err != nil {
		return "", err
	}
	t.more = append(t.more, t.why(refused))
	t.uplink, err = t.h.Sensors.Register(admin, sensor.NewSource{Name: t.words("本社の外部接続のログ", "Logs of the head office uplink"), Kind: sensor.Logs, Basis: sensor.OwnNetwork, Networks: "10.20.0.0/16"})
	return t.say.T("app.story.sensor_basis", "name", t.uplink.Name), err
}

// read reads a day with attacks planted into it and says which were found.
func (t *traffic) read() (string, error) {
	night, err := t.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	var r sensor.Reading
	if r, t.found, t.planted, err = aDay(t.clock.Now()); err != nil {
		return "", err
	}
	if _, err := t.h.Sensors.Take(night, t.uplink.ID, r, t.found); err != nil {
		return "", err
	}
	hit := 0
	for _, p := range t.planted {
		if slices.ContainsFunc(t.found, func(f sensor.Found) bool { return tells(f, p) }) {
			hit++
		} else {
			t.more = append(t.more, t.say.T("app.story.sensor_missed", "plant", p.Plant))
		}
	}
	return t.say.T("app.story.sensor_read", "records", t.say.Number(int64(r.Records)), "planted", len(t.planted), "hit", hit, "found", len(t.found)),
		must(hit >= len(t.planted)-1, "%d of %d planted attacks were found", hit, len(t.planted))
}

// tells reports whether a finding tells of a planted attack.
func tells(f sensor.Found, p synth.Planted) bool {
	same := func(planted, found string) bool { return planted == "" || planted == found }
	if f.Kind != p.Kind || !same(p.Src, f.Src) {
		return false
	}
	return same(p.Dst, f.Dst) || same(p.Name, f.Dst) || strings.Contains(string(f.Evidence), `"`+p.Dst+`"`)
}

// kept looks at the findings as somebody else: the analyst is refused, another
// operator has none, and no count gives them away.
func (t *traffic) kept() (string, error) {
	analyst, err := t.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	_, _, refused := t.h.Sensors.Findings(analyst, sensor.Filter{})
	if err := must(refused != nil, "the analyst reads findings of an operator"); err != nil {
		return "", err
	}
	other, err := t.acting("starlight", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	list, _, err := t.h.Sensors.Findings(other, sensor.Filter{})
	if err != nil {
		return "", err
	}
	return t.say.T("app.story.sensor_kept", "office", t.named("office"), "org", t.named("starlight")), must(len(list) == 0, "another operator sees %d findings", len(list))
}

// released gives one finding to the analysts: they see the other end and
// nothing of whose network it was.
func (t *traffic) released() (string, error) {
	night, err := t.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	list, _, err := t.h.Sensors.Findings(night, sensor.Filter{Open: true, Kind: "beacon", Limit: 1})
	if err == nil {
		err = must(len(list) == 1, "no beacon waits")
	}
	if err != nil {
		return "", err
	}
	t.id = list[0].ID
	given, err := t.h.Sensors.Release(night, t.id, false)
	if err != nil {
		return "", err
	}
	if err := t.settle(t.ctx); err != nil {
		return "", err
	}
	analyst, err := t.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	seen, _, err := t.h.Sightings.List(analyst, sighting.Filter{Value: given.Releasable})
	if err == nil {
		err = must(len(seen) == 1 && seen[0].Org == "" && seen[0].Victim == "" && !strings.Contains(seen[0].Note, list[0].Src), "%d sightings, or one that names the operator", len(seen))
	}
	if err != nil {
		return "", err
	}
	own, _, err := t.h.Sightings.List(night, sighting.Filter{Value: given.Releasable})
	return t.say.T("app.story.sensor_released", "value", seen[0].Value), must(err == nil && len(own) == 1 && own[0].Ref == t.id, "the operator finds %d of its own", len(own))
}
