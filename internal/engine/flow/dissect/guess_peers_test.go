package dissect_test

import (
	"encoding/csv"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// ndpiApps are the protocols that both sides have, by nDPI's names.
var ndpiApps = map[string]record.App{
	"DNS": record.DNSApp, "MDNS": record.MDNS, "LLMNR": record.LLMNR, "HTTP": record.HTTPApp, "TLS": record.TLSApp,
	"QUIC": record.QUICApp, "SSH": record.SSHApp, "SMTP": record.SMTP, "IMAP": record.IMAP, "POP3": record.POP3, "SMBv1": record.SMBApp,
	"SMBv23": record.SMBApp, "RDP": record.RDPApp, "Kerberos": record.KerberosApp, "LDAP": record.LDAPApp, "Modbus": record.Modbus,
	"DNP3": record.DNP3, "S7Comm": record.S7, "S7CommPlus": record.S7, "FTP_CONTROL": record.FTP, "Telnet": record.Telnet, "NTP": record.NTP,
	"DHCP": record.DHCP, "DHCPV6": record.DHCP, "SNMP": record.SNMP, "Syslog": record.Syslog, "SIP": record.SIP, "RTSP": record.RTSP,
	"MQTT": record.MQTTApp, "WireGuard": record.WireGuard, "OpenVPN": record.OpenVPN, "IPSec": record.IPsec, "STUN": record.STUNApp,
	"SSDP": record.SSDP, "TFTP": record.TFTP, "Radius": record.Radius, "VNC": record.VNC, "RPC": record.MSRPC, "MySQL": record.MySQL,
	"PostgreSQL": record.PostgreSQL, "MsSQL-TDS": record.TDS, "Redis": record.Redis, "Memcached": record.Memcached, "BitTorrent": record.BitTorrent,
	"SOCKS": record.SOCKS, "TeamViewer": record.Teamviewer, "AnyDesk": record.AnyDesk, "BACnet": record.BACnet, "EthernetIP": record.EtherNetIP,
	"EtherNet/IP": record.EtherNetIP, "IEC60870": record.IEC104, "OPC-UA": record.OPCUA, "NetFlow": record.NetFlow, "sFlow": record.SFlow,
}

var ndpiFlow = regexp.MustCompile(`^\s+\d+\s+(TCP|UDP) (\S+) <?->? (\S+) .*?\[proto: [\d./]+/([^\]]+)\]`)

// The protocol of each communication that nDPI names is the one it names.
func TestAppsAsNDPI(t *testing.T) {
	const zip = "copyleft/pcap/ndpi-dev.zip"
	a, compared, differ := archives{}, 0, map[string]int{}
	for _, name := range a.names(t, zip) {
		if !strings.HasSuffix(name, ".out") {
			continue
		}
		capture := "pcap/" + strings.TrimSuffix(strings.TrimPrefix(name, "result/"), ".out")
		if !slices.Contains(a.names(t, zip), capture) {
			continue
		}
		ours := map[string]record.App{}
		for _, r := range records(t, a.read(t, zip+"!"+capture)) {
			key := func(x, y string) string { return fmt.Sprint(r.Proto, min(x, y), max(x, y)) }
			src, dst := endpoint(r.Src.String(), r.SrcPort), endpoint(r.Dst.String(), r.DstPort)
			if k := key(src, dst); ours[k] == record.NoApp {
				ours[k] = r.App
			}
		}
		for line := range strings.Lines(string(a.read(t, zip+"!"+name))) {
			m := ndpiFlow.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			first, _, _ := strings.Cut(m[4], ".")
			want, known := ndpiApps[first]
			proto := map[string]int{"TCP": 6, "UDP": 17}[m[1]]
			got, seen := ours[fmt.Sprint(proto, min(m[2], m[3]), max(m[2], m[3]))]
			if !known || !seen {
				continue
			}
			if compared++; got != want {
				differ[fmt.Sprintf("%s: %s, not %s", strings.TrimPrefix(capture, "pcap/"), got, want)]++
			}
		}
	}
	// Empty connections, named after ports that IANA gives to others or to TLS.
	apart := map[string]int{"synscan.pcap: tls, not sip": 2, "synscan.pcap: , not ipsec": 2, "synscan.pcap: , not tds": 2}
	if !maps.Equal(differ, apart) {
		t.Errorf("differences: %v, want %v", differ, apart)
	}
	if t.Logf("%d communications compared", compared); compared < 110 {
		t.Error("too few")
	}
}

func endpoint(addr string, port uint16) string {
	if strings.Contains(addr, ":") {
		return fmt.Sprintf("[%s]:%d", addr, port)
	}
	return fmt.Sprintf("%s:%d", addr, port)
}

// What Suricata's own tests expect to be logged of these captures, as far as a
// record has it.
func TestFactsAsSuricata(t *testing.T) {
	for _, c := range []struct {
		test string
		want string
	}{
		{"http-async", "http /1 200, /2 200"}, {"http-async-cli", "http /1 0, /2 0"}, {"http-async-srv", "http  200,  200"},
		{"http-gap-whole-body", "http /1 200, /2 200, /3 200"}, {"alert-testmyids-async", "http  200"}, {"alert-testmyids-midstream3", "http / 200"},
		{"http1-noint-status", "http /test 0"}, {"http-ipv6", "http / 200"}, {"http2-keywords2", "http /robots.txt 200, /humans.txt 404"},
		{"krb5-probing", "kerberos AS-REQ×1 ERROR×1 error 25"}, {"krb5-request-frag-log", "kerberos AS-REQ×2 AS-REP×1 TGS-REQ×1 TGS-REP×1 ERROR×1 error 25 for http"},
		{"ldap-abandon", "ldap 16×1"}, {"ldap-bind", "ldap 0×1 1×1 result 14"}, {"ldap-delete", "ldap 10×1 11×1"}, {"ldap-modify", "ldap 6×1 7×1"},
		{"ldap-modify-dn", "ldap 12×1 13×1"}, {"ldap-unbind", "ldap 2×1"}, {"ldap-udp", "ldap 3×1 4×1"}, {"ldap-unsolicited", "ldap 24×1 result 52"},
		{"ldap-starttls", "ldap 23×1 24×1 tls"}, {"smb1-03-midstream", "smb 1 failures 1 logons 1"}, {"smb-eicar-file", "smb 1 failures 0 logons 1 written 68"},
		{"smtp-bdat-last-next-mail", "smtp messages 2 to 2"}, {"smtp-bdat-pipelined-next-mail", "smtp messages 2 to 2"}, {"smtp-ehlo-reset", "smtp messages 1 to 1"},
		{"smtp-pipelining", "smtp messages 1 to 1"}, {"smtp-rejected-ehlo-preserves-envelope", "smtp messages 1 to 1"}, {"smtp-long-DATA-line", "smtp messages 1 to 1"},
		{"dns-eve-v2-udp-nxdomain-soa", "dns dne.oisf.net A NXDOMAIN"}, {"dns-reversed-udp-1", "dns www.suricata-ids.org A NOERROR"}, {"dns-opcode", "dns bortzmeyer.42 SOA NOERROR"},
	} {
		if got := summary(t, c.test); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.test, got, c.want)
		}
	}
}

// summary is what the records of a test's capture say, in one line.
func summary(t *testing.T, test string) string {
	const zip = "pcap/suricata-verify-dev.zip"
	a := archives{}
	var all []record.Record
	for _, name := range a.names(t, zip) {
		if strings.HasPrefix(name, "tests/"+test+"/") && strings.HasSuffix(name, ".pcap") {
			all = append(all, records(t, a.read(t, zip+"!"+name))...)
		}
	}
	var http, dns []string
	krb, ldap, word := map[string]uint32{}, map[int]uint32{}, ""
	tail := ""
	for i := range all {
		r := &all[i]
		for _, h := range r.HTTP {
			http = append(http, fmt.Sprintf("%s %d", h.Path, h.Status))
		}
		for _, d := range r.DNS {
			dns = append(dns, fmt.Sprintf("%s %s %s", d.Name, record.TypeName(d.Type), record.RcodeName(d.Rcode)))
		}
		if k := r.Kerberos; k != nil {
			word = "kerberos"
			for _, c := range k.Messages {
				krb[map[record.Operation]string{10: "AS-REQ", 11: "AS-REP", 12: "TGS-REQ", 13: "TGS-REP", 30: "ERROR"}[c.Operation]] += c.Times
			}
			if k.Error != 0 {
				tail = fmt.Sprint(" error ", k.Error) + tail
			}
			if k.Service == record.HTTPService {
				tail += " for http"
			}
		}
		if l := r.LDAP; l != nil && word == "" {
			word = "ldap"
			for _, c := range l.Operations {
				ldap[int(c.Operation)] += c.Times
			}
			if l.Result != 0 {
				tail += fmt.Sprint(" result ", l.Result)
			}
			if l.StartTLS && r.TLS != nil {
				tail += " tls"
			}
		}
		if s := r.SMB; s != nil {
			word = fmt.Sprintf("smb %d failures %d logons %d", s.Version, s.Failures, s.Logons)
			if s.FileBytes[record.Out] > 0 {
				tail += fmt.Sprint(" written ", s.FileBytes[record.Out])
			}
		}
		if m := r.Mail; m != nil {
			word = fmt.Sprintf("smtp messages %d to %d", m.Messages, m.Recipients)
		}
	}
	switch {
	case len(http) > 0:
		return "http " + strings.Join(http, ", ")
	case len(dns) > 0:
		return "dns " + strings.Join(dns, ", ")
	}
	for _, name := range []string{"AS-REQ", "AS-REP", "TGS-REQ", "TGS-REP", "ERROR"} {
		if krb[name] > 0 {
			word += fmt.Sprintf(" %s×%d", name, krb[name])
		}
	}
	for op := range 26 {
		if word != "kerberos" && ldap[op] > 0 && !strings.HasPrefix(word, "kerberos") {
			word += fmt.Sprintf(" %d×%d", op, ldap[op])
		}
	}
	return word + tail
}

// probed is a table that ipfixprobe wrote: its rows by column names.
func probed(t *testing.T, name string) (out []map[string]string) {
	t.Helper()
	text := string(archives{}.read(t, "pcap/ipfixprobe-functional.zip!tests/functional/outputs/"+name))
	lines := csv.NewReader(strings.NewReader(text))
	lines.FieldsPerRecord, lines.LazyQuotes = -1, true
	rows, err := lines.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range rows {
		if strings.HasPrefix(r[0], "ipaddr ") {
			for _, c := range r {
				_, c, _ = strings.Cut(c, " ")
				names = append(names, c)
			}
		}
	}
	for _, r := range rows {
		if len(r) != len(names) || strings.HasPrefix(r[0], "ipaddr ") {
			continue
		}
		row := map[string]string{}
		for i, v := range r {
			row[names[i]] = v
		}
		out = append(out, row)
	}
	return out
}

// Requests, answers with their addresses, and counts of mail are those that
// ipfixprobe's own tests expect.
func TestFactsAsIpfixprobe(t *testing.T) {
	read := func(name string) []record.Record {
		return records(t, archives{}.read(t, "pcap/ipfixprobe-functional.zip!tests/functional/inputs/"+name+".pcap"))
	}
	said := map[string]bool{}
	for _, r := range read("http") {
		for _, h := range r.HTTP {
			said[fmt.Sprintf("%d %s %s %s %d %s", r.SrcPort, h.Method, h.Host, h.Agent.Text, h.Status, h.Server.Text)] = true
		}
	}
	rows := probed(t, "http")
	for _, w := range rows {
		line := fmt.Sprintf("%s %s %s %s %s %s", w["SRC_PORT"], w["HTTP_REQUEST_METHOD"], w["HTTP_REQUEST_HOST"], w["HTTP_REQUEST_AGENT"], w["HTTP_RESPONSE_STATUS_CODE"], w["HTTP_RESPONSE_SERVER"])
		if !said[line] {
			t.Errorf("%q is not among %d requests", line, len(said))
		}
	}
	addresses := map[string]bool{}
	for _, r := range read("dns") {
		for _, d := range r.DNS {
			for _, a := range d.Addrs {
				addresses[fmt.Sprintf("%s %s %d", d.Name, a, d.TTL)] = true
			}
		}
	}
	passive := probed(t, "passivedns")
	for _, w := range passive {
		if line := fmt.Sprintf("%s %s %s", w["DNS_NAME"], w["DNS_IP"], w["DNS_RR_TTL"]); !addresses[line] && w["DNS_ATYPE"] != "12" {
			t.Errorf("%q is not among %v", line, addresses)
		}
	}
	mail := probed(t, "smtp")
	for _, r := range read("smtp") {
		if m := r.Mail; m != nil && (fmt.Sprint(m.Messages) != mail[0]["SMTP_MAIL_CMD_COUNT"] || fmt.Sprint(m.Recipients) != mail[0]["SMTP_RCPT_CMD_COUNT"] || m.Errors != 0) {
			t.Errorf("%+v, want %v", *m, mail[0])
		}
	}
	if len(rows) < 8 || len(passive) < 5 || len(mail) != 1 {
		t.Errorf("%d, %d and %d rows were compared", len(rows), len(passive), len(mail))
	}
}

// Services that an attacker creates on another machine are seen by the pipe
// and the share they go through (mordor's simulations).
func TestLateralMovement(t *testing.T) {
	for _, name := range []string{"covenant_sc_query_dcerpc_smb_svcctl", "covenant_sharpsc_start_dcerpc_smb_svcctl", "empire_smbexec_dcerpc_smb_svcctl"} {
		const folder = "mordor/network/windows/lateral_movement/network/"
		a, found := archives{}, 0
		for _, entry := range a.names(t, folder+name+".zip") {
			for _, r := range records(t, a.read(t, folder+name+".zip!"+entry)) {
				if r.SMB != nil && r.SMB.AdminShare && r.SMB.Pipes == record.Svcctl && r.SMB.FileBytes == [2]uint64{} {
					found++
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: no service control over an administrator's share", name)
		}
	}
}
