//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/rpz"
)

// policyZone is the zone that resolvers are measured with, and policyNames how
// many names are in it, half of them with what is below.
const (
	policyZone  = "rpz.hub.example"
	policyNames = 1_000_000
)

// policies are response policy zones: ours, the resolvers that fetch them, and
// what BIND needs to read the same zone from a file.
func policies(s setting) [][]measured {
	n := number(policyNames)
	return [][]measured{{{
		name: "rpz-publish", command: "bench/run -only rpz-publish",
		take: func(ctx context.Context) (figures, error) { return self(ctx, s, "rpz-publish") },
		rows: []row{
			{What: "response policy zone of " + n + " names: from orders until on disk, served and the resolver told", Figure: "told s", Unit: "s", Target: "≤ 5 s"},
			{What: "the same, until fetched whole, signed", Figure: "fetched s", Unit: "s"},
			{What: "the same, processor time", Figure: "cpu s", Unit: "s"},
			{What: "the same, memory at most, beyond the orders", Figure: "beyond MB", Unit: "MB"},
			{What: "one name more, until the resolver is told and has fetched the difference", Figure: "one ms", Unit: "ms", Target: "≤ 1,000 ms"},
		},
	}, {
		name: "rpz-compilezone", command: "bench/run -only rpz-compilezone",
		take: func(ctx context.Context) (figures, error) { return self(ctx, s, "rpz-compilezone") },
		rows: []row{
			{What: "peer: named-compilezone (BIND 9) reads a zone file of the same " + n + " names", Figure: "read s", Unit: "s"},
			{What: "the same, memory at most", Figure: "read MB", Unit: "MB"},
			{What: "our writing of that file", Figure: "write s", Unit: "s"},
		},
	}}, {{
		name: "rpz-unbound", command: "bench/run -only rpz-unbound", once: true,
		take: func(ctx context.Context) (figures, error) { return self(ctx, s, "rpz-unbound") },
		rows: policyLive("Unbound", n),
	}, {
		name: "rpz-bind", command: "bench/run -only rpz-bind", once: true,
		take: func(ctx context.Context) (figures, error) { return self(ctx, s, "rpz-bind") },
		rows: policyLive("BIND 9", n),
	}, {
		name: "rpz-bind-recent", command: "bench/run -only rpz-bind-recent", once: true,
		take: func(ctx context.Context) (figures, error) { return self(ctx, s, "rpz-bind-recent") },
		rows: policyLive("BIND 9, with a zone for what changed lately,", n),
	}}}
}

func policyLive(resolver, n string) []row {
	return []row{
		{What: resolver + " answers by our zone of " + n + " names after their order", Figure: "all s", Unit: "s"},
		{What: "the same, one name more", Figure: "one ms", Unit: "ms", Target: "≤ 1,000 ms"},
		{What: "the same, processor time of the resolver", Figure: "cpu one ms", Unit: "ms"},
		{What: "the same, one name fewer", Figure: "fewer ms", Unit: "ms", Target: "≤ 1,000 ms"},
	}
}

// policyRules are names as they stand in lists, of 20 orders, in no order.
func policyRules() (rules []driver.Rule) {
	tlds := [...]string{"com", "net", "xyz", "top", "ru", "co.jp", "info", "online"}
	rules = make([]driver.Rule, 0, policyNames)
	for i := range policyNames {
		h := uint64(i) * 0x9e3779b97f4a7c15
		rules = append(rules, driver.Rule{
			Order: fmt.Sprintf("01997d5e-0000-7000-8000-%012d", i%20), Kind: driver.Sinkhole, Answer: driver.NoDomain,
			Name: fmt.Sprintf("%x-%d.%s", h>>40, i, tlds[h>>20%8]), Below: i%2 == 0,
		})
	}
	return rules
}

// policyWorld is a zone of ours with its key and one resolver, whose port is
// free.
type policyWorld struct {
	dir      string
	secret   string
	config   rpz.Config
	driver   driver.Driver
	resolver string
}

func openPolicy(s setting, change func(*rpz.Config)) (w *policyWorld, err error) {
	w = &policyWorld{secret: base64.StdEncoding.EncodeToString([]byte("a key that is only for measuring"))}
	if w.dir, err = os.MkdirTemp(s.dir, "bench-rpz-"); err != nil {
		return nil, err
	}
	file := filepath.Join(w.dir, "key")
	if err := os.WriteFile(file, []byte(w.secret), 0o600); err != nil {
		return nil, err
	}
	listen, err := freePort()
	if err != nil {
		return nil, err
	}
	if w.resolver, err = freePort(); err != nil {
		return nil, err
	}
	w.config = rpz.Default()
	w.config.Zone, w.config.Dir, w.config.Listen, w.config.KeyFile = policyZone, filepath.Join(w.dir, "rpz"), listen, file
	w.config.Secondaries, w.config.MaxNames = []string{w.resolver}, 2*policyNames
	if change != nil {
		change(&w.config)
	}
	w.driver, err = rpz.Open(w.config)
	return w, err
}

func (w *policyWorld) close() error { return errors.Join(w.driver.Close(), os.RemoveAll(w.dir)) }

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// policyPublish is measured with a resolver that does nothing but listen, fetch
// and count, so that the time is ours.
func policyPublish(ctx context.Context, s setting) (f figures, err error) {
	w, err := openPolicy(s, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	conn, err := net.ListenPacket("udp", w.resolver)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		return nil, err
	}
	rules := policyRules()
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew; else it is that of the whole process
	rest := status("VmRSS")
	began, before := time.Now(), worked()
	if err := w.driver.Apply(ctx, rules, nil); err != nil {
		return nil, err
	}
	if err := w.notified(conn); err != nil {
		return nil, err
	}
	f = figures{"told s": time.Since(began).Seconds()}
	serial, err := w.fetch(0, len(rules)+len(rules)/2+3)
	if err != nil {
		return nil, err
	}
	f["fetched s"], f["cpu s"], f["beyond MB"] = time.Since(began).Seconds(), (worked()-before)/1e6, (status("VmHWM")-rest)/1e6
	began = time.Now()
	if err := w.driver.Apply(ctx, []driver.Rule{{Order: "one", Kind: driver.Sinkhole, Name: "one.example", Answer: driver.NoDomain}}, nil); err != nil {
		return nil, err
	}
	if err := w.notified(conn); err != nil {
		return nil, err
	}
	if _, err := w.fetch(serial, 5); err != nil {
		return nil, err
	}
	f["one ms"] = time.Since(began).Seconds() * 1000
	return f, nil
}

// status is a value of this process in bytes.
func status(key string) float64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb * 1024
		}
	}
	return 0
}

// notified waits until the resolver was told, and says that it heard.
func (w *policyWorld) notified(conn net.PacketConn) error {
	buf := make([]byte, 4096)
	n, from, err := conn.ReadFrom(buf)
	if err != nil {
		return err
	}
	var m dns.Msg
	if err := m.Unpack(buf[:n]); err != nil {
		return err
	}
	key := map[string]string{w.config.KeyName + ".": w.secret}
	mac := m.IsTsig().MAC
	r := new(dns.Msg).SetReply(&m)
	r.SetTsig(w.config.KeyName+".", dns.HmacSHA256, 300, time.Now().Unix())
	out, _, err := dns.TsigGenerate(r, key[w.config.KeyName+"."], mac, false)
	if err != nil {
		return err
	}
	_, err = conn.WriteTo(out, from)
	return err
}

// fetch fetches the zone, or what changed since a serial, and counts the records.
func (w *policyWorld) fetch(since uint32, records int) (serial uint32, err error) {
	q := new(dns.Msg).SetAxfr(policyZone + ".")
	if since != 0 {
		q.SetIxfr(policyZone+".", since, "localhost.", "nobody.invalid.")
	}
	q.SetTsig(w.config.KeyName+".", dns.HmacSHA256, 300, time.Now().Unix())
	raw, _, err := dns.TsigGenerate(q, w.secret, "", false)
	if err != nil {
		return 0, err
	}
	c, err := net.Dial("tcp", w.config.Listen)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)); err != nil {
		return 0, err
	}
	buf := make([]byte, 1<<16)
	for got := 0; got < records; {
		if _, err := io.ReadFull(c, buf[:2]); err != nil {
			return 0, err
		}
		msg := buf[:binary.BigEndian.Uint16(buf)]
		if _, err := io.ReadFull(c, msg); err != nil {
			return 0, err
		}
		if serial == 0 {
			var m dns.Msg
			if err := m.Unpack(msg); err != nil || len(m.Answer) == 0 {
				return 0, fmt.Errorf("%v %w", m.MsgHdr, err)
			}
			serial = m.Answer[0].(*dns.SOA).Serial
		}
		got += int(binary.BigEndian.Uint16(msg[6:]))
	}
	return serial, nil
}
