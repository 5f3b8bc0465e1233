package format

import (
	"strings"
	"testing"
)

// TestCSVExports reads tables as usual tools write them. Every part of a row
// that is asked for has to be there.
func TestCSVExports(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // of the first row
		rows       int
	}{
		{"event viewer, Japanese", "\ufeffレベル,日付と時刻,ソース,イベント ID,タスクのカテゴリ\n情報,2026/11/22 20:01:02,Microsoft-Windows-Security-Auditing,4624,Logon,\"アカウントが正常にログオンしました。\n\nサブジェクト:\n\tセキュリティ ID:\t\"\"SYSTEM\"\"\"\n警告,2026/11/22 20:01:03,Service Control Manager,7045,なし,サービスがインストールされました。\n",
			[]string{"2026-11-22T11:01:02Z", `Provider_Name = "Microsoft-Windows-Security-Auditing"`, "EventID = 4624", `Message = "アカウントが正常にログオンしました。\n\nサブジェクト:`}, 2},
		{"event viewer, English", "Level,Date and Time,Source,Event ID,Task Category\nInformation,11/22/2026 8:01:02 PM,Service Control Manager,7045,None,A service was installed.\n",
			[]string{"2026-11-22T11:01:02Z", `Provider_Name = "Service Control Manager"`, "EventID = 7045", `Message = "A service was installed."`}, 1},
		{"Microsoft 365", "CreationDate,UserIds,Operations,AuditData\n2026-11-22T11:01:02.0000000Z,alice@example.jp,New-InboxRule,\"{\"\"CreationTime\"\":\"\"2026-11-22T11:01:02\"\",\"\"Id\"\":\"\"1\"\",\"\"Operation\"\":\"\"New-InboxRule\"\",\"\"RecordType\"\":1,\"\"Workload\"\":\"\"Exchange\"\",\"\"UserId\"\":\"\"alice@example.jp\"\",\"\"ClientIP\"\":\"\"192.0.2.7\"\"}\"\n",
			[]string{"m365/", `Operation = "New-InboxRule"`, `Workload = "Exchange"`}, 1},
		{"EvtxECmd", "RecordNumber,EventRecordId,TimeCreated,EventId,Level,Provider,Channel,ProcessId,ThreadId,Computer,UserId,MapDescription,UserName,RemoteHost,PayloadData1,ExecutableInfo,HiddenRecord,SourceFile,Keywords,Payload\n7,900,2026-11-22 11:01:02.1234567,1,Info,Microsoft-Windows-Sysmon,Microsoft-Windows-Sysmon/Operational,4,8,pc01.example.jp,S-1-5-18,Process creation,,,,,False,a.evtx,,\"{\"\"EventData\"\":{\"\"Data\"\":[{\"\"@Name\"\":\"\"Image\"\",\"\"#text\"\":\"\"C:\\\\Windows\\\\System32\\\\cmd.exe\"\"},{\"\"@Name\"\":\"\"CommandLine\"\",\"\"#text\"\":\"\"cmd /c \\\"\"x\\\"\"\"\"}]}}\"\n",
			[]string{"900 @", "2026-11-22T11:01:02.1234567Z", `Channel = "Microsoft-Windows-Sysmon/Operational"`, `Computer = "pc01.example.jp"`, `Provider_Name = "Microsoft-Windows-Sysmon"`, `Image = "C:\\Windows\\System32\\cmd.exe"`, `CommandLine = "cmd /c \"x\""`}, 1},
		{"Hayabusa", "\"Timestamp\",\"RuleTitle\",\"Level\",\"Computer\",\"Channel\",\"EventID\",\"RecordID\",\"Details\",\"ExtraFieldInfo\",\"RuleFile\"\n\"2026-11-22 20:01:02.123 +09:00\",\"A title\",\"high\",\"pc01\",\"Sec\",4688,900,\"Cmdline: whoami /all ¦ Proc: C:\\Windows\\System32\\whoami.exe ¦ PID: 0x10 ¦ LID: 0x3e7\",\"TokenElevationType: FULL\",\"a.yml\"\n",
			[]string{"900 @", "2026-11-22T11:01:02.123Z", `CommandLine = "whoami /all"`, `Image = "C:\\Windows\\System32\\whoami.exe"`, `LogonId = "0x3e7"`, `TokenElevationType = "FULL"`}, 1},
		{"Timesketch", "message,timestamp,datetime,timestamp_desc,source_ip\nlogin failed,1795345262123456,2026-11-22T11:01:02.123456+00:00,Event Logged,198.51.100.23\n",
			[]string{"2026-11-22T11:01:02.123456Z", `message = "login failed"`}, 1},
		{"Volatility 3", "TreeDepth,PID,PPID,ImageFileName,Offset(V),Threads,Handles,SessionId,Wow64,CreateTime,ExitTime,File output\n0,300,4,smss.exe,0xfa8001c,2,,N/A,False,2026-11-22 11:01:03.000000 UTC,N/A,Disabled\n",
			[]string{"2026-11-22T11:01:03Z", "windows/process_creation", "ProcessId = 300", `smss.exe"`}, 1},
	} {
		data := []byte(c.text)
		if k := Detect(data, "export.csv"); k != CSV {
			t.Errorf("%s is %v", c.name, k)
		}
		for _, size := range []int{0, 40} {
			rows, damage := textRows(t, CSV, data, textOptions(), size)
			if len(rows) != c.rows || len(damage) != 0 {
				t.Errorf("%s: %d rows, %+v", c.name, len(rows), damage)
				continue
			}
			for _, w := range c.want {
				if !strings.Contains(rows[0], w) {
					t.Errorf("%s: no %s in\n%s", c.name, w, rows[0])
				}
			}
		}
	}
}
