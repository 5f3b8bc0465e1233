package app

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"noroshi/internal/asset"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// hostile is text that would be markup anywhere it is not escaped.
const hostile = `"'><script>x9()</script><img src=x onerror=x9()><svg/onload=x9()>{{.}}</textarea></title>`

// harmless parses a page and wants nothing in it that runs: no script but our
// own file, no handler, no address of a script, no element that was typed in.
func harmless(t *testing.T, what, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for x := range doc.Descendants() {
		if x.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"iframe", "object", "embed", "base", "frame", "applet"}, x.Data) {
			t.Errorf("%s: a <%s>", what, x.Data)
		}
		src := ""
		for _, a := range x.Attr {
			if a.Key == "src" {
				src = a.Val
			}
			if strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "x9()") && strings.HasPrefix(strings.TrimSpace(strings.ToLower(a.Val)), "javascript:") || a.Key == "srcdoc" {
				t.Errorf("%s: <%s %s=%q>", what, x.Data, a.Key, a.Val)
			}
			if (a.Key == "href" || a.Key == "action" || a.Key == "formaction" || a.Key == "src") && !localAddress(a.Val) {
				t.Errorf("%s: <%s %s=%q>", what, x.Data, a.Key, a.Val)
			}
		}
		if x.Data == "script" && !strings.HasPrefix(src, "/-/assets/") {
			t.Errorf("%s: a script from %q", what, src)
		}
		if x.Data == "img" && src == "x" {
			t.Errorf("%s: an image that was typed in", what)
		}
	}
}

func localAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "" || slices.Contains([]string{"https", "http", "mailto", "tel", "data"}, u.Scheme))
}

// What strangers type is shown as text on every page it comes to.
func TestAttackerTypesMarkup(t *testing.T) {
	n := newNation(t)
	local := org.Local(t.Context())
	wind := n.orgs["wind"]
	wind.Name = text.Both{JA: "風" + hostile, EN: "Wind" + hostile}
	wind.Contacts = nil
	if _, err := n.Orgs.Change(local, wind); err != nil {
		t.Logf("the name of an organisation cannot hold it: %v", err)
	}
	reporter, clerk, admin := n.as("wind/reporter"), n.as("industry/clerk"), n.as("wind/admin")
	r := n.firstReport(incident.Ransomware, "wind", hostile)
	for i := range incident.Dictionary().All {
		f := &incident.Dictionary().All[i]
		if _, there := r.Values[f.ID]; there && (f.Type == incident.TypeText || f.Type == incident.TypeLongText) && len(f.Judge(incident.KnownValue(hostile))) == 0 {
			r.Values[f.ID] = incident.KnownValue(hostile)
		}
	}
	got, err := n.Incidents.Submit(reporter, r, "")
	if err != nil {
		t.Fatalf("submit: %v", err)
	}
	id := got.Case.ID
	_, err = n.Incidents.Attach(reporter, id, strings.NewReader("x"), hostile+".html")
	n.must(err)
	_, err = n.Incidents.Acknowledge(clerk, id, hostile[:60])
	n.must(err)
	_, err = n.Incidents.Ask(clerk, id, hostile)
	n.must(err)
	_, err = n.Incidents.Answer(reporter, id, string(n.orgs["industry"].ID), hostile)
	n.must(err)
	_, err = n.Incidents.Give(clerk, id, hostile, hostile)
	n.must(err)
	s, err := n.Incidents.AskSupervision(clerk, id, hostile)
	n.must(err)
	n.must(n.Incidents.DecideSupervision(n.as("industry/supervisor"), id, s.ID, true))
	d, err := n.Incidents.StartDraft(reporter, incident.Other)
	n.must(err)
	_, err = n.Incidents.SaveDraft(reporter, d.ID, d.Revision, incident.Changes{Values: map[incident.FieldID]incident.Value{"event.title": incident.KnownValue(hostile), "event.outline": incident.KnownValue(hostile)}})
	n.must(err)
	_, err = n.Incidents.SaveDraft(admin, d.ID, d.Revision, incident.Changes{Values: map[incident.FieldID]incident.Value{"event.title": incident.KnownValue(hostile + "2")}})
	n.must(err)
	item := &asset.Draft{Further: map[string]string{hostile: hostile}}
	for _, f := range []asset.Field{asset.FieldKey, asset.FieldMaker, asset.FieldProduct, asset.FieldModel, asset.FieldVersion, asset.FieldService, asset.FieldSite, asset.FieldConnects, asset.FieldOperatedBy} {
		item.Values[f] = hostile
	}
	item.Values[asset.FieldZone], item.Values[asset.FieldKind] = "internet", "vpn"
	e, err := n.Assets.Add(admin, item, "yes", "yes")
	n.must(err)
	n.must(n.Assets.SetFacts(admin, asset.ScopeFacts{Designated: "yes", Used: "yes", Affects: "yes"}))
	list := "maker,product,version,addresses\n\"" + strings.ReplaceAll(hostile, `"`, `""`) + "\",\"" + strings.ReplaceAll(hostile, `"`, `""`) + "\",1,not-an-address " + "<script>\n"
	v, err := n.Assets.PreviewImport(admin, hostile+".csv", strings.NewReader(list), int64(len(list)), false)
	n.must(err)
	draft, err := n.Assets.Draft(admin, "electricity")
	n.must(err)
	sent, err := n.Assets.Submit(admin, "electricity", draft.Register.Revision)
	n.must(err)
	_, err = n.Assets.Ask(clerk, sent.Notice.ID, hostile)
	n.must(err)
	_, err = n.Orgs.Declare(admin, org.Tie{Kind: org.SupplierTie, Number: n.orgs["supplier"].Number, Name: hostile, Services: hostile})
	n.must(err)
	p, _, err := n.Orgs.Invite(local, org.Person{Org: wind.ID, Name: hostile, Mail: "h@wind.example", Roles: n.citizen("wind/viewer").roles})
	n.must(err)
	n.must(n.Ledger.Settle(t.Context()))

	shown := 0
	q := url.QueryEscape(hostile)
	for name, paths := range map[string][]string{
		"wind/reporter": {"/", "/reports", "/reports/" + id, "/reports/" + id + "/receipt", "/reports/" + id + "/versions/1", "/drafts/" + d.ID, "/drafts/" + d.ID + "/ask/event.title", "/drafts/" + d.ID + "/ask/event.outline",
			"/drafts/" + d.ID + "/clash", "/drafts/" + d.ID + "/check", "/drafts/" + d.ID + "/files", "/readings?case=" + id, "/reports?number=" + q, "/reports?state=" + q, "/reports/new?s.designated=" + q, "/sign-in?next=" + q},
		"wind/admin": {"/assets", "/assets?q=" + q, "/assets?kind=" + q + "&zone=" + q + "&sort=" + q, "/assets/" + string(e.ID), "/assets/" + string(e.ID) + "/edit", "/assets/" + string(e.ID) + "/remove", "/assets/picture", "/imports/" + v.Token,
			"/imports/" + v.Token + "?show=" + q, "/statements", "/statements/new?sector=" + q, "/statements/" + sent.Notice.ID, "/people", "/people/" + string(p.ID), "/organisations?q=" + q + "&kind=" + q, "/organisations/" + string(wind.ID),
			"/organisations/" + string(wind.ID) + "/contacts", "/account", "/people?after=" + q},
		"industry/clerk":    {"/", "/inbox", "/inbox?number=" + q + "&sector=" + q, "/inbox/" + id, "/inbox/" + id + "/supervise/" + s.ID, "/inbox/" + id + "/report", "/inbox/" + id + "/changes?version=1", "/statements", "/statements/" + sent.Notice.ID},
		"commission/member": {"/", "/record", "/record?object=" + q, "/readings", "/organisations"},
		"supplier/contact":  {"/", "/organisations/" + string(n.orgs["supplier"].ID)},
		"hub/admin":         {"/organisations", "/organisations/" + string(wind.ID), "/people?org=" + string(wind.ID), "/people/new?org=" + q, "/organisations/" + string(wind.ID) + "/change"},
	} {
		for _, path := range paths {
			for _, lang := range []string{"ja", "en"} {
				r := n.call(n.citizen(name), "GET", path, nil, "Cookie", "noroshi-purpose="+id+".receive; noroshi_lang="+lang)
				if r.status >= 500 {
					t.Errorf("%s %s: %d", name, path, r.status)
				}
				if strings.Contains(r.body, "x9()") {
					shown++
				}
				harmless(t, name+" "+path, r.body)
			}
		}
	}
	posted := n.call(n.citizen("wind/admin"), "POST", "/people/new", url.Values{"name": {hostile}, "mail": {hostile}, "roles": {hostile}, "lang": {hostile}, "clearance": {hostile}})
	harmless(t, "a form that comes back", posted.body)
	if !strings.Contains(posted.body, "x9()") || shown < 40 {
		t.Errorf("what was typed is shown on %d pages only: the test tests nothing", shown)
	}
	for _, at := range []string{"/reports/" + id + "/forms/jp-act42/html", "/statements/" + sent.Notice.ID + "/form/html"} {
		r := n.call(n.citizen("wind/reporter"), "GET", at, nil)
		n.wants(at, r, 200)
		harmless(t, at, r.body)
		if !strings.HasPrefix(r.head.Get("Content-Disposition"), "attachment") && r.head.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: shown without a policy", at)
		}
	}
	for _, path := range []string{"/" + hostile, "/reports/" + hostile, "/drafts/" + d.ID + "/ask/" + hostile, "/organisations/" + hostile} {
		for _, accept := range []string{"text/html", "application/json"} {
			r := n.call(n.citizen("wind/reporter"), "GET", (&url.URL{Path: path}).EscapedPath(), nil, "Accept", accept)
			if strings.Contains(r.head.Get("Content-Type"), "html") {
				harmless(t, "not found", r.body)
			}
		}
	}
}

// Nothing that goes out as a table computes when it is opened.
func TestAttackerTypesFormulas(t *testing.T) {
	n := newNation(t)
	admin, reporter := n.as("wind/admin"), n.as("wind/reporter")
	formulas := []string{`=HYPERLINK("http://evil.example","x")`, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1+1", "＝1+1"}
	for _, f := range formulas {
		d := &asset.Draft{}
		d.Values[asset.FieldMaker], d.Values[asset.FieldProduct], d.Values[asset.FieldVersion], d.Values[asset.FieldZone], d.Values[asset.FieldKind] = f, f, f, "internet", "vpn"
		if _, err := n.Assets.Add(admin, d, "yes", "yes"); err != nil {
			t.Logf("%q: %v", f, err)
		}
	}
	n.must(n.Assets.SetFacts(admin, asset.ScopeFacts{Designated: "yes", Used: "yes", Affects: "yes"}))
	draft, err := n.Assets.Draft(admin, "electricity")
	n.must(err)
	sent, err := n.Assets.Submit(admin, "electricity", draft.Register.Revision)
	n.must(err)
	r := n.firstReport(incident.Ransomware, "wind", "=1+1")
	r.Values["event.outline"], r.Values["impact.area"] = incident.KnownValue(formulas[0]), incident.KnownValue(formulas[1])
	got, err := n.Incidents.Submit(reporter, r, "")
	n.must(err)
	list := "maker,product,addresses\n" + `"=HYPERLINK(""http://evil.example"")",,nowhere` + "\n+1,@x,nowhere\n"
	v, err := n.Assets.PreviewImport(admin, "a.csv", strings.NewReader(list), int64(len(list)), false)
	n.must(err)
	c := n.citizen("wind/admin")
	for _, at := range []string{"/statements/" + sent.Notice.ID + "/form/xlsx", "/reports/" + got.Case.ID + "/forms/jp-act42/xlsx", "/reports/" + got.Case.ID + "/forms/jp-common-3/xlsx"} {
		book := n.call(c, "GET", at, nil)
		n.wants(at, book, 200)
		z, err := zip.NewReader(bytes.NewReader([]byte(book.body)), int64(len(book.body)))
		n.must(err)
		found := false
		for _, f := range z.File {
			in, err := f.Open()
			n.must(err)
			raw, err := io.ReadAll(in)
			n.must(err)
			if regexp.MustCompile(`<f[ >/]|<f>|externalLink|ddeLink|vbaProject`).Match(raw) || strings.Contains(f.Name, "externalLink") || strings.Contains(f.Name, "vba") {
				t.Errorf("%s: %s computes", at, f.Name)
			}
			if bytes.Contains(raw, []byte("hyperlink ")) {
				t.Errorf("%s: %s has a live link", at, f.Name)
			}
			found = found || bytes.Contains(raw, []byte("evil.example"))
		}
		if !found {
			t.Errorf("%s: what was typed is not in it", at)
		}
	}
	r2 := n.call(c, "GET", "/imports/"+v.Token+"/invalid.csv", nil)
	n.wants("invalid.csv", r2, 200)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(r2.body, "\ufeff"))).ReadAll()
	n.must(err)
	if len(rows) < 2 {
		t.Errorf("rows %q", rows)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r＝", []rune(cell)[0]) {
				t.Errorf("a cell computes: %q", cell)
			}
		}
	}
}
