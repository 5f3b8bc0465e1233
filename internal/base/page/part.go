package page

import (
	"html/template"
	"time"

	"noroshi/internal/base/text"
)

// Head is the top of a page: where it stands, its h1, a sentence, its acts.
// Drawing it sets the page's title to H1 unless the shell or page gave one.
type Head struct {
	Crumbs []Crumb // the way here; the last is this page and has no address
	H1     string
	Lead   string
	Mark   template.HTML // a tag beside the acts; empty draws none
	Acts   []Act
}

// Crumb is one step of the way to a page.
type Crumb struct{ Text, Href string }

// Act is a button or a link that looks like one. With Post it is a form with
// one button that posts to Href; else a link.
type Act struct {
	Text string
	Href string
	Kind string // "", "primary", "stop", "quiet", "small"; several with spaces
	Icon string
	Post bool
	Off  string // the reason why it cannot be done now; empty when it can
	Name string // with Post: a name and value sent along
	// Value is sent under Name.
	Value string
}

func (d *drawer) head(h Head) (template.HTML, error) {
	if d.title == "" {
		d.title = h.H1
	}
	return d.html("page/head", h)
}

// TaskGroup is a titled part of a task list, in the order of the law.
type TaskGroup struct {
	Title string
	Tasks []Task
}

// Task is one row of a task list.
type Task struct {
	Text  string
	Href  string // empty when it cannot be started yet
	Note  string // what was answered, or why it cannot be started
	State string // a name of {{state}}: done started todo investigating blocked …
}

// Todo is one thing to do: what, why you, by when, one act.
type Todo struct {
	Severity string // act attend watch track; empty draws none
	Title    string
	Href     string
	Why      string
	Due      Due
	Act      string // word on the button
}

// Part is what one noun puts on a page of the app's: things to do, and a
// fragment of its own under them.
type Part struct {
	Todos    []Todo // most urgent first
	Template string // "incident/home"; empty draws nothing
	Data     any
}

// Facts are answers or facts in rows; with Who each row shows who gets it.
type Facts struct {
	Rows  []Fact
	Who   []Recipient // all recipients, in one order for all rows
	Tight bool
}

// Recipient is a body that may receive an answer.
type Recipient struct {
	Key  string
	Mark string // one character in the circle
	Name string
}

// Fact is one row of Facts.
type Fact struct {
	Name   string
	Value  string        // words; line breaks are kept
	HTML   template.HTML // stands in place of Value: what another component drew
	Was    *Change       // what it was before; draws the difference in place of Value
	Note   string
	Gets   []string // keys of the recipients who get this row
	Change string   // address of the question; empty draws no link
}

// Circles returns, for each recipient, whether it gets the row.
func (f Facts) Circles(row Fact) []Circle {
	var out []Circle
	for _, r := range f.Who {
		c := Circle{Recipient: r}
		for _, k := range row.Gets {
			c.Gets = c.Gets || k == r.Key
		}
		out = append(out, c)
	}
	return out
}

// Circle is a recipient and whether it gets a row.
type Circle struct {
	Recipient
	Gets bool
}

// Names returns the names of those who get the row.
func (f Facts) Names(row Fact) []string {
	var out []string
	for _, c := range f.Circles(row) {
		if c.Gets {
			out = append(out, c.Name)
		}
	}
	return out
}

// Change is a value before and after; an empty side was or is nothing.
type Change struct{ From, To string }

// Stamp is the receipt of one authority. The seal is drawn only from a signed
// acknowledgement; until then it is a dashed circle.
type Stamp struct {
	Body   string    // name of the authority
	Short  string    // at most 6 characters, in the seal
	At     time.Time // when it was acknowledged; zero while it was not
	Number string    // the authority's own number
	Note   string    // such as when it arrived
}

type stampView struct {
	Stamp
	Day string
}

func (d *drawer) stamps(all []Stamp) (template.HTML, error) {
	var out []stampView
	for _, s := range all {
		v := stampView{Stamp: s}
		if !s.At.IsZero() {
			t := s.At.In(text.JST)
			switch {
			case d.p.Lang != text.JA:
				v.Day = t.Format("2 Jan 2006")
			case t.Year() >= 2020:
				v.Day = d.p.Number(int64(t.Year()-2018)) + t.Format(".1.2")
			default:
				v.Day = t.Format("2006.1.2")
			}
		}
		out = append(out, v)
	}
	return d.html("page/stamps", out)
}

// Step is one point of a timeline.
type Step struct {
	Kind string // done, here, fire (emergency), or empty: to come
	At   time.Time
	When string // words in place of At
	What string
	Note string
}

// Proof is what shows that an act stands in the ledger.
type Proof struct {
	Say     string // "recorded as entry 48,260"
	Leaf    string // hex digest of the entry
	Root    string // hex of the tree's root; empty draws none
	Signers string
	Command string // the command that checks it; empty draws none
}

// Evidence is one fact with its source and time.
type Evidence struct {
	Icon string // empty is "check"
	Fact string
	Note string // source, or why it is sealed
	At   time.Time
	Href string // makes the fact a link
}

// Empty says that there is nothing yet, what will appear here, and the one
// act that makes it appear.
type Empty struct {
	Title string
	Say   string
	Act   *Act
}
