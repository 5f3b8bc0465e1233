package confine

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"noroshi/internal/testkit"
)

// TestTo runs in processes of their own, as a confined process stays so.
func TestTo(t *testing.T) {
	for _, set := range []string{"none", "admin"} {
		c := exec.Command(os.Args[0], "-test.run=^TestConfined$", "-test.v")
		c.Env = append(os.Environ(), "CONFINE="+set)
		out, err := c.CombinedOutput()
		if bytes.Contains(out, []byte(ErrThreads.Error())) { // built with cgo; the program is not
			c = exec.Command("go", "test", "-count=1", "-run=^TestConfined$", "-v", ".")
			c.Env = append(os.Environ(), "CONFINE="+set, "CGO_ENABLED=0")
			out, err = c.CombinedOutput()
		}
		if bytes.Contains(out, []byte(ErrLacks.Error())) {
			testkit.Skip(t, "this process has no CAP_NET_ADMIN to keep")
		}
		if err != nil || !strings.Contains(string(out), "confined to "+set) {
			t.Fatalf("%s: %v\n%s", set, err, out)
		}
	}
}

// TestConfined is the process TestTo starts.
func TestConfined(t *testing.T) {
	name := os.Getenv("CONFINE")
	if name == "" {
		t.Skip("started by TestTo")
	}
	keep := map[string]Set{"none": 0, "admin": NetAdmin}[name]
	if err := To(keep); err != nil {
		t.Fatal(err)
	}
	if err := held(keep); err != nil {
		t.Fatal(err)
	}
	refused := make(chan error)
	for range 8 { // in any thread
		go func() { refused <- unix.Setpriority(unix.PRIO_PROCESS, 0, -20) }()
	}
	for range 8 {
		if err := <-refused; !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
			t.Errorf("CAP_SYS_NICE is still there: %v", err)
		}
	}
	if _, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("CAP_NET_RAW is still there: %v", err)
	}
	t.Log("confined to " + name)
}
