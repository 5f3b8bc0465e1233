package dissect_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// JA4 of every client that the collection of FoxIO names.
func TestJA4Corpus(t *testing.T) {
	a := archives{}
	var want map[string][]map[string]any
	if err := json.Unmarshal(a.read(t, "pcap/ja4-dev.zip!ja4-expected.json"), &want); err != nil {
		t.Fatal(err)
	}
	checked, wrong := 0, 0
	for name, rows := range want {
		have := map[string][]string{}
		for _, r := range records(t, a.read(t, "pcap/ja4-dev.zip!pcap/"+name)) {
			from, ja4 := netip.AddrPortFrom(r.Src, r.SrcPort).String(), ""
			switch {
			case r.TLS != nil:
				ja4 = r.TLS.JA4.String()
			case r.QUIC != nil:
				ja4 = r.QUIC.JA4.String()
			}
			have[from] = append(have[from], ja4)
		}
		for _, row := range rows {
			for k, v := range row {
				if k[:3] != "JA4" || len(k) != 5 || k[3] != '.' {
					continue
				}
				checked++
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

var suricataField = regexp.MustCompile(`(?m)^\s+(tls\.sni|tls\.ja4|quic\.ja4|quic\.sni|quic\.ja3\.hash|tls\.ja3\.hash|ssh\.client\.hassh\.hash|ssh\.server\.hassh\.hash|ssh\.client\.software_version|ssh\.server\.software_version|tls\.version): "?([^"\n]*)"?$`)

// Suricata's own expectations, test by test.
func TestSuricataExpectations(t *testing.T) {
	const zipped = "pcap/suricata-verify-dev.zip"
	a := archives{}
	files := a.names(t, zipped)
	checked := 0
	for _, name := range files {
		if !strings.HasSuffix(name, "/test.yaml") {
			continue
		}
		fields := suricataField.FindAllSubmatch(a.read(t, zipped+"!"+name), -1)
		if len(fields) == 0 {
			continue
		}
		dir := strings.TrimSuffix(name, "test.yaml")
		have := map[string]bool{}
		for _, other := range files {
			if strings.HasPrefix(other, dir) && strings.Contains(other, ".pcap") {
				for _, r := range records(t, a.read(t, zipped+"!"+other)) {
					suricataWords(&r, have)
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

// suricataWords adds what a communication says in the words of Suricata.
func suricataWords(rec *record.Record, have map[string]bool) {
	if r := rec.TLS; r != nil {
		have["tls.sni "+r.SNI.String()] = true
		have["tls.ja4 "+r.JA4.String()] = true
		have["tls.ja3.hash "+hex.EncodeToString(r.JA3[:])] = true
		have["tls.version "+map[uint16]string{0x304: "TLS 1.3", 0x303: "TLS 1.2", 0x302: "TLS 1.1", 0x301: "TLSv1"}[r.Version]] = true
	}
	if r := rec.QUIC; r != nil {
		have["quic.sni "+r.SNI.String()] = true
		have["quic.ja4 "+r.JA4.String()] = true
		have["quic.ja3.hash "+hex.EncodeToString(r.JA3[:])] = true
	}
	if r := rec.SSH; r != nil {
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
	const zipped = "pcap/ipfixprobe-functional.zip!tests/functional/"
	a := archives{}
	checked := 0
	for _, name := range []string{"tls", "quic"} {
		input := map[string]string{"tls": "tls", "quic": "quic_initial-sample"}[name]
		have := map[string]bool{}
		for _, rec := range records(t, a.read(t, zipped+"inputs/"+input+".pcap")) {
			if r := rec.TLS; r != nil {
				have[fmt.Sprintf("tls %d %x %s %s", rec.SrcPort, r.JA3, withoutCount(r.JA4.String()), r.SNI)] = true
			}
			if r := rec.QUIC; r != nil {
				have[fmt.Sprintf("quic %d %d %s %s", rec.SrcPort, r.Version, r.SNI, r.Agent.Text)] = true
			}
		}
		lines := strings.Split(strings.TrimSpace(string(a.read(t, zipped+"outputs/"+name))), "\n")
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
	const zipped = "copyleft/pcap/ndpi-dev.zip"
	a := archives{}
	names := a.names(t, zipped)
	field := regexp.MustCompile(`\[(JA4|JA3C|JA3S): ([0-9a-z_]+)`)
	checked := 0
	for _, name := range names {
		pcap := "pcap/" + strings.TrimSuffix(strings.TrimPrefix(name, "result/"), ".out")
		if !strings.HasSuffix(name, ".out") || !slices.Contains(names, pcap) {
			continue
		}
		want := field.FindAllStringSubmatch(string(a.read(t, zipped+"!"+name)), -1)
		if len(want) == 0 {
			continue
		}
		have := map[string]bool{}
		for _, rec := range records(t, a.read(t, zipped+"!"+pcap)) {
			if r := rec.TLS; r != nil {
				have["JA4 "+ndpiJA4(r.JA4.String())] = true
				have["JA3C "+hex.EncodeToString(r.JA3[:])] = true
				have["JA3S "+hex.EncodeToString(r.JA3S[:])] = true
			}
			if r := rec.QUIC; r != nil {
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

func ndpiJA4(ja4 string) string {
	if len(ja4) != 36 {
		return ja4
	}
	if ja4[8] == 'a' {
		return ja4[:3] + "_" + ja4[4:9] + "_" + ja4[10:]
	}
	return ja4[:3] + "_" + ja4[4:]
}
