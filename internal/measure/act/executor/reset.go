package executor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"noroshi/internal/base/folder"
	"noroshi/internal/measure/act"
)

// Reset takes away all that the equipment of a configuration holds, whoever told
// it, and writes down in the folder's journal that its orders are gone: they do not
// come back, and the hub hears of it at the next start. A folder that was lost, or
// whose journal is damaged, keeps no equipment from being emptied. It returns how
// many rules there were. Fault: ErrBusy.
func Reset(ctx context.Context, c Config) (n int, err error) {
	j, b, err := c.reread()
	if err != nil {
		return 0, err
	}
	if j != nil {
		defer j.close()
	}
	for _, q := range c.Equipment {
		for range 100_000 {
			_, extra, err := q.Driver.Live(ctx, nil)
			if err != nil {
				return n, err
			}
			if len(extra) == 0 {
				break
			}
			if err := q.Driver.Apply(ctx, nil, extra); err != nil {
				return n, err
			}
			n += len(extra)
		}
	}
	if j == nil {
		return n, nil
	}
	h := Hand{Config: c, journal: j, book: b, nudge: make(chan struct{}, 1)}
	for _, id := range b.ids {
		e := b.orders[id]
		if !e.holds() || h.equipment(e.task.Kind) == nil {
			continue
		}
		if err := h.write(Line{What: Gone, Order: id, State: act.Undone, Reason: "reset"}); err != nil {
			return n, err
		}
		h.discard(e.task)
	}
	return n, nil
}

// reread opens the journal of a folder; none where there is none, or it cannot be
// believed.
func (c *Config) reread() (j *journal, b *book, err error) {
	if _, err := os.Stat(filepath.Join(c.Dir, journalName)); err != nil {
		return nil, nil, nil
	}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	j, lines, err := openJournal(&folder.Writer{Dir: c.Dir, Mode: 0o600, Inject: c.Inject}, now)
	if errors.Is(err, ErrBusy) {
		return nil, nil, err
	}
	if err != nil {
		return nil, nil, nil
	}
	if b, err = read(lines); err != nil {
		j.close()
		return nil, nil, nil
	}
	return j, b, nil
}
