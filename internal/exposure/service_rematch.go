package exposure

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Bounds of a rematch.
const (
	rematchKeys    = 64      // products between two notes of how far it came
	rematchWorkers = 2       // products computed at a time
	rememberFacts  = 200_000 // vulnerabilities a worker remembers
)

// started is the clock by which the length of a step is measured.
func (s *Service) started() time.Time { return time.Now() }

// ask notes that everything has to be matched again, for [Service.Work].
func (s *Service) ask(ctx context.Context, tx *db.Tx) error {
	r, err := openRun(ctx, tx)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return putRun(ctx, tx, &Run{ID: newID(), At: s.now()})
	case err != nil:
		return err
	}
	// What it has passed may be another now: it begins again, and whoever is at
	// it sees by the mark that it was asked for meanwhile.
	r.after = askedAgain + newID()
	return putRun(ctx, tx, &r)
}

// askedAgain starts the place of a run that was asked for again since it began.
// No product key starts so.
const askedAgain = "!"

// begin returns where a run goes on.
func (r *Run) begin() string {
	if strings.HasPrefix(r.after, askedAgain) {
		return ""
	}
	return r.after
}

// Work does what waits and is too long for a follower: a rematch that was asked
// for or died, groups that time alone changes, verdicts whose time is over. The
// hub calls it every second or so; without work it reads two rows.
func (s *Service) Work(ctx context.Context) error {
	if err := s.Sweep(ctx); err != nil {
		return err
	}
	waiting := false
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		_, err := openRun(ctx, tx)
		waiting = err == nil
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || !waiting {
		return err
	}
	_, err = s.rematch(ctx)
	if errors.Is(err, errRematching) {
		return nil
	}
	return err
}

// Rematch puts every register beside every statement again and writes what
// differs: nothing, when followers did their work. A rematch that was
// interrupted goes on where it stood. Fault: exposure.rematch.busy.
func (s *Service) Rematch(ctx context.Context) (r Run, err error) {
	err = s.read(ctx, "exposure.rematch", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
	if err != nil {
		return r, err
	}
	return s.rematch(ctx)
}

// Runs lists the last rematches, the newest first.
func (s *Service) Runs(ctx context.Context) (out []Run, err error) {
	err = s.read(ctx, "exposure.runs", func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		out, err = loadRuns(ctx, tx, 50)
		return err
	})
	return out, err
}

func (s *Service) rematch(ctx context.Context) (r Run, err error) {
	select {
	case s.one <- struct{}{}:
		defer func() { <-s.one }()
	default:
		return r, errRematching
	}
	for {
		if r, err = s.rematchOnce(ctx); !errors.Is(err, errRunMoved) {
			return r, err
		}
	}
}

// rematchOnce goes on with the open run, or begins one. errRunMoved says that
// it was asked for again meanwhile and has to begin anew.
func (s *Service) rematchOnce(ctx context.Context) (r Run, err error) {
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if r, err = openRun(ctx, tx); errors.Is(err, db.ErrNoRows) {
			r = Run{ID: newID(), At: s.now()}
			return putRun(ctx, tx, &r)
		}
		return err
	})
	if err != nil {
		return r, err
	}
	after := r.begin()
	if after == "" {
		if err := s.catchUp(ctx); err != nil {
			return r, err
		}
	}
	known := make([]*knowledge, rematchWorkers)
	for i := range known {
		known[i] = s.knowledge()
	}
	for {
		var keys []string
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			keys, err = groupKeys(ctx, tx, after, rematchKeys)
			return err
		})
		if err != nil {
			return r, err
		}
		if len(keys) == 0 {
			break
		}
		if err := s.rematchKeys(ctx, keys, known, &r.Counts); err != nil {
			return r, err
		}
		after = keys[len(keys)-1]
		if err := s.DB.Write(ctx, func(tx *db.Tx) error { return goOnRun(ctx, tx, &r, after) }); err != nil {
			return r, err
		}
		r.after = after
	}
	act := &ledger.Act{Verb: "exposure.rematch", Object: "exposure_run/" + r.ID, Public: map[string]any{
		"subjects": r.Counts.Subjects, "verdicts": r.Counts.Verdicts, "rows": r.Counts.Rows, "found": r.Counts.Found, "changed": r.Counts.Changed, "ended": r.Counts.Ended}}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		if _, ok := gate.From(ctx); ok { // the hub itself has nobody to ask
			if _, _, err := Access.Allow(ctx, act.Verb); err != nil {
				return err
			}
		}
		r.EndedAt = s.now()
		return goOnRun(ctx, tx, &r, r.after)
	})
	if err != nil {
		r.EndedAt = time.Time{}
	}
	return r, err
}

// catchUp takes over what registers have that followers did not bring.
func (s *Service) catchUp(ctx context.Context) error {
	after := ""
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		_, err := s.dictionary(ctx, tx, true)
		return err
	})
	if err != nil {
		return err
	}
	for {
		var orgs, late, unnamed []string
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if orgs, err = s.Assets.Registers(ctx, tx, after, 50); err != nil {
				return err
			}
			for _, o := range orgs {
				ids, _, err := s.behind(ctx, tx, o, 1)
				if err != nil {
					return err
				}
				if len(ids) == 0 {
					undecided, err := undecidedNames(ctx, tx, o)
					if err != nil {
						return err
					}
					if undecided {
						unnamed = append(unnamed, o)
					}
					continue
				}
				late = append(late, o)
			}
			return nil
		})
		if err != nil || len(orgs) == 0 {
			return err
		}
		for _, o := range unnamed {
			err := s.DB.Write(ctx, func(tx *db.Tx) error { return s.proposeAgain(ctx, tx, o) })
			if err != nil {
				return err
			}
		}
		for _, o := range append(late, unnamed...) {
			for more := true; more; {
				err := s.DB.Write(ctx, func(tx *db.Tx) (err error) {
					more, err = s.step(ctx, tx, o)
					return err
				})
				if err != nil {
					return err
				}
			}
		}
		after = orgs[len(orgs)-1]
	}
}

// rematchKeys computes some products, several at a time, and writes where the
// outcome is not what stands.
func (s *Service) rematchKeys(ctx context.Context, keys []string, known []*knowledge, total *Counts) error {
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan string, len(keys))
	for _, k := range keys {
		next <- k
	}
	close(next)
	counts := make([]Counts, len(known))
	for i, k := range known {
		g.Go(func() error {
			for key := range next {
				if len(k.facts) > rememberFacts {
					clear(k.facts)
				}
				c, err := s.rematchKey(ctx, key, k)
				if err != nil {
					return err
				}
				counts[i].add(c)
			}
			return nil
		})
	}
	err := g.Wait()
	for _, c := range counts {
		total.add(c)
	}
	return err
}

// rematchKey computes one product against a snapshot; what differs is computed
// once more where it is written, against what stands then.
func (s *Service) rematchKey(ctx context.Context, key string, k *knowledge) (c Counts, err error) {
	var differ []string
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		standing, err := loadGroups(ctx, tx, key, nil, false)
		if err != nil {
			return err
		}
		orgs := make([]string, 0, len(standing))
		for o := range standing {
			orgs = append(orgs, o)
		}
		slices.Sort(orgs)
		index, err := s.indexAbout(ctx, tx, k, key)
		if err != nil {
			return err
		}
		results, n, err := s.computeScope(ctx, tx, scope{key: key}, index, k, orgs)
		if err != nil {
			return err
		}
		c = n
		for i := range results {
			res := &results[i]
			if st := standing[res.org]; digestOf(res.digest) != st.digest && (st.digest != "" || len(res.rows) > 0) || len(res.holdings) == 0 {
				differ = append(differ, res.org)
			}
		}
		return nil
	})
	if err != nil {
		return c, err
	}
	for part := range slices.Chunk(differ, 50) {
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			n, err := s.settle(ctx, tx, scope{key: key, orgs: part}, nil, s.knowledge())
			c.Found, c.Changed, c.Ended = c.Found+n.Found, c.Changed+n.Changed, c.Ended+n.Ended
			return err
		})
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// Sweep lets time pass: support that has ended meanwhile, and verdicts that
// were given for a time.
func (s *Service) Sweep(ctx context.Context) error {
	var some bool
	now := s.now()
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		some, err = anythingDue(ctx, tx, now)
		return err
	})
	if err != nil || !some {
		return err
	}
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := wakeGroups(ctx, tx, now); err != nil {
			return err
		}
		if err := s.expire(ctx, tx, now); err != nil {
			return err
		}
		more, err := s.settleStale(ctx, tx, "", s.started())
		if err == nil && more {
			err = publishDue(ctx, tx, due{})
		}
		return err
	})
}

// takeProducts follows what is said of products and not of vulnerabilities:
// when their support ends.
func (s *Service) takeProducts(ctx context.Context, tx *db.Tx, keys []string) error {
	own, err := productsOf(ctx, tx, keys)
	if err != nil {
		return err
	}
	for _, k := range own {
		if strings.HasPrefix(k, "text:") {
			continue
		}
		if err := markProduct(ctx, tx, k); err != nil {
			return err
		}
	}
	if len(own) == 0 {
		return nil
	}
	return publishDue(ctx, tx, due{})
}

// silent reports whether nobody states anything about any of the ids.
func (s *Service) silent(ctx context.Context, tx *db.Tx, ids []string) (bool, error) {
	for _, id := range ids {
		list, err := s.Intel.StatementsOf(ctx, tx, id)
		if err != nil || len(list) > 0 {
			return false, err
		}
	}
	return true, nil
}
