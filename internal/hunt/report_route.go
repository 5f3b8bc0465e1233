package hunt

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"noroshi/internal/engine/sigma"
)

// Bounds of the picture of an attack's path: what a person can take in at once.
const (
	pathSteps  = 20
	pathLanes  = 8
	pathOthers = 3   // of them machines without findings of their own
	pathTitles = 3   // of one step
	pathSigns  = 500 // what it is chosen from, in a hub

	pathJoin = time.Hour      // what is alike within it is one step
	pathGap  = 72 * time.Hour // within it an account that turns up elsewhere is taken to have moved
)

// pathLevel is the least level of what is drawn before a person decided.
const pathLevel = sigma.Medium

// sign is what the path is made of: what one rule found on one host of one
// account.
type sign struct {
	At, Last   time.Time
	Level      sigma.Level
	Host, User string
	Tactics    []string
	Title      string
	Href       string // of the finding; empty in a file
	Count      int
	State      State  // in a hub
	From, To   string // machines that its events name as source and as target
	own        string // an address that its events show to be the host's
}

// step is a row of the picture: something on one machine at one time.
type step struct {
	sign
	Lane   int
	Titles []string
	of     int    // findings that it is made of
	Moves  []move // that lead to it, or from it to what it reached
}

// move is a line from one machine to another.
type move struct {
	From, To int    // lanes
	By       string // the account
	Told     bool   // an event names both machines; otherwise an account turned up
}

// lane is a machine.
type lane struct {
	Name  string
	Other bool // without findings of its own
}

// route is who moved from where to where, when: the machines, and what happened
// on them in the order of time.
type route struct {
	Lanes     []lane
	Steps     []step
	LeftHosts int // machines that found no room
	Left      int // findings that found no room
	Untimed   int // findings without a time or a machine
}

// newRoute chooses and orders what the picture shows.
func newRoute(list []sign) *route {
	p := &route{}
	list = slices.DeleteFunc(slices.Clone(list), func(s sign) bool {
		if s.At.IsZero() || s.Host == "" {
			p.Untimed++
			return true
		}
		return false
	})
	slices.SortStableFunc(list, func(a, b sign) int { return a.At.Compare(b.At) })
	at := p.lanes(list)
	for _, s := range list {
		if i, ok := at.find(s.Host); ok {
			p.put(s, i)
		} else {
			p.Left++
		}
	}
	p.choose()
	p.link(at)
	return p
}

// atlas knows machines by the names and addresses that logs have for them.
type atlas struct {
	lanes map[string]int    // by folded name
	short map[string]string // the first label of a name, where only one machine has it
	own   map[string]string // an address, and the machine it is of
}

// find returns the lane of a machine.
func (a *atlas) find(name string) (int, bool) {
	i, ok := a.lanes[a.fold(name)]
	return i, ok
}

// fold writes the name of a machine in the one form in which it is known.
func (a *atlas) fold(name string) string {
	name = fold(name)
	if host := a.own[name]; host != "" {
		return host
	}
	if host := a.short[name]; host != "" {
		return host
	}
	return name
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func fold(name string) string {
	return strings.TrimPrefix(strings.ToLower(strings.Trim(strings.TrimSpace(name), `\[]`)), "::ffff:")
}

// lanes chooses the machines: the gravest of those with findings, and room for
// some that those name. They stand in the order in which they turn up.
func (p *route) lanes(list []sign) *atlas {
	a := &atlas{lanes: map[string]int{}, short: map[string]string{}, own: map[string]string{}}
	hosts := map[string]bool{}
	for _, s := range list {
		hosts[fold(s.Host)] = true
	}
	for h := range hosts {
		if label, _, dotted := strings.Cut(h, "."); dotted && !isAddress(h) {
			if _, two := a.short[label]; two {
				h = ""
			}
			a.short[label] = h
		}
	}
	for _, s := range list {
		if s.own != "" {
			a.own[fold(s.own)] = fold(s.Host)
		}
	}
	type weight struct {
		name  string // as it is shown
		level sigma.Level
		n     int
	}
	own, others := map[string]*weight{}, map[string]*weight{}
	note := func(to map[string]*weight, name string, level sigma.Level) {
		key := a.fold(name)
		if to[key] == nil {
			to[key] = &weight{name: name}
		}
		if len(name) > len(to[key].name) {
			to[key].name = name
		}
		to[key].level, to[key].n = max(to[key].level, level), to[key].n+1
	}
	for _, s := range list {
		note(own, s.Host, s.Level)
	}
	for _, s := range list {
		for _, name := range []string{s.From, s.To} {
			if name != "" && own[a.fold(name)] == nil {
				note(others, name, s.Level)
			}
		}
	}
	best := func(from map[string]*weight, most int) []string {
		keys := make([]string, 0, len(from))
		for k := range from {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(x, y string) int {
			return cmp.Or(cmp.Compare(from[y].level, from[x].level), cmp.Compare(from[y].n, from[x].n), cmp.Compare(x, y))
		})
		return keys[:min(len(keys), most)]
	}
	room := min(len(others), pathOthers, max(1, pathLanes-len(own)))
	kept := map[string]lane{}
	for _, k := range best(own, pathLanes-room) {
		kept[k] = lane{Name: own[k].name}
	}
	for _, k := range best(others, room) {
		kept[k] = lane{Name: others[k].name, Other: true}
	}
	p.LeftHosts = len(own) + len(others) - len(kept)
	for _, s := range list { // in the order in which they turn up
		for _, name := range []string{s.From, s.Host, s.To} {
			key := a.fold(name)
			if l, ok := kept[key]; ok && name != "" {
				a.lanes[key] = len(p.Lanes)
				p.Lanes = append(p.Lanes, l)
				delete(kept, key)
			}
		}
	}
	return a
}

// put appends a step, or adds to the one before what is like it.
func (p *route) put(s sign, at int) {
	if n := len(p.Steps); n > 0 {
		t := &p.Steps[n-1]
		alike := t.Lane == at && t.State == s.State && account(t.User) == account(s.User) && slices.Equal(firstOf(t.Tactics), firstOf(s.Tactics)) && s.At.Sub(t.Last) < pathJoin
		if alike && (s.From == "" || s.From == t.From) && (s.To == "" || s.To == t.To) {
			t.Count, t.of = t.Count+s.Count, t.of+1
			if s.Last.After(t.Last) {
				t.Last = s.Last
			}
			if s.Level > t.Level {
				t.Level, t.Href = s.Level, s.Href
			}
			if !slices.Contains(t.Titles, s.Title) && len(t.Titles) < pathTitles {
				t.Titles = append(t.Titles, s.Title)
			}
			return
		}
	}
	p.Steps = append(p.Steps, step{sign: s, Lane: at, Titles: []string{s.Title}, of: 1})
}

func firstOf(list []string) []string { return list[:min(len(list), 1)] }

// choose keeps the steps that there is room for: the gravest, and of equals
// those that are the first on their machine or of their account there.
func (p *route) choose() {
	if len(p.Steps) <= pathSteps {
		return
	}
	type key struct {
		lane int
		user string
	}
	worth, been := make([]int, len(p.Steps)), map[key]bool{}
	order := make([]int, len(p.Steps))
	for i, s := range p.Steps {
		order[i], worth[i] = i, int(s.Level)*4
		for n, k := range []key{{s.Lane, account(s.User)}, {s.Lane, "\x00"}} {
			if !been[k] {
				been[k] = true
				worth[i] += n + 1
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(worth[b], worth[a]) })
	for _, i := range order[pathSteps:] {
		p.Left += p.Steps[i].of
		p.Steps[i].Titles = nil
	}
	p.Steps = slices.DeleteFunc(p.Steps, func(s step) bool { return s.Titles == nil })
}

// link joins steps by what their events say, and by accounts that turn up on
// another machine.
func (p *route) link(a *atlas) {
	type place struct {
		lane int
		at   time.Time
	}
	last := map[string]place{}
	for i := range p.Steps {
		s := &p.Steps[i]
		told := false
		if from, ok := a.find(s.From); ok && s.From != "" && from != s.Lane {
			s.Moves, told = append(s.Moves, move{from, s.Lane, s.User, true}), true
		}
		if to, ok := a.find(s.To); ok && s.To != "" && to != s.Lane {
			s.Moves = append(s.Moves, move{s.Lane, to, s.User, true})
		}
		who := account(s.User)
		if who == "" {
			continue
		}
		if was, ok := last[who]; ok && !told && was.lane != s.Lane && s.At.Sub(was.at) <= pathGap {
			s.Moves = append(s.Moves, move{was.lane, s.Lane, s.User, false})
		}
		last[who] = place{s.Lane, s.Last}
	}
}

// everywhere are accounts that every machine has: that one turns up elsewhere
// says nothing.
var everywhere = strings.Fields("system root - localsystem n/a nobody local_service network_service anonymous_logon local-service network-service")

// account is an account without its domain, in small letters; empty for one
// that every machine has.
func account(user string) string {
	user = fold(user)
	if i := strings.LastIndexByte(user, '\\'); i >= 0 {
		user = user[i+1:]
	}
	user, _, _ = strings.Cut(user, "@")
	if strings.HasSuffix(user, "$") || slices.Contains(everywhere, strings.ReplaceAll(user, " ", "_")) {
		return ""
	}
	return user
}

// Fields in which logs name the other machine: those of Windows, Sysmon, Zeek,
// firewalls and clouds.
var (
	fromFields = strings.Fields("WorkstationName SourceHostname IpAddress SourceIp SourceAddress ClientName ClientAddress src_ip srcip remip sourceIPAddress IPAddress ClientIP CallerIpAddress c-ip id.orig_h rhost addr")
	toFields   = strings.Fields("TargetServerName DestinationHostname TargetHost DestinationIp DestAddress dst_ip dstip id.resp_h")
)

// between reads out of an event which machines it is between. A connection that
// the host itself opened or took is between the host and the other end.
func (s *sign) between(field func(name string) string) {
	s.From, s.To = machine(fromFields, field), machine(toFields, field)
	switch strings.ToLower(field("Initiated")) { // Sysmon 3
	case "true":
		s.own, s.From = field("SourceIp"), ""
	case "false":
		s.own, s.To = field("DestinationIp"), ""
	default:
		if s.From != "" && s.To != "" && fold(s.From) != fold(s.Host) { // of a device on the way
			if fold(s.To) == fold(s.Host) {
				s.To = ""
			}
		}
	}
	if fold(s.From) == fold(s.Host) {
		s.From = ""
	}
	if fold(s.To) == fold(s.Host) {
		s.To = ""
	}
}

// machine is the first field that names another machine.
func machine(names []string, field func(name string) string) string {
	for _, n := range names {
		v := strings.Trim(strings.TrimSpace(field(n)), `\[]`)
		if a, err := netip.ParseAddr(strings.TrimPrefix(v, "::ffff:")); err == nil {
			if !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast() {
				return a.Unmap().String()
			}
			continue
		}
		if v == "" || v == "-" || len(v) > 255 || strings.ContainsAny(v, " /:,;=") || slices.Contains([]string{"localhost", "local", "?", "n/a", "unknown"}, strings.ToLower(v)) {
			continue
		}
		return v
	}
	return ""
}
