package request

import (
	"slices"
	"time"
)

// Figure is what became of requests of one kind, or to one provider.
type Figure struct {
	Kind     Kind          `json:"kind,omitempty"`
	Provider string        `json:"provider,omitempty"`
	Sent     int           `json:"sent"`
	Answered int           `json:"answered"`
	Gone     int           `json:"gone"`                              // the machine's doing ended, as somebody says
	Open     int           `json:"open"`                              // it goes on, and the request is not closed
	Median   time.Duration `json:"median_ns,omitempty"`               // from the first mail to the end, of those that ended
	Ninth    time.Duration `json:"ninetieth_percentile_ns,omitempty"` // nearest rank
	Oldest   time.Duration `json:"oldest_open_ns,omitempty"`          // since the first mail
}

// Figures are those of all requests that somebody may see, by kind and by provider,
// most asked first.
type Figures struct {
	Since     time.Time `json:"since"`
	Total     Figure    `json:"total"`
	Kinds     []Figure  `json:"kinds"`
	Providers []Figure  `json:"providers"`
	Cut       bool      `json:"cut,omitempty"` // there were more than are counted
}

// tried is what figures look at of one request.
type tried struct {
	id       ID
	kind     Kind
	provider string // tag
	state    State
	sent     time.Time
	answered time.Time
	gone     time.Time
}

// tally counts requests that were sent.
type tally struct {
	Figure
	spans []time.Duration
	id    ID // of one of them, by which the provider's name is found
}

func (t *tally) add(x tried, now time.Time) {
	t.id = x.id
	t.Sent++
	if !x.answered.IsZero() {
		t.Answered++
	}
	switch {
	case !x.gone.IsZero():
		t.Gone++
		t.spans = append(t.spans, max(0, x.gone.Sub(x.sent)))
	case x.state != Closed:
		t.Open++
		t.Oldest = max(t.Oldest, now.Sub(x.sent))
	}
}

// figure is the tally with its median and its 90th percentile.
func (t *tally) figure() Figure {
	slices.Sort(t.spans)
	t.Median, t.Ninth = median(t.spans), percentile(t.spans, 90)
	return t.Figure
}

// median of sorted spans; between two, their mean. Zero for none.
func median(s []time.Duration) time.Duration {
	n := len(s)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return s[n/2]
	}
	return s[n/2-1] + (s[n/2]-s[n/2-1])/2
}

// percentile of sorted spans by nearest rank: the smallest of them that so many of
// a hundred do not exceed. Zero for none.
func percentile(s []time.Duration, of int) time.Duration {
	if len(s) == 0 {
		return 0
	}
	return s[(len(s)*of+99)/100-1]
}

// summed gathers figures; names are filled in by who may read them.
func summed(list []tried, now time.Time) (total tally, kinds map[Kind]*tally, providers map[string]*tally) {
	kinds, providers = map[Kind]*tally{}, map[string]*tally{}
	for _, x := range list {
		total.add(x, now)
		if kinds[x.kind] == nil {
			kinds[x.kind] = &tally{Figure: Figure{Kind: x.kind}}
		}
		kinds[x.kind].add(x, now)
		if x.provider == "" {
			continue
		}
		if providers[x.provider] == nil {
			providers[x.provider] = &tally{}
		}
		providers[x.provider].add(x, now)
	}
	return total, kinds, providers
}
