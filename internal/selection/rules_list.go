package selection

import (
	"errors"
	"slices"
	"strconv"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/selector"
)

// Faults of lists.
var (
	ErrNoList     = fault.New(fault.NotFound, "selection.list.none")
	ErrList       = fault.New(fault.Invalid, "selection.list.invalid") // places are lines
	ErrListEmpty  = fault.New(fault.Invalid, "selection.list.empty")
	ErrListLarge  = fault.New(fault.TooLarge, "selection.list.too_large")
	ErrListState  = fault.New(fault.Conflict, "selection.list.state")
	ErrListSame   = fault.New(fault.Refused, "selection.list.same_person")
	ErrListWarned = fault.New(fault.Invalid, "selection.list.warned") // too many of it meet a warning list
	ErrListOpen   = fault.New(fault.Unmet, "selection.list.undecided")
)

// ListMove is one allowed step of a list of selectors.
type ListMove struct {
	Act      string
	From, To ListState
}

// ListMoves are all steps of a list. What leads on from a state is another
// person's; in which a list comes to be, its warnings decide.
var ListMoves = []ListMove{
	{"make", "", ListReady},   // nothing of it meets a warning list
	{"make", "", ListWaiting}, // some does: a second person is needed
	{"second", ListWaiting, ListReady},
	{"drop", ListWaiting, ListDropped},
}

// decides refuses who may not decide of a list as the second person, and returns
// where that leads.
func (l *List) decides(act, person string) (ListState, error) {
	if l.person == person {
		return l.State, ErrListSame
	}
	for _, m := range ListMoves {
		if m.Act == act && m.From == l.State {
			return m.To, nil
		}
	}
	return l.State, ErrListState
}

// MaxListFile bounds the bytes of a list given to the hub; larger ones are
// compiled with the command and run on files.
const MaxListFile = 16 << 20

const (
	maxWarned = 500 // selectors of one list that meet a warning list
	maxItems  = 200 // intelligence items of one list
	maxShown  = 100 // places of a fault
)

// gathered is what a list held before warnings were looked at.
type gathered struct {
	set    *selector.Set
	warned []Override
}

// gather reads a list without looking at warnings and finds those that meet
// one. What the file itself says of second persons counts for nothing here: on
// the hub a second person signs in.
func gather(n NewList, extra []selector.Selector, now int64) (gathered, error) {
	b := selector.NewBuilder(selector.Options{Now: now, Warnings: &selector.Warnings{}, Default: selector.Selector{Source: n.Source, Act: n.Act}})
	if len(n.Data) > MaxListFile {
		return gathered{}, ErrListLarge
	}
	if len(n.Data) > 0 {
		if selector.Compiled(n.Data) {
			return gathered{}, fault.New(fault.Invalid, ErrList.Code, "n", 1).At(fault.Place{At: "file", Code: "selection.list.bad.compiled"})
		}
		if _, err := b.Read(n.File, n.Data); err != nil {
			return gathered{}, listFault(err)
		}
	}
	for _, x := range extra {
		if _, err := b.Add(x); err != nil {
			return gathered{}, listFault(err)
		}
	}
	if b.Len() == 0 {
		return gathered{}, ErrListEmpty
	}
	set, err := b.Compile()
	if err != nil {
		return gathered{}, listFault(err)
	}
	g := gathered{set: set}
	w := selector.BuiltIn()
	for id := selector.ID(1); int(id) <= set.Len(); id++ {
		x := set.Info(id)
		list, err := w.Check(x.Kind, x.Value)
		if err != nil {
			return gathered{}, listFault(err)
		}
		if list == "" {
			continue
		}
		if len(g.warned) == maxWarned {
			return gathered{}, fault.New(fault.Invalid, ErrListWarned.Code, "max", maxWarned)
		}
		g.warned = append(g.warned, Override{Kind: x.Kind.String(), Value: x.Value, List: list})
	}
	return g, nil
}

// compile makes the file of a gathered list, with what a second person decided.
func (g gathered) compile(lister, second string, decided []Override) (file []byte, set *selector.Set, err error) {
	take := map[[2]string]Override{}
	for _, o := range decided {
		take[[2]string{o.Kind, o.Value}] = o
	}
	b := selector.NewBuilder(selector.Options{Lister: lister})
	for id := selector.ID(1); int(id) <= g.set.Len(); id++ {
		x := g.set.Info(id)
		x.Reason, x.By = "", ""
		if o, ok := take[[2]string{x.Kind.String(), x.Value}]; ok {
			if !o.Take {
				continue
			}
			x.Reason, x.By = o.Reason, second
		}
		if _, err := b.Add(x); err != nil {
			return nil, nil, listFault(err)
		}
	}
	if b.Len() == 0 {
		return nil, nil, ErrListEmpty
	}
	if file, err = b.Encode(); err != nil {
		return nil, nil, listFault(err)
	}
	// The file is tried before anybody relies on it: its own canaries match.
	if set, err = selector.Load(slices.Clone(file), nil); err != nil {
		return nil, nil, listFault(err)
	}
	return file, set, nil
}

// kindsOf counts the selectors of a list by kind.
func kindsOf(set *selector.Set) map[string]int {
	out := map[string]int{}
	for _, k := range selector.Kinds() {
		if n := set.Count(k); n > 0 {
			out[k.String()] = n
		}
	}
	return out
}

// listFault says what is wrong with a list, line by line.
func listFault(err error) error {
	var refused *selector.RefusedError
	var value *selector.ValueError
	switch {
	case errors.As(err, &refused):
		var places []fault.Place
		for _, e := range refused.Report.Errors {
			if len(places) < maxShown {
				places = append(places, fault.Place{At: strconv.Itoa(e.Line), Code: "selection.list.bad.line", Args: fault.Args{"line": e.Line, "why": problem(e.Err)}})
			}
		}
		return fault.New(fault.Invalid, ErrList.Code, "n", refused.Report.Broken).At(places...).Because(err)
	case errors.As(err, &value):
		return fault.New(fault.Invalid, ErrList.Code, "n", 1).At(fault.Place{At: "items", Code: "selection.list.bad.value", Args: fault.Args{"value": value.Value}}).Because(err)
	case errors.Is(err, selector.ErrEmpty):
		return ErrListEmpty
	case errors.Is(err, selector.ErrFull):
		return ErrListLarge
	}
	return err
}

// problem is the code of what is wrong with a line.
func problem(err error) string {
	var value *selector.ValueError
	var shape *selector.ShapeError
	switch {
	case errors.As(err, &value):
		return string(value.Problem)
	case errors.As(err, &shape):
		return string(shape.Problem)
	}
	return "text"
}
