package sigma

import (
	"testing"

	"noroshi/internal/engine/event"
)

// TestRoutesKnow asks that the logsource of every public rule is in the tables.
func TestRoutesKnow(t *testing.T) {
	routes := DefaultRoutes()
	for _, a := range []struct{ archive, under string }{{"sigma/sigma-rules.zip", ""}, {"sigma/hayabusa-rules.zip", "hayabusa/"}, {"lol/loldrivers-sigma.zip", ""}, {"lol/lolrmm.zip", "detections/"}} {
		for _, n := range routes.Unknown(load(archive(t, a.archive, a.under), Options{}).Rules) {
			t.Error(n)
		}
	}
	odd := &Rule{ID: "x", Logsource: Logsource{Product: "toaster"}}
	if n := routes.Unknown([]*Rule{odd, odd}); len(n) != 2 || n[0].Args[0] != "toaster//" {
		t.Error(n)
	}
}

func TestRoutes(t *testing.T) {
	routes := DefaultRoutes()
	const sysmon, security, ps = "Microsoft-Windows-Sysmon/Operational", "Security", "Microsoft-Windows-PowerShell/Operational"
	windows := event.Log{}
	for _, c := range []struct {
		source            Logsource
		log               event.Log
		channel, provider string
		id                string
		want              bool
	}{
		{Logsource{Product: "windows", Category: "process_creation"}, windows, sysmon, "Microsoft-Windows-Sysmon", "1", true},
		{Logsource{Product: "windows", Category: "process_creation"}, windows, "XmlWinEventLog:" + sysmon, "", "1", true},
		{Logsource{Product: "windows", Category: "process_creation"}, windows, security, "", "4688", true},
		{Logsource{Product: "windows", Category: "process_creation"}, windows, security, "", "4624", false},
		{Logsource{Product: "windows", Category: "process_creation"}, windows, "System", "", "1", false},
		{Logsource{Product: "windows", Category: "process_creation"}, windows, "", "Microsoft-Windows-Sysmon", "1", true},
		{Logsource{Product: "windows", Category: "process_creation"}, event.Log{Product: "windows", Category: "process_creation"}, "", "", "", true},
		{Logsource{Category: "process_creation"}, event.Log{Product: "linux", Category: "process_creation", Service: "auditd"}, "", "", "", true},
		{Logsource{Category: "process_creation"}, windows, sysmon, "", "1", true},
		{Logsource{Product: "linux", Category: "process_creation"}, windows, sysmon, "", "1", false},
		{Logsource{Product: "windows"}, windows, "Application", "", "1000", true},
		{Logsource{Product: "windows"}, event.Log{Product: "linux"}, "Linux-Sysmon/Operational", "", "1", false},
		{Logsource{Product: "windows", Service: "security"}, windows, "security", "", "4624", true},
		{Logsource{Product: "windows", Service: "security"}, windows, "", "Microsoft-Windows-Security-Auditing", "4624", true},
		{Logsource{Product: "windows", Service: "security"}, windows, "System", "Microsoft-Windows-Kernel-General", "1", false},
		{Logsource{Product: "windows", Category: "ps_script", Service: "powershell"}, windows, ps, "", "4104", true},
		{Logsource{Product: "windows", Category: "ps_script", Service: "powershell"}, windows, ps, "", "4103", false},
		{Logsource{Product: "windows", Category: "ps_script", Service: "security"}, windows, ps, "", "4104", false},
		{Logsource{Category: "dns"}, event.Log{Product: "zeek", Service: "dns"}, "", "", "", true},
		{Logsource{Category: "dns", Product: "any"}, event.Log{Product: "linux", Category: "dns", Service: "named"}, "", "", "", true},
		{Logsource{Product: "aws", Service: "cloudtrail"}, event.Log{Product: "aws", Service: "cloudtrail"}, "", "", "", true},
		{Logsource{Product: "aws", Service: "cloudtrail"}, event.Log{Product: "azure", Service: "cloudtrail"}, "", "", "", false},
		{Logsource{}, event.Log{Product: "aws"}, "", "", "", true},
		{Logsource{Product: "aws"}, event.Log{Product: "aws", Service: "cloudtrail"}, "", "", "", true},
		{Logsource{Category: "network"}, event.Log{Product: "zeek", Service: "conn"}, "", "", "", true},
		{Logsource{Category: "webserver"}, event.Log{Category: "webserver", Service: "iis"}, "", "", "", true},
		{Logsource{Service: "nginx"}, event.Log{Category: "webserver"}, "", "", "", true},
		{Logsource{Product: "zeek", Service: "dns"}, event.Log{Product: "zeek", Category: "dns"}, "", "", "", true},
		{Logsource{Product: "linux", Service: "auth"}, event.Log{Product: "linux", Service: "sshd"}, "", "", "", true},
		{Logsource{Product: "linux", Service: "sshd"}, event.Log{Product: "linux", Service: "auth"}, "", "", "", false},
		{Logsource{Product: "m365", Service: "audit"}, event.Log{Product: "m365", Service: "threat_management"}, "", "", "", true},
		{Logsource{Product: "windows", Category: "registry_set"}, event.Log{Product: "windows", Category: "registry_event"}, "", "", "", true},
		{Logsource{Product: "windows", Category: "file_rename"}, windows, "", "Microsoft-Windows-Kernel-File", "27", true},
		{Logsource{Category: "antivirus"}, windows, "Microsoft-Windows-Windows Defender/Operational", "", "1116", true},
	} {
		route, known := routes.For(c.source)
		if !known {
			t.Errorf("%+v is not known", c.source)
		}
		if got := route.Matches(c.log, c.channel, c.provider, c.id); got != c.want {
			t.Errorf("%+v of %+v %s %s: %v", c.source, c.log, c.channel, c.id, got)
		}
	}
	if route, known := routes.For(Logsource{Product: "toaster", Service: "heat"}); known || !route.Matches(event.Log{Product: "toaster", Service: "heat"}, "", "", "") || route.Matches(event.Log{Product: "toaster"}, "", "", "") {
		t.Error("what is not known goes to the events that carry its words")
	}
}

func TestRouteWhere(t *testing.T) {
	route, _ := DefaultRoutes().For(Logsource{Product: "windows", Category: "registry_delete"})
	e := route.Expr(&Expr{Op: True})
	for _, c := range []struct {
		fields map[string]string
		want   bool
	}{
		{map[string]string{"EventType": "DeleteValue"}, true},
		{map[string]string{"EventType": "CreateKey"}, false},
		{map[string]string{"OperationType": "%%1906"}, true},
		{map[string]string{"OperationType": "%%1904"}, false},
		{map[string]string{"TargetObject": "HKLM"}, true}, // a log that does not say
	} {
		get := func(field string) []Value {
			if v, ok := c.fields[field]; ok {
				return []Value{{Text: v}}
			}
			return nil
		}
		if got := Eval(e, get); got != c.want {
			t.Errorf("%v: %v", c.fields, got)
		}
	}
}

func TestNamings(t *testing.T) {
	routes := DefaultRoutes()
	made := func(channel, id, to string, from map[string]string) string {
		named := "unnamed"
		for _, n := range routes.Namings(event.Log{}, channel, "", id) {
			if n.To != to {
				continue
			}
			values := make([][]byte, len(n.From))
			for i, f := range n.From {
				if v, ok := from[f]; ok {
					values[i] = []byte(v)
				}
			}
			got, ok := n.Append([]byte(">"), values...)
			if ok {
				return string(got)
			}
			named = "none"
		}
		return named
	}
	const defender = "Microsoft-Windows-Windows Defender/Operational"
	for _, c := range []struct {
		channel, id, to string
		from            map[string]string
		want            string
	}{
		{"Security", "4688", "Image", map[string]string{"NewProcessName": `C:\a.exe`}, `>C:\a.exe`},
		{"Security", "4688", "Image", nil, "none"},
		{"Security", "4624", "Image", nil, "unnamed"},
		{"Security", "4688", "User", map[string]string{"SubjectUserSid": "S-1-5-18", "SubjectUserName": "PC$"}, `>NT AUTHORITY\SYSTEM`},
		{"Security", "4688", "User", map[string]string{"SubjectUserSid": "S-1-5-21-1", "SubjectDomainName": "D", "SubjectUserName": "bob"}, `>D\bob`},
		{"Security", "4657", "TargetObject", map[string]string{"ObjectName": `\REGISTRY\MACHINE\SOFTWARE\Run`, "ObjectValueName": "x"}, `>HKLM\SOFTWARE\Run\x`},
		{"Security", "4657", "TargetObject", map[string]string{"ObjectName": `\Registry\User\S-1`}, `>HKU\S-1`},
		{"Security", "4657", "TargetObject", map[string]string{"ObjectName": `\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\x`}, `>HKLM\System\CurrentControlSet\Services\x`},
		{"Security", "5156", "Image", map[string]string{"Application": `\device\harddiskvolume10\windows\system32\lsass.exe`}, `>C:\windows\system32\lsass.exe`},
		{"Security", "5156", "Image", map[string]string{"Application": "System"}, ">System"},
		{"Security", "5156", "Initiated", map[string]string{"Direction": "%%14593"}, ">true"},
		{"Security", "5156", "Initiated", map[string]string{"Direction": "out"}, "none"},
		{defender, "1116", "ThreatName", map[string]string{"Threat Name": "EICAR"}, ">EICAR"},
	} {
		if got := made(c.channel, c.id, c.to, c.from); got != c.want {
			t.Errorf("%s %s %s of %v: %q, want %q", c.channel, c.id, c.to, c.from, got, c.want)
		}
	}
}

func TestParseRoutes(t *testing.T) {
	more, err := ParseRoutes([]byte("[[route]]\nproduct = \"Toaster\"\nsources = [{ log = { service = \"heat\" } }]\n[formats]\nx = 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	route, known := DefaultRoutes().With(more).For(Logsource{Product: "toaster"})
	if !known || !route.Matches(event.Log{Service: "heat"}, "", "", "") {
		t.Error("a route of one's own is not taken")
	}
	for _, bad := range []string{
		"[[route]]\nproduct = \"x\"", "[[route]]\nsources = [{ channel = [\"x\"] }]", "[[route]]\nproduct = \"x\"\nsources = [{ event = [1] }]",
		"[[route]]\nproduct = \"x\"\nchannels = [\"y\"]\nsources = [{ channel = [\"x\"] }]", "known = [[\"a\"]]",
		"[[alias]]\nsources = [{ channel = [\"x\"] }]\nfields = { a = \"\" }", "[[alias", "[[alias]]\nfields = { a = \"b\" }",
	} {
		if _, err := ParseRoutes([]byte(bad)); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add("[[route]]\nproduct = \"x\"\nsources = [{ channel = [\"y\"], event = [1] }]\nwhere = { a = [\"b\"] }", "y", "1")
	f.Add("known = [[\"a\", \"b\", \"c\"]]\n[services]\ns = [\"t\"]\n[[alias]]\nsources = [{ windows = true }]\nfields = { a = \"b\" }", "t", "")
	f.Fuzz(func(t *testing.T, text, channel, id string) {
		routes, err := ParseRoutes([]byte(text))
		if err != nil {
			return
		}
		for _, n := range routes.Namings(event.Log{}, channel, "", id) {
			n.Append(nil, []byte(channel), nil)
		}
		for _, r := range routes.routes {
			route, known := routes.For(Logsource{Product: r.log.Product, Category: r.log.Category, Service: r.log.Service})
			if !known && r.log.Product != "any" {
				t.Fatalf("%+v is not known", r.log)
			}
			route.Matches(event.Log{}, channel, "", id)
		}
	})
}
