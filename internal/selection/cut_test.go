package selection

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/engine/deid"
)

// TestACaptureThatBreaksOffIsSaid cuts a capture, alone and after a whole one,
// plain and packed: the statement never says that everything was read.
func TestACaptureThatBreaksOffIsSaid(t *testing.T) {
	b := newBench(t)
	whole := b.capture("whole.pcap", traffic(50, "x")...)
	raw, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil { // all packets are there, the end of the stream is not
		t.Fatal(err)
	}
	bare := bytes.Clone(packed.Bytes())
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(raw)
	copy(bad[24+10*(16+29)+8:], "\xff\xff\xff\xff\xff\xff\xff\xff") // lengths of a packet
	for name, c := range map[string]struct {
		raw []byte
		why string
	}{"cut.pcap": {raw[:len(raw)-3], "cut"}, "cut.gz": {packed.Bytes()[:packed.Len()-200], "cut"}, "end.gz": {bare, "cut"}, "bad.pcap": {bad, "length"}} {
		file := b.write(name, c.raw)
		for i, captures := range [][]string{{file}, {whole, file, whole}} {
			out := "of-" + name + strings.Repeat("x", i)
			st, err := RunFiles(context.Background(), b.job(b.order(out+".json", nil), out, captures...))
			if codeOf(err) != ErrSource.Code || !strings.Contains(err.Error(), ErrSource.Code+"."+c.why) {
				t.Errorf("%s: %v", out, err)
			}
			if st.Ended != EndUnreadable || st.Input.Sources != i+1 || st.Input.Truncated+st.Input.Damaged != 1 || st.Seen.Packets == 0 {
				t.Errorf("%s: %+v", out, st)
			}
			conserved(t, st)
			if _, err := b.verify(out); err != nil {
				t.Errorf("%s: %v", out, err)
			}
		}
	}
}

// TestWhatWasNotReadIsNamed runs over captures of which the second is of another
// time, is no capture, or breaks off.
func TestWhatWasNotReadIsNamed(t *testing.T) {
	b := newBench(t)
	list, pub := b.write("list.txt", []byte(b.list)), b.write("KEY.pub", []byte(b.authority.Verifier()))
	good := b.capture("good.pcap", traffic(5, "x")...)
	late := b.capture("late.pcap", sent{48 * time.Hour, ohio, tokyo, 17, 1, 2, nil})
	n := 0
	run := func(lang string, captures ...string) (int, string) {
		n++
		order := b.order(strings.Repeat("o", n), func(o *approval.Order) { o.ID = "trial-" + strings.Repeat("i", n) })
		code, said, errs := runFiles(t, lang, nil, append([]string{"run", "--order", order, "--selectors", list, "--authority", pub, "--out", filepath.Join(b.dir, strings.Repeat("d", n))}, captures...)...)
		return code, said + errs
	}
	has := func(what string, code, want int, said string, words ...string) {
		t.Helper()
		for _, w := range words {
			if code != want || !strings.Contains(said, w) {
				t.Errorf("%s: exit %d without %q in %s", what, code, w, said)
			}
		}
	}
	code, said := run("en", good, late, good)
	has("later", code, 0, said, "from after the period; what came after was not read", "It ended in "+late, "Wed 4 Nov 2026, 12:00 JST", "Not read: "+good)
	code, said = run("ja", good, late, good)
	has("later", code, 0, said, "期間より後のパケット", "読まなかったファイル："+good)
	code, said = run("en", good, list, late)
	has("no capture", code, 2, said, "Ended", "list.txt: this is no capture (pcap, pcapng)", "Not read: "+late)
	code, said = run("en", good, b.dir+"/absent")
	has("absent", code, 2, said, "absent: there is no such file")
	code, said = run("en", b.dir)
	has("folder", code, 2, said, "this is a folder, not a file")
	code, said = run("en", list)
	has("alone", code, 2, said, "this is no capture (pcap, pcapng)")
	if _, err := os.Stat(filepath.Join(b.dir, strings.Repeat("d", n))); err == nil {
		t.Error("an empty folder is left of a run that read nothing")
	}
}

// TestPseudonymsNobodyCanOpen asks for those of a run whose key was thrown away, and
// runs with a key of no approval.
func TestPseudonymsNobodyCanOpen(t *testing.T) {
	b := newBench(t)
	order, pcap := b.order("order.json", nil), b.capture("a.pcap", traffic(5, "x")...)
	if _, err := RunFiles(context.Background(), b.job(order, "out", pcap)); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runDeid(t, "reidentify", filepath.Join(b.dir, "out"), "p:mail:"+strings.Repeat("a", 26), "--order", order, "--authority", b.write("KEY.pub", []byte(b.authority.Verifier())), "--share", "s", "--by", "b", "--reason", "x")
	if code != 3 || out != "" || !strings.Contains(errs, "was thrown away") {
		t.Errorf("exit %d, %q, %s", code, out, errs)
	}
	j := b.job(order, "none", pcap)
	j.Vault = &deid.Public{ID: "0123456789abcdef"}
	if _, err := RunFiles(context.Background(), j); codeOf(err) != ErrVaultNone.Code {
		t.Error(err)
	}
}

// TestATrafficWithoutDirectionSaysWhy runs over a capture of which no address lies
// on a known side: the sort of address is said, and never the address.
func TestATrafficWithoutDirectionSaysWhy(t *testing.T) {
	b := newBench(t)
	list, pub := b.write("list.txt", []byte(b.list)), b.write("KEY.pub", []byte(b.authority.Verifier()))
	for address, why := range map[string]string{"172.16.225.48": "a private address", "224.0.0.251": "used on no line", "203.0.113.9": "keep for examples"} {
		order := b.order(address+".json", func(o *approval.Order) { o.ID = address })
		pcap := b.capture(address+".pcap", sent{0, netip.MustParseAddr(address), tokyo, 17, 1, 2, nil})
		code, said, errs := runFiles(t, "en", nil, "run", "--order", order, "--selectors", list, "--authority", pub, "--out", filepath.Join(b.dir, "of"+address), pcap)
		if code != 0 || !strings.Contains(errs, why) || !strings.Contains(errs, "--domestic FILE") || strings.Contains(strings.NewReplacer("Order "+address, "", address+".json.uses", "").Replace(said+errs), address) {
			t.Errorf("%s: exit %d, %s%s", address, code, said, errs)
		}
		if strings.Contains(errs, "pseudonyms") {
			t.Errorf("nothing was selected, and a key is spoken of: %s", errs)
		}
	}
}

// TestADrillReplacesNothing makes one twice.
func TestADrillReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := runFiles(t, "en", nil, "drill", "--out", dir, "--at", "2027-10-01T00:00:00Z"); code != 0 || !strings.Contains(errs, "09:00 JST") {
		t.Fatal(code, errs)
	}
	if code, _, errs := runFiles(t, "en", nil, "drill", "--out", dir); code != 1 || !strings.Contains(errs, "line.pcap is there already") {
		t.Error(code, errs)
	}
}

// TestVerifyLooksAtReidentifications counts the record of them, and finds an edit.
func TestVerifyLooksAtReidentifications(t *testing.T) {
	b := newBench(t)
	order := b.order("order.json", nil)
	if _, err := RunFiles(context.Background(), b.job(order, "out", b.capture("a.pcap", traffic(5, "x")...))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(b.dir, "out", recordFile)
	r, err := openRecord(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, act := range []string{actRefused, actReveal, actOutcome, actRefused} {
		if err := r.add(epoch, &Act{Act: act}); err != nil {
			t.Fatal(err)
		}
	}
	r.close()
	v, err := b.verify("out")
	if err != nil || v.Opened != 1 || v.NotOpened != 2 || len(v.Strange) != 0 || v.Uses != 1 || v.Use != 1 {
		t.Errorf("%v: %+v", err, v)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b.write("out/"+recordFile, bytes.Replace(raw, []byte(actRefused), []byte("nothing"), 1))
	if v, err := b.verify("out"); codeOf(err) != ErrUnverified.Code || len(v.Wrong) != 1 || v.Wrong[0].Code != "selection.verify.acts" {
		t.Errorf("%v: %+v", err, v.Wrong)
	}
}

// TestNamesInAnOrderStayInOneLine tries names that would not.
func TestNamesInAnOrderStayInOneLine(t *testing.T) {
	b := newBench(t)
	list := b.write("list.txt", []byte(b.list))
	for _, flag := range []string{"--id", "--link", "--recipients", "--targets"} {
		for value, want := range map[string]int{"x\ny": 2, "x\x1b[31m": 2, " x": 2, strings.Repeat("語", 67): 2, strings.Repeat("語", 66): 0, "警察庁 1係": 0} {
			if value == " x" && flag != "--id" && flag != "--link" {
				want = 0 // in a list, space stands between names
			}
			code, _, errs := runFiles(t, "ja", nil, "order", "--selectors", list, "--direction", "fd", "--from", "2026-11-01", "--to", "2026-11-05", flag, value)
			if code != want || want == 2 && (!strings.Contains(errs, flag) || strings.Contains(errs, "\x1b")) {
				t.Errorf("%s %q: exit %d, %s", flag, value, code, errs)
			}
		}
	}
}
