package dissect

import (
	"fmt"
	"noroshi/internal/engine/flow/record"
	"os"
	"strings"
	"testing"
)

func TestG5Dump(t *testing.T) {
	want := os.Getenv("G5")
	if want == "" {
		t.Skip("x")
	}
	zip := os.Getenv("G5ZIP")
	if zip == "" {
		zip = "pcap/zeek-traces.zip"
	}
	files := archive(t, zip)
	n := record.NewNaming([32]byte{3}, true)
	for name, f := range files {
		ok := false
		for _, w := range strings.Split(want, ",") {
			if strings.HasPrefix(name, w) {
				ok = true
			}
		}
		if !ok || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".rules") || strings.HasSuffix(name, "/") {
			continue
		}
		for _, c := range talks(t, name, content(t, f)) {
			r := play(c, n, whole, none)
			s := asText(r)
			i := strings.Index(s, `"src"`)
			fmt.Println(name, s[i:])
		}
	}
}
