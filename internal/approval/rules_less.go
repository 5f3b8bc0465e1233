package approval

import "slices"

// Less is by how much an approval stays below what was asked, beside its period and
// its cap: conditions of the commission that the order itself carries, so that every
// run and every provision keeps to them by itself. What the program cannot check
// stands in words beside it. The zero value takes nothing away.
type Less struct {
	RetainDays int      `json:"retain_days,omitempty" doc:"Fewer days that records are kept; 0: as asked"`
	Pseudonyms bool     `json:"pseudonyms,omitempty" doc:"Addresses as pseudonyms, where they were asked for as they are"`
	Fields     []string `json:"without_fields,omitempty" maxItems:"100" nullable:"false" doc:"Fields that are not kept"`
	Recipients []string `json:"without_recipients,omitempty" maxItems:"100" nullable:"false" doc:"Recipients that are given nothing"`
}

func (l *Less) none() bool {
	return l.RetainDays == 0 && !l.Pseudonyms && len(l.Fields) == 0 && len(l.Recipients) == 0
}

// check holds it against what was asked: it takes away, and never adds; a record
// without any field would be no record.
func (l *Less) check(bad *mistakes, a *Application) {
	if l.RetainDays < 0 || l.RetainDays > a.RetainDays {
		bad.add("retain", "approval.bad.wider")
	}
	if l.Pseudonyms && a.Addresses == "" {
		bad.add("pseudonyms", "approval.bad.less")
	}
	among := func(at string, list, asked []string) {
		if slices.ContainsFunc(list, func(x string) bool { return !slices.Contains(asked, x) }) {
			bad.add(at, "approval.bad.less")
		}
	}
	among("without_fields", l.Fields, a.Fields)
	among("without_recipients", l.Recipients, a.Recipients)
	if len(a.Fields) > 0 && len(l.of(*a).Fields) == 0 {
		bad.add("without_fields", "approval.bad.less_all")
	}
}

// of is an application as far as it was granted.
func (l *Less) of(a Application) Application {
	without := func(list, gone []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return slices.Contains(gone, x) })
	}
	if l.RetainDays > 0 {
		a.RetainDays = l.RetainDays
	}
	if l.Pseudonyms {
		a.Addresses = "pseudonym"
	}
	a.Fields, a.Recipients = without(a.Fields, l.Fields), without(a.Recipients, l.Recipients)
	return a
}
