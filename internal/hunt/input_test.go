package hunt

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/fault"
)

func zipped(t *testing.T, members map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range members {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(b []byte) []byte {
	var to bytes.Buffer
	z := gzip.NewWriter(&to)
	_, _ = z.Write(b)
	_ = z.Close()
	return to.Bytes()
}

func tarred(name string, content []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600, Typeflag: tar.TypeReg})
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

func TestInputs(t *testing.T) {
	dir := t.TempDir()
	z, _ := zstd.NewWriter(nil)
	nested := []byte("deep")
	for range 5 {
		nested = gzipped(nested)
	}
	for name, content := range map[string][]byte{
		"a.log":         []byte("plain"),
		"b/c.log.gz":    gzipped([]byte("one\n")),
		"b/d.zst":       z.EncodeAll([]byte("two"), nil),
		"e.zip":         zipped(t, map[string][]byte{"y.log": []byte("three"), "x/z.log": gzipped([]byte("four")), ".hidden": []byte("no"), "in.zip": zipped(t, map[string][]byte{"m": []byte("five")})}),
		"f.tar.gz":      gzipped(tarred("var/log/messages", []byte("six"))),
		"g.gz":          gzipped([]byte("cut off"))[:15],
		"h.deep.gz":     nested,
		".git/ignored":  []byte("no"),
		"i.empty":       nil,
		"j.twice.gz":    append(gzipped([]byte("one ")), gzipped([]byte("two"))...),
		"k.no-zip.zip":  []byte("PK\x03\x04 and nothing else"),
		"l.not-utf.bin": {0, 1, 2, 3},
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, passed := map[string]string{}, map[string]string{}
	var order []string
	in := &inputs{stdin: strings.NewReader("typed")}
	short := func(name string) string { return strings.TrimPrefix(strings.TrimPrefix(name, dir), "/") }
	in.visit = func(i *input) error {
		b, err := io.ReadAll(i.r)
		got[short(i.name)] = string(b)
		order = append(order, short(i.name))
		if err != nil {
			passed[short(i.name)] = "cut"
		}
		return nil
	}
	in.passed = func(name string, err error) { passed[short(name)] = fault.Of(err).Code }
	if err := in.walk(context.Background(), []string{dir, "-"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a.log": "plain", "b/c.log.gz": "one\n", "b/d.zst": "two", "e.zip!y.log": "three", "e.zip!x/z.log": "four", "e.zip!in.zip!m": "five",
		"f.tar.gz!var/log/messages": "six", "g.gz": "cut ", "i.empty": "", "j.twice.gz": "one two", "-": "typed", "l.not-utf.bin": "\x00\x01\x02\x03"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"g.gz": "cut", "h.deep.gz": "hunt.input.nested", "k.no-zip.zip": "hunt.input.read"}, passed); diff != "" {
		t.Errorf("passed over (-want +got)\n%s", diff)
	}
	if order[0] != "a.log" || order[len(order)-1] != "-" {
		t.Errorf("order %v", order)
	}
	if size, err := sizeOf([]string{dir, "-"}); err != nil || in.Done() == 0 || in.Done() > size+readAhead {
		t.Errorf("read %d of %d: %v", in.Done(), size, err)
	}
	if _, err := sizeOf([]string{dir + "/absent"}); fault.Of(err).Code != "hunt.input.absent" {
		t.Errorf("absent: %v", err)
	}
}

// TestMembersThatLieOverEachOther packs a member once and lists it many times.
func TestMembersThatLieOverEachOther(t *testing.T) {
	whole := zipped(t, map[string][]byte{"a.log": []byte("one\n")})
	at := bytes.LastIndex(whole, []byte("PK\x05\x06"))
	from := int(binary.LittleEndian.Uint32(whole[at+16:]))
	entry := whole[from:at]
	var b bytes.Buffer
	b.Write(whole[:from])
	for range 1000 {
		b.Write(entry)
	}
	end := bytes.Clone(whole[at:])
	binary.LittleEndian.PutUint16(end[8:], 1000)
	binary.LittleEndian.PutUint16(end[10:], 1000)
	binary.LittleEndian.PutUint32(end[12:], uint32(1000*len(entry)))
	b.Write(end)
	read, passed := 0, 0
	in := &inputs{stdin: &b, visit: func(*input) error { read++; return nil }, passed: func(_ string, err error) {
		if fault.Of(err).Code == "hunt.input.overlap" {
			passed++
		}
	}}
	if err := in.walk(context.Background(), []string{"-"}); err != nil || read != 1 || passed != 999 {
		t.Errorf("%d read, %d passed over: %v", read, passed, err)
	}
}
