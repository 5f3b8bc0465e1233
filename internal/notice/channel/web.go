package channel

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
)

// Pages registers the console pages, and the calendar that a secret address
// opens without sign-in.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /channels", func(q *httpd.Request) error { return s.page(q, nil, "") })
	r.Page("POST /channels", func(q *httpd.Request) error {
		c, err := readForm(q)
		if err == nil {
			var secret string
			if _, secret, err = s.Set(q.Context(), c); err == nil {
				if secret == "" {
					return q.Redirect("/channels")
				}
				return s.page(q, nil, secret) // shown once, so not behind a redirect
			}
		}
		if fault.KindOf(err) == fault.Refused {
			return err
		}
		return s.page(q, err, "")
	})
	r.Page("POST /channels/{id}/confirm", func(q *httpd.Request) error {
		err := s.Confirm(q.Context(), q.Path("id"), q.Form("code"))
		if fault.KindOf(err) == fault.Invalid && err != nil {
			return s.page(q, err, "")
		}
		if err != nil {
			return err
		}
		return q.Redirect("/channels")
	})
	for verb, act := range map[string]func(q *httpd.Request) error{
		"test":   func(q *httpd.Request) error { return s.Test(q.Context(), q.Path("id")) },
		"remove": func(q *httpd.Request) error { return s.Remove(q.Context(), q.Path("id")) },
	} {
		r.Page("POST /channels/{id}/"+verb, func(q *httpd.Request) error {
			if err := act(q); err != nil {
				return err
			}
			return q.Redirect("/channels")
		})
	}
	r.Page("POST /channels/calendar", func(q *httpd.Request) error {
		path, err := s.Subscribe(q.Context())
		if err != nil {
			return err
		}
		return s.page(q, nil, s.BaseURL+path)
	})
	r.Page("GET /channels/calendar/{token}", func(q *httpd.Request) error {
		out, err := s.Subscribed(q.Context(), "/channels/calendar/"+q.Path("token"), q.Printer)
		if err != nil {
			return err
		}
		return q.Download("noroshi.ics", "text/calendar; charset=utf-8", bytes.NewReader(out))
	}, httpd.Public)
	r.Page("GET /undelivered", func(q *httpd.Request) error { return s.aside(q) })
	r.Page("POST /undelivered/{id}/again", func(q *httpd.Request) error {
		if err := s.Again(q.Context(), q.Path("id")); err != nil {
			return err
		}
		return q.Redirect("/undelivered")
	})
	r.Live("GET /live/channel", func(q *httpd.Request) (string, error) { return "channel/" + q.Who.Org, nil })
}

// row is a channel in words.
type row struct {
	Channel
	Masked, KindWord, LeastWord, ContactWord, QuietWord, StateWord, StateKind string
}

type view struct {
	Head   page.Head
	Rows   []row
	Fields []page.Field
	Code   page.Field
	Once   string // a secret or an address that is shown once
	Mails  bool
}

func (s *Service) page(q *httpd.Request, failed error, once string) error {
	all, err := s.List(q.Context())
	if err != nil {
		return err
	}
	p := q.Printer
	v := view{Head: page.Head{H1: p.T("channel.web.title"), Lead: p.T("channel.web.lead")}, Once: once, Mails: s.Mails, Fields: fields(q, s.Mails),
		Code: page.Field{Name: "code", Kind: "text", Label: p.T("channel.web.code"), Hint: p.T("channel.web.code_hint"), Width: "w8"}}
	for _, c := range all {
		kind := map[State]string{Waiting: "attend", Confirmed: "good", Failing: "act"}[c.State]
		v.Rows = append(v.Rows, row{c, c.Masked(), p.T("channel.kind." + string(c.Kind)), p.T("channel.class." + c.Least), p.T("channel.contact." + strconv.Itoa(c.Contact)), quietWord(p, c.Quiet), p.T("channel.state." + string(c.State)), kind})
	}
	shell := q.Shell(p.T("channel.web.title"))
	shell.Key, shell.Live = "channels", "/live/channel"
	if failed != nil {
		shell = shell.Fail(failed, q.Forms())
	}
	return q.Render("channel/list", shell, v)
}

func quietWord(p text.Printer, q Quiet) string {
	if q.From == q.To {
		return p.T("channel.web.quiet_none")
	}
	return p.T("channel.web.quiet_is", "from", clockOf(q.From), "to", clockOf(q.To))
}

func clockOf(minutes int) string { return fmt.Sprintf("%d:%02d", minutes/60, minutes%60) }

func fields(q *httpd.Request, mails bool) []page.Field {
	p := q.Printer
	get := func(name, otherwise string) string {
		if v := q.Form(name); v != "" {
			return v
		}
		return otherwise
	}
	option := func(value, key string) page.Option { return page.Option{Value: value, Label: p.T(key)} }
	var least []page.Option
	for _, c := range Classes {
		least = append(least, option(c, "channel.least."+c))
	}
	off, first := "", Mail
	if !mails {
		off, first = p.T("channel.web.no_mail"), Webhook
	}
	kinds := []page.Option{{Value: string(Mail), Label: p.T("channel.kind.mail"), Hint: p.T("channel.kind.mail_hint"), Off: off}, {Value: string(Webhook), Label: p.T("channel.kind.webhook"), Hint: p.T("channel.kind.webhook_hint")}}
	return []page.Field{
		{Name: "kind", Kind: "choice", Label: p.T("channel.web.kind"), Need: page.Required, Value: get("kind", string(first)), Options: kinds},
		{Name: "address", Kind: "text", Label: p.T("channel.web.address"), Need: page.Required, Hint: p.T("channel.web.address_hint"), Value: q.Form("address"), Limit: 1000},
		{Name: "contact", Kind: "choice", Label: p.T("channel.web.contact"), Need: page.Required, Value: get("contact", "1"), Options: []page.Option{option("1", "channel.contact.1"), option("2", "channel.contact.2")}},
		{Name: "least", Kind: "select", Label: p.T("channel.web.least"), Value: get("least", "track"), Options: least},
		{Name: "lang", Kind: "select", Label: p.T("channel.web.lang"), Value: get("lang", string(q.Lang)), Options: []page.Option{{Value: "ja", Label: "日本語"}, {Value: "en", Label: "English"}}},
		{Name: "quiet.from", Kind: "text", Label: p.T("channel.web.quiet_from"), Hint: p.T("channel.web.quiet_hint"), Value: q.Form("quiet.from"), Width: "w8"},
		{Name: "quiet.to", Kind: "text", Label: p.T("channel.web.quiet_to"), Value: q.Form("quiet.to"), Width: "w8"},
	}
}

// readForm reads the form; the quiet hours are clock times such as 22:00.
func readForm(q *httpd.Request) (Channel, error) {
	contact, err := strconv.Atoi(q.Form("contact"))
	if err != nil {
		contact = -1
	}
	c := Channel{Kind: Kind(q.Form("kind")), Address: q.Form("address"), Contact: contact, Least: q.Form("least"), Lang: text.Lang(q.Form("lang"))}
	var bad []fault.Place
	for name, to := range map[string]*int{"quiet.from": &c.Quiet.From, "quiet.to": &c.Quiet.To} {
		v := strings.ReplaceAll(q.Form(name), "：", ":")
		if v == "" {
			continue
		}
		h, m, _ := strings.Cut(v, ":")
		hour, err1 := strconv.Atoi(h)
		minute := 0
		var err2 error
		if m != "" {
			minute, err2 = strconv.Atoi(m)
		}
		if err1 != nil || err2 != nil || hour < 0 || hour > 24 || minute < 0 || minute > 59 {
			bad = append(bad, fault.Place{At: name, Code: "channel.quiet"})
			continue
		}
		*to = (hour*60 + minute) % 1440
	}
	if bad != nil {
		return c, fault.New(fault.Invalid, "channel.invalid").At(bad...)
	}
	return c, nil
}

type asideView struct {
	Head page.Head
	List *page.List
	Rows []post.Letter
}

// aside shows what did not arrive.
func (s *Service) aside(q *httpd.Request) error {
	p := q.Printer
	rows, next, err := s.Aside(q.Context(), q.Query("after"), q.Int("limit", 50))
	if err != nil {
		return err
	}
	v := asideView{Head: page.Head{H1: p.T("channel.aside.title"), Lead: p.T("channel.aside.lead")}, Rows: rows,
		List: &page.List{Path: "/undelivered", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(rows), Total: -1,
			Columns: []page.Column{{Title: p.T("channel.aside.what")}, {Title: p.T("channel.web.kind")}, {Title: p.T("channel.aside.why")}, {Title: p.T("channel.aside.at")}, {Title: ""}}}}
	shell := q.Shell(p.T("channel.aside.title"))
	shell.Key, shell.Density = "undelivered", page.Desk
	return q.Render("channel/aside", shell, v)
}
