package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestKindsSayStatusAndExit(t *testing.T) {
	for k := Internal; k <= Unmet; k++ {
		if k.String() == "" || k.Status() < 400 || k.Exit() < 1 || k.Exit() > 3 {
			t.Errorf("kind %d: name %q status %d exit %d", int(k), k, k.Status(), k.Exit())
		}
	}
}

func TestOfFindsTheFaultThroughWrapping(t *testing.T) {
	base := New(Conflict, "incident.already_closed", "id", "x")
	err := fmt.Errorf("submit: %w", base.Because(errors.New("disk")))
	if got := Of(err); got.Kind != Conflict || got.Args["id"] != "x" {
		t.Fatalf("Of = %+v", got)
	}
	if !errors.Is(err, base) {
		t.Error("errors.Is must compare by code")
	}
	if Of(errors.New("boom")).Kind != Internal || Of(nil) != nil {
		t.Error("an unclassified error is internal; nil stays nil")
	}
}

func TestAtDoesNotShareItsPlaces(t *testing.T) {
	a := New(Invalid, "x").At(Place{At: "row 1", Code: "c"})
	_, b := a.At(Place{At: "row 2", Code: "c"}), a.At(Place{At: "row 3", Code: "c"})
	if len(a.Places) != 1 || b.Places[1].At != "row 3" {
		t.Errorf("places leaked: %v %v", a.Places, b.Places)
	}
}
