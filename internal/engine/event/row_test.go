package event

import (
	"bytes"
	"strings"
	"testing"
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
	dst := make([]byte, 128)
	if !foldASCII(dst, all[:128]) || !bytes.Equal(dst, AppendFold(nil, all[:128])) {
		t.Error("ASCII folds in two ways")
	}
	if foldASCII(make([]byte, 256), all) {
		t.Error("not everything is ASCII")
	}
	if got := string(AppendFold(nil, []byte("ÄÖ\xffＡ日"))); got != "äö\xffａ日" {
		t.Errorf("folded: %q", got)
	}
}
