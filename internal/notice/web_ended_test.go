package notice

import (
	"strings"
	"testing"
	"time"
)

// What was taken back asks for nothing any more: no clock, and nothing new.
func TestEndedLettersHaveNoClock(t *testing.T) {
	d := newDoor(t)
	n := d.told("wind")
	v := d.visit(asWind)
	if page := v.get(200, "/letters"); !strings.Contains(page, "新着") {
		t.Error("a letter that nobody opened is not marked as new")
	}
	if err := d.Withdraw(d.analyst(), n.ID, "間違いでした"); err != nil {
		t.Fatal(err)
	}
	d.Clock.Pass(20 * 24 * time.Hour)
	for _, path := range []string{"/letters", "/letters/" + n.Number} {
		page := v.get(200, path)
		if strings.Contains(page, "過ぎて") || strings.Contains(page, "新着") {
			t.Errorf("%s has a clock, or is new", path)
		}
		if !strings.Contains(page, "答えは要りません") || !strings.Contains(page, "取り消") {
			t.Errorf("%s does not say that nothing is asked", path)
		}
	}
}
