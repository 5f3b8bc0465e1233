package sensor

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/export"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/sensor/listen"
)

// listening is what a person asks "flow listen" for.
type listening struct {
	netflow, sflow, from []string
	iface, basis, stats  string
	promiscuous          bool
	workers              int
	lasts, every         time.Duration
	sides                geoFlags
}

// listenCommand is "noroshi flow listen --netflow ADDR --basis B": flow records
// of routers and probes as they come, or with --interface what passes an
// interface of this machine, one JSON object a line. It ends with SIGINT or
// SIGTERM, or after --for. Exit 0 then; 1 when an address cannot be had or
// standard output is gone; 2 when it is called wrongly; 3 without a basis or
// without the right to read.
func listenCommand(env *cli.Env) *cobra.Command {
	var l listening
	p := env.Printer()
	c := &cobra.Command{
		Use: "listen --netflow ADDR | --sflow ADDR | --interface IF", Short: p.T("sensor.listen.short"), Long: p.T("sensor.listen.long"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return l.run(c.Context(), env) },
	}
	f := c.Flags()
	f.StringArrayVar(&l.netflow, "netflow", nil, p.T("sensor.listen.flag.netflow"))
	f.StringArrayVar(&l.sflow, "sflow", nil, p.T("sensor.listen.flag.sflow"))
	f.StringVar(&l.iface, "interface", "", p.T("sensor.listen.flag.interface"))
	f.BoolVar(&l.promiscuous, "promiscuous", false, p.T("sensor.listen.flag.promiscuous"))
	f.StringArrayVar(&l.from, "from", nil, p.T("sensor.listen.flag.from"))
	f.StringVar(&l.basis, "basis", "", p.T("sensor.listen.flag.basis"))
	f.StringVar(&l.stats, "stats", "", p.T("sensor.listen.flag.stats"))
	f.IntVar(&l.workers, "workers", runtime.GOMAXPROCS(0), p.T("sensor.listen.flag.workers"))
	f.DurationVar(&l.lasts, "for", 0, p.T("sensor.listen.flag.for"))
	f.DurationVar(&l.every, "every", time.Minute, p.T("sensor.listen.flag.every"))
	l.sides.add(c, p)
	return c
}

func (l *listening) run(ctx context.Context, env *cli.Env) error {
	basis, err := Permit(l.basis, true)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if l.lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.lasts)
		defer cancel()
	}
	if l.workers < 1 || l.workers > listen.MaxWorkers {
		return fault.New(fault.Usage, "sensor.listen.workers", "value", l.workers, "max", listen.MaxWorkers)
	}
	if l.iface != "" {
		return l.watch(ctx, env, basis)
	}
	o, err := l.options(env)
	if err != nil {
		return err
	}
	sides, err := l.sides.open()
	if err != nil {
		return err
	}
	out := &lineWriter{to: env.Out, sides: sides}
	o.Take = out.take
	open, err := listen.Open(o)
	if err != nil {
		return fault.New(fault.Internal, "sensor.listen.open").Because(err)
	}
	defer open.Close()
	out.bufs = make([][]byte, open.Workers())
	told := netip.AddrPort{}
	for _, a := range open.Addrs() {
		if a != told {
			env.Say("sensor.listen.open_at", "address", a.String(), "basis", string(basis))
		}
		told = a
	}
	return l.serve(ctx, env, open)
}

// serve listens until ctx ends, tells how it goes meanwhile, and sums up.
func (l *listening) serve(ctx context.Context, env *cli.Env, open *listen.Listener) error {
	var telling sync.WaitGroup
	quiet, hush := context.WithCancel(ctx)
	if l.every > 0 {
		telling.Go(func() {
			tick := time.NewTicker(l.every)
			defer tick.Stop()
			for {
				select {
				case <-quiet.Done():
					return
				case <-tick.C:
					s := open.Summary()
					sayListened(env, "sensor.listen.going", &s)
				}
			}
		})
	}
	begun := env.Now()
	err := open.Run(ctx)
	hush()
	telling.Wait()
	s := open.Summary()
	sayListened(env, "sensor.listen.done", &s)
	if e := tellExporters(env, &s); err == nil && e != nil {
		err = fault.New(fault.Internal, "sensor.listen.write").Because(e)
	}
	if l.stats != "" {
		if e := writeStats(l.stats, listened{s, heard(&s, begun, env.Now())}); err == nil && e != nil {
			err = fault.New(fault.Internal, "sensor.listen.stats", "file", l.stats).Because(e)
		}
	}
	return err
}

func (l *listening) options(env *cli.Env) (o listen.Options, err error) {
	o = listen.Options{NetFlow: l.netflow, SFlow: l.sflow, Workers: l.workers, Now: env.Now}
	if len(o.NetFlow)+len(o.SFlow) == 0 {
		return o, fault.New(fault.Usage, "sensor.listen.what")
	}
	for _, a := range append(append([]string{}, l.netflow...), l.sflow...) {
		if _, port, err := net.SplitHostPort(a); err != nil || port == "" {
			return o, fault.New(fault.Usage, "sensor.listen.address", "address", a)
		}
	}
	for _, list := range l.from {
		for f := range strings.SplitSeq(list, ",") {
			q, err := netip.ParsePrefix(strings.TrimSpace(f))
			if err != nil {
				a, e := netip.ParseAddr(strings.TrimSpace(f))
				if e != nil {
					return o, fault.New(fault.Usage, "sensor.listen.from", "value", f)
				}
				q = netip.PrefixFrom(a, a.BitLen())
			}
			o.From = append(o.From, q.Masked())
		}
	}
	return o, nil
}

// lineWriter writes rows as lines. Each worker has a buffer of its own; whole
// buffers are written one at a time.
type lineWriter struct {
	sides *geo.Classifier
	bufs  [][]byte
	mu    sync.Mutex
	to    io.Writer
}

func (w *lineWriter) take(worker int, b *export.Batch) error {
	buf := w.bufs[worker][:0]
	var rec record.Record
	for i := range b.Len() {
		flow.FromExport(&rec, b, i, nil)
		rec.CommunityID = flow.Community(&rec)
		rec.Class = w.sides.Class16(&b.Src[i], &b.Dst[i])
		buf = append(record.AppendJSON(buf, &rec), '\n')
	}
	w.bufs[worker] = buf
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.to.Write(buf); err != nil {
		return fault.New(fault.Internal, "sensor.listen.write").Because(err)
	}
	return nil
}

func sayListened(env *cli.Env, key string, s *listen.Summary) {
	var lost uint64
	for i := range s.Exporters {
		lost += s.Exporters[i].Lost
	}
	env.Say(key, "datagrams", s.Datagrams, "records", s.Records, "exporters", len(s.Exporters), "lost", lost,
		"drops", s.KernelDrops, "refused", s.Refused, "unreadable", s.Unreadable+s.Foreign)
}

// tellExporters writes a table of the exporters to standard error.
func tellExporters(env *cli.Env, s *listen.Summary) error {
	if len(s.Exporters) == 0 {
		return nil
	}
	p := env.Printer()
	rows := [][]string{strings.Split(p.T("sensor.listen.head"), "\t")}
	for i := range s.Exporters {
		e := &s.Exporters[i]
		row := []string{e.Addr.String(), e.Kind}
		for _, n := range [...]uint64{uint64(e.Domain), e.Records, e.Lost, e.Disorder, e.Duplicates, e.Restarts, e.Early - e.Released, e.Malformed + e.Refused} {
			row = append(row, strconv.FormatUint(n, 10))
		}
		rows = append(rows, row)
	}
	return columns(env.Err, rows)
}

func writeStats(name string, s any) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o600)
}
