package selection

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/selector"
	"noroshi/internal/intel"
	"noroshi/internal/org"
)

func listObject(id string) string { return "selection_list/" + id }

// MakeList makes a list of a file and of intelligence items. Where some of it
// meets a warning list it waits for a second person, and cannot be used before.
// Faults: ErrList with lines, ErrListEmpty, ErrListLarge, ErrListWarned.
func (s *Service) MakeList(ctx context.Context, n NewList) (out List, err error) {
	if err := s.admit(ctx, "selection.list_make"); err != nil {
		return out, err // before anything is read
	}
	if n.Name, err = words("name", n.Name, true); err != nil {
		return out, err
	}
	extra, err := s.selectorsOf(ctx, n)
	if err != nil {
		return out, err
	}
	now := s.now()
	got, err := gather(n, extra, now.UnixNano())
	if err != nil {
		return out, err
	}
	who, _ := gate.From(ctx)
	out = List{ID: newID(), Org: who.Org, Name: n.Name, Version: 1, Before: n.Before, Warned: len(got.warned), Overrides: got.warned, At: now, Mine: true, person: who.Person}
	var staged blob.Meta
	if len(got.warned) > 0 {
		out.State, out.Selectors, out.Kinds = ListWaiting, got.set.Len()-len(got.warned), kindsOf(got.set)
		staged, err = s.stageDraft(got.set)
	} else {
		staged, err = s.stageCompiled(&out, got, who.Person, "", nil)
	}
	if err != nil {
		return out, err
	}
	act := &ledger.Act{Verb: "selection.list_make", Object: listObject(out.ID)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		out.Entry = act.Entry
		if n.Before != "" {
			old, err := loadList(ctx, tx, n.Before, who, gate.Own)
			if err != nil {
				return err
			}
			out.Version = old.Version + 1
		}
		m, err := s.Blobs.Add(ctx, tx, staged, who.Org, listObject(out.ID))
		if err != nil {
			return fmt.Errorf("make a list: %w", err)
		}
		if out.State == ListWaiting {
			out.draft = m.ID
		} else {
			out.blob = m.ID
		}
		if err := s.sealList(ctx, tx, &out); err != nil {
			return err
		}
		act.Public = map[string]any{"selectors": out.Selectors, "warned": out.Warned, "sha256": out.SHA256}
		act.Secret = listSecret{out.Name, out.Overrides}
		return insertList(ctx, tx, out)
	})
	return out, err
}

func (s *Service) sealList(ctx context.Context, tx *db.Tx, l *List) error {
	k, err := s.Keys.Make(ctx, tx, l.Org)
	if err != nil {
		return fmt.Errorf("list %s: %w", l.ID, err)
	}
	l.sealed, err = k.SealJSON(listSecret{l.Name, l.Overrides}, listObject(l.ID))
	return err
}

// selectorsOf turns the indicators of items into selectors. What no selector can
// say, such as the hash of a file, is left out.
func (s *Service) selectorsOf(ctx context.Context, n NewList) (out []selector.Selector, err error) {
	if len(n.Items) > maxItems || len(n.Items) > 0 && s.Intel == nil {
		return nil, fault.New(fault.Invalid, ErrList.Code, "n", 1).At(fault.Place{At: "items", Code: "selection.list.bad.items", Args: fault.Args{"max": maxItems}})
	}
	for _, id := range n.Items {
		it, err := s.Intel.Item(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, x := range it.Indicators {
			if x.Type == intel.HashIndicator || x.Type == intel.MailIndicator {
				continue
			}
			sel := selector.Selector{Value: x.Value, Source: "intel/" + id, Act: n.Act}
			if !it.ValidUntil.IsZero() {
				sel.Expires = it.ValidUntil.UnixNano()
			}
			out = append(out, sel)
		}
	}
	return out, nil
}

// stageDraft keeps a waiting list as it was gathered.
func (s *Service) stageDraft(set *selector.Set) (blob.Meta, error) {
	b := selector.NewBuilder(selector.Options{Warnings: &selector.Warnings{}})
	for id := selector.ID(1); int(id) <= set.Len(); id++ {
		if _, err := b.Add(set.Info(id)); err != nil {
			return blob.Meta{}, fmt.Errorf("keep a waiting list: %w", err)
		}
	}
	file, err := b.Encode()
	if err != nil {
		return blob.Meta{}, fmt.Errorf("keep a waiting list: %w", err)
	}
	return s.Blobs.Stage(bytes.NewReader(file), "waiting.selectors")
}

// stageCompiled compiles a list and writes its hash and counts.
func (s *Service) stageCompiled(l *List, got gathered, lister, second string, decided []Override) (blob.Meta, error) {
	file, set, err := got.compile(lister, second, decided)
	if err != nil {
		return blob.Meta{}, err
	}
	sum := sha256.Sum256(file)
	l.State, l.SHA256, l.Selectors, l.Kinds, l.ReadyAt = ListReady, hex.EncodeToString(sum[:]), set.Len(), kindsOf(set), s.now()
	return s.Blobs.Stage(bytes.NewReader(file), "compiled.selectors")
}

// Second decides, as another person than who made the list, of each selector
// that meets a warning list: into the list with a reason, or out of it; drop
// gives the whole list up. Faults: ErrNoList, ErrListSame, ErrListState,
// ErrListOpen.
func (s *Service) Second(ctx context.Context, id string, decided []Override, drop bool) (out List, err error) {
	if err := s.read(ctx, "selection.list_second", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		out, err = s.loadOpen(ctx, tx, id, who, reach)
		return err
	}); err != nil {
		return out, err
	}
	act := &ledger.Act{Verb: "selection.list_second", Object: listObject(id)}
	who, _ := gate.From(ctx)
	what := "second"
	if drop {
		what = "drop"
	}
	to, err := out.decides(what, who.Person)
	if errors.Is(err, ErrListSame) { // recorded: a second person is another person
		return out, s.do(ctx, act, func(*db.Tx, gate.Identity, gate.Reach) error { return err })
	}
	if err != nil {
		return out, err
	}
	out.State = to
	var staged blob.Meta
	if !drop {
		if out.Overrides, err = settle(out.Overrides, decided); err != nil {
			return out, err
		}
		set, err := s.loadSet(ctx, out.draft)
		if err != nil {
			return out, err
		}
		if staged, err = s.stageCompiled(&out, gathered{set: set}, out.person, who.Person, out.Overrides); err != nil {
			return out, err
		}
	}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		out.second = who.Person
		if err := s.Blobs.Remove(ctx, tx, out.draft); err != nil {
			return err
		}
		out.draft = ""
		if !drop {
			m, err := s.Blobs.Add(ctx, tx, staged, out.Org, listObject(id))
			if err != nil {
				return err
			}
			out.blob = m.ID
		}
		if err := s.sealList(ctx, tx, &out); err != nil {
			return err
		}
		act.Public = map[string]any{"selectors": out.Selectors, "sha256": out.SHA256, "dropped": drop}
		act.Secret = out.Overrides
		ok, err := decideList(ctx, tx, out)
		if err == nil && !ok {
			err = ErrListState
		}
		return err
	})
	return out, err
}

// settle puts decisions onto what waits for them: each needs one.
func settle(waiting, decided []Override) ([]Override, error) {
	by := map[[2]string]Override{}
	for _, o := range decided {
		by[[2]string{o.Kind, o.Value}] = o
	}
	out := make([]Override, len(waiting))
	var bad []fault.Place
	for i, w := range waiting {
		o, ok := by[[2]string{w.Kind, w.Value}]
		reason, err := words("reason", o.Reason, ok && o.Take)
		if !ok || err != nil {
			bad = append(bad, fault.Place{At: w.Value, Code: "selection.list.bad.reason"})
		}
		out[i] = Override{Kind: w.Kind, Value: w.Value, List: w.List, Take: o.Take, Reason: reason}
	}
	if len(bad) > 0 {
		return nil, fault.New(fault.Unmet, ErrListOpen.Code, "n", len(bad)).At(bad[:min(len(bad), maxShown)]...)
	}
	return out, nil
}

// loadSet reads a compiled file out of the store.
func (s *Service) loadSet(ctx context.Context, id string) (*selector.Set, error) {
	raw, err := s.listFile(ctx, id)
	if err != nil {
		return nil, err
	}
	return selector.Load(raw, nil)
}

func (s *Service) listFile(ctx context.Context, id string) (raw []byte, err error) {
	var m blob.Meta
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		m, err = s.Blobs.Get(ctx, tx, id)
		return err
	}); err != nil {
		return nil, fmt.Errorf("list file: %w", err)
	}
	r, err := s.Blobs.Open(m)
	if err != nil {
		return nil, fmt.Errorf("list file: %w", err)
	}
	defer r.Close()
	raw, err = io.ReadAll(io.LimitReader(r, m.Size+1))
	if err == nil && int64(len(raw)) != m.Size {
		err = errors.New("list file: another length than was written")
	}
	return raw, err
}

// loadOpen returns a list with what is sealed of it.
func (s *Service) loadOpen(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (List, error) {
	l, err := loadList(ctx, tx, id, who, reach)
	if err != nil {
		return l, err
	}
	return l, s.openList(ctx, tx, &l, who, reach)
}

// openList shows a list to who looks: to the commission its hash, counts and
// that a second person decided, not the conditions: its inspector opens those by
// Conditions, on record.
func (s *Service) openList(ctx context.Context, tx *db.Tx, l *List, who gate.Identity, reach gate.Reach) error {
	l.Mine = l.person == who.Person
	if reach == gate.Record {
		l.Entry, l.Before = "", ""
		return nil
	}
	k, err := s.Keys.For(ctx, tx, l.Org)
	if err != nil {
		return fmt.Errorf("list %s: %w", l.ID, err)
	}
	var sec listSecret
	if err := k.OpenJSON(l.sealed, listObject(l.ID), &sec); err != nil {
		return err
	}
	l.Name = sec.Name
	if Access.Reach(who, "selection.list_open") != gate.None {
		l.Overrides = sec.Overrides
	}
	if l.second == "" {
		return nil
	}
	names, err := s.Orgs.PersonNames(ctx, tx, org.PersonID(l.second))
	l.Decider = names[org.PersonID(l.second)]
	return err
}

// Lists lists lists of selectors within reach, the newest first; waiting: those
// alone that wait for a second person who may be who asks.
func (s *Service) Lists(ctx context.Context, waiting bool, cursor string, limit int) (out []List, next string, err error) {
	err = s.read(ctx, "selection.lists", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listLists(ctx, tx, who, reach, waiting, cursor, limit); err != nil {
			return err
		}
		for i := range out {
			if err := s.openList(ctx, tx, &out[i], who, reach); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// List returns one list. Faults: ErrNoList.
func (s *Service) List(ctx context.Context, id string) (l List, err error) {
	err = s.read(ctx, "selection.lists", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		l, err = s.loadOpen(ctx, tx, id, who, reach)
		return err
	})
	return l, err
}

// Conditions returns a page of the selectors of a compiled list, for who makes
// lists and for the inspector; from counts from 0. Opening them is recorded.
func (s *Service) Conditions(ctx context.Context, id string, from, limit int) (out []Condition, total int, err error) {
	act := &ledger.Act{Verb: "selection.list_open", Object: listObject(id)}
	var l List
	if err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		l, err = loadList(ctx, tx, id, who, reach)
		if err == nil && l.State != ListReady {
			err = ErrListState
		}
		return err
	}); err != nil {
		return nil, 0, err
	}
	set, err := s.loadSet(ctx, l.blob)
	if err != nil {
		return nil, 0, err
	}
	limit = db.Limit(limit)
	for i := max(from, 0); i < set.Len() && len(out) < limit; i++ {
		id := selector.ID(i + 1)
		out = append(out, Condition{set.Ref(id), set.Info(id)})
	}
	return out, set.Len(), nil
}

// listFor returns the compiled list that an order names, with its file. Faults:
// ErrNoList.
func (s *Service) listFor(ctx context.Context, org, sha string) (l List, file []byte, err error) {
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		l, err = listBySHA(ctx, tx, org, sha)
		return err
	}); err != nil {
		return l, nil, err
	}
	if file, err = s.listFile(ctx, l.blob); err != nil {
		return l, nil, err
	}
	if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != sha {
		return l, nil, fmt.Errorf("list %s: its file has another hash than its row", l.ID)
	}
	return l, file, nil
}

// Count returns how many selectors the ready list of an organisation has that a
// SHA-256 names; 0 where there is none. It is for an application that names it, and
// checks nobody's access.
func (s *Service) Count(ctx context.Context, tx *db.Tx, org, sha string) (int, error) {
	l, err := listBySHA(ctx, tx, org, sha)
	if errors.Is(err, ErrNoList) {
		return 0, nil
	}
	return l.Selectors, err
}
