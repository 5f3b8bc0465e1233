package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/tlog"
)

// Config is the configuration of a hub. The doc tag of a key is what
// `config dump` prints above it.
type Config struct {
	Hub      Hub      `toml:"hub" doc:"The hub itself"`
	TLS      TLS      `toml:"tls" doc:"Certificate; without one the hub speaks plain HTTP, behind a proxy or on this machine"`
	Log      Log      `toml:"log" doc:"The log, on standard error"`
	Keys     Keys     `toml:"keys" doc:"Keys that wrap what is encrypted; they stay outside the database"`
	Ledger   Ledger   `toml:"ledger" doc:"The public record"`
	Witness  Witness  `toml:"witness" doc:"Who cosigns the record; without a key nothing waits for anybody"`
	Limits   Limits   `toml:"limits" doc:"Bounds"`
	Incident Incident `toml:"incident" doc:"Incident reports"`
	Feeds    Feeds    `toml:"feeds" doc:"Public sources of vulnerability facts that the hub fetches by itself"`
	Sensor   Sensor   `toml:"sensor" doc:"Reading of traffic"`
	Hunt     Hunt     `toml:"hunt" doc:"Hunting through logs"`
	Measure  Measure  `toml:"measure" doc:"Access and neutralisation"`
	Mail     Mail     `toml:"mail" doc:"The server that mail goes out through; without a host no mail is sent"`
	Request  Request  `toml:"request" doc:"Requests to others, such as takedowns"`
	Out      Out      `toml:"out" doc:"Where the hub may go over HTTP: to feeds it is told to fetch, and to webhooks of organisations"`
}

// Sensor is the section of reading traffic.
type Sensor struct {
	State bool `toml:"state" doc:"This machine serves a carrier or the State: the basis has to be named for files too, and is own-network or test"`
}

// Hunt is the section of hunting through logs.
type Hunt struct {
	KeepDays int `toml:"keep_days" doc:"Days that results of hunts are kept after they came in, 1 to 3650; what became a sighting and what is on hold stays"`
}

// Measure is the section of access and neutralisation.
type Measure struct {
	Numbers string `toml:"numbers_file" doc:"File of numbers that the law leaves open, such as how soon the commission has to be told of an emergency; empty uses those built in, which 'noroshi measure rules' shows"`
	Own     string `toml:"own_numbers_file" doc:"File of numbers and legal grounds of orders on one's own network, such as how long one may last; empty uses those built in, which 'noroshi act rules' shows"`
}

// Hub is the section of the hub itself.
type Hub struct {
	Listen  string `toml:"listen" doc:"Address and port to listen on"`
	BaseURL string `toml:"base_url" doc:"Address people type, such as https://hub.example; needed behind a proxy"`
	Name    string `toml:"name" doc:"Name of this hub, shown on pages"`
	DataDir string `toml:"data_dir" doc:"Folder of the database, keys, ledger and attachments, unless they are placed elsewhere below"`
	DB      string `toml:"database" secret:"url" doc:"postgres://… or the path of a SQLite file; empty is hub.db in data_dir"`
	Secure  bool   `toml:"secure" doc:"A proxy in front speaks TLS: cookies are Secure, HSTS is sent. Implied by a certificate"`
}

// TLS is the section of the certificate.
type TLS struct {
	Cert string `toml:"cert" doc:"Certificate chain, PEM"`
	Key  string `toml:"key" doc:"Private key of the certificate, PEM file"`
}

// Log is the section of the log.
type Log struct {
	Format string `toml:"format" doc:"json or text"`
	Level  string `toml:"level" doc:"debug, info, warn or error"`
}

// Keys is the section of the wrapping keys.
type Keys struct {
	Dir string `toml:"dir" doc:"Folder of the keys; empty is keys in data_dir. Back it up apart from the database"`
}

// Ledger is the section of the record.
type Ledger struct {
	Origin   string        `toml:"origin" doc:"Name of the log in its checkpoints, such as hub.example/ledger; it never changes"`
	Dir      string        `toml:"dir" doc:"Folder the public tiles are written to; empty is ledger in data_dir"`
	KeyFile  string        `toml:"key_file" doc:"Signing key; empty is ledger.key in the folder of the keys"`
	Interval time.Duration `toml:"interval" doc:"Time between checkpoints, 100ms to 1m"`
	Beat     time.Duration `toml:"beat" doc:"Time after which an entry is written when nothing else was, so that whoever follows the record sees that it goes on, 1m to 24h; 0s is never"`
}

// Witness is the section of those who cosign the record.
type Witness struct {
	Keys  []string      `toml:"keys" doc:"Verifier keys of witnesses, such as the line in auditor.vkey of the commission's auditor; one that keeps up is enough"`
	Wait  time.Duration `toml:"wait" doc:"How old their newest cosignature may get before ordinary acts of power wait, 1m to 24h; 0s is never. Declared emergencies do not wait"`
	URLs  []string      `toml:"urls" doc:"Addresses of witnesses that the hub asks (c2sp.org/tlog-witness); one that follows the record by itself needs none. Ways out are those of out.networks, out.plain and out.proxy"`
	Every time.Duration `toml:"every" doc:"Time between two askings, 1s to 10m"`
}

// Verifiers returns the keys; Read refuses what is none.
func (w Witness) Verifiers() (out []note.Verifier) {
	for _, k := range w.Keys {
		if v, err := tlog.ReadWitness(k); err == nil {
			out = append(out, v)
		}
	}
	return out
}

// Hosts returns the hosts of the addresses, with the port where one is named.
func (w Witness) Hosts() (out []string) {
	for _, a := range w.URLs {
		if u, err := url.Parse(a); err == nil {
			out = append(out, u.Host)
		}
	}
	return out
}

// Limits is the section of bounds.
type Limits struct {
	UploadMB   int    `toml:"upload_mb" doc:"Size of one uploaded file, in MB"`
	Concurrent int    `toml:"concurrent" doc:"Requests answered at a time; more are told to come back"`
	MemoryMB   int    `toml:"memory_mb" doc:"Memory the program tries to stay within, in MB, unless GOMEMLIMIT says otherwise; 0 is no bound"`
	Streams    int    `toml:"streams" doc:"Pages that update themselves, at a time"`
	Metrics    string `toml:"metrics_token" secret:"yes" doc:"Bearer token for /metrics; empty opens it to this machine only"`
}

// Incident is the section of incident reports.
type Incident struct {
	ProfilesDir string `toml:"profiles_dir" doc:"Folder of further profile files; empty uses only those built in"`
}

// Feeds is the section of feeds.
type Feeds struct {
	Sources []string `toml:"sources" doc:"One line each: id, then kind= url= path= every= licence= checksum= whole= shrink=, such as 'kev kind=kev url=https://feeds.example/kev.json every=6h'. Hosts have to be in out.hosts"`
}

// Mail is the section of outgoing mail.
type Mail struct {
	Host     string        `toml:"host" doc:"SMTP server; empty sends no mail"`
	Port     int           `toml:"port" doc:"Its port: 587 with starttls, 465 with implicit"`
	TLS      string        `toml:"tls" doc:"starttls, implicit, or none within a closed network"`
	User     string        `toml:"user" doc:"Who the hub is to the server; empty signs in nowhere"`
	Password string        `toml:"password" secret:"yes" doc:"Password of the user"`
	From     string        `toml:"from" doc:"Sender of every mail, such as Noroshi <noroshi@hub.example>"`
	Timeout  time.Duration `toml:"timeout" doc:"Time one message may take, 1s to 5m"`
}

// Out is the section of connections to the outside.
type Out struct {
	Hosts    []string `toml:"hosts" doc:"Hosts that feeds may be on: name, *.name for those below it, * for every public host; empty goes nowhere"`
	Networks []string `toml:"networks" doc:"Networks that feeds may be in although they are not public, such as 10.20.0.0/16, in a closed network"`
	Plain    bool     `toml:"plain" doc:"Allow http beside https, to feeds"`
	Hooks    []string `toml:"hooks" doc:"Hosts that webhooks of organisations may be on, as in hosts; always public addresses over https"`
	Proxy    string   `toml:"proxy" secret:"url" doc:"HTTP proxy through which everything goes; empty is none"`
}

// Request is the section of requests to others.
type Request struct {
	Registries []string `toml:"registries" doc:"Hosts of registries (RDAP) that may be asked who is responsible for an address or a name, such as rdap.apnic.net; empty asks nobody"`
	Bootstrap  string   `toml:"bootstrap" doc:"Folder of IANA's bootstrap files asn.json, dns.json, ipv4.json and ipv6.json (RFC 9224), which say which registry to ask; nothing fetches them"`
}

// Prefixes returns the networks; Read refuses what is none.
func (o Out) Prefixes() (out []netip.Prefix) {
	for _, n := range o.Networks {
		if p, err := netip.ParsePrefix(n); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Hub:     Hub{Listen: "127.0.0.1:8440", Name: "Noroshi", DataDir: "noroshi-data"},
		Log:     Log{Format: "json", Level: "info"},
		Ledger:  Ledger{Origin: "noroshi.invalid/ledger", Interval: 500 * time.Millisecond, Beat: 10 * time.Minute},
		Witness: Witness{Keys: []string{}, Wait: 15 * time.Minute, URLs: []string{}, Every: 10 * time.Second},
		Limits:  Limits{UploadMB: 20, MemoryMB: 200, Concurrent: 256, Streams: 1024},
		Feeds:   Feeds{Sources: []string{}},
		Hunt:    Hunt{KeepDays: 365},
		Request: Request{Registries: []string{}},
		Out:     Out{Hosts: []string{}, Hooks: []string{}, Networks: []string{}},
		Mail:    Mail{Port: 587, TLS: "starttls", Timeout: 30 * time.Second},
	}
}

// Database returns where the database is.
func (c Config) Database() string {
	if c.Hub.DB != "" {
		return c.Hub.DB
	}
	return filepath.Join(c.Hub.DataDir, "hub.db")
}

// KeyDir returns the folder of the wrapping keys.
func (c Config) KeyDir() string { return or(c.Keys.Dir, filepath.Join(c.Hub.DataDir, "keys")) }

// LedgerDir returns the folder of the public tiles.
func (c Config) LedgerDir() string { return or(c.Ledger.Dir, filepath.Join(c.Hub.DataDir, "ledger")) }

// LedgerKey returns the file of the signing key.
func (c Config) LedgerKey() string {
	return or(c.Ledger.KeyFile, filepath.Join(c.KeyDir(), "ledger.key"))
}

// Secure reports whether people reach the hub over TLS.
func (c Config) Secure() bool { return c.Hub.Secure || c.TLS.Cert != "" }

// Upload returns the bytes of one uploaded file at most.
func (c Config) Upload() int64 { return int64(c.Limits.UploadMB) * 1_000_000 }

func or(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}

// check returns what is out of bounds, by key.
func (c Config) check() []fault.Place {
	var bad []fault.Place
	want := func(ok bool, key, code string, pairs ...any) {
		if !ok {
			p := fault.New(fault.Usage, code, pairs...)
			bad = append(bad, fault.Place{At: key, Code: code, Args: p.Args})
		}
	}
	between := func(key string, v, lo, hi int) { want(v >= lo && v <= hi, key, "config.between", "min", lo, "max", hi) }
	span := func(key string, v, lo, hi time.Duration) {
		want(v >= lo && v <= hi, key, "config.between", "min", lo.String(), "max", hi.String())
	}
	_, port, err := net.SplitHostPort(c.Hub.Listen)
	want(err == nil && port != "", "hub.listen", "config.address")
	if c.Hub.BaseURL != "" {
		u, err := url.Parse(c.Hub.BaseURL)
		want(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.User == nil, "hub.base_url", "config.url")
	}
	want(c.Hub.Name != "" && len(c.Hub.Name) <= 100, "hub.name", "config.empty")
	want(c.Hub.DataDir != "", "hub.data_dir", "config.empty")
	want((c.TLS.Cert == "") == (c.TLS.Key == ""), "tls.cert", "config.pair", "other", "tls.key")
	want(c.Log.Format == "json" || c.Log.Format == "text", "log.format", "config.choice", "choices", "json, text")
	want(strings.Contains(" debug info warn error ", " "+c.Log.Level+" "), "log.level", "config.choice", "choices", "debug, info, warn, error")
	want(c.Ledger.Origin != "" && !strings.ContainsAny(c.Ledger.Origin, " +\t\n"), "ledger.origin", "config.origin")
	span("ledger.interval", c.Ledger.Interval, 100*time.Millisecond, time.Minute)
	if c.Ledger.Beat != 0 {
		span("ledger.beat", c.Ledger.Beat, time.Minute, 24*time.Hour)
	}
	for _, k := range c.Witness.Keys {
		_, err := tlog.ReadWitness(k)
		want(err == nil, "witness.keys", "config.witness", "key", k)
	}
	if c.Witness.Wait != 0 {
		span("witness.wait", c.Witness.Wait, time.Minute, 24*time.Hour)
	}
	for _, a := range c.Witness.URLs {
		u, err := url.Parse(a)
		want(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "", "witness.urls", "config.url")
		want(len(c.Witness.Keys) > 0, "witness.keys", "config.witness_none")
	}
	span("witness.every", c.Witness.Every, time.Second, 10*time.Minute)
	between("limits.upload_mb", c.Limits.UploadMB, 1, 1000)
	between("limits.concurrent", c.Limits.Concurrent, 1, 10_000)
	want(c.Limits.MemoryMB == 0 || c.Limits.MemoryMB >= 64, "limits.memory_mb", "config.between", "min", 64, "max", "∞")
	between("limits.streams", c.Limits.Streams, 1, 100_000)
	between("hunt.keep_days", c.Hunt.KeepDays, 1, 3650)
	want(c.Limits.Metrics == "" || len(c.Limits.Metrics) >= 16, "limits.metrics_token", "config.short", "min", 16)
	for _, h := range c.Request.Registries {
		want(!strings.HasPrefix(h, "*"), "request.registries", "config.registry", "host", h) // a machine could be behind it
	}
	for _, n := range c.Out.Networks {
		_, err := netip.ParsePrefix(n)
		want(err == nil, "out.networks", "config.network", "network", n)
	}
	if c.Mail.Host != "" {
		want(c.Hub.BaseURL != "", "hub.base_url", "config.mail_base")
		between("mail.port", c.Mail.Port, 1, 65535)
		want(strings.Contains(" starttls implicit none ", " "+c.Mail.TLS+" "), "mail.tls", "config.choice", "choices", "starttls, implicit, none")
		_, err := mail.ParseAddress(c.Mail.From)
		want(err == nil, "mail.from", "config.mail")
		want((c.Mail.User == "") == (c.Mail.Password == ""), "mail.user", "config.pair", "other", "mail.password")
		span("mail.timeout", c.Mail.Timeout, time.Second, 5*time.Minute)
	}
	return bad
}

// Read reads the hub's configuration: the file (none when its name is empty)
// and the environment as os.Environ gives it. Every problem of the values is
// a place of the fault.
func Read(file string, environ []string) (*Loaded[Config], error) {
	l, err := Load(Default(), file, environ)
	if err != nil {
		return nil, err
	}
	if bad := l.Value.check(); bad != nil {
		for i := range bad {
			bad[i].At = l.Where(bad[i].At)
		}
		return nil, fault.New(fault.Usage, "config.wrong").At(bad...)
	}
	return l, nil
}
