package zeek

import (
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// Names of a log are judged before they are shortened; those of machines in
// the same house are not.
func TestNamesAreJudged(t *testing.T) {
	line := `{"_path":"dns","ts":1.5,"id.orig_h":"10.0.0.1","id.orig_p":53000,"id.resp_h":"10.0.0.2","id.resp_p":%d,"proto":"udp","query":"%s","qtype":1,"rcode":3}` + "\n"
	in := ""
	for _, q := range []struct {
		port int
		name string
	}{{53, "www.xkqzwvtbnplr.co.jp"}, {53, "WWW.XKQZWVTBNPLR.co.jp."}, {5353, "www.xkqzwvtbnplr.co.jp"}, {53, "www.asahi.com"}, {53, "1.0.0.10.in-addr.arpa"}} {
		in += fmt.Sprintf(line, q.port, q.name)
	}
	n := naming()
	all, _ := read(t, strings.NewReader(in), n)
	if len(all) != 5 {
		t.Fatalf("%d records", len(all))
	}
	for i := range all[:2] {
		d := all[i].DNS[0]
		if d.Made <= 250 || d.Own != n.Fold([]byte("xkqzwvtbnplr.co.jp")) {
			t.Errorf("%d: %+v", i, d)
		}
		if b := strings.ToLower(string(record.AppendJSON(nil, &all[i]))); strings.Contains(b, "xkqz") || strings.Contains(b, "nplr") {
			t.Errorf("shown: %s", b)
		}
	}
	if d := all[2].DNS[0]; d.Made != 0 || d.Own != (record.Hash{}) {
		t.Errorf("mDNS: %+v", d)
	}
	if d := all[3].DNS[0]; d.Made == 0 || d.Made > 128 || d.Own != n.Fold([]byte("asahi.com")) {
		t.Errorf("%+v", d)
	}
	if d := all[4].DNS[0]; d.Made != 0 || d.Own != (record.Hash{}) {
		t.Errorf("a reverse lookup: %+v", d)
	}
}
