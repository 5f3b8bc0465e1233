package asset

import (
	"slices"

	"noroshi/internal/base/fault"
)

// Outcome is what an import would do with one row.
type Outcome string

// The outcomes of a row, and Removed for equipment that no row names.
const (
	Added     Outcome = "added"
	Changed   Outcome = "changed"
	Unchanged Outcome = "unchanged"
	Duplicate Outcome = "duplicate" // says exactly what an earlier row said: skipped
	Invalid   Outcome = "invalid"
	Removed   Outcome = "removed"
)

// Change is one field before and after, as text. Field is the column's name,
// or "further/" and the name of a further column.
type Change struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// PlannedRow is what an import would do with one row.
type PlannedRow struct {
	Place    string        `json:"place"`
	Number   int           `json:"row"`
	Outcome  Outcome       `json:"outcome"`
	Item     *Item         `json:"item"`              // as it would stand afterwards; of an invalid row, what could be read
	Changes  []Change      `json:"changes,omitempty"` // of a changed row
	SameAs   string        `json:"same_as,omitempty"` // of a duplicate: the place of the row it repeats
	Problems []fault.Place `json:"problems,omitempty"`
	Notes    []fault.Place `json:"notes,omitempty"`
}

// Plan is what an import would do, row by row. Nothing has happened yet.
type Plan struct {
	Rows      []PlannedRow `json:"rows"`
	Removed   []Item       `json:"removed,omitempty"`
	Untouched int          `json:"untouched"` // equipment no row names, and which stays
	Counts    PlanCounts   `json:"counts"`
}

// PlanCounts counts the outcomes of a plan.
type PlanCounts struct {
	Rows      int `json:"rows"`
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Removed   int `json:"removed"`
	Duplicate int `json:"duplicate"`
	Invalid   int `json:"invalid"`
}

// NewPlan compares the rows of a list with the equipment registered so far
// from the same source. With remove, equipment that no row names would be
// taken out.
//
// What a row speaks of (its identity):
//
//  1. A row with an own id speaks of the equipment with that id. When there is
//     none, and exactly one piece without an id looks the same (rule 2) and no
//     other row does, the row gives that piece its id. Otherwise it is new.
//  2. A row without an id looks the same as equipment with the same maker and
//     product (by key), model, site, addresses and domains. Among those it
//     takes the piece that says the same in every field, else one that the row
//     adds nothing to. A single row and a single piece belong together even
//     when other fields differ; any other row is new.
//
// An empty cell says nothing: it leaves what is recorded. A kind or quantity
// that New filled in for one (Row.KindAssumed, Row.QuantityAssumed) leaves it
// too, and so does the kind "other". Equipment is therefore taken
// out, or a field emptied, only on purpose. Two rows that speak of the same
// id and differ are invalid: the plan does not choose between them.
//
// Planning the rows of an applied plan again changes nothing. The plan points
// into existing and rows, which must not change while it is used.
func NewPlan(existing []Item, rows []Row, remove bool) Plan {
	p := planner{existing: existing, taken: make([]bool, len(existing)), rows: make([]PlannedRow, len(rows)), as: make([]assumed, len(rows))}
	p.index()
	p.readRows(rows)
	p.byKey()
	p.byLooks()
	return p.finish(remove)
}

type planner struct {
	existing []Item
	taken    []bool // by index of existing
	rows     []PlannedRow
	as       []assumed // by index of rows

	keyed  map[string]int   // own id → index of existing
	alike  map[digest][]int // looks → indexes of existing
	byLook map[digest][]int // looks → indexes of rows that are neither invalid nor duplicates
	look   []digest         // looks by index of rows
}

func (p *planner) index() {
	p.keyed = make(map[string]int, len(p.existing))
	p.alike = make(map[digest][]int, len(p.existing))
	for i := range p.existing {
		it := &p.existing[i]
		if it.Key != "" {
			p.keyed[it.Key] = i
		}
		l := looks(it)
		p.alike[l] = append(p.alike[l], i)
	}
}

// readRows sorts out invalid rows and repetitions within the file.
func (p *planner) readRows(rows []Row) {
	p.byLook = make(map[digest][]int, len(rows))
	p.look = make([]digest, len(rows))
	said := make(map[digest]int, len(rows)) // digest of the id, or of the whole content of a row without one → index
	for i := range rows {
		r := &rows[i]
		out := &p.rows[i]
		p.as[i] = assumed{r.KindAssumed, r.QuantityAssumed}
		*out = PlannedRow{Place: r.Place, Number: r.Number, Item: &r.Item, Problems: r.Problems, Notes: r.Notes}
		if len(r.Problems) > 0 {
			out.Outcome = Invalid
			continue
		}
		whole := content(&r.Item)
		name := whole
		if r.Item.Key != "" {
			name = digestOf("id", r.Item.Key)
		}
		if first, ok := said[name]; ok {
			if r.Item.Key == "" || content(p.rows[first].Item) == whole {
				out.Outcome, out.SameAs = Duplicate, p.rows[first].Place
				continue
			}
			out.Outcome = Invalid
			out.Problems = []fault.Place{{At: r.Place, Code: "asset.plan.id_twice", Args: fault.Args{"row": r.Number, "id": clip(r.Item.Key), "first": p.rows[first].Number}}}
			continue
		}
		said[name] = i
		p.look[i] = looks(&r.Item)
		p.byLook[p.look[i]] = append(p.byLook[p.look[i]], i)
	}
}

// byKey places the rows that carry an own id.
func (p *planner) byKey() {
	for i := range p.rows {
		r := &p.rows[i]
		if r.Outcome != "" || r.Item.Key == "" {
			continue
		}
		if j, ok := p.keyed[r.Item.Key]; ok {
			p.match(i, j)
		}
	}
	for i := range p.rows {
		r := &p.rows[i]
		if r.Outcome != "" || r.Item.Key == "" {
			continue
		}
		l := p.look[i]
		if free := p.free(l, true); len(free) == 1 && len(p.byLook[l]) == 1 {
			p.match(i, free[0])
		} else {
			r.Outcome = Added
		}
	}
}

// byLooks places the rows without an id, one group of the same looks at a
// time. The three passes keep the promise of idempotence: a pass that changes
// equipment runs only where there is no second row that could take it.
func (p *planner) byLooks() {
	for i := range p.rows {
		r := &p.rows[i]
		if r.Outcome != "" {
			continue
		}
		l := p.look[i]
		var group []int
		for _, k := range p.byLook[l] {
			if p.rows[k].Outcome == "" {
				group = append(group, k)
			}
		}
		p.placeGroup(group, len(p.byLook[l]) == 1, p.free(l, false))
	}
}

func (p *planner) placeGroup(group []int, alone bool, free []int) {
	same := make(map[digest][]int, len(free))
	for _, j := range free {
		c := content(withoutKey(p.existing[j]))
		same[c] = append(same[c], j)
	}
	for _, i := range group {
		c := content(p.rows[i].Item)
		if js := same[c]; len(js) > 0 {
			p.match(i, js[0])
			same[c] = js[1:]
		}
	}
	p.placeSilent(group, free)
	for _, i := range group {
		switch {
		case p.rows[i].Outcome != "":
		case alone && len(free) == 1 && !p.taken[free[0]]:
			p.match(i, free[0])
		default:
			p.rows[i].Outcome = Added
		}
	}
}

// maxCompare bounds how many pairs of row and piece one group compares.
const maxCompare = 5_000_000

// placeSilent gives a row to the first piece that it adds nothing to. A group
// over the bound is left alone as a whole: its rows count as new, and as the
// same from then on. (A second run has fewer rows and pieces left here, so it
// never skips what a first run did.)
func (p *planner) placeSilent(group, free []int) {
	group = slices.DeleteFunc(slices.Clone(group), func(i int) bool { return p.rows[i].Outcome != "" })
	free = slices.DeleteFunc(slices.Clone(free), func(j int) bool { return p.taken[j] })
	if len(group)*len(free) > maxCompare {
		return
	}
	for _, i := range group {
		for _, j := range free {
			if !p.taken[j] && addsNothing(p.rows[i].Item, &p.existing[j], p.as[i]) {
				p.match(i, j)
				break
			}
		}
	}
}

// free lists the equipment of the same looks that no row has taken.
func (p *planner) free(l digest, withoutKeyOnly bool) []int {
	var out []int
	for _, j := range p.alike[l] {
		if !p.taken[j] && !(withoutKeyOnly && p.existing[j].Key != "") {
			out = append(out, j)
		}
	}
	return out
}

func (p *planner) match(row, ex int) {
	p.taken[ex] = true
	r := &p.rows[row]
	if addsNothing(r.Item, &p.existing[ex], p.as[row]) {
		r.Item, r.Outcome = &p.existing[ex], Unchanged
		return
	}
	merged := merge(&p.existing[ex], r.Item, p.as[row])
	if pl, ok := crossed(r, &merged); ok {
		r.Outcome, r.Problems = Invalid, append(r.Problems, pl)
		return
	}
	r.Changes = Changes(&p.existing[ex], &merged)
	r.Item, r.Outcome = &merged, Changed
}

// crossed finds what is wrong only once a row and what is recorded are put
// together.
func crossed(r *PlannedRow, merged *Item) (fault.Place, bool) {
	switch {
	case len(merged.Further) > MaxFurther:
		return fault.Place{At: r.Place, Code: "asset.plan.further_many", Args: fault.Args{"row": r.Number, "max": MaxFurther}}, true
	case !merged.Introduced.IsZero() && !merged.Changed.IsZero() && merged.Changed.Before(merged.Introduced):
		return fault.Place{At: r.Place, Code: "asset.plan.dates_crossed", Args: fault.Args{"row": r.Number, "introduced": merged.Introduced.String(), "changed": merged.Changed.String()}}, true
	}
	return fault.Place{}, false
}

func (p *planner) finish(remove bool) Plan {
	out := Plan{Rows: p.rows, Counts: PlanCounts{Rows: len(p.rows)}}
	for i := range p.existing {
		switch {
		case p.taken[i]:
		case remove:
			out.Removed = append(out.Removed, p.existing[i])
		default:
			out.Untouched++
		}
	}
	c := &out.Counts
	c.Removed = len(out.Removed)
	for i := range p.rows {
		switch p.rows[i].Outcome {
		case Added:
			c.Added++
		case Changed:
			c.Changed++
		case Unchanged:
			c.Unchanged++
		case Duplicate:
			c.Duplicate++
		case Invalid:
			c.Invalid++
		}
	}
	return out
}

// MaxPlaces is how many problems one error lists; the plan itself has all.
const MaxPlaces = 200

// Err returns nil when the plan can be applied, else a fault Invalid
// "asset.plan.invalid" with the number n of rows to mend and the problems of
// the first rows.
func (p *Plan) Err() error {
	if p.Counts.Invalid == 0 {
		return nil
	}
	e := fault.New(fault.Invalid, "asset.plan.invalid", "n", p.Counts.Invalid)
	for i := range p.Rows {
		for _, pl := range p.Rows[i].Problems {
			if p.Rows[i].Outcome == Invalid && len(e.Places) < MaxPlaces {
				e.Places = append(e.Places, pl)
			}
		}
	}
	return e
}

// Changes reports whether applying the plan would change anything.
func (p *Plan) Changes() bool {
	return p.Counts.Added+p.Counts.Changed+p.Counts.Removed > 0
}

// Apply returns the register as it stands after the plan: all of it, or the
// error of Err and nothing. newID gives the ids of what is added.
func (p *Plan) Apply(existing []Item, newID func() ID) ([]Item, error) {
	if err := p.Err(); err != nil {
		return nil, err
	}
	gone := make(map[ID]bool, len(p.Removed))
	for i := range p.Removed {
		gone[p.Removed[i].ID] = true
	}
	changed := make(map[ID]*Item, p.Counts.Changed)
	for i := range p.Rows {
		if p.Rows[i].Outcome == Changed {
			changed[p.Rows[i].Item.ID] = p.Rows[i].Item
		}
	}
	out := make([]Item, 0, len(existing)+p.Counts.Added-len(gone))
	for i := range existing {
		switch it := changed[existing[i].ID]; {
		case gone[existing[i].ID]:
		case it != nil:
			out = append(out, *it)
		default:
			out = append(out, existing[i])
		}
	}
	for i := range p.Rows {
		if p.Rows[i].Outcome == Added {
			it := *p.Rows[i].Item
			it.ID = newID()
			out = append(out, it)
		}
	}
	return out, nil
}
