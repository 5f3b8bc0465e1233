package httpd

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

// Bounds of live streams.
const (
	DefaultStreams = 1024
	perPerson      = 8
	heartbeat      = 20 * time.Second
	writeWait      = 10 * time.Second
)

// ErrStreams is the fault of one live stream too many.
var ErrStreams = fault.New(fault.Busy, "httpd.streams")

// pings tells pages that something changed. It carries no content: a page
// that was pinged asks for what it may see. A subscriber that is slow misses
// nothing, because pings that wait are one.
type pings struct {
	mu     sync.Mutex
	max    int
	n      int
	topics map[string]map[*subscriber]bool
	people map[string]int
}

// maxParts bounds the parts one subscriber has waiting.
const maxParts = 16

type subscriber struct {
	wake  chan struct{} // holds one
	fresh int           // new things since the last event
	parts []string      // ids to be read again
}

func newPings(max int) *pings {
	if max <= 0 {
		max = DefaultStreams
	}
	return &pings{max: max, topics: map[string]map[*subscriber]bool{}, people: map[string]int{}}
}

func (p *pings) join(topic, person string) (*subscriber, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n >= p.max || p.people[person] >= perPerson {
		return nil, ErrStreams
	}
	s := &subscriber{wake: make(chan struct{}, 1)}
	if p.topics[topic] == nil {
		p.topics[topic] = map[*subscriber]bool{}
	}
	p.topics[topic][s] = true
	p.people[person]++
	p.n++
	return s, nil
}

func (p *pings) leave(topic, person string, s *subscriber) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n--
	if delete(p.topics[topic], s); len(p.topics[topic]) == 0 {
		delete(p.topics, topic)
	}
	if p.people[person]--; p.people[person] == 0 {
		delete(p.people, person)
	}
}

// Ping wakes the pages that watch a topic, such as "inbox/<organisation>".
// Without parts it says that there is something new; with parts it names the
// elements of the page to be read again. It never says what.
func (r *Router) Ping(topic string, parts ...string) {
	for _, p := range parts {
		if strings.ContainsAny(p, "\r\n") {
			panic("BUG: httpd.Ping: an id is one line")
		}
	}
	r.pings.mu.Lock()
	defer r.pings.mu.Unlock()
	for s := range r.pings.topics[topic] {
		if len(parts) == 0 {
			s.fresh++
		}
		for _, p := range parts {
			if !slices.Contains(s.parts, p) && len(s.parts) < maxParts {
				s.parts = append(s.parts, p)
			}
		}
		select {
		case s.wake <- struct{}{}:
		default: // one waits already
		}
	}
}

// taken returns what waits for a subscriber, and forgets it.
func (p *pings) taken(s *subscriber) (fresh int, parts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh, parts = s.fresh, s.parts
	s.fresh, s.parts = 0, nil
	return fresh, parts
}

// Live registers a stream of server-sent events (WHATWG HTML, 9.2). The
// source decides who may watch what: it returns the topic that Ping will
// name, or the fault. Events are "new" with a count and "part" with the id of an
// element; every 20 seconds a comment keeps proxies awake, and the session is
// looked at again.
func (r *Router) Live(pattern string, source func(q *Request) (topic string, err error), opts ...Option) {
	r.handle(route{pattern: pattern, stream: true}, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		topic, err := source(r.newRequest(w, req))
		if err != nil {
			r.fail(w, req, err)
			return
		}
		v := visitOf(req.Context())
		who := v.who.Person
		if !v.signed {
			who = v.cred.Addr
		}
		sub, err := r.pings.join(topic, who)
		if err != nil {
			r.fail(w, req, err)
			return
		}
		defer r.pings.leave(topic, who, sub)
		r.stream(w, req, v, sub)
	}), opts)
}

func (r *Router) stream(w http.ResponseWriter, req *http.Request, v *visit, sub *subscriber) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(time.Time{}) // the server's would cut a stream that lives on
	send := func(format string, args ...any) bool {
		_ = ctl.SetWriteDeadline(time.Now().Add(writeWait))
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && ctl.Flush() == nil
	}
	if !send("retry: 5000\n\n") {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-req.Context().Done():
			return
		case <-r.quit:
			return
		case <-sub.wake:
			fresh, parts := r.pings.taken(sub)
			if fresh > 0 && !send("event: new\ndata: %d\n\n", fresh) {
				return
			}
			for _, id := range parts {
				if !send("event: part\ndata: %s\n\n", id) {
					return
				}
			}
		case <-beat.C:
			if r.gone(req, v) || !send(": still here\n\n") {
				return
			}
		}
	}
}

// gone reports whether the session ended since the stream began.
func (r *Router) gone(req *http.Request, v *visit) bool {
	if !v.signed || r.opt.Identify == nil {
		return false
	}
	id, err := r.opt.Identify(req.Context(), v.cred)
	return err != nil || id.Person != v.who.Person || id.Org != v.who.Org || !sameRoles(id, v.who)
}

func sameRoles(a, b gate.Identity) bool {
	return slices.Equal(a.Roles, b.Roles) && a.Clearance == b.Clearance
}
