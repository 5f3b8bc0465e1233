package memory

import (
	"os"
	"strings"
	"testing"
)

// A table that is asked for in large pages stands in memory for which the system
// says so.
func TestLarge(t *testing.T) {
	if b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil || strings.Contains(string(b), "[never]") {
		t.Skip("this system has no large pages to give")
	}
	s := make([]byte, 3*page)
	Large(s)
	for i := range s {
		s[i] = 1
	}
	if n := flagged(t); n < 3*page {
		t.Errorf("%d bytes are to be in large pages", n)
	}
}

// flagged is how much memory of this process is to be in large pages, in bytes.
func flagged(t *testing.T) (sum int) {
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	size := 0
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(l)
		switch {
		case len(f) == 3 && f[0] == "Size:":
			for _, c := range f[1] {
				size = size%1e9*10 + int(c-'0')
			}
		case len(f) > 0 && f[0] == "VmFlags:":
			if strings.Contains(l, " hg") {
				sum += size << 10
			}
			size = 0
		}
	}
	return sum
}
