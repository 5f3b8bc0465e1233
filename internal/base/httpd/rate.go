package httpd

import (
	"sync"
	"time"

	"noroshi/internal/base/fault"
)

// Buckets limit how often something may be tried, per key: a token bucket
// each. Their number is bounded, so that invented keys cannot fill memory.
type Buckets struct {
	mu    sync.Mutex
	every time.Duration // one token
	burst float64
	max   int
	now   func() time.Time
	m     map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// NewBuckets returns buckets of burst tokens that gain one every interval,
// for at most max keys at a time.
func NewBuckets(every time.Duration, burst, max int, now func() time.Time) *Buckets {
	return &Buckets{every: every, burst: float64(burst), max: max, now: now, m: map[string]*bucket{}}
}

// Take takes a token of the key: nil, or ErrRate (429) with the time until
// there is one again in its argument "wait".
func (b *Buckets) Take(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	k := b.m[key]
	if k == nil {
		if len(b.m) >= b.max {
			b.evict(now)
		}
		k = &bucket{b.burst, now}
		b.m[key] = k
	}
	b.fill(k, now)
	if k.tokens < 1 {
		wait := time.Duration((1 - k.tokens) * float64(b.every))
		return fault.New(fault.Busy, ErrRate.Code, "wait", max(wait, time.Second))
	}
	k.tokens--
	return nil
}

// Forget gives the key its tokens back: after it succeeded.
func (b *Buckets) Forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, key)
}

func (b *Buckets) fill(k *bucket, now time.Time) {
	if d := now.Sub(k.at); d > 0 {
		k.tokens = min(b.burst, k.tokens+float64(d)/float64(b.every))
		k.at = now
	}
}

// evict makes room: full buckets say nothing and go first; when there is none
// the fullest goes, so that flooding with new keys frees no exhausted one
// before all others.
func (b *Buckets) evict(now time.Time) {
	var fullest string
	most := -1.0
	for key, k := range b.m {
		b.fill(k, now)
		if k.tokens >= b.burst {
			delete(b.m, key)
			continue
		}
		if k.tokens > most {
			most, fullest = k.tokens, key
		}
	}
	if len(b.m) >= b.max {
		delete(b.m, fullest)
	}
}
