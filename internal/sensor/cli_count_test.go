package sensor

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/flow/capture"
)

// runFlow runs "noroshi flow ..." as a user would.
func runFlow(t *testing.T, stdin []byte, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	var out, talk bytes.Buffer
	env := cli.New(words)
	env.In, env.Out, env.Err = bytes.NewReader(stdin), &out, &talk
	root := env.Root("noroshi", "")
	root.AddCommand(Commands(env)...)
	code = env.Run(context.Background(), root, append([]string{"flow"}, args...))
	return code, out.String(), talk.String()
}

// threePackets is a capture with two UDP packets, one of them in IPv6, and one
// that ends inside its header.
func threePackets(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, capture.LinkRaw)
	if err != nil {
		t.Fatal(err)
	}
	four := []byte("\x45\x00\x00\x1d\x00\x01\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x07\x00\x09\x00\x09\x00\x00x")
	six := append([]byte("\x60\x00\x00\x00\x00\x08\x11\x40"), make([]byte, 32)...)
	six = append(six, "\x00\x07\x00\x09\x00\x08\x00\x00"...)
	for i, d := range [][]byte{four, six, four[:10]} {
		if err := w.Write(&capture.Packet{Data: d, At: int64(i + 1), Orig: 100}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestCount(t *testing.T) {
	raw := threePackets(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "a.pcap")
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var c Counted
	for _, args := range [][]string{{name}, {"-"}} {
		code, out, talk := runFlow(t, raw, append([]string{"count", "--json"}, args...)...)
		c = Counted{}
		if err := json.Unmarshal([]byte(out), &c); err != nil || code != 0 || talk != "" {
			t.Fatalf("%d %v\n%s\n%s", code, err, out, talk)
		}
		if c.Packets != 3 || c.Bytes != 300 || c.Layers["ip"] != 2 || c.Layers["ipv6"] != 1 || c.Layers["udp"] != 2 || c.Errors["truncated"] != 1 || c.Files != nil {
			t.Errorf("%s", out)
		}
		for _, l := range firstLayers {
			if !strings.Contains(out, `"`+l+`"`) {
				t.Errorf("no %q in %s", l, out)
			}
		}
	}
	for _, lang := range []string{"ja", "en"} {
		code, out, _ := runFlow(t, nil, "count", name, "--lang", lang)
		if code != 0 || !strings.Contains(out, "udp") || strings.Contains(out, "sensor.count") {
			t.Errorf("%d\n%s", code, out)
		}
	}
}

// TestCountBad has files that cannot be read wholly between ones that can: those
// are counted, and each of the others is named with its reason.
func TestCountBad(t *testing.T) {
	raw := threePackets(t)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good, cut := write("good.pcap", raw), write("cut.pcap", raw[:len(raw)-3])
	text, empty := write("text.pcap", []byte("this secret line is no capture")), write("empty.pcap", nil)
	code, out, talk := runFlow(t, nil, "count", "--json", good, text, cut, empty, filepath.Join(dir, "none.pcap"))
	var c Counted
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatal(err)
	}
	if code != 2 || c.Packets != 5 || len(c.Files) != 5 || c.Errors["file_cut"] != 1 || c.Files[1].Stopped == "" || c.Files[4].Stopped == "" || c.Files[3].Stopped != "" {
		t.Errorf("%d\n%s", code, out)
	}
	if !strings.Contains(talk, "text.pcap") || !strings.Contains(talk, "none.pcap") || strings.Contains(talk, "good.pcap") || strings.Contains(talk+out, "secret") {
		t.Errorf("%s", talk)
	}
	if code, _, _ := runFlow(t, nil, "count"); code != 2 {
		t.Errorf("no file: %d", code)
	}
	if code, out, _ := runFlow(t, nil, "count", text); code != 2 || strings.Contains(out, "secret") {
		t.Errorf("%d %s", code, out)
	}
}

// Columns stand below each other on a terminal in either language.
func TestColumns(t *testing.T) {
	var b bytes.Buffer
	if err := columns(&b, [][]string{{"パケット", "287"}, {"  eth", "1", "x"}, {"a"}}); err != nil {
		t.Fatal(err)
	}
	if want := "パケット  287\n  eth     1    x\na\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
