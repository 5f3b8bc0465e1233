package dissect

import "noroshi/internal/engine/flow/record"

// ByPort is the protocol that the ports of a communication stand for (IANA
// service names, or where a program listens when nobody changes it), the side
// that was spoken to first; NoApp when they stand for none.
func ByPort(r *record.Record) record.App {
	table := portOf
	if r.Proto != 6 && r.Proto != 17 {
		return record.NoApp
	}
	if app := table(r.DstPort, r.Proto == 17); app != record.NoApp {
		return app
	}
	return table(r.SrcPort, r.Proto == 17)
}

// portOf is the protocol of one port.
func portOf(port uint16, udp bool) record.App {
	if udp {
		return udpPorts[port]
	}
	return tcpPorts[port]
}

var tcpPorts = map[uint16]record.App{
	20: record.FTP, 21: record.FTP, 22: record.SSHApp, 23: record.Telnet, 25: record.SMTP, 53: record.DNSApp, 80: record.HTTPApp, 81: record.HTTPApp, 8081: record.HTTPApp, 8181: record.HTTPApp, 8888: record.HTTPApp, 3128: record.HTTPApp,
	88: record.KerberosApp, 102: record.S7, 110: record.POP3, 135: record.MSRPC, 139: record.NetBIOS, 143: record.IMAP, 389: record.LDAPApp,
	443: record.TLSApp, 445: record.SMBApp, 465: record.TLSApp, 464: record.KerberosApp, 502: record.Modbus, 514: record.Syslog,
	554: record.RTSP, 587: record.SMTP, 636: record.TLSApp, 853: record.TLSApp, 989: record.TLSApp, 990: record.TLSApp,
	992: record.TLSApp, 993: record.TLSApp, 995: record.TLSApp, 1080: record.SOCKS, 1194: record.OpenVPN, 1433: record.TDS,
	1812: record.Radius, 1883: record.MQTTApp, 2404: record.IEC104, 3268: record.LDAPApp, 3269: record.TLSApp, 3306: record.MySQL,
	3389: record.RDPApp, 3478: record.STUNApp, 4840: record.OPCUA, 5060: record.SIP, 5061: record.TLSApp, 5355: record.LLMNR,
	5432: record.PostgreSQL, 5800: record.VNC, 5900: record.VNC, 5901: record.VNC, 5938: record.Teamviewer, 6379: record.Redis, 6514: record.TLSApp,
	6568: record.AnyDesk, 6881: record.BitTorrent, 7070: record.AnyDesk, 8000: record.HTTPApp, 8008: record.HTTPApp, 8080: record.HTTPApp,
	8443: record.TLSApp, 8883: record.TLSApp, 9001: record.Tor, 9030: record.Tor, 9050: record.SOCKS, 11211: record.Memcached,
	19: record.CHARGEN, 20000: record.DNP3, 21115: record.RustDesk, 21116: record.RustDesk, 21117: record.RustDesk, 21118: record.RustDesk,
	21119: record.RustDesk, 44818: record.EtherNetIP,
}

var udpPorts = map[uint16]record.App{
	19: record.CHARGEN, 53: record.DNSApp, 67: record.DHCP, 68: record.DHCP, 69: record.TFTP, 88: record.KerberosApp, 123: record.NTP,
	137: record.NBNS, 138: record.NetBIOS, 161: record.SNMP, 162: record.SNMP, 389: record.CLDAP, 443: record.QUICApp, 464: record.KerberosApp,
	500: record.IPsec, 514: record.Syslog, 546: record.DHCP, 547: record.DHCP, 784: record.QUICApp, 853: record.QUICApp, 1194: record.OpenVPN,
	1645: record.Radius, 1646: record.Radius, 1812: record.Radius, 1813: record.Radius, 1900: record.SSDP, 2055: record.NetFlow,
	2056: record.NetFlow, 2222: record.EtherNetIP, 3389: record.RDPApp, 3478: record.STUNApp, 4500: record.IPsec,
	4739: record.NetFlow, 5060: record.SIP, 5353: record.MDNS, 5355: record.LLMNR, 5938: record.Teamviewer,
	6343: record.SFlow, 6881: record.BitTorrent, 9995: record.NetFlow, 9996: record.NetFlow, 11211: record.Memcached, 19302: record.STUNApp,
	20000: record.DNP3, 21116: record.RustDesk, 44818: record.EtherNetIP, 47808: record.BACnet, 50001: record.AnyDesk, 51820: record.WireGuard,
}
