package format

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// samples returns the files of testdata/text by name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/text/*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		if strings.HasSuffix(file, ".golden") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = data
	}
	return all
}

func kindOfFile(t testing.TB, name string) Kind {
	t.Helper()
	word, _, _ := strings.Cut(name, ".")
	k, ok := ParseKind(word)
	if !ok {
		t.Fatalf("no kind %q", word)
	}
	return k
}

// blocks divides data into blocks.
func blocks(t testing.TB, k Kind, data []byte) (all []*Block) {
	t.Helper()
	s := NewSplitter(bytes.NewReader(data), k, 0)
	for {
		b := &Block{}
		if s.Next(b) != nil {
			return all
		}
		all = append(all, b)
	}
}

// TestTextAllocates reads blocks a second time: whatever is learned from a log
// is known then.
func TestTextAllocates(t *testing.T) {
	for name, data := range samples(t) {
		kind := kindOfFile(t, name)
		all := blocks(t, kind, data)
		d, row, events := NewDecoder(kind, textOptions()), &event.Row{}, 0
		count := func(*event.Row) error { events++; return nil }
		run := func() {
			for _, b := range all {
				if _, err := d.Rows(b, row, count); err != nil {
					t.Fatal(err)
				}
			}
		}
		run()
		if n := testing.AllocsPerRun(20, run); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if events == 0 {
			t.Errorf("%s: no events", name)
		}
	}
}

func BenchmarkText(b *testing.B) {
	repeat := func(n int, line func(i int) string) []byte {
		var out bytes.Buffer
		for i := range n {
			out.WriteString(line(i))
		}
		return out.Bytes()
	}
	const n = 4000
	for _, c := range []struct {
		name string
		kind Kind
		data []byte
	}{
		{"sshd", Syslog, repeat(n, func(i int) string {
			return fmt.Sprintf("Nov 22 20:%02d:%02d web01 sshd[%d]: Failed password for invalid user u%d from 198.51.100.%d port %d ssh2\n", i/60%60, i%60, 1000+i, i, i%250, 1024+i)
		})},
		{"rfc5424", Syslog, repeat(n, func(i int) string {
			return fmt.Sprintf("<165>1 2026-11-22T20:%02d:%02d.003Z h%d app %d ID47 [x@32473 iut=\"3\" id=\"%d\"] a message of usual length that says little\n", i/60%60, i%60, i%9, i, i)
		})},
		{"cef", Syslog, repeat(n, func(i int) string {
			return fmt.Sprintf("<134>Nov 22 20:01:05 fw01 CEF:0|Example|Guard|1.2|100|Blocked connection|7|src=198.51.100.%d spt=%d dst=192.0.2.30 dpt=445 proto=TCP act=blocked suser=alice cs1Label=Rule cs1=deny all\n", i%250, 1024+i)
		})},
		{"access", Access, repeat(n, func(i int) string {
			return fmt.Sprintf("192.0.2.%d - - [22/Nov/2026:20:%02d:%02d +0900] \"GET /index.php?id=%d HTTP/1.1\" 200 %d \"https://www.example.jp/\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n", i%250, i/60%60, i%60, i, 500+i)
		})},
		{"iis", W3C, append([]byte("#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"), repeat(n, func(i int) string {
			return fmt.Sprintf("2026-11-22 11:%02d:%02d 192.0.2.80 GET /default.aspx id=%d 443 - 198.51.100.%d Mozilla/5.0+(X11;+Linux) - 200 0 0 15\n", i/60%60, i%60, i, i%250)
		})...)},
		{"auditd", Auditd, repeat(n/5, func(i int) string {
			id := fmt.Sprintf("msg=audit(17953%05d.123:%d):", i, 100+i)
			return "type=SYSCALL " + id + " arch=c000003e syscall=59 success=yes exit=0 a0=55d0c8a0 a1=55d0c8b0 a2=55d0c8c0 a3=8 items=2 ppid=1500 pid=1501 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"cat\" exe=\"/usr/bin/cat\" key=\"exec\"\n" +
				"type=EXECVE " + id + " argc=2 a0=\"cat\" a1=\"/etc/shadow\"\ntype=CWD " + id + " cwd=\"/root\"\n" +
				"type=PATH " + id + " item=0 name=\"/usr/bin/cat\" inode=100 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL\n" +
				"type=PROCTITLE " + id + " proctitle=636174002F6574632F736861646F77\n"
		})},
		{"journal", Journal, repeat(n, func(i int) string {
			return fmt.Sprintf("__CURSOR=s=%d\n__REALTIME_TIMESTAMP=1795345262%06d\n_BOOT_ID=00ff\n_TRANSPORT=syslog\nPRIORITY=6\nSYSLOG_IDENTIFIER=sshd\nSYSLOG_PID=%d\n_HOSTNAME=web01\n_UID=0\n_COMM=sshd\nMESSAGE=Failed password for root from 198.51.100.23 port %d ssh2\n\n", i, i, i, 1024+i)
		})},
		{"zeek", ZeekTSV, append([]byte("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\n"), repeat(n, func(i int) string {
			return fmt.Sprintf("1795345262.%06d\tC%d\t192.0.2.7\t%d\t198.51.100.9\t443\ttcp\tssl\t0.5\t%d\t%d\tSF\n", i, i, 1024+i, i, i)
		})...)},
		{"csv", CSV, append([]byte("Timestamp,Computer,Channel,EventID,Level,Details\n"), repeat(n, func(i int) string {
			return fmt.Sprintf("2026-11-22 20:%02d:%02d.000 +09:00,pc%d,Security,4624,info,\"Type: 3, user: \"\"alice\"\", src: 192.0.2.%d\"\n", i/60%60, i%60, i%9, i%250)
		})...)},
		{"eventxml", EventXML, repeat(n, func(i int) string {
			return fmt.Sprintf("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4688</EventID><Version>2</Version><TimeCreated SystemTime='2026-11-22T11:01:02.1234567Z'/><EventRecordID>%d</EventRecordID><Channel>Security</Channel><Computer>pc01</Computer></System><EventData><Data Name='SubjectUserName'>alice</Data><Data Name='NewProcessName'>C:\\Windows\\System32\\cmd.exe</Data><Data Name='CommandLine'>cmd /c echo %d</Data></EventData></Event>\n", i, i)
		})},
	} {
		b.Run(c.name, func(b *testing.B) {
			all := blocks(b, c.kind, c.data)
			d, row, events := NewDecoder(c.kind, textOptions()), &event.Row{}, 0
			read := func(*event.Row) error { events++; return nil }
			b.ReportAllocs()
			b.SetBytes(int64(len(c.data)))
			from := processorTime(b)
			for b.Loop() {
				for _, one := range all {
					if _, err := d.Rows(one, row, read); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(events)/(processorTime(b)-from).Seconds(), "events/cpu-s")
		})
		b.Run(c.name+"/split", func(b *testing.B) {
			var one Block
			b.SetBytes(int64(len(c.data)))
			for b.Loop() {
				s := NewSplitter(bytes.NewReader(c.data), c.kind, 0)
				for s.Next(&one) == nil {
				}
			}
		})
	}
}
