package flow

import (
	"testing"

	"noroshi/internal/engine/flow/record"
)

// What routers exported in a capture becomes records beside the datagrams' own,
// in the same order whatever the number of workers.
func TestExportsInCaptures(t *testing.T) {
	files, rows, datagrams := archives{}, 0, uint64(0)
	for _, name := range index(t) {
		if len(name) < 24 || name[:24] != "pcap/netflow-graylog.zip" {
			continue
		}
		b := files.read(t, name)
		var orders [2][]byte
		for i, workers := range []int{1, 3} {
			n := 0
			s := track(t, b, Options{Exports: true, Workers: workers}, func(r *record.Record) error {
				n++
				orders[i] = record.AppendJSON(orders[i], r)
				if r.End < r.Start || r.Packets[0]+r.Packets[1] == 0 && r.Bytes[0]+r.Bytes[1] != 0 {
					t.Errorf("%s: %+v", name, r)
				}
				return nil
			})
			if i == 0 {
				rows += n - int(s.Flows)
				datagrams += s.Exports
			}
		}
		if string(orders[0]) != string(orders[1]) {
			t.Errorf("%s: three workers say something else", name)
		}
	}
	if t.Logf("%d records in %d datagrams", rows, datagrams); rows == 0 || datagrams == 0 {
		t.Error("nothing was exported")
	}
}
