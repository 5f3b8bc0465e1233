package domain

// Facts about where a registered name begins. They are short on purpose: a
// missing suffix means that a label further right is judged, which is rarely
// random.

// japanSecond are the organisation types under jp.
var japanSecond = [...]string{"co", "ne", "or", "ac", "go", "lg", "ed", "ad", "gr"}

// prefectures stand between jp and a municipality: city.sapporo.hokkaido.jp.
// A few cities stand there on their own as well.
var prefectures = [...]string{
	"hokkaido", "aomori", "iwate", "miyagi", "akita", "yamagata", "fukushima", "ibaraki", "tochigi", "gunma", "saitama", "chiba",
	"tokyo", "kanagawa", "niigata", "toyama", "ishikawa", "fukui", "yamanashi", "nagano", "gifu", "shizuoka", "aichi", "mie",
	"shiga", "kyoto", "osaka", "hyogo", "nara", "wakayama", "tottori", "shimane", "okayama", "hiroshima", "yamaguchi", "tokushima",
	"kagawa", "ehime", "kochi", "fukuoka", "saga", "nagasaki", "kumamoto", "oita", "miyazaki", "kagoshima", "okinawa",
}

// countrySecond are second-level names in use under country domains.
var countrySecond = [...]string{
	"com", "co", "net", "org", "edu", "gov", "ac", "or", "ne", "go", "gob", "gouv", "mil", "gen", "nom", "biz", "info",
	"ltd", "plc", "me", "sch", "nhs", "id", "web", "my", "in", "firm", "ind", "nic", "res", "asn", "re", "pe", "art", "adv", "blog",
	"int", "law", "pro", "tv", "k12", "bel", "pol", "av", "dr", "name", "tel", "kep", "bbs", "idf", "muni", "bet", "iwi", "cri", "govt", "maori", "geek",
}

// dynamicNames are providers under which anybody can have a name at once.
var dynamicNames = [...]string{
	"duckdns.org", "dyndns.org", "dyndns.com", "dyndns.info", "dynserv.com", "dynserv.org", "mooo.com", "yi.org", "no-ip.org", "no-ip.com",
	"no-ip.biz", "no-ip.info", "ddns.net", "hopto.org", "zapto.org", "sytes.net", "myftp.org", "myftp.biz", "serveftp.com", "servehttp.com",
	"redirectme.net", "bounceme.net", "myvnc.com", "dynu.net", "dynu.com", "freeddns.org", "changeip.com", "3utilities.com", "homeip.net",
	"gotdns.com", "is-a-geek.com", "dnsalias.com", "dnsalias.org", "homelinux.org", "homeunix.org", "chickenkiller.com", "us.to", "strangled.net",
	"crabdance.com", "ignorelist.com", "afraid.org", "dynv6.net", "ydns.eu", "spdns.de", "spdns.org", "selfip.com", "mydns.jp", "ddo.jp",
}
