package page

import (
	"net/url"
	"time"

	"noroshi/internal/base/text"
)

// Layout is the kind of shell round a page.
type Layout string

// The layouts.
const (
	Ordinary Layout = ""       // masthead, rail, page
	Link     Layout = "link"   // opened by a link without an account: no rail, large type, no script
	Public   Layout = "public" // anybody: sign-in, the open pages; no rail
	Print    Layout = "print"  // paper first: the handling strip repeats on each sheet
)

// Density is how close together things stand (UI.md 4).
type Density string

// The densities.
const (
	Roomy Density = ""      // forms and home pages
	Desk  Density = "desk"  // for people who live in it
	Plain Density = "plain" // small firms, by link
)

// Shell is what stands round a page. The zero value draws a Japanese ordinary
// page for now.
type Shell struct {
	Lang   text.Lang      // empty is Japanese
	Zone   *time.Location // zone of shown instants; nil is Japan's
	Now    time.Time      // the instant the page is for; zero is the clock's
	Layout Layout
	// Density of the page; a Link page without one is Plain.
	Density Density
	Theme   string // "", "light" or "dark"; empty follows the system
	Path    string // path and query of this page, for the links that come back to it
	Title   string // title in words; a page may set it itself with {{title …}}

	Person   string      // who is signed in, for show; empty draws no identity
	Org      string      // their organisation, for show
	Account  string      // address of the account page; empty draws no link
	SignOut  string      // address the sign-out button posts to; empty draws no button
	Search   string      // address of the search (GET, parameter q); empty draws no field
	Rail     []RailGroup // the main menu: at most 4 groups, 9 items
	Key      string      // key of the rail item that is current
	Handling *Handling   // black strip on top; nil draws none
	CSRF     string      // token that {{csrf}} puts into forms; empty draws none
	Live     string      // address of the page's event stream; empty is none
	Exercise bool        // draws the frame, the bar and 【訓練】 in the title
	Notice   string      // sentence in the footer, such as "invented data"

	Views    []View // the reader's saved views of this page's list
	SaveView string // address that saves one more; empty draws no form

	Flash []Flash // what the last act did
	// Fault draws the error summary, marks the fields its places name, and
	// starts the title with "Error:".
	Fault error
	// Form holds what was typed. Fields show it in place of their own value, so
	// that nothing typed is lost when a page comes back with a fault.
	Form url.Values
}

// Fail returns a copy of the shell that shows the fault and gives every field
// back what was typed in it.
func (s Shell) Fail(err error, form url.Values) Shell {
	s.Fault, s.Form = err, form
	return s
}

// RailGroup is a titled group of the main menu.
type RailGroup struct {
	Title string // word key
	Items []RailItem
}

// RailItem is one entry of the main menu.
type RailItem struct {
	Key   string // names the item; Shell.Key selects it
	Href  string
	Icon  string // a name of Icons
	Label string // word key
	Count int    // shown at the right when above zero
	Due   bool   // something is due today: the count is red
}

// Handling says how a page is to be handled: the highest of all it shows.
type Handling struct {
	TLP       string // "RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"; empty draws none
	Clearance int    // 0 to 3
	Purpose   string // in words: purpose of the reading, and that it is recorded
}

// Flash is one sentence about the act just done.
type Flash struct {
	Kind string // "", "good", "warn" or "act"
	Text string // in words
	Undo string // address the undo button posts to; empty draws none
}
