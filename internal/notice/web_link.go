package notice

import (
	"slices"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

func (w *web) links() {
	b := guesses(w.s.Now)
	limited := func(fn func(v *screen) error) func(v *screen) error {
		return func(v *screen) error {
			if err := b.Take(v.Credential().Addr); err != nil {
				return err
			}
			return fn(v)
		}
	}
	w.page("GET /n/{token}", limited((*screen).slip), httpd.Public)
	w.page("POST /n/{token}", limited((*screen).slipped), httpd.Public)
}

// taps are the three answers of the page, in their order.
var taps = []State{Mitigated, NeedsHelp, NotAffected}

type slipView struct {
	Slip    Slip
	Title   string
	From    string
	Due     page.Due
	Version *versionView
	Given   *stated // the answer so far
	GivenAt time.Time
	Taps    []slipTap
	Why     []string
	Sure    *slipTap // the answer that is about to be sent
	Consent page.Field
	Words   page.Field
	Done    bool
	Ended   string
	Desk    string
	Token   string
}

type slipTap struct{ State, Word, Say string }

func (v *screen) slipTap(s State) slipTap {
	return slipTap{string(s), v.T("notice.web.tap." + string(s)), v.T("notice.web.tap." + string(s) + ".say")}
}

// slip is the page of a firm without an account: what to do, the first step in
// view, three answers. Looking at it changes nothing.
func (v *screen) slip() error { return v.slipPage("", v.Query("done") != "", nil) }

func (v *screen) slipPage(sure State, done bool, bad error) error {
	token := v.Path("token")
	s, err := v.s.ByLink(v.Request.Context(), token, v.lang())
	if err != nil {
		return err
	}
	l := s.Letter
	d := slipView{Slip: s, Title: v.say(l.Content.Title), From: l.FromName, Due: v.due(l.Content.AnswerBy, l.AnsweredAt, l.Stage != Sent), Done: done, Desk: l.DeskName, Token: token}
	if len(l.Kinds) > 0 {
		k := l.Kinds[len(l.Kinds)-1] // the plainest it was given
		x := v.version(&l.Content, k)
		d.Version = &x
		if k == Small {
			d.Title = v.say(l.Content.Small.Title)
		}
	}
	for _, w := range l.Why {
		d.Why = append(d.Why, v.say(w))
	}
	for _, t := range taps {
		d.Taps = append(d.Taps, v.slipTap(t))
	}
	if n := len(l.Answers); n > 0 {
		given := stated{stateLook(l.State), v.T("notice.web.tap." + string(l.State))}
		d.Given, d.GivenAt = &given, l.Answers[n-1].At
	}
	if sure != "" {
		t := v.slipTap(sure)
		d.Sure = &t
		d.Consent = page.Field{Name: "shown", Kind: "check", Label: v.T("notice.web.shown", "from", d.From), Value: onIf(l.Shown)}
		d.Words = page.Field{Name: "note", Kind: "textarea", Rows: 3, Label: v.T("notice.web.slip.words"), Need: page.Optional}
		if sure == NeedsHelp {
			d.Words.Label = v.T("notice.web.slip.help")
		}
	}
	switch l.Stage {
	case Withdrawn:
		d.Ended = v.T("notice.web.withdrawn", "why", l.EndedWhy)
	case Corrected:
		d.Ended = v.T("notice.web.slip.ended")
	}
	shell := v.Shell(d.Title)
	shell.Layout, shell.Density, shell.Live, shell.Rail = page.Link, page.Plain, "", nil
	shell.Person, shell.Org, shell.SignOut, shell.Account, shell.Search = "", "", "", "", ""
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/slip", shell, d)
}

// slipped takes the first tap, which shows what will be sent, and the second,
// which sends it.
func (v *screen) slipped() error {
	state := State(v.Form("state"))
	ctx := v.Request.Context()
	if !slices.Contains(taps, state) {
		return v.slipPage("", false, nil)
	}
	if v.Form("sure") == "" {
		if err := v.s.OpenByLink(ctx, v.Path("token")); err != nil {
			return err
		}
		return v.slipPage(state, false, nil)
	}
	shown := v.Form("shown") != ""
	_, err := v.s.AnswerByLink(ctx, v.Path("token"), AnswerInput{State: state, Note: v.Form("note"), Shown: &shown})
	if err != nil && comesBack(err) {
		return v.slipPage(state, false, err)
	}
	if err != nil {
		return err
	}
	return v.Redirect("/n/" + v.Path("token") + "?done=1")
}
