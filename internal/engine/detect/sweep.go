package detect

import (
	"math"

	"noroshi/internal/engine/flow/record"
)

// sweep is a source and a port, or a source and a target, from the first try
// that failed on. 0.1 KB, and 0.4 KB more from the second try on.
type sweep struct {
	Src, Dst    ip // Dst zero: many machines
	Port        uint16
	Proto       uint8
	FromHome    bool
	ToHome      bool
	Tries       uint32
	Failed      uint32
	Quiet       uint32 // by packets that begin nothing
	First, Last int64
	Only        uint64 // the first machine or port
	Low, High   uint16
	Trail       *trail // nil below two tries
}

// trail is how far a sweep went.
type trail struct {
	Seen   many // different machines or ports
	Missed many // of these, where a try failed
	Over   series
}

func (t *trail) add(at int64, member uint64, failed bool) {
	t.Seen.add(member)
	if failed {
		t.Missed.add(member)
		t.Over.add(at, 1, minute)
	}
}

func (w *sweep) add(f *flow, member uint64) {
	if w.Tries++; w.Tries == 1 {
		w.Only = member
	} else {
		if w.Trail == nil {
			w.Trail = new(trail)
			w.Trail.add(w.First, w.Only, true) // only what failed begins an entry
		}
		w.Trail.add(f.Start, member, f.failed)
	}
	w.First, w.Last = min(w.First, f.Start), max(w.Last, f.Start)
	w.Low, w.High = min(w.Low, f.port), max(w.High, f.port)
	if f.failed {
		w.Failed++
	}
	if f.quiet {
		w.Quiet++
	}
}

// sweeps keeps who tries many machines, and who tries many ports. Only what
// failed begins an entry: what works all the time needs none.
func (d *Detector) sweeps(f *flow) {
	if f.State == record.Midway && !f.quiet || !f.fromHome && !f.toHome || (f.Proto == 1 || f.Proto == 58) && f.DstPort != 0 {
		return
	}
	if d.answers(f) {
		return
	}
	s := &d.state
	kind := uint64(f.Proto)<<16 | uint64(f.port)
	fresh := sweep{Src: f.src, Proto: f.Proto, Port: f.port, FromHome: f.fromHome, ToHome: f.toHome, First: f.Start, Low: f.port, High: f.port}
	if w := one(&s.Hosts, mix(f.srcHash, kind), f.failed, fresh); w != nil {
		w.add(f, f.dstHash)
	}
	fresh.Dst = f.dst
	if w := one(&s.Ports, mix(f.srcHash, f.dstHash+uint64(f.Proto)), f.failed, fresh); w != nil {
		w.add(f, mix(kind, s.Seed))
	}
}

// serves marks in the table of names who is asked for a service of UDP.
func serves(server uint64, port uint16) uint64 { return mix(server, 0xa5ced<<16|uint64(port)) }

// answers reports whether a datagram that nobody answers is an answer itself:
// one from outside to what somebody asked in another's name, or a late one of
// one's own server. That its port says so is not enough, anybody may send from
// there: a server of one's own was asked before, and answers to a port that
// questions come from.
func (d *Detector) answers(f *flow) bool {
	if f.Proto != 17 {
		return false
	}
	if f.toHome && reflecting(f.DstPort) && f.DstPort < 1024 {
		p, _ := d.state.Domains.at(serves(f.dstHash, f.DstPort))
		p.Homes.add(f.srcHash)
	}
	if f.answered || !reflecting(f.SrcPort) || f.SrcPort >= 1024 {
		return false
	}
	if !f.fromHome {
		return true
	}
	return (f.port >= 1024 || f.port == f.SrcPort) && d.state.Domains.find(serves(f.srcHash, f.SrcPort)) != nil
}

// one is the entry of a key; when there is none, begin makes it.
func one(c *cache[sweep], h uint64, begin bool, fresh sweep) *sweep {
	if !begin {
		return c.find(h)
	}
	w, isNew := c.at(h)
	if isNew {
		*w = fresh
	}
	return w
}

func (d *Detector) judgeSweeps() (out []Finding) {
	d.state.Hosts.each(func(w *sweep) {
		if f, ok := w.judge(HostScan); ok {
			out = append(out, f)
		}
	})
	d.state.Ports.each(func(w *sweep) {
		if f, ok := w.judge(PortScan); ok {
			out = append(out, f)
		}
	})
	return out
}

func (w *sweep) judge(kind Kind) (f Finding, ok bool) {
	if w.Trail == nil {
		return f, false
	}
	missed, seen := w.Trail.Missed.count(), w.Trail.Seen.count()
	if missed < scanFew {
		return f, false
	}
	ratio := clamp(missed / seen)
	f = Finding{Kind: kind, Src: w.Src.addr(), Dst: w.Dst.addr(), Proto: w.Proto, Start: w.First, End: w.Last}
	if kind == HostScan {
		f.Port = w.Port
	}
	breadth := 0.5*scale(missed, scanFew, scanWorth) + 0.5*scale(missed, scanWorth, scanMany)
	unanswered := between(ratio, scanFailed-0.2, scanFailed+0.1)
	// A minute for each is slow enough to be something else that goes wrong;
	// faster than one a second is nothing else.
	rate := float64(w.Failed) / max(float64(w.Last-w.First)/float64(minute), 1)
	pace := 0.6 + 0.4*scale(rate, 0.05, 20)
	f.Score = (0.45 + 0.55*breadth) * unanswered * pace
	f.Parts = []Part{{"breadth", breadth}, {"unanswered", unanswered}, {"pace", (pace - 0.6) / 0.4}}
	switch {
	case !w.FromHome:
		// The whole Internet is scanned all day long. It is worth knowing, and
		// worth a look only when it is large.
		f.Score *= 0.65
		f.fact("from_outside", true)
	case w.Proto == 17 && w.Port >= 1024 && kind == HostScan && !w.ToHome:
		f.Score *= 0.6 // peers of file sharing and games come and go
		f.fact("peers", true)
	}
	if f.Score < shown {
		return f, false
	}
	f.fact("different", math.Round(seen))
	f.fact("different_failed", math.Round(missed))
	f.fact("tries", int64(w.Tries))
	f.fact("failed", int64(w.Failed))
	if w.Quiet > 0 {
		f.fact("quiet", int64(w.Quiet))
	}
	if kind == PortScan {
		f.fact("lowest_port", int64(w.Low))
		f.fact("highest_port", int64(w.High))
	}
	f.fact("over_start", stamp(w.Trail.Over.Base))
	f.fact("over_width_s", float64(w.Trail.Over.Width)/float64(second))
	f.fact("over", w.Trail.Over.values())
	return f, true
}

// guess is a source, a target and a service that asks for a password, 0.2 KB.
type guess struct {
	Src, Dst    ip
	Service     record.App
	Port        uint16
	FromHome    bool
	ToHome      bool
	Short       uint32 // sessions too short for work
	Long        uint32 // sessions of another kind
	Told        uint32 // failures that the protocol tells
	First, Last int64
	Window      int64 // number of the ten minutes that are counted
	Now, Most   uint32
	After       bool // a long session followed the tries
	Over        series
}

// guessable are the services where short sessions alone say something; of the
// others only what the protocol tells.
func guessable(app record.App, port uint16) (service record.App, short bool) {
	switch app {
	case record.SSHApp, record.RDPApp, record.FTP, record.Telnet, record.VNC, record.MySQL, record.PostgreSQL, record.TDS:
		return app, true
	case record.SMBApp, record.KerberosApp, record.LDAPApp, record.SMTP, record.IMAP, record.POP3, record.HTTPApp:
		return app, false
	case record.NoApp, record.TLSApp:
		switch port {
		case 22:
			return record.SSHApp, true
		case 3389:
			return record.RDPApp, true
		case 21:
			return record.FTP, true
		case 23:
			return record.Telnet, true
		case 5900:
			return record.VNC, true
		case 3306:
			return record.MySQL, true
		case 1433:
			return record.TDS, true
		case 5432:
			return record.PostgreSQL, true
		}
	}
	return record.NoApp, false
}

// told is how many failures the protocol itself tells of.
func told(r *record.Record) (n uint32) {
	if r.SMB != nil {
		n += r.SMB.LogonFails
	}
	if r.Kerberos != nil && r.Kerberos.Error != 25 {
		n += r.Kerberos.Failures
	}
	if r.LDAP != nil && r.LDAP.Result == 49 {
		n += max(r.LDAP.Failures, 1)
	}
	if r.Mail != nil {
		n += r.Mail.AuthFailures
	}
	for i := range r.HTTP {
		if s := r.HTTP[i].Status; s == 401 || s == 403 && r.HTTP[i].Method == record.POST {
			n++
		}
	}
	return n
}

// guessing keeps tries for a password.
func (d *Detector) guessing(f *flow) {
	if f.Proto != 6 && f.Proto != 17 || !f.fromHome && !f.toHome {
		return
	}
	service, short := guessable(f.app, f.port)
	if service == record.NoApp {
		return
	}
	n := told(f.Record)
	took := f.End - f.Start
	if f.failed || short && !f.answered && n == 0 {
		return
	}
	brief := short && f.Proto == 6 && took < guessShort && f.volume[record.In] < guessBytes && f.volume[record.Out] < guessBytes && f.volume[record.Out] > 0
	h := mix(f.srcHash, f.dstHash+uint64(service))
	if !brief && n == 0 {
		if g := d.state.Guesses.find(h); g != nil {
			g.Long++
			g.After = g.After || g.Most >= guessFew && f.Start >= g.Last-guessWindow && (took > guessShort || f.volume[record.In] > 4*guessBytes)
		}
		return
	}
	g, fresh := d.state.Guesses.at(h)
	if fresh {
		*g = guess{Src: f.src, Dst: f.dst, Service: service, Port: f.port, FromHome: f.fromHome, ToHome: f.toHome, First: f.Start}
	}
	g.First, g.Last = min(g.First, f.Start), max(g.Last, f.Start)
	g.Told += n
	tries := max(n, 1)
	if brief {
		g.Short++
	}
	if w := f.Start / guessWindow; w != g.Window {
		g.Window, g.Now = w, 0
	}
	g.Now += tries
	g.Most = max(g.Most, g.Now)
	g.Over.add(f.Start, float64(tries), minute)
}

func (d *Detector) judgeGuesses() (out []Finding) {
	type spray struct {
		src     ip
		service record.App
	}
	wide := map[spray]*Finding{}
	count := map[spray]int{}
	d.state.Guesses.each(func(g *guess) {
		if g.Short+g.Told >= 2 {
			k := spray{g.Src, g.Service}
			count[k]++
			f := wide[k]
			if f == nil {
				f = &Finding{Kind: PasswordGuessing, Src: g.Src.addr(), Port: g.Port, Proto: 6, App: g.Service, Start: g.First, End: g.Last}
				f.Facts = []Fact{{"tries", int64(0)}}
				wide[k] = f
			}
			f.Start, f.End = min(f.Start, g.First), max(f.End, g.Last)
			f.Facts[0].Value = f.Facts[0].Value.(int64) + int64(max(g.Short, g.Told))
		}
		if f, ok := g.judge(); ok {
			out = append(out, f)
		}
	})
	for k, f := range wide {
		tries := float64(f.Facts[0].Value.(int64))
		if count[k] < 8 || tries < 2*guessWorth {
			continue
		}
		rate := tries / max(float64(f.End-f.Start)/float64(guessWindow), 1)
		f.Score = 0.5 + 0.3*scale(float64(count[k]), 8, 200)
		f.Score *= 0.4 + 0.6*scale(rate, 3, 3*guessWorth)
		f.Parts = []Part{{"targets", scale(float64(count[k]), 1, 200)}, {"pace", scale(rate, 3, 3*guessWorth)}}
		f.Attack = []string{"T1110.003"}
		f.fact("targets", int64(count[k]))
		if f.Score >= shown {
			out = append(out, *f)
		}
	}
	return out
}

func (g *guess) judge() (f Finding, ok bool) {
	if g.Most < guessFew && g.Told < guessConfirmed {
		return f, false
	}
	f = Finding{Kind: PasswordGuessing, Src: g.Src.addr(), Dst: g.Dst.addr(), Port: g.Port, Proto: 6, App: g.Service, Start: g.First, End: g.Last}
	pace := 0.5*scale(float64(g.Most), guessFew, guessWorth) + 0.5*scale(float64(g.Most), guessWorth, guessMany)
	confirmed := clamp(float64(g.Told) / float64(guessConfirmed))
	alike := float64(g.Short) / float64(max(g.Short+g.Long, 1)) // of all sessions, the short ones
	f.Score = (0.35 + 0.45*pace + 0.2*confirmed) * max(between(alike, 0.3, 0.8), confirmed)
	if !g.FromHome {
		f.Score *= 0.85 // every open SSH on the Internet is tried
		f.fact("from_outside", true)
	}
	if g.After {
		f.Score = min(1, f.Score+0.2)
	}
	f.Parts = []Part{{"pace", pace}, {"confirmed", confirmed}, {"alike", alike}}
	if f.Score < shown {
		return f, false
	}
	f.fact("tries", int64(max(g.Short, g.Told)))
	f.fact("most_in_10_min", int64(g.Most))
	f.fact("told_failures", int64(g.Told))
	f.fact("other_sessions", int64(g.Long))
	f.fact("session_after", g.After)
	f.fact("over_start", stamp(g.Over.Base))
	f.fact("over_width_s", float64(g.Over.Width)/float64(second))
	f.fact("over", g.Over.values())
	return f, true
}
