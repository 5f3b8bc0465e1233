package record

import "bytes"

// Agent is a program that names itself: a family out of a closed list and the
// hash of the whole line, so that a first sight is seen without the line.
type Agent struct {
	Family Family
	Whole  Hash
	Text   Name // the whole line, only where names are kept full
}

// IsZero reports whether no program named itself.
func (a Agent) IsZero() bool { return a.Family == NoFamily && a.Whole == Hash{} }

// Family is a program or library that speaks HTTP, SSH or mail.
type Family uint8

// families pairs a family with what its line contains, in the order in which
// they are tried: a browser's line names its forebears too. The first word is
// the family's name.
var families = [...][]string{
	{""}, // NoFamily
	{"other"},
	// tools
	{"sqlmap"}, {"nikto"}, {"nmap", "nmap scripting engine"}, {"masscan"}, {"zgrab"}, {"nuclei"}, {"gobuster"}, {"wpscan"}, {"dirbuster"}, {"hydra"},
	{"metasploit"}, {"cobalt", "cobalt strike"}, {"powershell", "windowspowershell"}, {"certutil", "certutil url agent"}, {"bits", "microsoft bits"},
	{"winhttp"}, {"wininet"}, {"cryptoapi", "microsoft-cryptoapi"}, {"windows-update", "windows-update-agent"}, {"delivery-optimization", "microsoft-delivery-optimization"},
	{"ncsi", "microsoft ncsi"}, {"webdav", "microsoft-webdav-miniredir"}, {"winrm", "microsoft winrm client"}, {"office", "microsoft office"},
	{"curl"}, {"wget"}, {"python-requests"}, {"python", "python-urllib", "python/"}, {"aiohttp"}, {"httpx", "python-httpx"}, {"go", "go-http-client", "go 1.1 package http"},
	{"java", "java/", "apache-httpclient"}, {"okhttp"}, {"node", "node-fetch", "axios", "undici"}, {"perl", "libwww-perl"}, {"ruby"}, {"php"}, {"rust", "reqwest"},
	{"apt", "debian apt"}, {"yum", "urlgrabber", "libdnf"}, {"git", "git/"}, {"docker"}, {"postman", "postmanruntime"},
	{"anydesk"}, {"teamviewer"}, {"rustdesk"}, {"screenconnect"}, {"splashtop"},
	{"bot", "googlebot", "bingbot", "crawler", "spider"},
	// browsers
	{"edge", "edg/", "edge/"}, {"opera", "opr/", "opera"}, {"chrome", "chrome/", "chromium/", "crios/"}, {"firefox", "firefox/", "fxios/"},
	{"safari", "safari/"}, {"internet-explorer", "trident/", "msie "}, {"mozilla", "mozilla/"},
	// ssh
	{"openssh"}, {"putty"}, {"winscp"}, {"filezilla"}, {"dropbear"}, {"libssh2"}, {"libssh"}, {"paramiko"}, {"asyncssh"}, {"jsch"}, {"go-ssh", "ssh-2.0-go"},
	{"cisco-ssh", "ssh-2.0-cisco", "ssh-1.99-cisco"}, {"routeros", "rosssh"}, {"teraterm"}, {"renci", "renci.sshnet"}, {"wolfssh"}, {"bitvise"}, {"russh"}, {"cowrie"},
	// servers
	{"nginx"}, {"apache"}, {"iis", "microsoft-iis"}, {"microsoft-httpapi"}, {"cloudflare"}, {"lighttpd"}, {"caddy"}, {"gunicorn"}, {"werkzeug"}, {"simplehttp"},
	{"jetty"}, {"tomcat", "apache-coyote"}, {"envoy"}, {"litespeed"}, {"boa"}, {"goahead"}, {"mini_httpd"}, {"akamai", "akamaighost"}, {"google", "gws", "esf", "sffe"},
	{"postfix"}, {"exim"}, {"sendmail"}, {"exchange", "microsoft esmtp"}, {"dovecot"}, {"courier"}, {"cyrus"}, {"qmail"},
}

// The families that the program names itself.
const (
	NoFamily    Family = 0
	OtherFamily Family = 1
)

// String is the family's name.
func (f Family) String() string {
	if int(f) < len(families) {
		return families[f][0]
	}
	return "unknown"
}

// ParseFamily finds a family by its name.
func ParseFamily(w string) (Family, bool) {
	for i, names := range families {
		if names[0] == w {
			return Family(i), true
		}
	}
	return 0, false
}

// agent is a line that was seen lately.
type agent struct {
	whole  Hash
	family Family
}

// maxAgent bounds how much of a line is looked at for its family, in bytes.
const maxAgent = 512

// Agent is the family and the hash of a line in which a program names itself.
func (n *Naming) Agent(b []byte) Agent {
	if len(b) == 0 {
		return Agent{}
	}
	out := Agent{Whole: n.Hash(b)}
	if n.full {
		out.Text = Name{printable(b)}
	}
	// The same few programs say the same lines again and again; their hashes say
	// nothing of the line.
	known := &n.agents[out.Whole[0]]
	if known.whole != out.Whole {
		known.whole, known.family = out.Whole, n.family(b[:min(len(b), maxAgent)])
	}
	out.Family = known.family
	return out
}

// family is the first of the families of which the line holds a word.
func (n *Naming) family(b []byte) Family {
	low := n.lower(b)
	defer n.wipe()
	for i := 2; i < len(families); i++ {
		names := families[i]
		if len(names) > 1 {
			names = names[1:]
		}
		for _, name := range names {
			if bytes.Contains(low, []byte(name)) {
				return Family(i)
			}
		}
	}
	return OtherFamily
}
