package dissect_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// apart are all differences between tshark 4.0.17 and the table of communications
// with these dissectors, over every shared capture: a sign, the capture, the
// field, the value; and why.
var apart = map[string]string{
	"+ tests/functional/inputs/ovpn.pcap ja3 a88698036914a0a190ad16272037b3c9":     "inside OpenVPN over TCP",
	"+ tls/dtls-sequence-number-jumps.pcap ja3 eaa20c9e0e236ba485a6245fb972fd5d":   "DTLS, whose hello has a field of JA3 of its own in tshark",
	"+ tls/dtls1_0.pcap ja3 0dab7dadc76b31d578cb41b8c2838cd9":                      "DTLS, whose hello has a field of JA3 of its own in tshark",
	"+ tls/dtls1_2.pcap ja3 3c3d129780d0066cd8936a6291a8d44f":                      "DTLS, whose hello has a field of JA3 of its own in tshark",
	"+ tls/webrtc-stun.pcap ja3 69b4c10438dd27f06b1a694c67e63ba1":                  "DTLS, whose hello has a field of JA3 of its own in tshark",
	"+ rdp/rdpeudp-handshake-success.pcap sni localhost":                           "in the first version of RDP over UDP",
	"+ rdp/rdpeudp-handshake-success.pcap ja3 ae76f123158d52fd84c2c313c0c724ac":    "in the first version of RDP over UDP",
	"+ tests/quic-cyu/input.pcap quic 0x51303436":                                  "Q046, which tshark 4 does not take for QUIC",
	"+ tests/quic-cyu/input.pcap sni accounts.google.com":                          "in the clear hello of Q046",
	"+ quic/quicdoq.pcap ja3 0299b052ace53a14c3a04aceb5efd247":                     "DNS over QUIC on port 853, where tshark does not look",
	"+ quic/quicdoq.pcap quic 0x00000001":                                          "DNS over QUIC on port 853, where tshark does not look",
	"+ rdp/rdp-no-cookie-mstshash.pcap ja3 c12f54a3f91dc7bafd92cb59fe009a35":       "TLS after the negotiation of RDP",
	"+ rdp/rdp-to-ssl.pcap sni 192.168.1.150":                                      "TLS after the negotiation of RDP",
	"+ rdp/rdp-to-ssl.pcap ja3 eaef0d8d3d689b3adc0c46bc5b6fc95e":                   "TLS after the negotiation of RDP",
	"+ ssh/server-pre-banner-data.pcap ssh SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u5": "behind lines before the banner, which tshark takes for the banner",
	"+ ssh/ssh-on-port-80.pcap ssh SSH-2.0-OpenSSH_5.2":                            "SSH on the port of HTTP",
	"+ ssh/ssh-on-port-80.pcap ssh SSH-2.0-OpenSSH_5.8p1 Debian-1ubuntu3":          "SSH on the port of HTTP",
	"+ ssh/ssh1-ssh2-fingerprints.pcap ssh SSH-1.5-OpenSSH_6.6":                    "tshark shows no banner of the SSH 1 in this capture",
	"+ ssl-and-ssh-using-sslh.pcap ssh SSH-2.0-OpenSSH_6.7p1 Debian-5+deb8u1":      "SSH on the port of HTTPS",
	"+ ssl-and-ssh-using-sslh.pcap ssh SSH-2.0-OpenSSH_6.9":                        "SSH on the port of HTTPS",
	"+ tls/dtls13-cid.pcap ja3 f4dff7591843f1321802410c9936ac66":                   "DTLS, whose hello has a field of JA3 of its own in tshark",
	"+ tls/dtls13-cid.pcap ja3 2c8f90fec0ab96418aa8c253126b55ec":                   "DTLS, whose hello has a field of JA3 of its own in tshark",
	"+ tls/dtls13-wolfssl.pcap ja3 ab7ea25b30fb7a01b2705f9286cdca5b":               "DTLS, whose hello has a field of JA3 of its own in tshark",
	"+ tls/https-to-http.pcap ja3 78f0dc5ac5b19daf131a133cfdee9691":                "TLS on the port of HTTP",
	"+ tls/ssl-to-http-server.pcap sni vk.com":                                     "TLS on the port of HTTP",
	"+ tls/ssl-to-http-server.pcap ja3 823b0b2334cc80f23d595d19661af2df":           "TLS on the port of HTTP",
}

// secureNames are names, fingerprints, banners and versions of TLS, QUIC and
// SSH, as tshark calls them.
func secureNames(all []record.Record) map[string]map[string]bool {
	out := map[string]map[string]bool{"sni": {}, "ja3": {}, "ssh": {}, "quic": {}}
	add := func(field, v string) {
		if strings.Trim(v, "0") != "" {
			out[field][v] = true
		}
	}
	for i := range all {
		if r := all[i].TLS; r != nil {
			add("sni", r.SNI.String())
			add("ja3", hex.EncodeToString(r.JA3[:]))
		}
		if r := all[i].QUIC; r != nil {
			add("sni", r.SNI.String())
			add("ja3", hex.EncodeToString(r.JA3[:]))
			add("quic", fmt.Sprintf("0x%08x", r.Version))
		}
		if r := all[i].SSH; r != nil {
			add("ssh", r.Client.Text.String())
			add("ssh", r.Server.Text.String())
		}
	}
	return out
}

// Read through the table of communications, every capture says of TLS, QUIC
// and SSH what tshark says of it, but for the list above.
func TestSecureAsTshark(t *testing.T) {
	a := archives{}
	z, err := gzip.NewReader(bytes.NewReader(a.read(t, "pcap/pcap-tshark-fields.jsonl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string][]string{}
	for lines := json.NewDecoder(z); lines.More(); {
		var row struct {
			Pcap string   `json:"pcap"`
			SNI  []string `json:"tls.handshake.extensions_server_name"`
			JA3  []string `json:"tls.handshake.ja3"`
			SSH  []string `json:"ssh.protocol"`
			QUIC []string `json:"quic.version"`
		}
		if err := lines.Decode(&row); err != nil {
			t.Fatal(err)
		}
		want[row.Pcap] = map[string][]string{"sni": row.SNI, "ja3": row.JA3, "ssh": row.SSH, "quic": row.QUIC}
	}
	rows, err := csv.NewReader(bytes.NewReader(a.read(t, "pcap/pcap-index.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	compared, told := 0, map[string]bool{}
	for _, row := range rows[1:] {
		_, entry, _ := strings.Cut(row[0], "!")
		for field, have := range secureNames(records(t, a.read(t, row[0]))) {
			tell := func(sign, v string) {
				d := fmt.Sprintf("%s %s %s %s", sign, entry, field, v)
				if told[d] = true; apart[d] == "" {
					t.Errorf("%q: \"\",", d)
				}
			}
			for _, w := range want[row[0]][field] {
				if compared++; !have[w] {
					tell("-", w)
				}
				delete(have, w)
			}
			for extra := range have {
				tell("+", extra)
			}
		}
	}
	for d := range apart {
		if !told[d] {
			t.Errorf("%s is no difference any more", d)
		}
	}
	t.Logf("%d values of %d captures", compared, len(rows)-1)
	if compared < 322 {
		t.Error("less was compared than there is")
	}
}
