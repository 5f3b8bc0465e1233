package bgp

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

// frr is a router that shares nothing with the library that we speak with.
const frr = "/usr/lib/frr/bgpd"

const frrConfig = `router bgp 64513
 bgp router-id 192.0.2.201
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor 127.0.0.52 remote-as 64512
 neighbor 127.0.0.52 passive
 neighbor 127.0.0.52 update-source 127.0.0.51
 neighbor 127.0.0.52 ttl-security hops 1
`

func TestAnotherMakersRouterUnderstands(t *testing.T) {
	if _, err := os.Stat(frr); err != nil || os.Getuid() != 0 {
		testkit.Skip(t, "FRR is not installed, or this is not root")
	}
	dir, port := t.TempDir(), listensOn(t, "127.0.0.51")
	config := frrConfig
	for _, f := range []string{"ipv4 unicast", "ipv6 unicast", "ipv4 flowspec", "ipv6 flowspec"} {
		config += fmt.Sprintf(" address-family %s\n  neighbor 127.0.0.52 activate\n exit-address-family\n", f)
	}
	file := filepath.Join(dir, "bgpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(frr, "-n", "-Z", "-S", "-l", "127.0.0.51", "-p", strconv.Itoa(port), "-P", "0", "-f", file,
		"-i", filepath.Join(dir, "pid"), "--vty_socket", dir, "--log", "file:"+filepath.Join(dir, "log"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	show := func(what string) string {
		out, err := exec.Command("vtysh", "--vty_socket", dir, "-d", "bgpd", "-c", "show bgp "+what).CombinedOutput()
		if err != nil {
			t.Fatalf("vtysh: %v: %.500s", err, out)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	s := begin(t, with(func(c *Config) {
		c.Peers = []string{fmt.Sprintf("127.0.0.51 as=64513 port=%d local=127.0.0.52", port)}
	}), time.Now)
	rules := []driver.Rule{hole("203.0.113.7/32"), hole("2001:db8::7/128"), flow("198.51.100.0/24", "192.0.2.0/24", 17, 53), flow("2001:db8:1::/48", "2001:db8:ffff::/48", 6, 443)}
	apply(t, s, rules, nil)
	until(t, "live", func() bool { return isLive(t, s, rules...) })
	for what, want := range map[string][]string{
		"ipv4 unicast 203.0.113.7/32":  {"192.0.2.1 from 127.0.0.52", "Community: blackhole no-export", "inform peer to blackhole prefix"},
		"ipv6 unicast 2001:db8::7/128": {"100::1 from 127.0.0.52", "Community: blackhole no-export"},
		"ipv4 flowspec detail":         {"Destination Address 198.51.100.0/24 Source Address 192.0.2.0/24 IP Protocol = 17 Destination Port = 53 FS:rate 0.000000"},
		"ipv6 flowspec detail":         {"Destination Address 2001:db8:1::/48/off 0 Source Address 2001:db8:ffff::/48/off 0 IP Protocol = 6 Destination Port = 443 FS:rate 0.000000"},
	} {
		for _, w := range want {
			until(t, what+": "+w, func() bool { return strings.Contains(show(what), w) })
		}
	}
	if err := s.Apply(context.Background(), nil, rules); err != nil {
		t.Fatal(err)
	}
	until(t, "everything is withdrawn", func() bool {
		return !strings.Contains(show("ipv4 unicast")+show("ipv6 unicast")+show("ipv4 flowspec detail")+show("ipv6 flowspec detail"), "203.0.113.7/32") &&
			!strings.Contains(show("ipv4 flowspec detail")+show("ipv6 flowspec detail"), "Destination Address")
	})
}
