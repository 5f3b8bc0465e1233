package synth

import (
	"fmt"
	"strings"
	"time"
)

// live fills the day with what happens on every day.
func (d *Day) live() {
	n := d.conf.Events
	d.desk(n * 60 / 100)
	d.serve(n * 20 / 100)
	d.linux(n * 14 / 100)
	d.vpn(n - n*94/100)
}

// japan is the time zone in which the appliance writes.
var japan = time.FixedZone("JST", 9*60*60)

// sshd writes a line of the SSH daemon.
func (d *Day) sshd(at time.Time, machine, text string) {
	d.entries = append(d.entries, entry{at, signinLog, fmt.Sprintf("<86>1 %s %s sshd %d - - %s\n", at.Format("2006-01-02T15:04:05.000Z"), d.fqdn(machine), d.process(), text)})
}

// audit writes a program that was started, as auditd does.
func (d *Day) audit(at time.Time, machine, exe string, words ...string) {
	id := fmt.Sprintf("node=%s type=%%s msg=audit(%d.%03d:%d):", d.fqdn(machine), at.Unix(), at.Nanosecond()/1e6, 5000+len(d.entries))
	var args strings.Builder
	for i, w := range words {
		fmt.Fprintf(&args, " a%d=%q", i, w)
	}
	line := fmt.Sprintf(id+" arch=c000003e syscall=59 success=yes exit=0 items=2 ppid=%d pid=%d auid=1001 uid=0 gid=0 euid=0 tty=pts0 ses=3 comm=%q exe=%q key=\"exec\"\n", "SYSCALL", d.process(), d.process(), words[0], exe)
	line += fmt.Sprintf(id+" argc=%d%s\n", "EXECVE", len(words), args.String())
	d.entries = append(d.entries, entry{at, auditLog, line})
}

// linux is what happens on Linux servers.
func (d *Day) linux(n int) {
	for range n {
		at, machine := d.sometime(), one(d, []string{web, records})
		switch d.rng.IntN(8) {
		case 0, 1:
			d.sshd(at, machine, fmt.Sprintf("Accepted publickey for ops from 10.20.0.9 port %d ssh2: ED25519 SHA256:%043d", 40000+d.rng.IntN(9999), d.rng.IntN(9)))
		case 2:
			d.sshd(at, machine, fmt.Sprintf("Disconnected from user ops 10.20.0.9 port %d", 40000+d.rng.IntN(9999)))
		case 3:
			if d.rng.IntN(6) == 0 { // somebody mistypes
				d.sshd(at, machine, fmt.Sprintf("Failed password for ops from 10.20.0.9 port %d ssh2", 40000+d.rng.IntN(9999)))
			}
		case 4:
			d.audit(at, machine, "/usr/bin/systemctl", "systemctl", "status", "nginx")
		case 5:
			d.audit(at, machine, "/usr/sbin/logrotate", "logrotate", "/etc/logrotate.conf")
		case 6:
			d.audit(at, machine, "/usr/bin/df", "df", "-h")
		default:
			d.audit(at, machine, "/usr/bin/tail", "tail", "-n", "50", "/var/log/nginx/access.log")
		}
	}
}

// event writes a line of the appliance.
func (d *Day) event(at time.Time, subtype, description, rest string) {
	local := at.In(japan)
	d.entries = append(d.entries, entry{at, vpnLog, fmt.Sprintf("<189>date=%s time=%s devname=%q devid=\"FGT61F0000000001\" eventtime=%d tz=\"+0900\" type=\"event\" subtype=%q level=\"information\" vd=\"root\" logdesc=%q %s\n",
		local.Format("2006-01-02"), local.Format("15:04:05"), appliance, at.UnixNano(), subtype, description, rest)})
}

// vpn is what happens on the appliance: people who work from home, now and then
// a wrong password, and its administrator, who comes from the inside.
func (d *Day) vpn(n int) {
	for range n {
		at, i := d.sometime(), d.rng.IntN(len(d.desks))
		switch d.rng.IntN(12) {
		case 0:
			d.event(at, "vpn", "SSL VPN login fail", fmt.Sprintf(`action="ssl-login-fail" user=%q remip=%s reason="sslvpn_login_permission_denied" msg="SSL user failed to logged in"`, d.staff[i], d.home(i)))
		case 1:
			d.event(at, "system", "Admin login successful", `user="netadmin" ui="https(10.20.0.9)" srcip=10.20.0.9 action="login" status="success" msg="Administrator netadmin logged in successfully from https(10.20.0.9)"`)
		case 2, 3, 4:
			d.event(at, "vpn", "SSL VPN tunnel down", fmt.Sprintf(`action="tunnel-down" user=%q remip=%s reason="N/A" msg="SSL tunnel shutdown"`, d.staff[i], d.home(i)))
		default:
			d.event(at, "vpn", "SSL VPN tunnel up", fmt.Sprintf(`action="tunnel-up" user=%q remip=%s tunneltype="ssl-tunnel" msg="SSL tunnel established"`, d.staff[i], d.home(i)))
		}
	}
}
