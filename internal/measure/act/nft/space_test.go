package nft

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"noroshi/internal/testkit"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// space is a network namespace of its own: what runs in it runs on one thread
// that nothing else gets.
type space struct {
	work chan func()
	fd   int
}

// newSpace opens a namespace, or skips where the test may not.
func newSpace(t testing.TB) *space {
	t.Helper()
	s := &space{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never given back: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			s.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		ready <- err
		for f := range s.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		close(s.work)
		testkit.Skip(t, "network namespaces need root: "+err.Error())
	}
	t.Cleanup(func() { close(s.work); unix.Close(s.fd) })
	s.must(t, func() error { return up("lo") })
	return s
}

func (s *space) do(f func()) {
	done := make(chan any)
	s.work <- func() {
		defer func() { done <- recover() }()
		f()
	}
	if p := <-done; p != nil {
		panic(p)
	}
}

func (s *space) must(t testing.TB, f func() error) {
	t.Helper()
	var err error
	s.do(func() { err = f() })
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func up(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(l)
}

// wire joins a to b with one link: name is its name in a, peer in b.
func wire(t testing.TB, a, b *space, name, peer string, addrs, peerAddrs []string) {
	t.Helper()
	a.must(t, func() error {
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: peer, PeerNamespace: netlink.NsFd(b.fd)})
	})
	settle := func(name string, addrs []string) func() error {
		return func() error {
			l, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			for _, s := range addrs {
				a, err := netlink.ParseAddr(s)
				if err != nil {
					return err
				}
				a.Flags = unix.IFA_F_NODAD
				if err := netlink.AddrAdd(l, a); err != nil {
					return err
				}
			}
			return netlink.LinkSetUp(l)
		}
	}
	a.must(t, settle(name, addrs))
	b.must(t, settle(peer, peerAddrs))
}

func route(to, via string) error {
	_, dst, err := net.ParseCIDR(to)
	if err != nil {
		return err
	}
	if err := netlink.RouteAdd(&netlink.Route{Dst: dst, Gw: net.ParseIP(via)}); err != nil {
		return fmt.Errorf("route %s: %w", to, err)
	}
	return nil
}

// net3 is a client, a router that the firewall runs on, and a server that has
// every address of 198.51.100.0/24, 203.0.113.0/24 and 2001:db8:2::/48.
type net3 struct{ client, router, server *space }

func newNet(t testing.TB) *net3 {
	t.Helper()
	n := &net3{newSpace(t), newSpace(t), newSpace(t)}
	wire(t, n.client, n.router, "up", "left", []string{"10.1.0.2/24", "2001:db8:1::2/64"}, []string{"10.1.0.1/24", "2001:db8:1::1/64"})
	wire(t, n.server, n.router, "up", "right", []string{"10.2.0.2/24", "2001:db8:f::2/64"}, []string{"10.2.0.1/24", "2001:db8:f::1/64"})
	n.router.must(t, func() error {
		for _, name := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"} {
			if err := os.WriteFile("/proc/sys/"+name, []byte("1"), 0); err != nil {
				return err
			}
		}
		for _, p := range []string{"198.51.100.0/24", "203.0.113.0/24"} {
			if err := route(p, "10.2.0.2"); err != nil {
				return err
			}
		}
		return route("2001:db8:2::/48", "2001:db8:f::2")
	})
	n.client.must(t, func() error {
		if err := route("::/0", "2001:db8:1::1"); err != nil {
			return err
		}
		return route("0.0.0.0/0", "10.1.0.1")
	})
	n.server.must(t, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		for _, p := range []string{"198.51.100.0/24", "203.0.113.0/24", "2001:db8:2::/48"} {
			_, dst, _ := net.ParseCIDR(p)
			if err := netlink.RouteAdd(&netlink.Route{Dst: dst, LinkIndex: lo.Attrs().Index, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST, Table: unix.RT_TABLE_LOCAL}); err != nil {
				return fmt.Errorf("local %s: %w", p, err)
			}
		}
		if err := route("10.1.0.0/24", "10.2.0.1"); err != nil {
			return err
		}
		return route("2001:db8:1::/64", "2001:db8:f::1")
	})
	for _, port := range []int{80, 443} {
		n.serve(t, port)
	}
	for range 50 { // neighbours of a link that has just come up are not found at once
		if reaches(n.client, "[2001:db8:2::1]:80") && reaches(n.client, "198.51.100.1:80") {
			return n
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the network does not come up")
	return nil
}

// serve accepts TCP on the server's port, whatever the address.
func (n *net3) serve(t testing.TB, port int) {
	var l net.Listener
	n.server.must(t, func() (err error) {
		l, err = net.Listen("tcp", fmt.Sprintf("[::]:%d", port))
		return err
	})
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}

// reaches reports whether a client in from gets a connection.
func reaches(from *space, addr string) bool {
	var err error
	from.do(func() {
		var c net.Conn
		if c, err = (&net.Dialer{Timeout: 400 * time.Millisecond}).Dial("tcp", netip.MustParseAddrPort(addr).String()); err == nil {
			c.Close()
		}
	})
	return err == nil
}

// opens fails unless a client in from gets a connection within some seconds: the
// machine that tests run on may be busy.
func opens(t testing.TB, from *space, addr string) {
	t.Helper()
	for range 20 {
		if reaches(from, addr) {
			return
		}
	}
	t.Errorf("%s is not reached", addr)
}

// shut fails unless a client in from gets no connection, and the kernel counted
// its packets as held back by an element of the firewall in at.
func shut(t testing.TB, from, at *space, addr string) {
	t.Helper()
	before := counted(t, at)
	if reaches(from, addr) {
		t.Errorf("%s is reached", addr)
	}
	if counted(t, at) == before {
		t.Errorf("%s: no packet was held back", addr)
	}
}

var packets = regexp.MustCompile(`counter packets (\d+)`)

func counted(t testing.TB, s *space) (n int) {
	t.Helper()
	for _, m := range packets.FindAllStringSubmatch(says(t, s, "", "list", "table", "inet", "noroshi"), -1) {
		i, _ := strconv.Atoi(m[1])
		n += i
	}
	return n
}

// says runs nft in a namespace: a reading of the kernel that is not ours.
func says(t testing.TB, s *space, stdin string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("nft")
	if err != nil {
		testkit.Skip(t, "nft is not installed")
	}
	var out []byte
	s.do(func() {
		cmd := exec.Command(path, args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err = cmd.CombinedOutput()
	})
	if err != nil {
		t.Fatalf("nft %v: %v\n%.2000s", args, err, out)
	}
	return string(out)
}
