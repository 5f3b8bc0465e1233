package flow

import (
	"bufio"
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/write"
)

// Nothing of what was said is in any output, in what is said on standard error,
// in a file left behind, or in the memory of a process that read it: neither
// while communications are open nor afterwards. The process is another one, so
// that what made the packets is not in its memory.
func TestCanary(t *testing.T) {
	if dir := os.Getenv("NOROSHI_CANARY"); dir != "" {
		readCanaries(t, dir)
		return
	}
	core, late := secret(), secret()
	list := append(canaries(t, core), halfway(late)...)
	for _, mode := range []string{"1", "3", "3 lent", "keep"} {
		dir := t.TempDir()
		writeCapture(t, filepath.Join(dir, "in.pcap"), list)
		cmd := exec.Command(os.Args[0], "-test.run=^TestCanary$")
		cmd.Env = append(os.Environ(), "NOROSHI_CANARY="+dir, "NOROSHI_CANARY_MODE="+mode, "TMPDIR="+dir,
			"GODEBUG=asyncpreemptoff=1") // a goroutine stopped in the middle of a copy leaves a register, 16 bytes, on its stack until it goes on
		said, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		hits := search(t, said, "standard error", core, late)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Name() == "in.pcap" {
				continue
			}
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			secrets := []string{core, late}
			if f.Name() == "during.heap" {
				secrets = secrets[:1] // what waits for more is there until it came
			}
			hits = append(hits, search(t, b, f.Name(), secrets...)...)
			if strings.HasSuffix(f.Name(), ".jsonl") { // pieces of it, one after another
				hits = append(hits, search(t, pieces(b), f.Name()+" in pieces", core)...)
			}
		}
		if mode == "keep" { // the search finds what is there
			if !slices.ContainsFunc(hits, func(h string) bool { return strings.HasPrefix(h, "after.heap") }) {
				t.Error("a copy that was kept is not found")
			}
			continue
		}
		for i, h := range hits {
			if i < 20 {
				t.Errorf("%s workers: %s", mode, h)
			}
		}
		b, err := os.ReadFile(filepath.Join(dir, "out.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, app := range []string{"http", "smtp", "imap", "pop3", "ftp", "ssh", "rdp", "ldap", "kerberos", "smb", "tls", "dns", "quic", "sip", "ssdp", "icmp"} {
			if !bytes.Contains(b, []byte(`"app":"`+app+`"`)) {
				t.Errorf("%s was not recognised", app)
			}
		}
	}
}

// secret is twelve characters that no shortened name shows.
func secret() string {
	b := make([]byte, 12)
	for i := range b {
		if b[i] = "abcdefghijkmnpqrstuvwxyz"[rand.IntN(24)]; i%2 == 1 {
			b[i] = "23456789"[rand.IntN(8)]
		}
	}
	return string(b)
}

// forms are the ways in which a secret may stand somewhere.
func forms(s string) map[string][]byte {
	back := []byte(s)
	slices.Reverse(back)
	var little, big []byte
	for i := range len(s) {
		little = append(little, s[i], 0)
		big = append(big, 0, s[i])
	}
	out := map[string][]byte{"plain": []byte(s), "capitals": []byte(strings.ToUpper(s)), "reversed": back, "hex": []byte(hex.EncodeToString([]byte(s))),
		"HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(s)))), "utf-16le": little, "utf-16be": big}
	out["base32"] = []byte(base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).EncodeToString([]byte(s)))[:19]
	for shift := range 3 { // the characters in the middle do not depend on what is around
		e := base64.StdEncoding.EncodeToString(append(make([]byte, shift), s...))
		e = e[4*min(shift, 1):]
		out["base64 "+itoa(shift)] = []byte(e[:len(e)-4])
	}
	return out
}

// pieces is what stands in names, hosts and addresses below the registered name,
// put together without what is between.
func pieces(b []byte) []byte {
	var out []byte
	for _, m := range regexp.MustCompile(`"(?:name|host)":"([^"]*)"|"addrs":\[([^\]]*)\]`).FindAllSubmatch(b, -1) {
		text := append(append([]byte(nil), m[1]...), m[2]...)
		text = bytes.ReplaceAll(text, []byte(".example.com"), nil)
		text = regexp.MustCompile(`\{[0-9a-f]*:[0-9]*\}|[^0-9a-z]`).ReplaceAll(text, nil)
		out = append(out, text...)
	}
	return out
}

func search(t *testing.T, b []byte, where string, secrets ...string) (hits []string) {
	t.Helper()
	for _, s := range secrets {
		for form, p := range forms(s) {
			rest := b
			for n := 0; n < 3; n++ {
				i := bytes.Index(rest, p)
				if i < 0 {
					break
				}
				hits = append(hits, where+": "+form+": "+strings.ToValidUTF8(string(rest[max(0, i-24):min(len(rest), i+len(p)+8)]), "."))
				rest = rest[i+len(p):]
			}
		}
	}
	return hits
}

func writeCapture(t *testing.T, name string, list []pk) {
	t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0)
	for _, p := range list {
		f := p.build()
		if p.id != 0 {
			f = raw(p)
		}
		for _, v := range []uint32{uint32(f.At / 1e9), uint32(f.At % 1e9), uint32(len(f.Data)), uint32(len(f.Data))} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		b = append(b, f.Data...)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readCanaries is the other process.
func readCanaries(t *testing.T, dir string) {
	f, err := os.Open(filepath.Join(dir, "in.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := capture.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Key: [32]byte{1}}
	var kept []byte // only where the test wants to find something
	switch os.Getenv("NOROSHI_CANARY_MODE") {
	case "3", "3 lent":
		o.Workers = 3
	case "keep":
		if kept, err = os.ReadFile(filepath.Join(dir, "in.pcap")); err != nil {
			t.Fatal(err)
		}
	}
	var outs []write.Writer
	for _, format := range write.Formats {
		to, err := os.Create(filepath.Join(dir, "out."+string(format)))
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		w, err := write.New(bufio.NewWriterSize(to, 16), format)
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, w)
	}
	tr := New(o, func(r *record.Record) error {
		for _, w := range outs {
			if err := w.Write(r); err != nil {
				return err
			}
		}
		return nil
	})
	packets := make([]capture.Packet, BatchSize)
	for {
		var n int
		var err error
		var loan *capture.Loan
		if os.Getenv("NOROSHI_CANARY_MODE") == "3 lent" {
			n, loan, err = r.Lend(packets)
		} else {
			n, err = r.Next(packets)
		}
		if n > 0 {
			if err := tr.AddLent(packets[:n], loan); err != nil {
				t.Fatal(err)
			}
		}
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	r.Wipe()
	if err := tr.Tick(t0 + 61e9); err != nil { // what is on its way arrives
		t.Fatal(err)
	}
	dump(t, filepath.Join(dir, "during.heap"))
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	for _, w := range outs {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	dump(t, filepath.Join(dir, "after.heap"))
	for _, x := range []any{tr, r, kept, packets} { // what still has memory keeps it until here
		runtime.KeepAlive(x)
	}
}

func dump(t *testing.T, name string) {
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	debug.WriteHeapDump(f.Fd())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
