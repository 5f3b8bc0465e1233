package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
