package synth

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Config is what a day is made of. The zero value of a field means its default.
type Config struct {
	Seed     uint64
	Start    time.Time     // default: 2026-11-04 00:00 in Japan
	Length   time.Duration // 24 hours
	Machines int           // workstations; 12
	Events   int           // of ordinary life, about; 3000
	Domain   string        // of the organisation; tsukimi.example
	Clean    bool          // nothing is planted
	Only     []string      // of the steps, those with these names; none: all
}

// Planted is a step of the intruder, or a harmless habit that looks like one.
type Planted struct {
	Step     string
	Host     string // as the logs name it
	At       time.Time
	Rules    []string // ids of the starter rules that tell of it
	Harmless bool
}

// Tells reports whether a detection of a rule on a host tells of the step.
func (p *Planted) Tells(rule, host string) bool {
	return strings.EqualFold(p.Host, host) && slices.Contains(p.Rules, rule)
}

// File is one log of the day.
type File struct {
	Name string
	Data []byte
}

// The logs of a day.
const (
	windowsLog = "windows.jsonl"
	signinLog  = "signin.log"
	auditLog   = "audit.log"
	vpnLog     = "vpn.log"
)

// Day is a day of logs.
type Day struct {
	conf    Config
	rng     *rand.Rand
	start   time.Time
	entries []entry
	planted []Planted
	short   string // NetBIOS name of the domain
	desks   []string
	staff   []string // whose desk it is
	pid     int
}

// entry is one event in the log it is written to.
type entry struct {
	at   time.Time
	file string
	line string // with its line end; an event of auditd has several lines
}

// Machines with a part of their own.
const (
	controller = "dc01"
	files      = "fs01"
	business   = "app01"
	updates    = "wsus01"
	jumpHost   = "adm01"
	web        = "web01"
	records    = "db01"
	appliance  = "vpn01"
)

// New makes up a day.
func New(c Config) *Day {
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 11, 3, 15, 0, 0, 0, time.UTC)
	}
	if c.Length <= 0 {
		c.Length = 24 * time.Hour
	}
	if c.Machines <= 0 {
		c.Machines = 12
	}
	if c.Events <= 0 {
		c.Events = 3000
	}
	if c.Domain == "" {
		c.Domain = "tsukimi.example"
	}
	d := &Day{conf: c, rng: rand.New(rand.NewPCG(c.Seed, 0x6d796f6d69)), start: c.Start.UTC().Truncate(time.Second), pid: 1000}
	label, _, _ := strings.Cut(c.Domain, ".")
	label, _, _ = strings.Cut(label, "-")
	d.short = strings.ToUpper(label)
	for i := range c.Machines {
		d.desks = append(d.desks, fmt.Sprintf("pc-%03d", i+1))
		d.staff = append(d.staff, fmt.Sprintf("u%d", 1000+d.rng.IntN(9)+10*i))
	}
	d.live()
	d.plant()
	slices.SortStableFunc(d.entries, func(a, b entry) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.file, b.file)) })
	return d
}

// Planted is what was put into the day: the intruder's steps in their order,
// then the habits.
func (d *Day) Planted() []Planted { return d.planted }

// Events is how many events the day has.
func (d *Day) Events() int { return len(d.entries) }

// Files gives the logs, each in the order of its times.
func (d *Day) Files() []File {
	names := []string{windowsLog, signinLog, auditLog, vpnLog}
	out := make([]File, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	for i := range d.entries {
		e := &d.entries[i]
		f := &out[slices.Index(names, e.file)]
		f.Data = append(f.Data, e.line...)
	}
	return out
}

// Stranger is the intruder's address.
func (d *Day) Stranger() string { return fmt.Sprintf("203.0.113.%d", 20+d.conf.Seed%200) }

// fqdn is the full name of a machine.
func (d *Day) fqdn(machine string) string { return machine + "." + d.conf.Domain }

// account is a person or a service as Windows writes it.
func (d *Day) account(name string) string { return d.short + `\` + name }

// process gives a number for a new process.
func (d *Day) process() int {
	d.pid += 4 * (1 + d.rng.IntN(9))
	return d.pid
}

// sometime is an instant of the day, most of them when people are at work.
func (d *Day) sometime() time.Time {
	for {
		at := d.start.Add(time.Duration(d.rng.Int64N(int64(d.conf.Length))))
		h := (at.Hour() + 9) % 24 // in Japan
		if h >= 8 && h < 19 || d.rng.IntN(8) == 0 {
			return at
		}
	}
}

// after is an instant so far into the day; of a shorter day, the same share.
func (d *Day) after(t time.Duration) time.Time {
	return d.start.Add(time.Duration(float64(t) * float64(d.conf.Length) / float64(24*time.Hour)))
}

// one takes one of a list.
func one[T any](d *Day, list []T) T { return list[d.rng.IntN(len(list))] }

// home is the address of somebody who works from home.
func (d *Day) home(i int) string { return fmt.Sprintf("198.18.%d.%d", 10+i%200, 7+i/200) }

// inside is the address of a desk.
func (d *Day) inside(i int) string { return fmt.Sprintf("10.20.%d.%d", 16+i/250, 1+i%250) }
