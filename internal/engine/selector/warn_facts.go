package selector

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
)

// BuiltIn returns the facts that come with the program: what nobody should
// select without saying why. Names and addresses that are kept for examples
// (RFC 2606, RFC 5737, RFC 3849) pass: no traffic carries them, and exercises do.
func BuiltIn() *Warnings { return &Warnings{builtIn: true} }

// BuiltInLists returns the names of the program's own lists, in their order.
func BuiltInLists() []string {
	return []string{widePrefixes, reserved, resolvers, rootServers, singleLabel, registrySuffixes, specialNames, commonPorts, commonBytes, commonSums}
}

// The names of the program's own lists.
const (
	widePrefixes     = "wide-prefixes"
	reserved         = "reserved-addresses"
	resolvers        = "public-resolvers"
	rootServers      = "root-servers"
	singleLabel      = "single-label"
	registrySuffixes = "registry-suffixes"
	specialNames     = "special-use-names"
	commonPorts      = "common-ports"
	commonBytes      = "common-bytes"
	commonSums       = "common-hashes"
)

// The widest networks that pass without a reason, in bits.
const (
	widest4 = 8
	widest6 = 20
)

// reservedNets is not in the public network (RFC 6890 and its registries), but
// for what is kept for examples.
var reservedNets = mustPrefixes("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.88.99.0/24 " +
	"192.168.0.0/16 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4 ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/32 2001:20::/28 2002::/16 " +
	"fc00::/7 fe80::/10 fec0::/10 ff00::/8")

// resolverNets answers DNS for everybody, as its operators publish it.
var resolverNets = mustPrefixes("8.8.8.8/32 8.8.4.4/32 2001:4860:4860::8888/128 2001:4860:4860::8844/128 " + // Google
	"1.1.1.1/32 1.0.0.1/32 1.1.1.2/32 1.0.0.2/32 1.1.1.3/32 1.0.0.3/32 2606:4700:4700::1111/128 2606:4700:4700::1001/128 " + // Cloudflare
	"9.9.9.9/32 149.112.112.112/32 9.9.9.10/32 149.112.112.10/32 2620:fe::fe/128 2620:fe::9/128 " + // Quad9
	"208.67.222.222/32 208.67.220.220/32 2620:119:35::35/128 2620:119:53::53/128 " + // OpenDNS
	"94.140.14.14/32 94.140.15.15/32 2a10:50c0::ad1:ff/128 2a10:50c0::ad2:ff/128 " + // AdGuard
	"64.6.64.6/32 64.6.65.6/32 " + // UltraDNS Public
	"223.5.5.5/32 223.6.6.6/32 114.114.114.114/32 119.29.29.29/32 77.88.8.8/32 77.88.8.1/32")

// rootNets are the servers of the root zone (IANA root hints).
var rootNets = mustPrefixes("198.41.0.4/32 170.247.170.2/32 192.33.4.12/32 199.7.91.13/32 192.203.230.10/32 192.5.5.241/32 192.112.36.4/32 " +
	"198.97.190.53/32 192.36.148.17/32 192.58.128.30/32 193.0.14.129/32 199.7.83.42/32 202.12.27.33/32 " +
	"2001:503:ba3e::2:30/128 2801:1b8:10::b/128 2001:500:2::c/128 2001:500:2d::d/128 2001:500:a8::e/128 2001:500:2f::f/128 2001:500:12::d0d/128 " +
	"2001:500:1::53/128 2001:7fe::53/128 2001:503:c27::2:30/128 2001:7fd::1/128 2001:500:9f::42/128 2001:dc3::35/128")

// resolverNames are the names under which they answer DNS over HTTPS and TLS.
var resolverNames = strings.Fields("dns.google dns64.dns.google one.one.one.one cloudflare-dns.com dns.quad9.net dns9.quad9.net dns10.quad9.net doh.opendns.com dns.adguard-dns.com")

// registry lists suffixes under which anybody can register, besides those of
// one label: those of JPRS and of registries that people here often meet.
var registry = strings.Fields("ac.jp ad.jp co.jp ed.jp go.jp gr.jp lg.jp ne.jp or.jp co.uk org.uk ac.uk gov.uk me.uk ltd.uk plc.uk net.uk " +
	"com.cn net.cn org.cn gov.cn edu.cn ac.cn co.kr or.kr go.kr ac.kr ne.kr com.tw org.tw gov.tw edu.tw net.tw com.hk org.hk gov.hk " +
	"com.au net.au org.au gov.au edu.au co.nz org.nz govt.nz com.br net.br org.br gov.br co.in net.in org.in gov.in com.sg gov.sg " +
	"com.my gov.my co.th go.th in.th co.id go.id or.id com.vn gov.vn com.ph gov.ph com.ru org.ru co.za gov.za com.mx gob.mx com.ar com.tr gov.tr com.ua gov.ua co.il gov.il")

// special are names with a use of their own (RFC 6761, RFC 6762, RFC 7686, RFC
// 8375, RFC 9476): met by themselves, and where private is set, below as well.
var special = []struct {
	name    string
	private bool
}{{"localhost", true}, {"local", true}, {"invalid", true}, {"onion", true}, {"alt", true}, {"arpa", true}, {"internal", true},
	{"test", false}, {"example", false}, {"example.com", false}, {"example.net", false}, {"example.org", false}}

// busyPorts carry what everybody does.
var busyPorts = map[uint8][]uint16{6: {20, 21, 22, 25, 53, 80, 110, 119, 123, 143, 179, 443, 465, 587, 853, 993, 995, 8080, 8443},
	17: {53, 67, 68, 123, 443, 500, 853, 4500, 5353, 51820}, 132: {}, 33: {}}

// busyBytes are parts of what nearly every session says.
var busyBytes = [][]byte{[]byte("GET / HTTP/1.1\r\nHost: "), []byte("POST / HTTP/1.1\r\n"), []byte("HTTP/1.1 200 OK\r\n"), []byte("HTTP/1.0 200 OK\r\n"),
	[]byte("User-Agent: Mozilla/5.0 ("), []byte("Content-Type: text/html; charset=utf-8\r\n"), []byte("Content-Length: "),
	[]byte("Accept-Encoding: gzip, deflate, br\r\n"), []byte("Connection: keep-alive\r\n\r\n"), []byte("<!DOCTYPE html><html><head>"), []byte("https://www."),
	[]byte("SSH-2.0-OpenSSH_"), []byte("220 ESMTP\r\nEHLO MAIL FROM:<RCPT TO:<DATA\r\n"), {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00}, {0x16, 0x03, 0x03, 0x00}}

// busySums are hashes of nothing at all: MD5, SHA-1 and SHA-256 of no bytes.
var busySums = strings.Fields("d41d8cd98f00b204e9800998ecf8427e da39a3ee5e6b4b0d3255bfef95601890afd80709 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

func mustPrefixes(list string) (all []netip.Prefix) {
	for _, s := range strings.Fields(list) {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// common returns the program's own list that a value meets, "" for none.
func common(v *parsed) string {
	switch v.form {
	case addrFour:
		return commonNet(netip.PrefixFrom(netip.AddrFrom4([4]byte(v.bytes)), 32))
	case addr6:
		return commonNet(netip.PrefixFrom(netip.AddrFrom16([16]byte(v.bytes)), 128))
	case netFour:
		return commonNet(netip.PrefixFrom(netip.AddrFrom4([4]byte(v.bytes)), int(v.bytes[4])))
	case netSix:
		return commonNet(netip.PrefixFrom(netip.AddrFrom16([16]byte(v.bytes)), int(v.bytes[16])))
	case formDomain, formSuffix:
		return commonName(string(v.bytes), v.form == formSuffix)
	case formURI:
		if host := wholeHost(v.bytes); host != "" {
			if p, err := parse(0, host); err == nil {
				return common(&p)
			}
		}
	case formPort:
		if slices.Contains(busyPorts[v.bytes[0]], portOf(v.bytes)) {
			return commonPorts
		}
	case formPattern:
		if bytes.Count(v.bytes, v.bytes[:1]) == len(v.bytes) || slices.ContainsFunc(busyBytes, func(busy []byte) bool { return bytes.Contains(busy, v.bytes) }) {
			return commonBytes
		}
	case formJA3, formSHA1, formSHA256:
		if slices.Contains(busySums, canonicalText(v)) {
			return commonSums
		}
	}
	return ""
}

// listedOctets has the first octets of all listed IPv4 networks: most addresses
// need no more than this.
var listedOctets = func() (has [256]bool) {
	for _, n := range slices.Concat(reservedNets, resolverNets, rootNets) {
		if n.Addr().Is4() {
			first, last := int(n.Addr().As4()[0]), int(n.Addr().As4()[0])
			if n.Bits() < 8 {
				last = first | 0xff>>n.Bits()
			}
			for i := first; i <= last; i++ {
				has[i] = true
			}
		}
	}
	return has
}()

func commonNet(p netip.Prefix) string {
	if p.Addr().Is4() && p.Bits() < widest4 || p.Addr().Is6() && p.Bits() < widest6 {
		return widePrefixes
	}
	if p.Addr().Is4() && !listedOctets[p.Addr().As4()[0]] {
		return ""
	}
	for _, l := range [...]struct {
		name string
		nets []netip.Prefix
	}{{reserved, reservedNets}, {resolvers, resolverNets}, {rootServers, rootNets}} {
		for _, n := range l.nets {
			if n.Overlaps(p) {
				return l.name
			}
		}
	}
	return ""
}

func commonName(name string, suffix bool) string {
	below := func(inner, outer string) bool {
		return inner == outer || len(inner) > len(outer) && strings.HasSuffix(inner, outer) && inner[len(inner)-len(outer)-1] == '.'
	}
	for _, s := range special {
		if name == s.name || s.private && below(name, s.name) {
			return specialNames
		}
	}
	if !strings.Contains(name, ".") {
		return singleLabel
	}
	if slices.Contains(registry, name) {
		return registrySuffixes
	}
	for _, r := range resolverNames {
		if below(name, r) || suffix && below(r, name) {
			return resolvers
		}
	}
	return ""
}
