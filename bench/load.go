//go:build linux

package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"
)

// drive calls act from so many writers at once for a time, each waiting for
// its own to end, and returns how long every call took. The number given to
// act is the writer's.
func drive(ctx context.Context, writers int, length time.Duration, act func(ctx context.Context, writer int) error) ([]time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu     sync.Mutex
		all    []time.Duration
		failed error
		wg     sync.WaitGroup
	)
	until := time.Now().Add(length)
	for w := range writers {
		wg.Go(func() {
			var own []time.Duration
			var err error
			for err == nil && time.Now().Before(until) {
				t := time.Now()
				if err = act(ctx, w); err == nil {
					own = append(own, time.Since(t))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
			if err != nil && failed == nil { // those that follow are its echo
				failed = err
				cancel()
			}
		})
	}
	wg.Wait()
	if failed == nil && len(all) == 0 {
		failed = errors.New("nothing was done in the time")
	}
	return all, failed
}

// worked returns the processor time of this process so far, in microseconds.
// Per act it tells, on a busy machine, more than a rate does.
func worked() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}

// percentile returns the p-th percentile in milliseconds.
func percentile(d []time.Duration, p int) float64 {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[(len(d)*p+99)/100-1].Seconds() * 1e3
}
