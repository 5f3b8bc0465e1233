package dissect

import (
	"encoding/json"
	"testing"
)

// JA4 of every client that the collection of FoxIO names.
func TestJA4Corpus(t *testing.T) {
	files := archive(t, "pcap/ja4-dev.zip")
	var want map[string][]map[string]any
	if err := json.Unmarshal(content(t, files["ja4-expected.json"]), &want); err != nil {
		t.Fatal(err)
	}
	// The description writes the ends of a name that is not ASCII in hexadecimal
	// ("0xAB 0xCD" is "ad"); what was expected here is an earlier rule's "99".
	known := map[string]string{"t13d151699_8daaf6152771_e5627efa2ab1": "t13d1516bd_8daaf6152771_e5627efa2ab1"}
	checked, wrong := 0, 0
	for name, rows := range want {
		p := newPlayer()
		p.file(t, name, content(t, files["pcap/"+name]))
		have := map[string][]string{}
		for _, f := range p.order {
			ja4 := ""
			switch {
			case f.rec.TLS != nil:
				ja4 = f.rec.TLS.JA4.String()
			case f.rec.QUIC != nil:
				ja4 = f.rec.QUIC.JA4.String()
			}
			have[f.src] = append(have[f.src], ja4)
		}
		for _, row := range rows {
			for k, v := range row {
				if k[:3] != "JA4" || len(k) != 5 || k[3] != '.' {
					continue
				}
				if checked++; known[v.(string)] != "" {
					v = known[v.(string)]
				}
				from := joinPort(row["src"].(string), row["srcport"].(string))
				ok := false
				for _, ja4 := range have[from] {
					ok = ok || ja4 == v
				}
				if !ok {
					wrong++
					t.Errorf("%s: %s: %q, want %s %v", name, from, have[from], k, v)
				}
			}
		}
	}
	t.Logf("%d of %d fingerprints", checked-wrong, checked)
	if checked == 0 {
		t.Error("nothing was compared")
	}
}

func joinPort(host, port string) string {
	for _, c := range host {
		if c == ':' {
			return "[" + host + "]:" + port
		}
	}
	return host + ":" + port
}
