package notice

import (
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Checked is what stands between a draft and its recipients. Problems have to
// be corrected; remarks may be accepted by whoever sends; that it comes late is
// said, and holds nothing up.
type Checked struct {
	Problems []fault.Place `json:"problems"`
	Remarks  []fault.Place `json:"remarks"`
	Values   int           `json:"values"` // that the tear-line check looked for
	Leaks    int           `json:"leaks"`
	Late     time.Duration `json:"late_ns,omitempty"` // by how much the warning comes after the attack
}

// Check checks a draft as it would go out at now to recipients of these names
// and versions.
func (r *RuleSet) Check(c *Content, names []string, used []Kind, recipients int, now time.Time) Checked {
	var bad, notes problems
	if c.Title.JA == "" {
		bad.add("/title/ja", "notice.field.empty")
	}
	if recipients == 0 {
		bad.add("/recipients", "notice.check.nobody")
	}
	if len(versionsOf(c, nil)) == 0 {
		bad.add("/management", "notice.check.no_version")
	}
	if c.AnswerBy.IsZero() {
		bad.add("/answer_by", "notice.field.empty")
	} else if !c.AnswerBy.After(now) {
		bad.add("/answer_by", "notice.check.past")
	}
	if !c.FixBy.IsZero() && !c.FixBy.After(now) {
		bad.add("/fix_by", "notice.check.past")
	}
	if m := c.Management; m != nil {
		need(&bad, &notes, "/management/what", m.What)
		need(&bad, &notes, "/management/so_what", m.SoWhat)
		need(&bad, &notes, "/management/decide", m.Decide)
	}
	if t := c.Technical; t != nil {
		need(&bad, &notes, "/technical/details", t.Details)
	}
	r.checkSmall(c, &bad, &notes)
	for _, k := range used {
		if !c.Has(k) {
			bad.add("/"+string(k), "notice.check.promised", "version", string(k))
		}
	}
	for _, k := range Kinds { // the whole may not be wider than the widest it needs
		if c.Has(k) && r.rank(c.TLPOf(k)) > r.rank(c.TLP) {
			notes.add("/tlp", "notice.check.mark", "version", string(k))
		}
	}
	torn := r.Tear(c, names)
	for _, l := range torn.Leaks {
		at, code := "/"+string(l.In), "notice.check.leak"
		if l.In == "" {
			at = "/title"
		}
		if l.Name {
			code = "notice.check.name"
		}
		bad.add(at, code, "value", l.Value)
	}
	// That the attack has begun is no remark: it asks for speed, and whoever
	// sends cannot mend it.
	n := Notice{Content: *c}
	return Checked{Problems: bad, Remarks: notes, Values: torn.Values, Leaks: len(torn.Leaks), Late: n.Late(now)}
}

// need asks for Japanese, and remarks that English is missing.
func need(bad, notes *problems, at string, b text.Both) {
	switch {
	case b.JA == "":
		bad.add(at+"/ja", "notice.field.empty")
	case b.EN == "":
		notes.add(at+"/en", "notice.check.translate")
	}
}

func (r *RuleSet) checkSmall(c *Content, bad, notes *problems) {
	s := c.Small
	if s == nil {
		return
	}
	need(bad, notes, "/small/title", s.Title)
	if len(s.Steps) == 0 {
		bad.add("/small/steps", "notice.check.no_steps", "max", maxSteps)
	}
	plain := func(at string, b text.Both) {
		for _, l := range text.Langs {
			where := at + "/" + string(l)
			for _, h := range r.Plain(l, b.In(l)) {
				if h.Word != "" {
					notes.add(where, "notice.check.jargon", "word", h.Word, "use", h.Use)
				} else {
					notes.add(where, "notice.check.long."+string(l), "n", h.N)
				}
			}
		}
	}
	plain("/small/title", s.Title)
	for i, st := range s.Steps {
		at := "/small/steps/" + strconv.Itoa(i)
		need(bad, notes, at+"/do", st.Do)
		if st.How.JA != "" && st.How.EN == "" {
			notes.add(at+"/how/en", "notice.check.translate")
		}
		plain(at+"/do", st.Do)
		plain(at+"/how", st.How)
	}
	plain("/small/note", s.Note)
	if s.Helper.Name.JA == "" || s.Helper.Phone == "" {
		bad.add("/small/helper", "notice.check.helper")
	}
}
