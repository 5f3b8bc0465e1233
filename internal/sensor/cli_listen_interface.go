package sensor

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/confine"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/sensor/ring"
)

// Watched is what reading an interface live came to, and what it missed.
type Watched struct {
	Interface string `json:"interface"`
	Packets   uint64 `json:"packets"`      // read
	Bytes     uint64 `json:"bytes"`        // of them, on the wire
	Records   uint64 `json:"records"`      // written
	Dropped   uint64 `json:"kernel_drops"` // packets the kernel dropped because this program fell behind
	Freezes   uint64 `json:"freezes"`      // how often it did
	Oversize  uint64 `json:"oversize"`     // packets too long to be read
	NotIP     uint64 `json:"not_ip"`       // packets without an IP header, in no record
	Unread    uint64 `json:"unreadable"`   // packets with damaged headers, in no record
	Evicted   uint64 `json:"evicted"`      // records written early because the table was full
	Lost      uint64 `json:"lost_bytes"`   // TCP bytes never seen
	WipeNanos int64  `json:"wipe_ns"`      // longest time until what was read was overwritten

	Reading *Reading `json:"reading,omitempty"` // what "flow send" tells the hub of it
}

// slice is after how long a communication that goes on is written.
const slice = 5 * time.Minute

// watch reads an interface of this machine until ctx ends. The process gives up
// every other capability first.
func (l *listening) watch(ctx context.Context, env *cli.Env, basis Basis) error {
	if len(l.netflow)+len(l.sflow) > 0 {
		return fault.New(fault.Usage, "sensor.listen.either")
	}
	if err := ring.Confine(); err != nil {
		return l.ringFault(err)
	}
	r, err := ring.Open(l.iface, ring.Options{Promiscuous: l.promiscuous})
	if err != nil {
		return l.ringFault(err)
	}
	defer r.Close()
	env.Say("sensor.listen.open_at", "address", l.iface, "basis", string(basis))
	return l.follow(ctx, env, r)
}

func (l *listening) ringFault(err error) error {
	for _, known := range [...]struct {
		is   error
		kind fault.Kind
		code string
	}{
		{ring.ErrInterface, fault.Usage, "sensor.listen.no_interface"}, {ring.ErrLink, fault.Usage, "sensor.listen.link"},
		{ring.ErrSystem, fault.Usage, "sensor.listen.system"}, {ring.ErrPermission, fault.Refused, "sensor.listen.permission"},
		{confine.ErrPowerful, fault.Refused, "sensor.listen.powerful"}, {confine.ErrThreads, fault.Refused, "sensor.listen.threads"},
	} {
		if errors.Is(err, known.is) {
			return fault.New(known.kind, known.code, "interface", l.iface).Because(err)
		}
	}
	return fault.New(fault.Internal, "sensor.listen.open").Because(err)
}

// follow writes what the packets of a ring tell, until ctx ends.
func (l *listening) follow(ctx context.Context, env *cli.Env, src *ring.Ring) error {
	o := flow.Options{Workers: min(l.workers, flow.MaxWorkers), Active: slice}
	if _, err := rand.Read(o.Key[:]); err != nil {
		return err
	}
	sides, err := l.sides.open()
	if err != nil {
		return err
	}
	begun := time.Now()
	o.Class, o.Clock = sides.Class, func() int64 { return int64(time.Since(begun)) }
	out := bufio.NewWriterSize(env.Out, 1<<16)
	var buf []byte
	seen := Watched{Interface: l.iface}
	t := flow.New(o, func(r *record.Record) error {
		seen.Records++
		buf = append(record.AppendJSON(buf[:0], r), '\n')
		_, err := out.Write(buf)
		return err
	})
	from := env.Now()
	err = l.pump(ctx, env, src, t, out, &seen)
	if e := t.Close(); err == nil && e != nil {
		err = fault.New(fault.Internal, "sensor.listen.write").Because(e)
	}
	if e := out.Flush(); err == nil && e != nil {
		err = fault.New(fault.Internal, "sensor.listen.write").Because(e)
	}
	seen.take(src, t)
	seen.say(env, "sensor.listen.watched")
	seen.Reading = seen.reading(from, env.Now())
	if l.stats != "" {
		if e := writeStats(l.stats, &seen); err == nil && e != nil {
			err = fault.New(fault.Internal, "sensor.listen.stats", "file", l.stats).Because(e)
		}
	}
	return err
}

// pump moves packets from the ring into the table.
func (l *listening) pump(ctx context.Context, env *cli.Env, src *ring.Ring, t *flow.Tracker, out *bufio.Writer, seen *Watched) error {
	batch := make([]capture.Packet, flow.BatchSize)
	told := time.Now()
	for ctx.Err() == nil {
		n, err := src.Next(batch)
		if err != nil {
			return fault.New(fault.Internal, "sensor.listen.open").Because(err)
		}
		if n > 0 {
			err = t.Add(batch[:n])
		} else if err = t.Tick(env.Now().UnixNano()); err == nil {
			err = out.Flush() // in a pause nobody should wait for what is known
		}
		if err != nil {
			return fault.New(fault.Internal, "sensor.listen.write").Because(err)
		}
		if l.every > 0 && time.Since(told) >= l.every {
			told = time.Now()
			seen.take(src, t)
			seen.say(env, "sensor.listen.watching")
		}
	}
	return nil
}

func (w *Watched) take(src *ring.Ring, t *flow.Tracker) {
	s := t.Stats()
	w.Packets, w.Bytes, w.NotIP, w.Unread, w.Evicted, w.Lost, w.WipeNanos = s.Packets, s.Bytes, s.NotIP, s.Unread, s.Evicted, s.Lost, s.WipeNanos
	if r, err := src.Stats(); err == nil {
		w.Dropped, w.Freezes, w.Oversize, w.WipeNanos = r.Dropped, r.Freezes, r.Oversize, max(w.WipeNanos, r.WipeNanos)
	}
}

func (w *Watched) say(env *cli.Env, key string) {
	env.Say(key, "packets", w.Packets, "records", w.Records, "drops", w.Dropped, "unreadable", w.Unread+w.Oversize, "other", w.NotIP, "early", w.Evicted)
}
