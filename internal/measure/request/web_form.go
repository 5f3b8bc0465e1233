package request

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// group is a titled part of the form.
type group struct {
	Title, Say string
	Fields     []page.Field
	Folds      []fold
}

// fold is a part that is shut until it is needed.
type fold struct {
	Title  string
	Open   bool
	Fields []page.Field
}

type formView struct {
	Head   page.Head
	To     string
	Groups []group
	Found  *foundView
	Looks  bool // registries may be asked
}

type foundView struct {
	At      time.Time
	Kept    bool
	Rows    []foundRow
	Remarks []string
}

type foundRow struct{ Who, Role, Provider, Server string }

// pieces is how many pieces of evidence the form has room for; more are written by
// the API.
const pieces = 3

func pagesForm(r *httpd.Router, s *Service) {
	r.Page("GET /requests/new", func(q *httpd.Request) error {
		if err := admit(q, s, "request.draft"); err != nil {
			return err
		}
		return showForm(q, s, "", Draft{Kind: Takedown, Case: q.Query("case"), Step: q.Int("step", 0), To: Contact{Lang: text.EN}}, nil, nil)
	})
	r.Page("POST /requests", func(q *httpd.Request) error { return write(q, s, "") })
	r.Page("GET /requests/{id}/change", func(q *httpd.Request) error {
		if err := admit(q, s, "request.change"); err != nil {
			return err
		}
		x, err := s.Show(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		return showForm(q, s, x.Request.ID, x.Draft, nil, nil)
	})
	r.Page("POST /requests/{id}/change", func(q *httpd.Request) error { return write(q, s, q.Path("id")) })
	r.Page("GET /requests/desk", func(q *httpd.Request) error { return showDesk(q, s, nil) })
	r.Page("POST /requests/desk", func(q *httpd.Request) error {
		days, _ := strconv.Atoi(q.Form("follow_days"))
		err := s.SetDesk(q.Context(), Desk{Name: q.Form("name"), NameEN: q.Form("name_en"), Reply: q.Form("reply"), Phone: q.Form("phone"), OneEnough: q.Form("one_enough") == "on", FollowDays: days})
		if formFault(err) {
			return showDesk(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/requests")
	})
}

// admit refuses, on the record, who may not use a form.
func admit(q *httpd.Request, s *Service, verb string) error {
	if _, _, err := Access.Allow(q.Context(), verb); err != nil {
		return s.Ledger.Refuse(q.Context(), verb, "", fault.Of(err))
	}
	return nil
}

// write keeps a draft, or looks up whom to write to for it.
func write(q *httpd.Request, s *Service, id ID) error {
	if err := admit(q, s, map[bool]string{true: "request.draft", false: "request.change"}[id == ""]); err != nil {
		return err
	}
	d, err := readDraft(q)
	if q.Form("do") == "look" {
		found, e := s.Look(q.Context(), Query{d.Subject.Address, nameOf(d.Subject), d.Subject.ASN}, q.Form("fresh") == "on")
		if e == nil || formFault(e) {
			return showForm(q, s, id, d, &found, e)
		}
		return e
	}
	if err == nil {
		var r Request
		if id == "" {
			r, err = s.Draft(q.Context(), d)
		} else {
			r, err = s.Change(q.Context(), id, d)
		}
		if err == nil {
			return q.Redirect("/requests/" + r.ID)
		}
	}
	if formFault(err) {
		return showForm(q, s, id, d, nil, err)
	}
	return err
}

// showForm is the form of a request, with what registries said beside it.
func showForm(q *httpd.Request, s *Service, id ID, d Draft, found *Found, bad error) error {
	p := say{q.Printer}
	v := formView{To: "/requests", Head: page.Head{H1: p.T("request.web.new"), Lead: p.T("request.web.new_lead"), Crumbs: []page.Crumb{{Text: p.T("request.web.title"), Href: "/requests"}, {Text: p.T("request.web.new")}}},
		Looks: s.Out != nil && s.Registries.Known()}
	if id != "" {
		v.To, v.Head.H1 = "/requests/"+id+"/change", p.T("request.web.change")
		v.Head.Crumbs[1] = page.Crumb{Text: p.T("request.web.change")}
	}
	if found != nil && bad == nil {
		v.Found = p.found(found)
		if len(found.Found) > 0 && d.To.Mail == "" { // the first is offered; a person may write another
			c := found.Found[0]
			d.To = Contact{Mail: c.Mail, Name: c.Name, Provider: c.Provider, Lang: c.Lang, Source: ByRDAP, FoundAt: found.At}
		}
	}
	carriers, err := s.carriers(q.Context())
	if err != nil {
		return err
	}
	v.Groups = p.groups(q, &d, carriers)
	shell := q.Shell(v.Head.H1)
	shell.Key = "requests"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("request/form", shell, v)
}

func (p say) found(f *Found) *foundView {
	v := &foundView{At: f.At, Kept: f.Kept}
	for _, c := range f.Found {
		who := c.Mail
		if who == "" {
			who = c.Form
		}
		role := p.T("request.role." + c.Role)
		if c.Registry {
			role = p.T("request.web.by_whom", "what", role, "who", p.T("request.web.registry"))
		}
		v.Rows = append(v.Rows, foundRow{who, role, c.Provider, c.Server})
	}
	for _, r := range f.Remarks {
		v.Remarks = append(v.Remarks, p.T("request.of."+string(r.Of))+"："+strings.TrimSpace(p.T("request.remark."+r.Code)+" "+r.Detail))
	}
	return v
}

func (p say) area(name, key, value string, need page.Need, rows int) page.Field {
	return page.Field{Name: name, Kind: "textarea", Label: p.T(key), Value: value, Need: need, Rows: rows}
}

func (p say) contactFields(c Contact, need page.Need) []page.Field {
	lang := string(c.Lang)
	if lang == "" {
		lang = string(text.EN)
	}
	return []page.Field{
		{Name: "to.mail", Kind: "email", Label: p.T("request.web.mail"), Need: need, Value: c.Mail, Width: "w24"},
		{Name: "to.provider", Label: p.T("request.web.provider"), Need: need, Value: c.Provider, Width: "w24"},
		{Name: "to.name", Label: p.T("request.web.name"), Need: page.Optional, Value: c.Name, Width: "w24"},
		{Name: "to.lang", Kind: "select", Label: p.T("request.web.lang"), Value: lang, Options: []page.Option{{Value: "ja", Label: "日本語"}, {Value: "en", Label: "English"}}},
	}
}

// groups are the parts of the form, in the order in which one thinks of them.
func (p say) groups(q *httpd.Request, d *Draft, carriers []org.Org) (out []group) {
	kinds := make([]string, 0, len(Kinds))
	power := armed(q.Who) && (commands(q.Who) || carries(q.Who))
	for _, k := range Kinds {
		if k != Carrier || power {
			kinds = append(kinds, string(k))
		}
	}
	var harms []string
	for _, h := range Harms {
		harms = append(harms, string(h))
	}
	num := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	need := page.Required
	if power { // a carrier on this hub has no mail here
		need = page.NoNeed
	}
	s := &d.Subject
	out = append(out, group{Title: p.T("request.group.kind"), Fields: []page.Field{{Name: "kind", Kind: "choice", Label: p.T("request.web.kind"), Need: page.Required, Value: string(d.Kind), Options: p.options("request.kind.", kinds...)}}})
	if power {
		out[0].Fields = append(out[0].Fields, page.Field{Name: "case", Label: p.T("request.web.case"), Hint: p.T("request.web.case_hint"), Need: page.Optional, Value: d.Case, Width: "w24"},
			page.Field{Name: "step", Kind: "number", Label: p.T("request.web.step"), Need: page.Optional, Value: num(int64(d.Step)), Width: "w4"})
	}
	out = append(out, group{Title: p.T("request.group.machine"), Say: p.T("request.group.machine_say"), Fields: []page.Field{
		{Name: "subject.address", Label: p.T("request.web.address"), Value: s.Address, Example: "198.51.100.7", Width: "w24"},
		{Name: "subject.port", Kind: "number", Label: p.T("request.web.port"), Need: page.Optional, Value: num(int64(s.Port)), Width: "w8"},
		{Name: "subject.protocol", Kind: "select", Label: p.T("request.web.protocol"), Value: s.Protocol, Options: []page.Option{{Value: "", Label: "–"}, {Value: "tcp", Label: "TCP"}, {Value: "udp", Label: "UDP"}, {Value: "icmp", Label: "ICMP"}, {Value: "sctp", Label: "SCTP"}}},
		{Name: "subject.name", Label: p.T("request.web.host"), Need: page.Optional, Value: s.Name, Example: "login.bad.example", Width: "w24"},
		{Name: "subject.url", Label: p.T("request.web.url"), Need: page.Optional, Value: s.URL, Width: "wide"},
		{Name: "subject.asn", Kind: "number", Label: p.T("request.web.asn"), Need: page.Optional, Value: num(int64(s.ASN)), Width: "w12"},
		{Name: "subject.harm", Kind: "select", Label: p.T("request.web.harm"), Value: string(s.Harm), Options: p.options("request.harm.", harms...)},
		p.area("subject.does", "request.web.does", s.Does, page.Required, 4),
	}})
	out = append(out, group{Title: p.T("request.group.evidence"), Say: p.T("request.group.evidence_say"), Fields: p.piece(0, d), Folds: p.folds(d)})
	asked := []page.Field{p.area("asked", "request.web.asked", d.Asked, page.Required, 4), {Name: "by", Kind: "datetime", Label: p.T("request.web.by"), Need: page.Optional, Value: stampOr(d.By)},
		{Name: "tlp", Kind: "select", Label: p.T("request.web.tlp"), Value: d.TLP, Options: []page.Option{{Value: "GREEN", Label: "TLP:GREEN"}, {Value: "CLEAR", Label: "TLP:CLEAR"}}}}
	out = append(out, group{Title: p.T("request.group.asked"), Fields: asked})
	if power {
		out = append(out, group{Title: p.T("request.group.order"), Say: p.T("request.group.order_say"), Fields: []page.Field{
			p.area("order.what", "request.web.order_what", d.Order.What, page.Optional, 3),
			{Name: "order.cap", Kind: "number", Label: p.T("request.web.order_cap"), Need: page.Optional, Value: num(int64(d.Order.Cap.Bytes / 1e6)), Unit: "MB", Width: "w12"},
			{Name: "order.from", Kind: "datetime", Label: p.T("request.web.order_from"), Need: page.Optional, Value: stampOr(d.Order.From)},
			{Name: "order.until", Kind: "datetime", Label: p.T("request.web.order_until"), Need: page.Optional, Value: stampOr(d.Order.Until)},
			p.carrier(d.To.Org, carriers)}})
	}
	hide := page.Field{Name: "victim.hide", Kind: "textarea", Label: p.T("request.web.hide"), Hint: p.T("request.web.hide_hint"), Need: page.Optional, Rows: 3, Value: strings.Join(d.Victim.Hide, "\n")}
	released := page.Field{Name: "victim.released", Kind: "check", Label: p.T("request.web.released_yes"), Value: map[bool]string{true: "on"}[d.Victim.Released]}
	out = append(out, group{Title: p.T("request.group.victim"), Say: p.T("request.group.victim_say"), Fields: []page.Field{p.area("victim.who", "request.web.victim", d.Victim.Who, page.Optional, 2), hide, released}})
	return append(out, group{Title: p.T("request.group.to"), Fields: append(p.contactFields(d.To, need),
		page.Field{Name: "to.source", Kind: "hidden", Value: string(d.To.Source)}, page.Field{Name: "to.found_at", Kind: "hidden", Value: stampOr(d.To.FoundAt)})})
}

// carrier is the field of a carrier that is ordered: one of a list, or where who
// writes does not see the list, its id. What was chosen stays.
func (p say) carrier(chosen string, list []org.Org) page.Field {
	f := page.Field{Name: "to.org", Label: p.T("request.web.carrier"), Hint: p.T("request.web.carrier_id_hint"), Need: page.Optional, Value: chosen, Width: "w24"}
	if len(list) == 0 {
		return f
	}
	out := []page.Option{{Value: "", Label: p.T("request.web.no_carrier")}}
	for _, o := range list {
		out = append(out, page.Option{Value: string(o.ID), Label: o.Name.In(p.Lang)})
	}
	if !slices.ContainsFunc(out, func(o page.Option) bool { return o.Value == chosen }) {
		out = append(out, page.Option{Value: chosen, Label: chosen})
	}
	f.Kind, f.Hint, f.Options = "select", p.T("request.web.carrier_hint"), out
	return f
}

// folds are what most requests do not need: where the first piece of evidence
// lies, and further pieces.
func (p say) folds(d *Draft) (out []fold) {
	out = append(out, fold{Title: p.T("request.web.piece_more"), Open: len(d.Evidence) > 0 && d.Evidence[0].Digest+d.Evidence[0].ID != "", Fields: p.origin(0, d)})
	for i := 1; i < pieces; i++ {
		out = append(out, fold{Title: p.T("request.web.more", "n", strconv.Itoa(i+1)), Open: i < len(d.Evidence), Fields: append(p.piece(i, d), p.origin(i, d)...)})
	}
	return out
}

func (d *Draft) piece(i int) (e Evidence, at, n string) {
	if i < len(d.Evidence) {
		e = d.Evidence[i]
	}
	return e, "evidence[" + strconv.Itoa(i) + "].", strconv.Itoa(i + 1)
}

// piece are the fields of what was seen, and when.
func (p say) piece(i int, d *Draft) []page.Field {
	e, at, n := d.piece(i)
	return []page.Field{{Name: at + "says", Kind: "textarea", Label: p.T("request.web.piece", "n", n), Need: page.Optional, Rows: 2, Value: e.Says},
		{Name: at + "from", Kind: "datetime", Label: p.T("request.web.piece_from", "n", n), Need: page.Optional, Value: stampOr(e.From)},
		{Name: at + "until", Kind: "datetime", Label: p.T("request.web.piece_until", "n", n), Need: page.Optional, Value: stampOr(e.Until)},
		{Name: at + "lines", Kind: "textarea", Label: p.T("request.web.piece_lines", "n", n), Need: page.Optional, Rows: 3, Value: e.Lines, Hint: p.T("request.web.piece_lines_hint")}}
}

// origin are the fields of where the record lies.
func (p say) origin(i int, d *Draft) []page.Field {
	e, at, n := d.piece(i)
	noun := e.Noun
	if noun == "" {
		noun = "other"
	}
	return []page.Field{{Name: at + "digest", Label: p.T("request.web.piece_digest", "n", n), Need: page.Optional, Value: e.Digest, Width: "wide"},
		{Name: at + "noun", Kind: "select", Label: p.T("request.web.piece_noun", "n", n), Value: noun, Options: p.options("request.noun.", "incident", "intel", "sighting", "selection", "hunt", "situation", "measure", "other")},
		{Name: at + "id", Label: p.T("request.web.piece_id", "n", n), Need: page.Optional, Value: e.ID, Hint: p.T("request.web.piece_id_hint"), Width: "w24"}}
}

func stampOr(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// readContact reads whom a request goes to.
func readContact(q *httpd.Request) Contact {
	c := Contact{Mail: q.Form("to.mail"), Name: q.Form("to.name"), Provider: q.Form("to.provider"), Lang: text.Lang(q.Form("to.lang")), Org: q.Form("to.org"), Source: Source(q.Form("to.source"))}
	c.FoundAt, _ = time.Parse(time.RFC3339, q.Form("to.found_at"))
	return c
}

// readDraft reads the form.
func readDraft(q *httpd.Request) (Draft, error) {
	var bad mistakes
	whole := func(name string) int64 {
		v := q.Form(name)
		if v == "" {
			return 0
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 || n > 1<<32-1 {
			bad.add(name, "request.bad.number")
			return 0
		}
		return n
	}
	instant := func(name string) (t time.Time) {
		t, wrong := page.ReadTime(q.Forms(), name)
		if wrong != nil {
			bad = append(bad, *wrong)
		}
		return t
	}
	d := Draft{Kind: Kind(q.Form("kind")), Case: q.Form("case"), Step: int(whole("step")), To: readContact(q), Asked: q.Form("asked"), By: instant("by"), TLP: q.Form("tlp"),
		Subject: Subject{Address: q.Form("subject.address"), Port: int(whole("subject.port")), Protocol: q.Form("subject.protocol"), Name: q.Form("subject.name"), URL: q.Form("subject.url"), ASN: uint32(whole("subject.asn")),
			Harm: Harm(q.Form("subject.harm")), Does: q.Form("subject.does")},
		Victim: Victim{Who: q.Form("victim.who"), Hide: fields(strings.Split(strings.ReplaceAll(q.Form("victim.hide"), "\r", ""), "\n")...), Released: q.Form("victim.released") == "on"}}
	if d.Kind == Carrier {
		d.Order = Order{What: q.Form("order.what"), Cap: approval.Quantity{Bytes: uint64(whole("order.cap")) * 1e6}, From: instant("order.from"), Until: instant("order.until")}
	}
	for i := range pieces {
		at := "evidence[" + strconv.Itoa(i) + "]."
		e := Evidence{Noun: q.Form(at + "noun"), ID: q.Form(at + "id"), Digest: q.Form(at + "digest"), From: instant(at + "from"), Until: instant(at + "until"), Says: q.Form(at + "says"), Lines: q.Raw(at + "lines")}
		if e.ID+e.Digest+e.Says+strings.TrimSpace(e.Lines) != "" || !e.From.IsZero() {
			d.Evidence = append(d.Evidence, e)
		}
	}
	return d, bad.err()
}

type deskView struct {
	Head   page.Head
	Fields []page.Field
}

// showDesk is where answers go.
func showDesk(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	if err := admit(q, s, "request.desk"); err != nil {
		return err
	}
	d, err := s.Desk(q.Context())
	if err != nil {
		return err
	}
	v := deskView{Head: page.Head{H1: p.T("request.web.desk"), Lead: p.T("request.web.desk_lead"), Crumbs: []page.Crumb{{Text: p.T("request.web.title"), Href: "/requests"}, {Text: p.T("request.web.desk")}}}}
	v.Fields = []page.Field{{Name: "reply", Kind: "email", Label: p.T("request.web.reply"), Hint: p.T("request.web.reply_hint"), Need: page.Required, Value: d.Reply, Width: "w24"},
		{Name: "name", Label: p.T("request.web.desk_name"), Need: page.Optional, Value: d.Name, Width: "w24"}, {Name: "name_en", Label: p.T("request.web.desk_name_en"), Need: page.Optional, Value: d.NameEN, Width: "w24"}, {Name: "phone", Kind: "tel", Label: p.T("request.web.phone"), Need: page.Optional, Value: d.Phone, Width: "w24"},
		{Name: "follow_days", Kind: "number", Label: p.T("request.web.follow_days"), Hint: p.T("request.web.follow_hint"), Value: strconv.Itoa(d.FollowDays), Width: "w4"}}
	if !armed(q.Who) {
		v.Fields = append(v.Fields, page.Field{Name: "one_enough", Kind: "check", Label: p.T("request.web.one_enough"), Hint: p.T("request.web.one_hint"), Value: map[bool]string{true: "on"}[d.OneEnough]})
	}
	shell := q.Shell(v.Head.H1)
	shell.Key = "requests"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("request/desk", shell, v)
}
