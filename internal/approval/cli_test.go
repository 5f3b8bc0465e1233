package approval

import (
	"bytes"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// What is written to be completed is read back as it is.
func TestAnApplicationIsWrittenAndReadBack(t *testing.T) {
	want := lite(t).application()
	want.Extends = newID()
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(want); err != nil {
		t.Fatal(err)
	}
	got, err := readApplication("written", b.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
