package record

import "bytes"

// tokens are the parts of a path that say what kind of thing was asked for and
// nothing about who asked. Whatever is not here is {x}.
var tokens = set(`
. .. about account accounts action admin administrator ajax api apis app apps archive article articles asset assets auth authorize
autodiscover autodiscover.xml backend backup base blog bin browse build bundle.js callback captcha cart catalog category cdn cdn-cgi certs
cgi-bin changepassword chat check checkout ciscosecureremoteaccess client clients cloud cmd collect com comment common config configuration
connect console contact content control core count crl crossdomain.xml css dana-na dashboard data database db debug default
default.aspx default.asp delete deploy dev device devices dir directory dist dns-query doc docs document documents download downloads
ecp edit editor en error errors event events ews exchange.asmx exec export external favicon.ico feed feeds file filemanager files
firmware font fonts form forms forum function gate.php generate_204 get global-protect gmail go graphql group groups health healthz help
history home host hot html http icons id image images img import include includes index index.asp index.aspx index.html index.htm
index.js index.jsp index.php info init install internal invoke ja job jobs jquery.js js json key keys latest ldap left lib library license
link list live load local log login login.asp login.aspx login.html login.jsp login.php logon logout logs mail main main.css main.js
manage management manager manifest.json map mapi media member members menu message messages metadata metrics mobile module modules
monitor my namespace ncsi.txt network new news node nodes notify oauth oauth2 object objects ocsp office old online open openid
order orders org owa package packages page pages panel password ping.php phpmyadmin pki ping pixel pixel.gif plugin plugins pods
policy portal post posts powershell preview print private product products profile project projects promo proxy pub public publish query
raw read redirect register release releases remote report reports repository request reset resource resources rest result results
right robots.txt root rpc rss run s3 sample save script scripts sdk search secure security send server server-status service services
session sessions set settings setup share shell sign signin signup simple site sitemap.xml sites sms soap software source sources sse
ssl sslvpn stable start stat static stats status storage store stream style style.css styles subscribe success.txt support svc sync system
table tag tags task tasks telemetry temp template templates test themes thumb ticket tmp token tokens tool tools top tracking
translate tv type ui update updates upload uploads url user users util v0 v1 v1.0 v1.1 v1.2 v2 v2.0 v3 v4 v5 version versions video view
views virtual vpn vpns watch web webdav webhook webmail websocket well-known .well-known wiki widget wlan workflow wp-admin wp-content
wp-includes wp-json wp-login.php wpad.dat ws wsman www www-data xml xmlrpc.php zone connecttest.txt redirect.txt canonical.html
.env .git actuator boaform goform hnap1 jenkins kibana manager.html mgmt nagios owa.html phpinfo.php setup.cgi solr struts tmui
`)

func set(words string) map[string]struct{} {
	out, start := map[string]struct{}{}, -1
	for i := 0; i <= len(words); i++ {
		if i < len(words) && words[i] > ' ' {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			out[words[start:i]] = struct{}{}
			start = -1
		}
	}
	return out
}

// Path is the template of a path of HTTP: known tokens stay, everything else
// is {x}, what follows the fourth part is {…}. The query and the fragment are
// cut off, ?{x} saying that there was one, also where names are kept full.
func (n *Naming) Path(b []byte) Name {
	if len(b) == 0 {
		return Name{}
	}
	if n.full { // first, as what is no letter becomes a question mark
		b = []byte(printable(b))
	}
	query := false
	for i, c := range b {
		if c == '?' || c == '#' {
			b, query = b[:i], true
			break
		}
	}
	if n.full {
		text := string(b)
		if query {
			text += "?{x}"
		}
		return Name{text}
	}
	low := n.lower(b)
	defer n.wipe()
	out := make([]byte, 0, 32)
	if len(low) > 0 && low[0] != '/' { // the target of CONNECT, OPTIONS or a proxy: RFC 9112 §3.2
		if len(low) == 1 && low[0] == '*' {
			return Name{"*"}
		}
		out = append(out, "{x}"...)
		low = nil
	}
	for shown := 0; len(low) > 0; shown++ {
		part := low[1:]
		if i := bytes.IndexByte(part, '/'); i >= 0 {
			part, low = part[:i], part[i:]
		} else {
			low = nil
		}
		out = append(out, '/')
		if shown == maxTokens {
			out = append(out, "{…}"...)
			break
		}
		if _, ok := tokens[string(part)]; ok {
			out = append(out, part...)
		} else if len(part) > 0 {
			out = append(out, "{x}"...)
		}
	}
	if query {
		out = append(out, "?{x}"...)
	}
	return Name{string(out)}
}
