package detect

import (
	"net/netip"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// asking is a machine that asks for names one after the other, none of which exists.
func asking(labels []string) (all []record.Record) {
	n := record.NewNaming([32]byte{1}, false)
	for i, label := range labels {
		at := noon + int64(i)*20*second
		r := record.Record{Start: at, End: at, Src: inner, Dst: netip.MustParseAddr("192.168.9.53"), SrcPort: 5000, DstPort: 53, Proto: 17,
			App: record.DNSApp, Packets: [2]uint64{1, 1}, Bytes: [2]uint64{70, 90}}
		name := []byte("www." + label)
		q := record.DNS{At: at, Name: n.Host(name), Whole: n.Fold(name), Type: 1, Answered: true, Rcode: 3, Length: uint8(len(name))}
		n.Judge(&q, name)
		r.AddDNS(q)
		all = append(all, r)
	}
	return all
}

// Names are told of by how they read, not by whether their record hides them:
// a long name that people chose is hidden, too.
func TestHiddenNamesAreJudged(t *testing.T) {
	var chosen, made []string
	for _, town := range []string{"sapporo", "sendai", "yokohama", "nagoya", "osaka", "hiroshima", "fukuoka", "kagoshima", "kanazawa", "niigata", "okayama", "matsuyama"} {
		chosen = append(chosen, town+"-kensetsu-kabushikigaisha.co.jp")
	}
	for _, label := range []string{"xkqzwvtbnplr", "qjzxkvbwfhgtr", "vxqkzjhwtfdpb", "zq8x3kv7wj2hb9tf", "bvgxqzkwrjtplm", "hwqkzxvjbtrfgd", "wkjxqvzbhtnrdl",
		"pzqxwvkjhbtgfr", "tqzxvkwjrbhgpl", "mxqzkvwjtbrhdf", "rkqzxwvjbhtpgl", "kqxzvwjhtbrgfd"} {
		made = append(made, label+".net")
	}
	for _, r := range append(asking(chosen), asking(made)...) {
		if shown := r.DNS[0].Name.String(); shown[4] != '{' {
			t.Fatalf("%s is shown", shown)
		}
	}
	if all := found(GeneratedDomains, asking(chosen), Config{}); len(all) != 0 {
		t.Errorf("nobody generated these\n%s", list(all, 0))
	}
	if f := best(found(GeneratedDomains, asking(made), Config{})); f.Score < worth || f.Src != inner || f.Number("different") < 7.5 || f.part("model") < 0.98 {
		t.Errorf("%s", list([]Finding{f}, 0))
	}
}
