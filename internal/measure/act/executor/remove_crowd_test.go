package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
)

// crowded is equipment that holds so much of other orders that a list of what it
// holds too much, which has an end, shows nothing else.
type crowded struct {
	*box
	others []driver.Rule
}

func (c *crowded) Live(ctx context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	missing, extra, err = c.box.Live(ctx, want)
	return missing, append(c.others[:len(c.others):len(c.others)], extra...)[:max(len(c.others), min(len(extra), mostListed))], err
}

// An order that does not go away is not said to be gone because a list that has an
// end does not show it, and who reads it is not told what other orders hold.
func TestWhatStaysInACrowd(t *testing.T) {
	for name, lost := range map[string]bool{"its list is there": false, "its list is lost": true} {
		t.Run(name, func(t *testing.T) { crowd(t, lost) })
	}
}

func crowd(t *testing.T, lost bool) {
	w := newWorld(t)
	c, q := w.config(), &crowded{box: w.box}
	c.Equipment[0].Driver = q
	h, err := Open(context.Background(), c)
	w.must(err)
	defer h.Close()
	o := w.live(h, "bad.example")
	if lost {
		w.must(os.RemoveAll(filepath.Join(c.Dir, "targets")))
	}
	for i := range mostListed {
		q.others = append(q.others, driver.Rule{Order: "another", Kind: driver.Sinkhole, Name: fmt.Sprintf("sealed-%d.example", i)})
	}
	w.box.fail = func(_, remove []driver.Rule) error {
		if len(remove) > 0 {
			return errors.New("no")
		}
		return nil
	}
	_, err = w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤り。")
	w.must(err)
	w.round(h)
	w.holds("bad.example")
	v := w.show(o.ID)
	if v.State != act.Stuck || v.Rules != 1 {
		t.Errorf("%s, %d rules", v.State, v.Rules)
	}
	for _, p := range v.Past {
		if strings.Contains(p.Said, "sealed") {
			t.Errorf("what another order holds is told: %q", p.Said)
		}
	}
}

// short is equipment whose list of what it holds too much has an end, and is
// sorted.
type short struct{ *box }

func (s *short) Live(_ context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	held := s.rules()
	for _, r := range want {
		if _, ok := held[named(r)]; !ok {
			missing = append(missing, r)
		}
		delete(held, named(r))
	}
	extra = slices.SortedFunc(maps.Values(held), func(a, b driver.Rule) int { return strings.Compare(a.Name, b.Name) })
	return missing[:min(len(missing), mostListed)], extra[:min(len(extra), mostListed)], nil
}

// Of two orders that end together in equipment that says yes and does nothing,
// neither is said to be gone, however much the other holds.
func TestWhatStaysTogether(t *testing.T) {
	for name, lost := range map[string]bool{"its list is there": false, "the other's list is lost": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := w.config()
			c.Equipment[0].Driver = &short{w.box}
			h, err := Open(context.Background(), c)
			w.must(err)
			defer h.Close()
			var many []string
			for i := range 3 * mostListed {
				many = append(many, fmt.Sprintf("a%d.example", i))
			}
			small, large := w.live(h, "bad.example"), w.live(h, many...) // the newer one is undone first
			w.box.deaf = true
			if lost {
				w.must(os.Remove(filepath.Join(c.Dir, "targets", large.Task.Targets)))
			}
			for _, o := range []act.Order{large, small} {
				_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤り。")
				w.must(err)
			}
			w.round(h)
			w.stands(large.ID, act.Stuck)
			w.stands(small.ID, act.Stuck)
			w.box.deaf = false
			for range 3 {
				w.Clock.Pass(5 * time.Minute)
				w.must(h.Tend(context.Background()))
			}
			w.holds()
			w.round(h)
			w.stands(large.ID, act.Undone)
			w.stands(small.ID, act.Undone)
		})
	}
}
