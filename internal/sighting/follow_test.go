package sighting

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/gate"
	"noroshi/internal/sensor"
)

// A finding that its organisation releases becomes one sighting with its
// evidence, and tells the analyst nothing of whose network it was.
func TestReleasedFindingIsASighting(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		events := bus.New(h.DB, slog.New(slog.NewTextHandler(t.Output(), nil)), Followers(h.Service)...)
		source, err := h.Sensors.Register(h.as("wind", 1, gate.OperatorAdmin), sensor.NewSource{Name: "x", Kind: sensor.Logs, Basis: sensor.Test})
		if err != nil {
			t.Fatal(err)
		}
		now := h.Clock.Now()
		found := sensor.Found{Kind: "beacon", Score: 0.9, Src: "192.0.2.41", Dst: "203.0.113.84", Start: now, End: now, Evidence: json.RawMessage(`{"times":12}`)}
		if _, err := h.Sensors.Take(h.wind(), source.ID, sensor.Reading{From: now, Until: now}, []sensor.Found{found}); err != nil {
			t.Fatal(err)
		}
		findings, _, err := h.Sensors.Findings(h.wind(), sensor.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Sensors.Release(h.wind(), findings[0].ID, false); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := events.Settle(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		list, _, err := h.List(h.wind(), Filter{})
		if err != nil || len(list) != 1 || list[0].Value != "203.0.113.84" || list[0].Origin != FromSensor || list[0].Ref != findings[0].ID || list[0].Note != "beacon ja false" {
			t.Fatalf("%+v %v", list, err)
		}
		x, err := h.Get(h.wind(), list[0].ID)
		if err != nil || len(x.Files) != 1 {
			t.Fatalf("%+v %v", x, err)
		}
		_, content, err := h.Download(h.wind(), x.ID, x.Files[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		if raw, err := io.ReadAll(content); err != nil || !strings.Contains(string(raw), `"times":12`) {
			t.Errorf("%s %v", raw, err)
		}
		if got, err := h.Get(h.analyst(), x.ID); err != nil || got.Org != "" || got.Ref != "" || len(got.Files) != 0 || strings.Contains(got.Note, "192.0.2") {
			t.Errorf("the analyst reads %+v %v", got, err)
		}
	})
}
