package rpz

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// maxList bounds what Live says, each way.
const maxList = 100

// Live asks every resolver for the serial it holds names back by, or without a
// probe for the one it has fetched. Of one that holds an older zone, what it lacks is missing and what it still has is extra; one that cannot
// be asked, or holds a zone that this process does not know, is a fault that names
// it. A zone file is compared line by line.
func (z *zone) Live(ctx context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	missing, extra = z.store.Compare(want, maxList)
	v := z.serving.Load()
	if v == nil {
		return missing, extra, nil
	}
	changed := map[string]bool{}
	for _, p := range z.peers {
		for i, served := range v.zones {
			serial, err := z.ask(ctx, p, i, served.serial)
			if err != nil || serial != served.serial {
				z.remind(i)
			}
			if errors.Is(err, errNoProbe) {
				return nil, nil, fault.New(fault.Busy, "rpz.unheld", "resolver", p.addr.String(), "zone", z.layouts[i].zone, "name", z.layouts[i].probeOf(served.serial)).Because(err)
			}
			if err != nil {
				return nil, nil, fault.New(fault.Busy, "rpz.silent", "resolver", p.addr.String(), "zone", z.layouts[i].zone).Because(err)
			}
			steps, ok := served.since(serial)
			if !ok {
				return nil, nil, fault.New(fault.Busy, "rpz.other", "resolver", p.addr.String(), "zone", z.layouts[i].zone, "serial", serial, "ours", served.serial)
			}
			for _, s := range steps {
				for _, n := range s.names {
					changed[n] = true
				}
			}
		}
	}
	if z.File != "" {
		if err := z.compareFile(v, changed); err != nil {
			return nil, nil, err
		}
	}
	if len(changed) > 0 {
		missing, extra = z.lagging(changed, want, missing, extra)
	}
	return missing, extra, nil
}

// remindEvery is how often resolvers that lag behind are told of a change again:
// BIND that was just finding out that we are gone hears a notice and does nothing.
const remindEvery = 5 * time.Second

// remind tells resolvers of a zone again, now and then.
func (z *zone) remind(zone int) {
	if now := time.Now(); now.Sub(z.reminded[zone]) >= remindEvery {
		z.reminded[zone] = now
		z.ring(zone)
	}
}

// lagging adds the names that somebody holds otherwise: rules of them that are
// wanted are missing there, and where none is wanted something is extra.
func (z *zone) lagging(changed map[string]bool, want, missing, extra []driver.Rule) ([]driver.Rule, []driver.Rule) {
	wanted := map[string]bool{}
	for i := range want {
		if r := want[i]; changed[r.Name] {
			r.Until = time.Time{}
			wanted[r.Name] = true
			if !slices.ContainsFunc(missing, func(m driver.Rule) bool { return same(m, r) }) {
				missing = append(missing, r)
			}
		}
	}
	for name := range changed {
		if !wanted[name] && !slices.ContainsFunc(extra, func(e driver.Rule) bool { return e.Name == name }) {
			extra = append(extra, driver.Rule{Kind: driver.Sinkhole, Name: name})
		}
	}
	by := func(a, b driver.Rule) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Order, b.Order)) }
	slices.SortFunc(missing, by)
	slices.SortFunc(extra, by)
	return missing[:min(len(missing), maxList)], extra[:min(len(extra), maxList)]
}

// same compares rules without their end.
func same(a, b driver.Rule) bool {
	a.Until = b.Until
	return a == b
}

// compareFile marks the names whose lines in the zone file are not as held. The
// next Apply writes it again.
func (z *zone) compareFile(v *version, changed map[string]bool) error {
	same, missing, extra, err := names.Lines(z.File, maxList, func(w io.Writer) error { return z.layouts[whole].write(w, v.serial, v.held) })
	if err != nil || same {
		return err
	}
	z.stale = true
	for _, line := range slices.Concat(missing, extra) {
		if name, _, _, ok := z.layouts[whole].parseLine(line); ok {
			changed[name] = true
		}
	}
	if len(changed) == 0 {
		return fault.New(fault.Busy, "rpz.file_changed", "file", z.File)
	}
	return nil
}
