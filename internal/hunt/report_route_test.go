package hunt

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// night is an intruder's: over the VPN appliance to a file server, from there to
// the directory and back.
func night() []sign {
	at := func(m int) time.Time {
		return time.Date(2026, 11, 3, 14, 50, 0, 0, time.UTC).Add(time.Duration(m) * time.Minute)
	}
	s := func(m int, host, user, tactic, title string, level sigma.Level) sign {
		return sign{At: at(m), Last: at(m), Host: host, User: user, Tactics: []string{tactic}, Title: title, Level: level, Count: 1}
	}
	in := s(0, "vpn01", "admin", "initial-access", "signed in", sigma.High)
	in.From = "203.0.113.84"
	add := s(5, "VPN01", "admin", "persistence", "account added", sigma.Critical)
	logon := s(20, "fs01.corp.example", `CORP\adm-t1`, "lateral-movement", "signed in from the appliance", sigma.Medium)
	logon.From = "VPN01"
	local := s(21, "FS01", "ADM-T1@corp.example", "persistence", "administrator added", sigma.High)
	again := s(25, "fs01.corp.example", "adm-t1", "persistence", "service made", sigma.Critical)
	dc := s(40, "dc01.corp.example", `CORP\adm-t1`, "credential-access", "directory copied", sigma.Critical)
	out := s(60, "dc01.corp.example", "SYSTEM", "command-and-control", "beacon", sigma.High)
	out.To = "198.51.100.9"
	back := s(70, "fs01.corp.example", "adm-t1", "impact", "shadow copies deleted", sigma.Critical)
	service := s(80, "fs01.corp.example", "NT AUTHORITY\\SYSTEM", "impact", "stopped", sigma.Medium)
	late := s(80+73*60, "pc9", "adm-t1", "execution", "tool", sigma.High)
	return []sign{back, in, add, dc, out, logon, local, again, service, late, {Host: "pc1", Title: "no time"}, {At: at(1), Title: "no host"}}
}

func TestTheRouteOfANight(t *testing.T) {
	p := newRoute(night())
	var lanes, steps []string
	for _, l := range p.Lanes {
		lanes = append(lanes, fmt.Sprint(l.Name, l.Other))
	}
	for i, s := range p.Steps {
		line := fmt.Sprintf("%d %s %s", i+1, p.Lanes[s.Lane].Name, strings.Join(s.Titles, "+"))
		for _, m := range s.Moves {
			line += fmt.Sprintf(" %s>%s told=%v", p.Lanes[m.From].Name, p.Lanes[m.To].Name, m.Told)
		}
		steps = append(steps, line)
	}
	wantLanes := []string{"203.0.113.84true", "vpn01false", "fs01.corp.examplefalse", "dc01.corp.examplefalse", "198.51.100.9true", "pc9false"}
	if !slices.Equal(lanes, wantLanes) {
		t.Errorf("%q", lanes)
	}
	want := []string{
		"1 vpn01 signed in 203.0.113.84>vpn01 told=true",
		"2 vpn01 account added",
		"3 fs01.corp.example signed in from the appliance vpn01>fs01.corp.example told=true",
		"4 fs01.corp.example administrator added+service made", // one account, one stage, one machine
		"5 dc01.corp.example directory copied fs01.corp.example>dc01.corp.example told=false",
		"6 dc01.corp.example beacon dc01.corp.example>198.51.100.9 told=true",
		"7 fs01.corp.example shadow copies deleted dc01.corp.example>fs01.corp.example told=false",
		"8 fs01.corp.example stopped", // SYSTEM is everywhere
		"9 pc9 tool",                  // three days later
	}
	if !slices.Equal(steps, want) {
		t.Errorf("%s", strings.Join(steps, "\n"))
	}
	if p.Untimed != 2 || p.Left != 0 || p.LeftHosts != 0 || p.Steps[3].Level != sigma.Critical || p.Steps[3].Count != 2 {
		t.Errorf("%+v", p)
	}
}

func TestMachinesAnEventIsBetween(t *testing.T) {
	for name, c := range map[string]struct {
		event          map[string]string
		from, to, self string
	}{
		"logon":       {map[string]string{"WorkstationName": "JUMP-02", "IpAddress": "10.0.0.7"}, "JUMP-02", "", ""},
		"local logon": {map[string]string{"WorkstationName": "-", "IpAddress": "127.0.0.1"}, "", "", ""},
		"own name":    {map[string]string{"WorkstationName": "HOST"}, "", "", ""},
		"mapped":      {map[string]string{"IpAddress": "::ffff:192.0.2.7"}, "192.0.2.7", "", ""},
		"opened":      {map[string]string{"Initiated": "true", "SourceIp": "10.0.0.1", "DestinationIp": "198.51.100.9"}, "", "198.51.100.9", "10.0.0.1"},
		"taken":       {map[string]string{"Initiated": "false", "SourceIp": "10.0.0.7", "DestinationIp": "10.0.0.1"}, "10.0.0.7", "", "10.0.0.1"},
		"explicit":    {map[string]string{"TargetServerName": `\\FS01`, "IpAddress": "-"}, "", "FS01", ""},
		"no name":     {map[string]string{"src_ip": "a b", "dst_ip": "x/y"}, "", "", ""},
		"link local":  {map[string]string{"IpAddress": "fe80::1"}, "", "", ""},
	} {
		s := sign{Host: "host"}
		s.between(func(n string) string { return c.event[n] })
		if s.From != c.from || s.To != c.to || s.own != c.self {
			t.Errorf("%s: %q %q %q", name, s.From, s.To, s.own)
		}
	}
	a := newRoute([]sign{
		{At: time.Unix(1, 0), Host: "pc1", Title: "a", own: "10.0.0.1", To: "10.0.0.2"},
		{At: time.Unix(2, 0), Host: "pc2", Title: "b", From: "10.0.0.1"},
	})
	if len(a.Lanes) != 3 || len(a.Steps[1].Moves) != 1 || a.Steps[1].Moves[0].From != a.Steps[0].Lane {
		t.Errorf("an address is not known to be a host's: %+v", a)
	}
}

// However much there is and whatever it is called, the picture keeps its bounds,
// is well formed, and says what it left out.
func TestARouteIsBounded(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"PC1", "pc1.a.example", "pc1.b.example", "10.0.0.1", hostile, "a\x00b", strings.Repeat("長", 300), "x.y.z", "::1", ""}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		pick := func() string {
			if r.IntN(3) == 0 {
				return fmt.Sprintf("host-%d", r.IntN(40))
			}
			return names[r.IntN(len(names))]
		}
		var list []sign
		for range r.IntN(400) {
			at := time.Unix(1_700_000_000+int64(r.IntN(900_000)), 0)
			list = append(list, sign{At: at, Last: at.Add(time.Duration(r.IntN(1e12))), Host: pick(), User: pick(), From: pick(), To: pick(), own: pick(), Level: sigma.Level(r.IntN(int(sigma.Critical) + 1)),
				Tactics: []string{tactics[r.IntN(len(tactics))]}, Title: pick(), Count: 1 + r.IntN(3)})
		}
		p := newRoute(list)
		of := p.Left + p.Untimed
		for i, s := range p.Steps {
			of += s.of
			if s.Lane < 0 || s.Lane >= len(p.Lanes) || i > 0 && s.At.Before(p.Steps[i-1].At) {
				t.Fatalf("seed %d: %+v", seed, s)
			}
			for _, m := range s.Moves {
				if m.From == m.To || max(m.From, m.To) >= len(p.Lanes) || m.From != s.Lane && m.To != s.Lane {
					t.Fatalf("seed %d: %+v", seed, m)
				}
			}
		}
		if of != len(list) || len(p.Lanes) > pathLanes || len(p.Steps) > pathSteps {
			t.Fatalf("seed %d: %d of %d are told of, %d lanes, %d steps", seed, of, len(list), len(p.Lanes), len(p.Steps))
		}
		if len(p.Steps) == 0 {
			continue
		}
		for _, lang := range []text.Lang{text.JA, text.EN} {
			say := words.Printer(lang, nil)
			svg := p.svg(say)
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				_, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, svg)
				}
			}
			if rows := p.table(say); len(rows) != len(p.Steps) || strings.Contains(svg, "<script") || strings.Contains(svg, "style=") || strings.Contains(svg, "\u202E") || strings.Contains(svg, "[hunt.") {
				t.Fatalf("seed %d: %s", seed, svg)
			}
		}
	}
}

// The page of a scan shows the path of what it found, from rules alone.
func TestThePageOfAScanShowsThePath(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	rule := &sigma.Rule{ID: "r", Title: "Account made", Level: sigma.High, Tags: []string{"attack.persistence"}}
	at := time.Date(2026, 11, 2, 13, 0, 0, 0, time.UTC)
	var page strings.Builder
	s := &htmlSink{w: &page, p: words.Printer(text.JA, nil), at: at}
	for i, host := range []string{"FS01", "DC01"} {
		d := &Detection{Rule: rule, Time: at.Add(time.Duration(i) * time.Minute).UnixNano(), Host: host, User: `EXAMPLE\adm-t1`, Event: []Field{{"IpAddress", "192.0.2.7"}}}
		if err := s.take(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(&Report{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<h2 id="path">侵入の道すじ`, "3台の機械で2つの出来事", "192.0.2.7から", "永続化", `role="img"`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in %s", want, page.String())
		}
	}
}
