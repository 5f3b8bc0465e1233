package tunnel

import "slices"

// recordLabels are labels under which domains publish records (RFC 8552, IANA
// "Underscored and Globally Scoped DNS Node Names").
var recordLabels = [...]string{
	"_domainkey", "_dmarc", "_spf", "_acme-challenge", "_mta-sts", "_smtp", "_report", "_bimi", "_atps", "_adsp", "_vouch",
	"_tcp", "_udp", "_tls", "_sctp", "_dane", "_ldap", "_kerberos", "_gc", "_sip", "_sips", "_xmpp", "_msdcs", "_sites", "_autodiscover", "_caldavs", "_carddavs",
	"_dns-sd", "_http", "_https", "_25", "_443", "_openpgpkey", "_smimecert", "_ta", "_uri", "_service", "_dns", "_dnslink", "_amazonses",
}

// services are registered domains, sorted by length by order.
var services, byLength = order(
	// Block lists and reputation asked over DNS.
	"spamhaus.org", "spamhaus.net", "spamcop.net", "surbl.org", "uribl.com", "barracudacentral.org", "sorbs.net", "mailspike.net", "mailspike.org",
	"dnswl.org", "abuseat.org", "senderbase.org", "manitu.net", "uceprotect.net", "invaluement.com", "psbl.org", "mxtoolbox.com", "isipp.com",
	"abuse.ch", "cymru.com", "shadowserver.org", "nixspam.org", "gbudb.net", "rfc-ignorant.org", "spameatingmonkey.net", "backscatterer.org", "dnsbl.info",
	"habeas.com", "bondedsender.org", "sender-score.com", "senderscore.com", "return-path.com", "support-intelligence.net", "rbl.jp", "swinog.ch",
	// Antivirus and filters that look files and sites up by name.
	"mcafee.com", "sophosxl.net", "sophosxl.com", "e5.sk", "eset.com", "avast.com", "avcdn.net", "avg.com", "bitdefender.net", "bitdefender.com",
	"kaspersky.com", "kaspersky-labs.com", "kasperskylabs.net", "trendmicro.com", "trendmicro.co.jp", "brightcloud.com", "webroot.com", "zvelo.com", "cloudmark.com",
	"norton.com", "symantec.com", "symcd.com", "f-secure.com", "fsapi.com", "mailshell.net", "fortinet.net", "fortiguard.net", "fortiguard.com", "opendns.com",
	"umbrella.com", "cisco.com", "zscaler.net", "proofpoint.com", "pphosted.com", "mimecast.com", "messagelabs.com", "barracuda.com", "barracudanetworks.com",
	"malwarebytes.com", "pandasecurity.com", "drweb.com", "virustotal.com", "paloaltonetworks.com", "checkpoint.com", "farsightsecurity.com", "rspamd.com",
	// Clouds and content networks: names of machines, answered by the platform alone.
	"amazonaws.com", "amazonaws.com.cn", "cloudfront.net", "awsglobalaccelerator.com", "awsdns.com", "elasticbeanstalk.com", "on.aws", "aws.dev",
	"azure.com", "azure.net", "azureedge.net", "azurefd.net", "windows.net", "trafficmanager.net", "azurewebsites.net", "cloudapp.net", "msedge.net", "a-msedge.net",
	"microsoft.com", "microsoftonline.com", "office.com", "office365.com", "outlook.com", "sharepoint.com", "office.net", "windows.com", "live.com", "skype.com", "msftncsi.com",
	"google.com", "googleapis.com", "googleusercontent.com", "gvt1.com", "gvt2.com", "1e100.net", "gstatic.com", "googlevideo.com", "doubleclick.net", "googlesyndication.com",
	"akamai.net", "akamaiedge.net", "akamaihd.net", "akamaized.net", "akadns.net", "edgekey.net", "edgesuite.net", "akam.net", "akamaistream.net", "srip.net",
	"fastly.net", "fastlylb.net", "cloudflare.com", "cloudflare.net", "cloudflare-dns.com", "cdn77.org", "llnwd.net", "lldns.net", "footprint.net", "edgecastcdn.net",
	"apple.com", "icloud.com", "apple-dns.net", "aaplimg.com", "mzstatic.com", "icloud-content.com", "fbcdn.net", "facebook.com", "whatsapp.net", "cdninstagram.com",
	"netflix.com", "nflxvideo.net", "nflxso.net", "steamcontent.com", "yahoodns.net", "yahoo.co.jp", "yimg.jp", "sakura.ne.jp", "nicovideo.jp", "line-apps.com", "line-scdn.net",
	"alicdn.com", "aliyuncs.com", "myqcloud.com", "qcloud.com", "salesforce.com", "force.com", "zoom.us", "slack.com", "dropbox.com", "adobe.com", "adobedc.net", "omtrdc.net",
)

// order sorts names by length and returns where each length begins.
func order(names ...string) ([]string, []int) {
	slices.SortStableFunc(names, func(a, b string) int { return len(a) - len(b) })
	longest := len(names[len(names)-1])
	starts := make([]int, longest+2)
	for i := range starts {
		starts[i], _ = slices.BinarySearchFunc(names, i, func(s string, n int) int { return len(s) - n })
	}
	return names, starts
}
