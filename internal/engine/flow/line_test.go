package flow

import (
	"testing"
	"unsafe"
)

// An entry is whole lines of memory, and its parts begin with one.
func TestLines(t *testing.T) {
	const line = 64
	var e entry
	for name, at := range map[string]uintptr{
		"dir": unsafe.Offsetof(e.dir), "rec": unsafe.Offsetof(e.rec), "rec.SrcPort": unsafe.Offsetof(e.rec) + unsafe.Offsetof(e.rec.SrcPort),
		"rec.Src": unsafe.Offsetof(e.rec) + unsafe.Offsetof(e.rec.Src), "udp": unsafe.Offsetof(e.udp), "the next": unsafe.Sizeof(e),
	} {
		if at%line != 0 {
			t.Errorf("%s stands %d bytes behind the beginning of a line", name, at%line)
		}
	}
	if at := uintptr(unsafe.Pointer(newTable(&Options{}, nil, 0, 1, 0).add(&item{}))); at%line != 0 {
		t.Errorf("the first entry of a chunk stands at %x", at)
	}
}
