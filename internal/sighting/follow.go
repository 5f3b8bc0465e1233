package sighting

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// releasedEvent is what this noun needs of an event of the sensors.
type releasedEvent struct {
	Finding string `json:"finding"`
	Org     string `json:"org"`
	Named   bool   `json:"named"`
	Lang    string `json:"lang"`
	Entry   string `json:"entry"`
}

// Followers make sightings of what others release.
func Followers(s *Service) []bus.Follower {
	return []bus.Follower{{Name: "sighting.findings", Subjects: []string{"sensor.released"}, Handle: s.followReleased}}
}

// followReleased makes a sighting of a finding: the other end and how often,
// with the evidence as a file.
func (s *Service) followReleased(ctx context.Context, tx *db.Tx, ev bus.Event) error {
	var e releasedEvent
	if err := json.Unmarshal(ev.Data, &e); err != nil {
		return fmt.Errorf("sensor.released: %w", err)
	}
	f, err := s.Sensors.Released(ctx, tx, e.Org, e.Finding)
	if err != nil {
		return fmt.Errorf("sighting of finding %s: %w", e.Finding, err)
	}
	lang, _ := text.ParseLang(e.Lang)
	n := New{What: Indicator, Value: f.Releasable, Count: f.Times, FirstAt: f.Start, LastAt: f.End, Origin: FromSensor, Ref: f.ID, Named: e.Named, Note: s.Say(lang, f, e.Named)}
	x, err := s.Put(ctx, tx, e.Org, e.Entry, n)
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return nil // what no sighting can say is refused at the release; trying again would change nothing
	}
	if err != nil {
		return fmt.Errorf("sighting of finding %s: %w", e.Finding, err)
	}
	raw, err := json.Marshal(f.Found)
	if err != nil {
		return fmt.Errorf("sighting of finding %s: %w", e.Finding, err)
	}
	m, err := s.Blobs.Stage(bytes.NewReader(raw), "finding.json")
	if err != nil {
		return fmt.Errorf("sighting of finding %s: %w", e.Finding, err)
	}
	_, err = s.Blobs.Add(ctx, tx, m, e.Org, objectOf(x.ID))
	return err
}
