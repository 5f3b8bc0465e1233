package detect

import (
	"strings"

	"noroshi/internal/engine/flow/record"
)

// A tool for remote management, by the names of its servers, its ports and the
// family of its agent. That it is used is no crime: that it is new on a machine,
// or used by few, is what an operator wants to know (T1219).
type tool struct {
	name    string
	domains string // registered names, or names, of its servers
	ports   []uint16
	app     record.App
}

var toolList = []tool{
	{"anydesk", "anydesk.com anydesk.com.cn", []uint16{6568, 7070}, record.AnyDesk},
	{"teamviewer", "teamviewer.com teamviewer.cn dyngate.com", []uint16{5938}, record.Teamviewer},
	{"rustdesk", "rustdesk.com", []uint16{21115, 21116, 21117, 21118, 21119}, record.RustDesk},
	{"screenconnect", "screenconnect.com connectwise.com hostedrmm.com", []uint16{8040, 8041}, record.NoApp},
	{"splashtop", "splashtop.com splashtop.eu", []uint16{6783}, record.NoApp},
	{"atera", "atera.com agent-api.atera.com ps.atera.com", nil, record.NoApp},
	{"logmein", "logmein.com logmeinrescue.com logmein-gateway.com gotoassist.com gotomypc.com goto-rtc.com", nil, record.NoApp},
	{"meshcentral", "meshcentral.com", nil, record.NoApp},
	{"remoteutilities", "remoteutilities.com", []uint16{5650, 5655}, record.NoApp},
	{"ammyy", "ammyy.com", []uint16{5931}, record.NoApp},
	{"supremo", "supremocontrol.com nanosystems.it", nil, record.NoApp},
	{"dwservice", "dwservice.net", nil, record.NoApp},
	{"radmin", "radmin.com radmin-vpn.com", []uint16{4899}, record.NoApp},
	{"zohoassist", "zohoassist.com zohoassist.eu assist.zoho.com", nil, record.NoApp},
	{"action1", "action1.com", nil, record.NoApp},
	{"ninjarmm", "ninjarmm.com ninjaone.com", nil, record.NoApp},
	{"kaseya", "kaseya.net kaseya.com", []uint16{5721}, record.NoApp},
	{"pdq", "pdq.com pdqconnect.com", nil, record.NoApp},
	{"tacticalrmm", "tacticalrmm.com", nil, record.NoApp},
	{"simplehelp", "simple-help.com", nil, record.NoApp},
	{"netsupport", "netsupportsoftware.com geo.netsupportsoftware.com", []uint16{5405}, record.NoApp},
	{"ultraviewer", "ultraviewer.net", nil, record.NoApp},
	{"parsec", "parsec.app parsecgaming.com", nil, record.NoApp},
	{"chrome_remote_desktop", "remotedesktop.google.com chromoting.googleapis.com", nil, record.NoApp},
	{"ngrok", "ngrok.io ngrok.com ngrok-free.app ngrok.app equinox.io", nil, record.NoApp},
	{"cloudflared", "argotunnel.com trycloudflare.com", []uint16{7844}, record.NoApp},
	{"tailscale", "tailscale.com tailscale.io", []uint16{41641}, record.NoApp},
	{"zerotier", "zerotier.com", []uint16{9993}, record.NoApp},
	{"netbird", "netbird.io", nil, record.NoApp},
	{"vscode_tunnel", "devtunnels.ms tunnels.api.visualstudio.com", nil, record.NoApp},
	{"psiphon", "psiphon.ca psiphon3.com", nil, record.NoApp},
	{"tor", "torproject.org", []uint16{9001}, record.Tor},
}

// The same by what is looked up.
var (
	toolByName = func() map[string]int {
		m := map[string]int{}
		for i, t := range toolList {
			for _, n := range strings.Fields(t.domains) {
				m[n] = i
			}
		}
		return m
	}()
	toolByPort = func() map[uint16]int {
		m := map[uint16]int{}
		for i, t := range toolList {
			for _, p := range t.ports {
				m[p] = i
			}
		}
		return m
	}()
	toolByApp = func() map[record.App]int {
		m := map[record.App]int{}
		for i, t := range toolList {
			if t.app != record.NoApp {
				m[t.app] = i
			}
		}
		return m
	}()
)

// toolUse is a machine and a tool, 0.2 KB.
type toolUse struct {
	Src, Dst    ip
	Name        string
	Tool        int16
	Port        uint16
	Names       uint32 // how often a name was asked for
	Conns       uint32 // connections that carried something
	Out, In     uint64
	First, Last int64
	Before      few // machines that used it before this one
}

// tools looks for a tool in a communication of one's own machine.
func (d *Detector) tools(f *flow) {
	if f.name != nil {
		d.toolName(f, f.name)
	}
	if f.toHome || f.many || f.failed || !f.answered {
		return
	}
	if f.name == nil && f.Packets[0] > 0 { // a line of conn: the names stand in other logs
		if p := d.state.Outside.find(f.dstHash); p != nil && p.Tool > 0 {
			d.use(f, int(p.Tool-1)).carry(f)
			return
		}
	}
	if i, ok := toolByApp[f.app]; ok {
		d.use(f, i).carry(f)
		return
	}
	if f.Proto == 6 || f.Proto == 17 {
		if i, ok := toolByPort[f.port]; ok && (f.app == record.NoApp || f.app == record.TLSApp) {
			d.use(f, i).carry(f)
		}
	}
}

// toolName looks at a name that was asked for or spoken with.
func (d *Detector) toolName(f *flow, c *called) {
	if c.tool == 0 {
		return
	}
	u := d.use(f, int(c.tool-1))
	u.Names++
	u.Name = c.text
	if f.app != record.DNSApp && !f.toHome {
		u.carry(f)
		if p := d.state.Outside.find(f.dstHash); p != nil {
			p.Tool = c.tool
		}
	}
}

func (d *Detector) use(f *flow, i int) *toolUse {
	s := &d.state
	u, fresh := s.Tools.at(mix(f.srcHash, uint64(i)))
	if fresh {
		*u = toolUse{Src: f.src, Tool: int16(i), First: f.Start}
	}
	u.First, u.Last = min(u.First, f.Start), max(u.Last, f.End)
	p, _ := s.Domains.at(mix(uint64(i), 0x7001)) // who uses the tool at all
	if fresh {
		u.Before = p.Homes
	}
	p.Homes.add(f.srcHash)
	return u
}

func (u *toolUse) carry(f *flow) {
	u.Dst, u.Port = f.dst, f.port
	if f.Packets[0] > 0 {
		u.Conns++
		u.Out, u.In = u.Out+f.volume[0], u.In+f.volume[1]
	}
}

func (d *Detector) judgeTools() (out []Finding) {
	s := &d.state
	s.Tools.each(func(u *toolUse) {
		users := few(0)
		if p := s.Domains.find(mix(uint64(u.Tool), 0x7001)); p != nil {
			users = p.Homes
		}
		f := Finding{Kind: RemoteTool, Src: u.Src.addr(), Dst: u.Dst.addr(), Name: u.Name, Port: u.Port, Start: u.First, End: u.Last}
		rare := 0.7
		if share := d.share(users); share >= 0 {
			rare = 1 - between(share, rareShare, commonShare)
		}
		used := 0.4
		if u.Conns > 0 {
			used = 0.7 + 0.3*scale(float64(u.Out+u.In), 10e3, 10e6)
		}
		if u.Name == "" && u.Conns > 0 {
			used *= 0.6 // a port alone may be anything
		}
		fresh := between(float64(u.First-s.First), 0, float64(d.span())*learnShare)
		f.Score = used * (0.45 + 0.35*rare + 0.2*fresh)
		f.Parts = []Part{{"used", used}, {"rare", rare}, {"new", fresh}}
		if f.Score < shown {
			return
		}
		f.fact("tool", toolList[u.Tool].name)
		f.fact("names", int64(u.Names))
		f.fact("count", int64(u.Conns))
		f.fact("bytes_out", int64(u.Out))
		f.fact("bytes_in", int64(u.In))
		f.fact("users", round(users.count(), 1))
		out = append(out, f)
	})
	return out
}
