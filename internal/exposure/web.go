package exposure

import (
	"embed"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Web are the pages of this noun.
//
//go:embed web
var Web embed.FS

// Pages registers the desk of analysts, what touches an operator, the picture of
// a ministry and the page of executives.
func Pages(r *httpd.Router, s *Service) {
	pagesQueue(r, s)
	pagesOne(r, s)
	pagesNames(r, s)
	pagesPicture(r, s)
	pagesOffice(r, s)
	pagesIndicator(r, s)
	r.Live("GET /live/exposure", func(q *httpd.Request) (string, error) { return "exposure/" + q.Who.Org, nil })
}

// screen is one request with the words of its reader.
type screen struct {
	*httpd.Request
	s *Service
	p text.Printer
}

func on(q *httpd.Request, s *Service) *screen { return &screen{q, s, q.Printer} }

// may reports whether a verb is open to the reader: for showing or leaving out
// a link, never instead of the service's own answer.
func (v *screen) may(verb string) bool { return Access.May(v.Context(), verb) }

func (v *screen) reach() gate.Reach { return Access.Reach(v.Who, "exposure.list") }

// shell is the shell of a page with its rail item and handling: what an
// operator has and lacks is AMBER for itself, and stricter across operators.
func (v *screen) shell(title, key string) page.Shell {
	x := v.Shell(title)
	x.Key, x.Density = key, page.Desk
	x.Handling = &page.Handling{TLP: "AMBER", Clearance: 1, Purpose: v.p.T("exposure.web.purpose")}
	if r := v.reach(); r == gate.All || r == gate.Sector {
		x.Handling.TLP = "AMBER+STRICT"
	}
	return x
}

// formFault reports whether an error belongs back on the form.
func formFault(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.Usage, fault.Unmet:
		return true
	}
	return false
}

// rowView is an exposure in words.
type rowView struct {
	ID                       ID
	Href, Title, CVE         string
	Product, Org, OrgHref    string
	Priority                 string
	Sure, SureTag, SureShape string // certainty in words, with the look of its tag
	State, StateTag          string
	Next                     string // what to do next, for who runs the equipment
	Devices                  int
	Exploited                bool
	Due                      page.Due
	Choose                   string
	On                       bool
}

func (v *screen) row(e *Exposure) rowView {
	r := rowView{ID: e.ID, Href: "/exposures/" + string(e.ID), CVE: e.Vulnerability, Product: e.Product, Priority: e.Priority.String(), Devices: e.Devices, Exploited: e.Exploited,
		State: v.p.T("exposure.state." + string(e.State)), StateTag: map[State]string{New: "ai", Seen: "watch", Judged: "plain", Handled: "good", Ended: "plain"}[e.State]}
	r.Title = v.title(e)
	if e.Vulnerability == SupportEnd {
		r.CVE = ""
	}
	r.Sure, r.SureTag, r.SureShape = v.sure(e.Verdict, e.Certainty)
	if e.Vulnerability == SupportEnd && e.Certainty == "exact" {
		r.Sure = v.p.T("exposure.support_end")
	}
	if e.Review != "" && e.State == Judged {
		r.State, r.StateTag = v.p.T("exposure.web.review."+reviewWord(e.Review)), "attend"
	}
	if v.reach() != gate.Own {
		r.Org = e.OrgName
		if v.may("exposure.where") {
			r.OrgHref = "/exposures?org=" + e.Org
		}
	}
	r.Next, r.Due = v.next(e), v.due(e)
	r.Choose = v.p.T("exposure.web.choose", "name", r.Title)
	return r
}

// reviewWord is why a verdict is to be looked at again, as far as there are
// words for it.
func reviewWord(review string) string {
	switch review {
	case "exploited", "raised":
		return review
	}
	return "other"
}

// title names an exposure in one line.
func (v *screen) title(e *Exposure) string {
	if e.Vulnerability == SupportEnd {
		if e.Certainty == endsSoon {
			return v.p.T("exposure.web.support_soon", "product", e.Product)
		}
		return v.p.T("exposure.web.support_ended", "product", e.Product)
	}
	if e.Title == "" {
		return e.Product + " " + e.Vulnerability
	}
	return cut(e.Title, 90)
}

// cut shortens a source's own words to n characters.
func cut(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n-1])) + "…"
}

// sure is a verdict and its certainty in words (UI.md, chapter 5), with the
// kind and shape of the tag.
func (v *screen) sure(verdict, certainty string) (word, tag, shape string) {
	switch {
	case verdict == "not_affected":
		return v.p.T("exposure.verdict.not_affected"), "plain", "none"
	case certainty == endsSoon:
		return v.p.T("exposure.certainty.ends_soon"), "watch", "disc"
	case certainty == "platform_only":
		return v.p.T("exposure.web.platform_only"), "calm", "ring"
	case certainty == "version_unknown":
		return v.p.T("exposure.certainty.version_unknown"), "attend", "triangle"
	case verdict == "affected":
		return v.p.T("exposure.verdict.affected"), "act", "square"
	}
	return v.p.T("exposure.verdict.unknown"), "attend", "triangle"
}

// next says what its operator does next.
func (v *screen) next(e *Exposure) string {
	key := e.Priority.String()
	switch {
	case e.State == Judged && e.Review != "":
		key = "review_" + reviewWord(e.Review)
	case e.State == Judged || e.State == Handled || e.State == Ended:
		key = "none"
	case e.Vulnerability == SupportEnd:
		key = "support"
	case e.Certainty == "version_unknown":
		key = "version"
	case e.Certainty == "platform_only":
		key = "platform"
	case e.Verdict == "unknown":
		key = "check"
	}
	return v.p.T("exposure.web.next." + key)
}

// lateFor is how long after its date a catalogue's deadline still drives a
// clock; later than that, what holds is "at once".
const lateFor = 30 * 24 * time.Hour

// due is the clock of an exposure: the date that the catalogue of exploited
// vulnerabilities asks for, else the pace that its priority stands for.
func (v *screen) due(e *Exposure) page.Due {
	if e.State == Judged && e.Review == "" || e.State == Handled || e.State == Ended {
		return page.Due{}
	}
	if f := e.Facts; f != nil && !f.DueAt.IsZero() && v.Now().Before(f.DueAt.Add(lateFor)) {
		return page.Due{At: endOfDay(f.DueAt)}
	}
	return page.Due{Word: v.p.T("exposure.web.pace." + e.Priority.String())}
}

// endOfDay is 24:00 in Japan of a date: the last instant that is in time.
func endOfDay(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, text.JST)
}

// sectorName is a sector in words; a sector nobody knows is its id.
func (v *screen) sectorName(id string) string {
	if s, ok := v.s.Orgs.Sectors.Find(id); ok {
		return s.Name.In(v.p.Lang)
	}
	return id
}

// ids reads the chosen exposures of a form or an address, at most as many as
// one act takes and one more, so that too many are refused and not cut.
func ids(values []string) (out []ID) {
	for _, id := range values {
		if id != "" && !slices.Contains(out, ID(id)) && len(out) <= maxBulk {
			out = append(out, ID(id))
		}
	}
	return out
}
