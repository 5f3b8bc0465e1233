package dissect

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/testkit"
	"os"
	"regexp"
	"strings"
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

// tsharkRow is what tshark saw in one capture.
type tsharkRow struct {
	Pcap string   `json:"pcap"`
	SNI  []string `json:"tls.handshake.extensions_server_name"`
	JA3  []string `json:"tls.handshake.ja3"`
	SSH  []string `json:"ssh.protocol"`
	QUIC []string `json:"quic.version"`
}

// Names, fingerprints, banners and versions as tshark has them, capture by
// capture.
func TestTsharkFields(t *testing.T) {
	path := sharedData + "pcap/pcap-tshark-fields.jsonl.gz"
	b, err := os.ReadFile(path)
	if err != nil {
		testkit.Skip(t, "pcap-tshark-fields.jsonl.gz is not there")
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	archives := map[string]map[string]*zip.File{}
	checked, told := map[string]int{}, map[string]bool{}
	for lines := json.NewDecoder(z); lines.More(); {
		var row tsharkRow
		if err := lines.Decode(&row); err != nil {
			t.Fatal(err)
		}
		if len(row.SNI)+len(row.JA3)+len(row.SSH)+len(row.QUIC) == 0 {
			continue
		}
		zipped, member, ok := strings.Cut(row.Pcap, "!")
		if !ok {
			t.Fatalf("%s is in no archive", row.Pcap)
		}
		if archives[zipped] == nil {
			archives[zipped] = archive(t, zipped)
		}
		p := newPlayer()
		p.file(t, member, content(t, archives[zipped][member]))
		have := p.seen()
		for field, want := range map[string][]string{"sni": row.SNI, "ja3": row.JA3, "ssh": row.SSH, "quic": row.QUIC} {
			checked[field] += len(want)
			compareSets(t, told, member, field, want, have[field])
		}
	}
	t.Log(checked)
	if checked["sni"] < 95 || checked["ja3"] < 155 || checked["ssh"] < 41 || checked["quic"] < 31 {
		t.Error("less was compared than there is")
	}
	for d := range differences {
		if !told[d] {
			t.Errorf("%s is no difference any more", d)
		}
	}
}

// differences are all between tshark 4.0 and this, with their reasons.
var differences = map[string]string{
	"- rdp/rdpeudp2-handshake-success.pcap ja3 c12f54a3f91dc7bafd92cb59fe009a35":   "TLS inside the reliable UDP of RDP, which is not read here",
	"+ ssh/server-pre-banner-data.pcap ssh SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u5": "behind lines before the banner, which tshark takes for the banner",
	"+ ssh/ssh1-ssh2-fingerprints.pcap ssh SSH-1.5-OpenSSH_6.6":                    "tshark leaves out the banner of SSH 1 in this capture",
	"+ ssl-and-ssh-using-sslh.pcap ssh SSH-2.0-OpenSSH_6.9":                        "SSH on the port of HTTPS",
	"+ ssl-and-ssh-using-sslh.pcap ssh SSH-2.0-OpenSSH_6.7p1 Debian-5+deb8u1":      "SSH on the port of HTTPS",
}

func compareSets(t *testing.T, told map[string]bool, pcap, field string, want []string, have map[string]bool) {
	t.Helper()
	tell := func(sign, v string) {
		d := sign + " " + pcap + " " + field + " " + v
		if told[d] = true; differences[d] == "" {
			t.Error(d)
		}
	}
	for _, w := range want {
		if !have[w] {
			tell("-", w)
		}
		delete(have, w)
	}
	for extra := range have {
		tell("+", extra)
	}
}

var suricataField = regexp.MustCompile(`(?m)^\s+(tls\.sni|tls\.ja4|quic\.ja4|quic\.sni|quic\.ja3\.hash|tls\.ja3\.hash|ssh\.client\.hassh\.hash|ssh\.server\.hassh\.hash|ssh\.client\.software_version|ssh\.server\.software_version|tls\.version): "?([^"\n]*)"?$`)

// Suricata's own expectations, test by test.
func TestSuricataExpectations(t *testing.T) {
	files := archive(t, "pcap/suricata-verify-dev.zip")
	checked := 0
	for name, f := range files {
		if !strings.HasSuffix(name, "/test.yaml") {
			continue
		}
		fields := suricataField.FindAllSubmatch(content(t, f), -1)
		if len(fields) == 0 {
			continue
		}
		dir := strings.TrimSuffix(name, "test.yaml")
		have := map[string]bool{}
		for other, f := range files {
			if strings.HasPrefix(other, dir) && strings.Contains(other, ".pcap") {
				p := newPlayer()
				p.file(t, other, content(t, f))
				for _, f := range p.order {
					f.suricata(have)
				}
			}
		}
		for _, m := range fields {
			if checked++; !have[string(m[1])+" "+string(m[2])] {
				t.Errorf("%s: %s %s is missing", name, m[1], m[2])
			}
		}
	}
	t.Logf("%d values", checked)
	if checked < 12 {
		t.Error("less was compared than there is")
	}
}

// suricata adds what a communication says in the words of Suricata.
func (f *played) suricata(have map[string]bool) {
	if r := f.rec.TLS; r != nil {
		have["tls.sni "+r.SNI.String()] = true
		have["tls.ja4 "+r.JA4.String()] = true
		have["tls.ja3.hash "+hex.EncodeToString(r.JA3[:])] = true
		have["tls.version "+map[uint16]string{0x304: "TLS 1.3", 0x303: "TLS 1.2", 0x302: "TLS 1.1", 0x301: "TLSv1"}[r.Version]] = true
	}
	if r := f.rec.QUIC; r != nil {
		have["quic.sni "+r.SNI.String()] = true
		have["quic.ja4 "+r.JA4.String()] = true
		have["quic.ja3.hash "+hex.EncodeToString(r.JA3[:])] = true
	}
	if r := f.rec.SSH; r != nil {
		have["ssh.client.hassh.hash "+hex.EncodeToString(r.HASSH[:])] = true
		have["ssh.server.hassh.hash "+hex.EncodeToString(r.HASSHServer[:])] = true
		for side, a := range []record.Agent{r.Client, r.Server} {
			if part := strings.SplitN(a.Text.String(), "-", 3); len(part) == 3 {
				have[[]string{"ssh.client", "ssh.server"}[side]+".software_version "+part[2]] = true
			}
		}
	}
}

// The flows of ipfixprobe, by the client's port. It counts GREASE among the
// extensions of JA4, against the description: their number is not compared.
func TestIpfixprobeFlows(t *testing.T) {
	files := archive(t, "pcap/ipfixprobe-functional.zip")
	checked := 0
	for _, name := range []string{"tls", "quic"} {
		input := map[string]string{"tls": "tls", "quic": "quic_initial-sample"}[name]
		p := newPlayer()
		p.file(t, name, content(t, files["tests/functional/inputs/"+input+".pcap"]))
		have := map[string]bool{}
		for _, f := range p.order {
			if r := f.rec.TLS; r != nil {
				have[fmt.Sprintf("tls %d %x %s %s", f.rec.SrcPort, r.JA3, withoutCount(r.JA4.String()), r.SNI)] = true
			}
			if r := f.rec.QUIC; r != nil {
				have[fmt.Sprintf("quic %d %d %s %s", f.rec.SrcPort, r.Version, r.SNI, r.Agent.Text)] = true
			}
		}
		lines := strings.Split(strings.TrimSpace(string(content(t, files["tests/functional/outputs/"+name]))), "\n")
		at := map[string]int{}
		for i, column := range strings.Split(lines[len(lines)-1], ",") {
			at[column[strings.LastIndexByte(column, ' ')+1:]] = i
		}
		for _, line := range lines[:len(lines)-1] {
			row := strings.Split(line, ",")
			get := func(column string) string { return strings.Trim(row[at[column]], `"`) }
			want := fmt.Sprintf("tls %s %s %s %s", get("SRC_PORT"), get("TLS_JA3"), withoutCount(get("TLS_JA4")), get("TLS_SNI"))
			if name == "quic" {
				want = fmt.Sprintf("quic %s %s %s %s", get("SRC_PORT"), get("QUIC_VERSION"), get("QUIC_SNI"), get("QUIC_USER_AGENT"))
			}
			if checked++; !have[want] {
				t.Errorf("%s is missing", want)
			}
		}
	}
	t.Logf("%d flows", checked)
	if checked < 29 {
		t.Error("less was compared than there is")
	}
}

// withoutCount is a JA4 with the number of extensions blanked.
func withoutCount(ja4 string) string {
	if len(ja4) != 36 {
		return ja4
	}
	return ja4[:6] + "__" + ja4[8:]
}

// What nDPI prints of the flows of its captures. It writes 'd' into JA4 when it
// knows a name from elsewhere (DNS), against the description, and of the
// protocol anydesk/6.2.0/linux the second letter: both are left out.
func TestNDPIOutputs(t *testing.T) {
	files := archive(t, "copyleft/pcap/ndpi-dev.zip")
	field := regexp.MustCompile(`\[(JA4|JA3C|JA3S): ([0-9a-z_]+)`)
	checked := 0
	for name, f := range files {
		pcap := "pcap/" + strings.TrimSuffix(strings.TrimPrefix(name, "result/"), ".out")
		if !strings.HasSuffix(name, ".out") || files[pcap] == nil {
			continue
		}
		want := field.FindAllStringSubmatch(string(content(t, f)), -1)
		if len(want) == 0 {
			continue
		}
		p := newPlayer()
		p.file(t, pcap, content(t, files[pcap]))
		have := map[string]bool{}
		for _, f := range p.order {
			if r := f.rec.TLS; r != nil {
				have["JA4 "+ndpiJA4(r.JA4.String())] = true
				have["JA3C "+hex.EncodeToString(r.JA3[:])] = true
				have["JA3S "+hex.EncodeToString(r.JA3S[:])] = true
			}
			if r := f.rec.QUIC; r != nil {
				have["JA4 "+ndpiJA4(r.JA4.String())] = true
			}
		}
		for _, m := range want {
			if m[1] == "JA4" {
				m[2] = ndpiJA4(m[2])
			}
			if checked++; !have[m[1]+" "+m[2]] {
				t.Errorf("%s: %s %s is missing of %v", name, m[1], m[2], have)
			}
		}
	}
	t.Logf("%d values", checked)
	if checked < 30 {
		t.Error("less was compared than there is")
	}
}

// seen are the values of all communications by field.
func (p *player) seen() map[string]map[string]bool {
	out := map[string]map[string]bool{"sni": {}, "ja3": {}, "ssh": {}, "quic": {}}
	add := func(field, v string) {
		if v != "" {
			out[field][v] = true
		}
	}
	for _, f := range p.order {
		r := f.rec
		if r.TLS != nil {
			add("sni", r.TLS.SNI.String())
			if r.TLS.JA3 != ([16]byte{}) {
				add("ja3", hex.EncodeToString(r.TLS.JA3[:]))
			}
		}
		if r.QUIC != nil {
			add("sni", r.QUIC.SNI.String())
			if r.QUIC.JA3 != ([16]byte{}) {
				add("ja3", hex.EncodeToString(r.QUIC.JA3[:]))
			}
			add("quic", fmt.Sprintf("0x%08x", r.QUIC.Version))
		}
		if r.SSH != nil {
			add("ssh", r.SSH.Client.Text.String())
			add("ssh", r.SSH.Server.Text.String())
		}
	}
	return out
}

func ndpiJA4(ja4 string) string {
	if len(ja4) != 36 {
		return ja4
	}
	if ja4[8] == 'a' {
		return ja4[:3] + "_" + ja4[4:9] + "_" + ja4[10:]
	}
	return ja4[:3] + "_" + ja4[4:]
}
