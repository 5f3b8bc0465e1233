package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
)

// What the demo shows of a carrier's own network is what its equipment holds: the
// files that real drivers wrote.
func TestDemoOwnNetwork(t *testing.T) {
	c := built(t, 1, 0)
	defer c.box.close()
	list, _, _, err := c.h.Acts.List(c.as(t, "telecom", gate.CarrierClerk), act.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	states := map[act.State]int{}
	for _, o := range list {
		states[o.State]++
	}
	if len(list) != 3 || states[act.Live] != 1 || states[act.Undone] != 1 || states[act.Asked] != 1 || list[0].DriedAt.IsZero() {
		t.Errorf("%d orders: %v", len(list), states)
	}
	dir := filepath.Join(c.h.Config.Hub.DataDir, "act", "telecom")
	zone, err := os.ReadFile(filepath.Join(dir, "rpz.zone"))
	if err != nil || !strings.Contains(string(zone), "c2.hibana.example") {
		t.Errorf("the zone: %v %.300s", err, zone)
	}
	proxy, err := os.ReadFile(filepath.Join(dir, "proxy.txt"))
	if err != nil || strings.Contains(string(proxy), "kagerou") {
		t.Errorf("the proxy's list: %v %.300s", err, proxy)
	}
}
