package event

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestRow(t *testing.T) {
	names := NewNames()
	image, parent := names.ID("Image"), names.ID("ParentImage")
	var r Row
	for range 2 {
		r.Reset()
		r.AddString(EventID, Number, "4688")
		r.AddString(image, Text, `C:\Windows\System32\CMD.EXE`)
		r.Close(parent, Text, append(r.Open(), `İSTANBUL`...))
		r.Add(names.ID("Empty"), Text, nil)
		r.AddString(names.ID("Nothing"), Null, "")
		if got := string(r.Get(EventID)); got != "4688" {
			t.Errorf("EventID: %q", got)
		}
		for i := range r.Fields {
			if got, want := r.Folded(i), strings.Map(lower, string(r.Value(i))); string(got) != want {
				t.Errorf("field %d folded: %q, want %q", i, got, want)
			}
		}
		if r.Get(names.ID("Empty")) == nil || r.Get(names.ID("Nothing")) != nil || r.Get(names.ID("Absent")) != nil {
			t.Error("empty, null and absent are mixed up")
		}
	}
	if id, ok := names.Known("Image"); !ok || names.Text(id) != "Image" || names.ID("Image") != image {
		t.Error("a name has two numbers")
	}
}

func lower(r rune) rune {
	b := AppendFold(nil, utf8.AppendRune(nil, r))
	got, _ := utf8.DecodeRune(b)
	return got
}

// TestFold compares the fast way for ASCII with the slow one.
func TestFold(t *testing.T) {
	all := make([]byte, 0, 256)
	for c := range 256 {
		all = append(all, byte(c))
	}
	dst := make([]byte, 256)
	if n := foldASCII(dst, all[:128]); n != 128 || !bytes.Equal(dst[:n], slowFold(all[:128])) {
		t.Error("ASCII folds in two ways")
	}
	if n := foldASCII(dst, all); n != 128 {
		t.Errorf("%d bytes are ASCII", n)
	}
	if got := string(AppendFold(nil, []byte("ÄÖ\xffＡ日"))); got != "äö\xffａ日" {
		t.Errorf("folded: %q", got)
	}
}

// TestLowerRune compares the short way with the whole table.
func TestLowerRune(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if got := lowerRune(r); got != unicode.ToLower(r) {
			t.Fatalf("%U: %U, want %U", r, got, unicode.ToLower(r))
		}
	}
}

// slowFold folds one letter after the other.
func slowFold(text []byte) (to []byte) {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError {
			to = append(to, text[:n]...)
		} else {
			to = utf8.AppendRune(to, unicode.ToLower(r))
		}
		text = text[n:]
	}
	return to
}

// FuzzFold compares the folded fields of a row with the slow way.
func FuzzFold(f *testing.F) {
	f.Add([]byte("Microsoft® Windows® Operating System"), []byte("\xe3"), []byte("\x81\x82 ＡＢＣ ABCDEFGHIJKLMNOP"))
	f.Add([]byte("İSTANBUL"), []byte("K"), []byte("日本語のログ ABCDEFGH ÄÖÜ"))
	f.Add([]byte("ABCDEFGH\xc3"), []byte("\x84BCDEFGHI"), []byte(""))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		names := NewNames()
		var r Row
		for range 2 {
			r.Reset()
			for _, v := range [][]byte{a, b, c} {
				r.Add(names.ID("A"), Text, v)
			}
			for i, v := range [][]byte{a, b, c} {
				if want := slowFold(v); !bytes.Equal(r.Folded(i), want) {
					t.Fatalf("field %d of %q %q %q: %q, want %q", i, a, b, c, r.Folded(i), want)
				}
			}
		}
	})
}

func BenchmarkFold(b *testing.B) {
	for name, text := range map[string]string{
		"ascii":    strings.Repeat(`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoP -Enc `, 8),
		"mixed":    strings.Repeat(`C:\Windows\System32\powershell.exe Microsoft® Windows® Operating System `, 8),
		"japanese": strings.Repeat(`プロセスが作成されました。ユーザー名: Taro `, 8),
	} {
		b.Run(name, func(b *testing.B) {
			names := NewNames()
			image := names.ID("Image")
			var r Row
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				r.Reset()
				r.AddString(image, Text, text)
				r.Folded(0)
			}
		})
	}
}
