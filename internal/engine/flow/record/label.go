package record

import (
	"bytes"

	"noroshi/internal/engine/detect/domain"
)

// Bounds of what a label below the registered name may be made of.
const (
	maxParts  = 3 // between dashes
	maxNumber = 2 // digits behind a word; three when the first is zero
)

// roles are the words that say what a machine below a registered name is for.
// Below it anybody can write anything, a word at a time, and ask for it: what is
// not made of these is a hash.
var roles = set(`
account accounts acme activation ad adb adfs admin ads afp afpovertcp airplay akamai alpha alt analytics android announce ap apac api apis
app apple apps ar archive archives asia assets au audio auth auto autoconfig autodiscover av aws az azure backend backup badge bak bastion
bbs beta bi billing bimi blob blog blogs bo board book books boot box br branch bridge broker bt bucket build cache cal calendar call cam
camera campus captcha careers cas cat cdn cdns cen central cert certs challenge chat check ci cisco citrix city clean click cliconfig client
clients clientservices clock cloud cloudfront cluster cms cn code collect collector com comm community companion compute conf config
confluence connect console contact content control controller copy core corp count crl crm cs css ctl ctldl customer cvs dash dashboard data
database dav db dbs dc default demo denki deploy desk desktop dev devel developer developers device devices dhcp dir direct directory disk
dist dl dmarc dmz dns dnssd doc docker docs dom domain domainkey download downloads dr drive dropbox ds dynamic east ebs ecs edge edu efs
eigyo eks elastic elb email embed endpoint eng entry erp es esx esxi eu event events ex exchange ext external extranet farm fast fax feed
feedback feeds file files fileserver filter finance fire firewall flow fonts form forms forum forums fr front frontend ftp ftps fw g gakumu
game games gate gateway gc gcp geo gijiroku git gitea github gitlab global google googlecast grafana graph graphics graphql groups gs guest
guide gw hadoop hap health help helpdesk home homekit honsha hook hooks host hosted hosting hotel hotfix hq hr html http https hub ibm
icinga icon icons id identity idp im image images imap imap4 imaps img imgs in inbound index info infra ingest ingress init inside insight
install int internal internet intra intranet inventory ios iot ip ipa ipam ipmi ipp ipps ips ipsec ipv4 ipv6 irc iscsi it ja java jenkins
jinji jira job jobs johou jp js json k8s kafka kanri kb keihi keiri kerberos key keys kibana kikaku kintai kmip kojo kouhou kpasswd kr krb
kube kubernetes kyoumu lab labs lan lb lbs ldap ldaps legacy lib library license lime link links linux list lists live lms local localhost
log logging login logon logs logstash loki lync m2m mac mail mailer mailgate mailhost mailin mailman mailout mails mailserver main maint
manage management manager map maps mariadb market master matrix mdm media meet member members memcache memcached mesh message messages
messaging meta metadata metrics mgmt mgr microsoft minio mirror mirrors mobdev mobile mod mongo mongodb monitor monitoring moodle mqtt ms
msdcs msg mssql mta mtalk mtls multi music mx my mysql nagios nameserver nas nat ne net netbox netflow netscaler network new news newsletter
nexus nexusrules nfs nginx nic noc node nodes normal north northeast northwest notes notification notifications notify ns ntp ntt nyusatsu
oauth ocsp office officecdn offline olap old online open openvpn operator ops oracle order orders org origin os osaka out outbound outlook
owa pac packages page pages panel partner partners path pay payment pbx pc pdf pdl pdls peer pg ping pix pixel pki play playback plugin plus
pod podcast pop pop3 popular port portal post postfix postgres postgresql power presence preview primary print printer printers private pro
probe prod product production products profile project projects prometheus promo proxy ptr pub public publish puppet push pypi qa query
queue rabbitmq radio radius range raop rc rd rdp rds reader realm recursive red redirect redis redmine reg region register registry relay
release releases remote repo report reports repos repository research resolver resource resources rest reverse rfb rfc root router rr rs rss
rsync rt rtmp rtr s3 sales samba san sandbox sap sas scan scanner scep schedule school script scripts sd sdk search sec secondary secure
security self seminar send sensor sentry sep server servers service services session sessions settings settingswin setup sftp sg shanai
share shared sharepoint shell shisha shop show sip sipfederationtls sips site sites slack slave slb smartscreen smb smi sms smtp smtps snmp
soa soap social soft software solr sonar soumu south southeast southwest spam spark spf splunk sport sports spotify sql src srv ssh ssl sso
stage staging standby start stat static statistics stats status storage store stores stratum stream streaming sts student students stun sub
subversion sum supervisor supplier support survey svc svn sw switch sync sys syslog system systems table tag tags task tasks tcp teams tech
telemetry telephony telnet temp terminal test testing tftp theme thumb thumbs ticket tickets tile tiles time tls tlsa tmp tokyo tomcat tool
tools toshokan trac track tracker tracking traffic trafficmanager training translate travel ts turn tv tx ub udp uk unified upd update
updater updates upgrade upload uploads us usage user users util v4 v6 vault vc vcenter vcs vdi veeam ver version vid video videos view
virtual vlan vm vmware voice voip vpc vpn vps vs wan wap watch weather web webapi webapp webapps webcam webconf webdav webdisk webex webhook
webinar webmail webmaster webserver webservice websocket webstore west whois wifi wiki win windows winupdate wlan wns wordpress work worker
works workspace workstation wp wpad ws wss wsus www xml xmpp xmpps yum zabbix zimbra zone zookeeper zoom zuul
`)

// tops are the top level domains that are shown, besides those of countries
// and those in another script: the common ones, and those of networks of one's
// own (RFC 2606, RFC 6762 appendix G, RFC 8375). Under any other there is no
// registered name that could be told from two words.
var tops = set(`
academy accountant accountants aero agency amazon app apple arpa art asia autos aws azure bank bar beauty berlin bet bid biz black blog blue
boats bond business buzz canon capital care casino cat center cfd chat city click clinic cloud club com community company coop corp cricket
cyou date deals delivery design dev digital directory docomo domain domains download edu education email energy estate events example expert
express faith family farm finance fit foundation fujitsu fun fund gallery game games garden gdn global gmbh gold goog google gov group guru
hair hitachi home homes hospital host hosting house icu inc info ink insurance int internal intranet invalid jobs kim kyoto lan land life
link live llc loan local localdomain localhost lol london ltd ltda makeup market marketing media men microsoft mil mobi moe mom money
monster moscow mov museum nagoya name nec net network news nikon ninja ntt nyc okinawa one onion online org osaka page paris party photo
photography photos pics pink plus poker post press private pro quest racing rakuten red ren rest review rocks run ryukyu sale sbs school
science services sharp shop shopping site skin social softbank software solutions sony space store stream studio support systems team tech
technology tel test today tokyo tools top toyota trade training travel university uno video vip wang web website wiki win work workgroup
works world xxx xyz yachts yokohama zip zone
`)

// cut is where the parts of a name begin that are judged differently.
type cut struct {
	own     int  // the registered name; all of it is below when there is none
	reverse bool // a reverse lookup: numbers are its labels
}

// cutName finds the registered name of a name in lower case, whose last label is
// top.
func cutName(name, top []byte) cut {
	s := domain.Cut(name)
	if !s.OK || !topShown(top) {
		return cut{own: len(name)}
	}
	return cut{own: s.From, reverse: s.Reverse}
}

// topShown reports whether a last label is a top level domain.
func topShown(top []byte) bool {
	if len(top) == 2 {
		return letter(top[0]) && letter(top[1])
	}
	if len(top) > 4 && string(top[:4]) == "xn--" {
		return ordinary(top, maxOwnLabel)
	}
	_, ok := tops[string(top)]
	return ok
}

// role reports whether a label in lower case is made of known words, each with
// a short number behind it: www, api2, srv-web02, eu-west-1, _tcp.
func role(label []byte) bool {
	if len(label) > maxLabel {
		return false
	}
	if len(label) > 1 && label[0] == '_' {
		label = label[1:]
	}
	if _, ok := roles[string(label)]; ok {
		return true
	}
	words := 0
	for parts := 1; ; parts++ {
		part := label
		i := bytes.IndexByte(label, '-')
		if i >= 0 {
			part, label = label[:i], label[i+1:]
		}
		word, ok := rolePart(part)
		if !ok || parts > maxParts {
			return false
		}
		if word {
			words++
		}
		if i < 0 {
			// A letter with a number is a name only by itself: d3-f1-07 is a body.
			return words > 0 || parts == 1 && len(part) > 0 && letter(part[0])
		}
	}
}

// rolePart looks at what stands between dashes: a known word or a letter with a
// number behind it, or a number. word says that it was a known word.
func rolePart(part []byte) (word, ok bool) {
	end := len(part)
	for end > 0 && '0' <= part[end-1] && part[end-1] <= '9' {
		end--
	}
	if n := len(part) - end; len(part) == 0 || n > maxNumber && (n != maxNumber+1 || part[end] != '0') {
		return false, false
	}
	if end <= 1 {
		return false, end == 0 || letter(part[0]) && len(part) <= 1+maxNumber
	}
	_, word = roles[string(part[:end])]
	return word, word
}

// octet reports whether a label is one of a reverse lookup (RFC 1035 §3.5, RFC
// 3596 §2.5): a byte in decimal, or four bits in hexadecimal.
func octet(label []byte) bool {
	if len(label) == 1 {
		return '0' <= label[0] && label[0] <= '9' || 'a' <= label[0] && label[0] <= 'f'
	}
	if len(label) == 0 || len(label) > 3 || label[0] == '0' {
		return false
	}
	v := 0
	for _, c := range label {
		if c < '0' || c > '9' {
			return false
		}
		v = 10*v + int(c-'0')
	}
	return v < 256
}

// encoded reports whether a label could be bytes written as hexadecimal digits:
// nothing else, in pairs or not, with a digit among them, or numbers alone.
func encoded(label []byte) bool {
	digits, letters := 0, 0
	for _, c := range label {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'f':
			letters++
		default:
			return false
		}
	}
	return len(label) >= 6 && digits > 0 || len(label) >= 4 && digits > 0 && letters > 0
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' }
