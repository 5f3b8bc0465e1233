package app

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/exposure"
	"noroshi/internal/intel"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/notice"
	"noroshi/internal/sighting"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// What the demo promises of warnings: a draft waits, notices at every stage,
// answers of every kind, some passed on and one answered by link, makers at
// every step, a room at work. All of it is read back as the people see it.
func TestDemoWarns(t *testing.T) {
	c := built(t, 1, 0)
	analyst, centre := c.as(t, "office", gate.OfficeAnalyst), c.as(t, "centre", gate.JPCERTClerk)

	concerned, err := c.h.Exposures.Where(analyst, lastExploited, exposure.Filter{Limit: 200})
	if err != nil || len(concerned.Rows) == 0 || len(concerned.Rows) >= len(c.operators()) {
		t.Fatalf("%d exposed to %s: %v", len(concerned.Rows), lastExploited, err)
	}
	for _, e := range concerned.Rows {
		if e.Priority != exposure.Act {
			t.Errorf("%s: %s", e.OrgName, e.Priority)
		}
	}
	judged, err := c.h.Exposures.List(analyst, exposure.Filter{State: exposure.Judged})
	if err != nil || len(judged.Rows) == 0 {
		t.Errorf("%d judged: %v", len(judged.Rows), err)
	}

	stages, states := map[notice.Stage]int{}, map[notice.State]int{}
	waits, late := false, 0
	for _, ctx := range []context.Context{analyst, c.as(t, "industry", gate.MinistryClerk)} {
		list, _, err := c.h.Notices.List(ctx, notice.Filter{Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			stages[n.Stage]++
			if n.Stage == notice.Draft {
				waits = waits || slices.Contains(n.Content.About, lastExploited)
				continue
			}
			b, err := c.h.Notices.Board(ctx, n.ID, "", "", 200)
			if err != nil {
				t.Fatal(err)
			}
			for s, k := range b.Counts {
				states[s] += k
			}
			if b.Late > 0 {
				late++
			}
		}
	}
	t.Logf("notices %v, recipients %v, %d came after the attack", stages, states, late)
	if !waits || late == 0 {
		t.Errorf("a draft about %s waits: %v; %d late", lastExploited, waits, late)
	}
	for _, s := range notice.Stages {
		if stages[s] == 0 {
			t.Errorf("no notice is %s: %v", s, stages)
		}
	}
	for _, s := range []notice.State{notice.Delivered, notice.Checking, notice.Affected, notice.Mitigated, notice.Planned, notice.NeedsHelp} {
		if states[s] == 0 {
			t.Errorf("no recipient is %s: %v", s, states)
		}
	}

	passed, linked, answered := 0, 0, 0
	for _, m := range c.operators() {
		ctx := c.as(t, m.orgPlan.ID, gate.OperatorReporter)
		inbox, _, err := c.h.Notices.Inbox(ctx, notice.Filter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range inbox {
			p, err := c.h.Notices.Passing(ctx, l.ID)
			if err != nil {
				t.Fatal(err)
			}
			passed += p.Total
			for _, to := range p.To {
				if to.Org == "" {
					linked++
				}
			}
			for _, s := range p.Shown {
				if s.State == notice.Mitigated && (s.Name == isobe.JA || s.Name == isobe.EN) {
					answered++
				}
			}
		}
	}
	t.Logf("%d firms down the chain, %d by link, %d of them answered", passed, linked, answered)
	if passed < 4 || linked != 1 || answered != 1 {
		t.Errorf("%d passed on, %d by link, %d answered", passed, linked, answered)
	}

	tickets := map[notice.TicketState]int{}
	list, _, err := c.h.Notices.Tickets(centre, false, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		tickets[x.State]++
	}
	if tickets[notice.TicketAnswered] == 0 {
		t.Errorf("calls for help %v", tickets)
	}

	requests, documents := map[vendor.State]int{}, 0
	rows, _, _, err := c.h.Vendors.List(analyst, vendor.Filter{Done: true, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		requests[r.Request.State]++
		v, err := c.h.Vendors.Open(analyst, r.Request.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range v.Documents {
			documents++
			_, raw, err := c.h.Vendors.Download(analyst, r.Request.ID, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := csaf.Validate(raw).Err(); err != nil {
				t.Errorf("%s: %v", d.Name, err)
			}
		}
		if r.Request.State == vendor.UsersNotified && r.Request.Notice == "" {
			t.Error("a fix was told to nobody")
		}
	}
	t.Logf("calls for help %v; requests %v with %d documents", tickets, requests, documents)
	for _, s := range []vendor.State{vendor.RequestSent, vendor.Accepted, vendor.FixPlanned, vendor.UsersNotified, vendor.NoAnswer} {
		if requests[s] == 0 {
			t.Errorf("no request is %s: %v", s, requests)
		}
	}
	if documents < 3 {
		t.Errorf("%d documents", documents)
	}

	rooms, _, err := c.h.Situations.List(c.as(t, "industry", gate.MinistryClerk), false, "", 10)
	if err != nil || len(rooms) != 1 {
		t.Fatalf("%d rooms: %v", len(rooms), err)
	}
	v, err := c.h.Situations.Get(c.as(t, "industry", gate.MinistryClerk), rooms[0].ID, "")
	if err != nil || len(v.Incidents) == 0 || len(v.Reports) == 0 || len(v.Tasks) < 6 || len(v.Decisions) == 0 {
		t.Errorf("the room has %d incidents, %d reports, %d tasks, %d decisions: %v", len(v.Incidents), len(v.Reports), len(v.Tasks), len(v.Decisions), err)
	}
	done := 0
	for _, x := range v.Tasks {
		if x.State == situation.Done {
			done++
		}
	}
	if done == 0 || done == len(v.Tasks) {
		t.Errorf("%d of %d tasks are done", done, len(v.Tasks))
	}

	seen, _, err := c.h.Sightings.List(analyst, sighting.Filter{Limit: 50})
	if err != nil || len(seen) < 3 {
		t.Errorf("%d sightings: %v", len(seen), err)
	}
	for id, want := range map[string]int{"office": 2, "bank": 1} {
		role := gate.OfficeAnalyst
		if id == "bank" {
			role = gate.OperatorReporter
		}
		items, _, err := c.h.Intel.Items(c.as(t, id, role), intel.ItemFilter{})
		if err != nil || len(items) != want {
			t.Errorf("%s knows %d items: %v", id, len(items), err)
		}
	}
}

// Whoever comes finds something to do today; only those who watch over others
// and machines find nothing on the list of things to do, and something to see.
func TestDemoHasWorkForEverybody(t *testing.T) {
	c := built(t, 1, 0)
	c.h.doors = c.entrances()
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.h.Run(ctx, l) }()
	base := "http://" + l.Addr().String()
	for _, role := range gate.Roles {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
		res, err := client.PostForm(base+"/demo", url.Values{"role": {string(role)}})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", role, res.StatusCode, err)
		}
		n := strings.Count(string(raw), `class="todo"`)
		t.Logf("%s: %d", role, n)
		if n == 0 && !slices.Contains([]gate.Role{gate.CommissionMember, gate.Examiner, gate.Inspector, gate.OfficeHandler, gate.CarrierClerk, gate.HubAdmin, gate.Actuator}, role) {
			t.Errorf("%s has nothing to do", role)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
