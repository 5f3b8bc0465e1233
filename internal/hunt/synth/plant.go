package synth

import (
	"fmt"
	"slices"
	"time"
)

// step is something the intruder does, or a habit: when, where, which starter
// rules tell of it, and what is logged.
type step struct {
	name     string
	after    time.Duration
	host     func(d *Day) string
	rules    []string
	harmless bool
	do       func(d *Day, at time.Time)
}

// steps are the intruder's way through a night in Japan, then the habits.
var steps = []step{
	{"vpn_admin_signin", 17*time.Hour + 4*time.Minute, func(*Day) string { return appliance }, []string{"65f7161a-bb82-4182-852b-6752bd0aa82c"}, false, (*Day).vpnAdmin},
	{"vpn_admin_added", 17*time.Hour + 9*time.Minute, func(*Day) string { return appliance }, []string{"208c8832-b52e-40df-abe9-447d0654fb12"}, false, (*Day).vpnAdded},
	{"local_admin", 17*time.Hour + 31*time.Minute, func(d *Day) string { return d.fqdn(files) }, []string{"8cb8da65-b327-4b2b-8e96-bef3efcb6eac", "3348da90-cd90-47a9-9163-532077cbde3c"}, false, (*Day).localAdmin},
	{"directory_copied", 17*time.Hour + 52*time.Minute, func(d *Day) string { return d.fqdn(controller) }, []string{"71e8541f-3056-4b8e-b81b-a798408f796a"}, false, (*Day).directory},
	{"port_forwarded", 18*time.Hour + 10*time.Minute, func(d *Day) string { return d.fqdn(jumpHost) }, []string{"c0dd64a0-0139-4d0a-abc0-14f26bec3541", "14ba439d-819c-4a58-9b39-01e62f150701"}, false, (*Day).forward},
	{"shadow_copies_deleted", 18*time.Hour + 41*time.Minute, func(d *Day) string { return d.fqdn(files) }, []string{"d45222f3-4060-4cbe-88a2-1c22d494356c"}, false, (*Day).shadows},
	{"remote_tool", 19*time.Hour + 2*time.Minute, func(d *Day) string { return d.fqdn(d.desks[3%len(d.desks)]) }, []string{"a1f6e5a6-2277-4a2d-b2ed-2381793f999b"}, false, (*Day).remoteTool},
	{"copy_script", 12*time.Hour + 30*time.Minute, func(d *Day) string { return d.fqdn(business) }, []string{"b4145c63-10af-4447-b6cc-146c71839d92"}, true, (*Day).copyScript},
}

// Steps lists the names of what can be planted.
func Steps() (names []string) {
	for i := range steps {
		names = append(names, steps[i].name)
	}
	return names
}

func (d *Day) plant() {
	if d.conf.Clean {
		return
	}
	for i := range steps {
		s := &steps[i]
		if len(d.conf.Only) > 0 && !slices.Contains(d.conf.Only, s.name) {
			continue
		}
		at := d.after(s.after)
		d.planted = append(d.planted, Planted{s.name, s.host(d), at, s.rules, s.harmless})
		s.do(d, at)
	}
}

func (d *Day) vpnAdmin(at time.Time) {
	from := d.Stranger()
	d.event(at, "system", "Admin login successful", fmt.Sprintf(`user="admin" ui="https(%s)" srcip=%s action="login" status="success" msg="Administrator admin logged in successfully from https(%s)"`, from, from, from))
}

func (d *Day) vpnAdded(at time.Time) {
	d.event(at, "system", "Object attribute configured", fmt.Sprintf(`user="admin" ui="GUI(%s)" action="Add" cfgpath="system.admin" cfgobj="fw-support" msg="Add system.admin fw-support"`, d.Stranger()))
}

// stolen is the account that the intruder took from the appliance.
const stolen = "adm-t1"

func (d *Day) localAdmin(at time.Time) {
	user := d.account(stolen)
	d.run(at, files, user, `C:\Windows\System32\net.exe`, `net user svc-update Kumo-4417! /add`, shell)
	d.run(at.Add(9*time.Second), files, user, `C:\Windows\System32\net.exe`, `net localgroup Administrators svc-update /add`, shell)
	d.windows(at.Add(10*time.Second), files, security, 4732, field{"TargetUserName", "Administrators"}, field{"TargetSid", "S-1-5-32-544"}, field{"MemberSid", "S-1-5-21-11-22-33-1188"},
		field{"SubjectUserName", stolen}, field{"SubjectUserSid", "S-1-5-21-11-22-33-1107"})
}

func (d *Day) directory(at time.Time) {
	d.run(at, controller, d.account(stolen), `C:\Windows\System32\ntdsutil.exe`, `ntdsutil "ac i ntds" "ifm" "create full C:\Windows\Temp\chk" q q`, shell)
}

func (d *Day) forward(at time.Time) {
	to := d.Stranger()
	d.run(at, jumpHost, d.account(stolen), `C:\Windows\System32\netsh.exe`, `netsh interface portproxy add v4tov4 listenport=50443 listenaddress=0.0.0.0 connectport=443 connectaddress=`+to, shell)
	d.windows(at.Add(time.Second), jumpHost, sysmon, 13, field{"EventType", "SetValue"}, field{"Image", `C:\Windows\System32\netsh.exe`}, field{"User", d.account(stolen)},
		field{"TargetObject", `HKLM\System\CurrentControlSet\Services\PortProxy\v4tov4\tcp\0.0.0.0/50443`}, field{"Details", to + "/443"})
}

func (d *Day) shadows(at time.Time) {
	d.run(at, files, d.account(stolen), `C:\Windows\System32\vssadmin.exe`, `vssadmin delete shadows /all /quiet`, shell)
}

func (d *Day) remoteTool(at time.Time) {
	d.run(at, d.desks[3%len(d.desks)], d.account(stolen), `C:\ProgramData\AnyDesk.exe`, `C:\ProgramData\AnyDesk.exe --install "C:\ProgramData\AnyDesk" --start-with-win --silent`, shell)
}

// CopyCommand is what the home-made script of the nightly copy runs, which is
// what thieves of a directory run too.
const CopyCommand = `vssadmin create shadow /for=D:`

// copyScript is a habit: a script copies a disk at night.
func (d *Day) copyScript(at time.Time) {
	for range 3 {
		d.run(at, business, d.account("svc-copy"), `C:\Windows\System32\vssadmin.exe`, CopyCommand, shell)
		at = at.Add(10 * time.Minute)
	}
}
