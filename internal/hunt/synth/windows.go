package synth

import (
	"strconv"
	"time"
)

// Channels and providers of Windows.
const (
	sysmon           = "Microsoft-Windows-Sysmon/Operational"
	sysmonProvider   = "Microsoft-Windows-Sysmon"
	security         = "Security"
	securityProvider = "Microsoft-Windows-Security-Auditing"
)

// field is a name with its value.
type field struct{ name, value string }

// windows writes an event in the form of Winlogbeat 8.
func (d *Day) windows(at time.Time, machine, channel string, id int, data ...field) {
	provider := securityProvider
	if channel == sysmon {
		provider = sysmonProvider
	}
	b := make([]byte, 0, 640)
	put := func(name, value string) { // all of it is ASCII without control characters, which Go and JSON quote alike
		b = strconv.AppendQuote(b, name)
		b = append(b, ':')
		b = strconv.AppendQuote(b, value)
	}
	b = append(b, '{')
	put("@timestamp", at.Format("2006-01-02T15:04:05.000Z"))
	b = append(b, `,"winlog":{`...)
	put("channel", channel)
	b = append(b, ',')
	put("provider_name", provider)
	b = append(b, ',')
	put("computer_name", d.fqdn(machine))
	b = append(b, `,"record_id":`...)
	b = strconv.AppendInt(b, int64(100_000+len(d.entries)), 10)
	b = append(b, ',')
	put("event_id", strconv.Itoa(id))
	b = append(b, `,"event_data":{`...)
	for i, f := range data {
		if i > 0 {
			b = append(b, ',')
		}
		put(f.name, f.value)
	}
	b = append(b, "}}}\n"...)
	d.entries = append(d.entries, entry{at, windowsLog, string(b)})
}

// run writes that a program was started (Sysmon 1).
func (d *Day) run(at time.Time, machine, user, image, command, parent string) {
	d.windows(at, machine, sysmon, 1, field{"UtcTime", at.Format("2006-01-02 15:04:05.000")}, field{"ProcessId", strconv.Itoa(d.process())}, field{"Image", image},
		field{"CommandLine", command}, field{"CurrentDirectory", `C:\Windows\system32\`}, field{"User", user}, field{"IntegrityLevel", "Medium"},
		field{"ParentImage", parent}, field{"ParentUser", user})
}

// signin writes that an account signed in (Security 4624).
func (d *Day) signin(at time.Time, machine, user, kind, from string) {
	d.windows(at, machine, security, 4624, field{"TargetUserName", user}, field{"TargetDomainName", d.short}, field{"LogonType", kind}, field{"IpAddress", from},
		field{"AuthenticationPackageName", "Kerberos"}, field{"LogonProcessName", "Kerberos"}, field{"WorkstationName", "-"})
}

// program is something people start all day.
type program struct{ image, command, parent string }

const (
	explorer = `C:\Windows\explorer.exe`
	services = `C:\Windows\System32\services.exe`
	shell    = `C:\Windows\System32\cmd.exe`
	console  = `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
)

var (
	everyday = []program{
		{`C:\Program Files\Google\Chrome\Application\chrome.exe`, `"C:\Program Files\Google\Chrome\Application\chrome.exe"`, explorer},
		{`C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE`, `"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE" "\\fs01\share\plan.xlsx"`, explorer},
		{`C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE`, `"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE"`, explorer},
		{`C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE`, `"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "\\fs01\share\minutes.docx"`, explorer},
		{`C:\Windows\System32\notepad.exe`, `"C:\Windows\system32\notepad.exe" memo.txt`, explorer},
		{`C:\Windows\System32\splwow64.exe`, `C:\Windows\splwow64.exe 8192`, `C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE`},
		{`C:\Windows\System32\conhost.exe`, `\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1`, shell},
	}
	background = []program{
		{`C:\Windows\System32\svchost.exe`, `C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule`, services},
		{`C:\Windows\System32\wuauclt.exe`, `"C:\Windows\system32\wuauclt.exe" /UpdateDeploymentProvider`, `C:\Windows\System32\svchost.exe`},
		{`C:\Windows\System32\taskhostw.exe`, `taskhostw.exe KEYROAMING`, `C:\Windows\System32\svchost.exe`},
		{`C:\Windows\System32\gpupdate.exe`, `"C:\Windows\system32\gpupdate.exe" /target:computer`, `C:\Windows\System32\svchost.exe`},
		{`C:\Windows\System32\SearchProtocolHost.exe`, `"C:\Windows\system32\SearchProtocolHost.exe" Global\UsGthrFltPipeMssGthrPipe`, `C:\Windows\System32\SearchIndexer.exe`},
	}
	// What administrators do, close to what intruders do.
	upkeep = []program{
		{console, `powershell.exe -File C:\Scripts\disk-report.ps1`, `C:\Windows\System32\svchost.exe`},
		{console, `powershell.exe Get-Service -Name wuauserv`, explorer},
		{`C:\Windows\System32\netsh.exe`, `netsh interface portproxy show all`, shell},
		{`C:\Windows\System32\vssadmin.exe`, `vssadmin list shadowstorage`, shell},
		{`C:\Windows\System32\wevtutil.exe`, `wevtutil gl Security`, shell},
		{`C:\Windows\System32\ipconfig.exe`, `ipconfig /all`, shell},
		{`C:\Windows\System32\net.exe`, `net user u1024 /domain`, shell},
		{`C:\Windows\System32\sc.exe`, `sc query wuauserv`, shell},
	}
)

// desk is what happens on workstations.
func (d *Day) desk(n int) {
	for range n {
		i := d.rng.IntN(len(d.desks))
		at, machine, user := d.sometime(), d.desks[i], d.account(d.staff[i])
		switch d.rng.IntN(10) {
		case 0:
			p := one(d, background)
			d.run(at, machine, `NT AUTHORITY\SYSTEM`, p.image, p.command, p.parent)
		case 1, 2:
			d.windows(at, machine, sysmon, 3, field{"Image", everyday[0].image}, field{"User", user}, field{"Protocol", "tcp"}, field{"Initiated", "true"},
				field{"SourceIp", d.inside(i)}, field{"DestinationIp", "10.20.0.80"}, field{"DestinationPort", "3128"})
		case 3:
			d.windows(at, machine, sysmon, 22, field{"Image", everyday[0].image}, field{"User", user}, field{"QueryName", one(d, []string{"intra", "files", "mail"}) + "." + d.conf.Domain}, field{"QueryStatus", "0"})
		case 4:
			d.windows(at, machine, sysmon, 11, field{"Image", everyday[1].image}, field{"User", user}, field{"TargetFilename", `C:\Users\` + d.staff[i] + `\Documents\plan-` + strconv.Itoa(d.rng.IntN(40)) + `.xlsx`})
		case 5:
			d.signin(at, files, d.staff[i], "3", d.inside(i))
		case 6:
			d.signin(at, machine, d.staff[i], "7", "-")
		default:
			p := one(d, everyday)
			d.run(at, machine, user, p.image, p.command, p.parent)
		}
	}
}

// serve is what happens on servers.
func (d *Day) serve(n int) {
	for range n {
		at, machine := d.sometime(), one(d, []string{controller, files, business, updates, jumpHost})
		switch d.rng.IntN(8) {
		case 0:
			p := one(d, upkeep)
			d.run(at, machine, d.account("adm-t1"), p.image, p.command, p.parent)
		case 1:
			d.signin(at, machine, "adm-t1", "10", "10.20.0.9")
		case 2, 3:
			i := d.rng.IntN(len(d.desks))
			d.windows(at, controller, security, 4769, field{"TargetUserName", d.staff[i] + "@" + d.conf.Domain}, field{"ServiceName", "FS01$"}, field{"TicketEncryptionType", "0x12"},
				field{"IpAddress", "::ffff:" + d.inside(i)}, field{"Status", "0x0"})
		case 4:
			d.windows(at, machine, security, 4672, field{"SubjectUserName", "SYSTEM"}, field{"SubjectUserSid", "S-1-5-18"}, field{"PrivilegeList", "SeSecurityPrivilege"})
		default:
			p := one(d, background)
			d.run(at, machine, `NT AUTHORITY\SYSTEM`, p.image, p.command, p.parent)
		}
	}
}
