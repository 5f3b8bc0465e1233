package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/text"
	"noroshi/internal/notice"
	"noroshi/internal/org"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// anything of an answer that is another each time, and tells nothing.
var byChance = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[WSV]-[0-9A-Z]{4}-[0-9A-Z]{4}|name="csrf" value="[^"]*"|[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-f]{6}|[0-9a-f]{1,4}( |</b>)[0-9a-f]{4}|[0-9a-f]{64}`)

// looks is what somebody gets at these addresses, without what is by chance.
func (n *nation) looks(who string, targets ...string) string {
	n.t.Helper()
	var b strings.Builder
	for _, target := range targets {
		r := n.call(n.citizen(who), "GET", target, nil)
		if r.status != 200 && r.status != 404 && r.status != 403 {
			n.t.Errorf("%s: %d", target, r.status)
		}
		fmt.Fprintf(&b, "== %s %d %s %s\n%s\n", byChance.ReplaceAllString(target, "ID"), r.status, r.head.Get("Content-Length"), r.head.Get("ETag"), byChance.ReplaceAllString(clockTimes.ReplaceAllString(r.body, ""), "ID"))
	}
	return b.String()
}

// alike plays the same in two countries, in one of which more goes on, and
// wants somebody in both to see the same.
func alike(t *testing.T, play func(n *nation, more bool) string) {
	t.Helper()
	var saw [2]string
	for i, more := range []bool{false, true} {
		n := newNation(t)
		n.ties()
		saw[i] = play(n, more)
	}
	if d := cmp.Diff(strings.Split(saw[0], "\n"), strings.Split(saw[1], "\n")); d != "" {
		t.Errorf("it shows what else goes on:\n%.3000s", d)
	}
	if strings.Count(saw[0], " 200 ") == 0 {
		t.Errorf("nothing was seen:\n%.500s", saw[0])
	}
}

// sentTo sends a notice and returns each one's part.
func (n *nation) sentTo(names ...string) map[string]string {
	n.t.Helper()
	in := notice.NewNotice{Content: n.warning("ZMLETTER"), Nobody: true}
	for _, name := range names {
		in.Recipients = append(in.Recipients, notice.NewRecipient{Org: string(n.orgs[name].ID), Versions: notice.Kinds, Why: []text.Both{said(name + " の台帳にあります。")}})
	}
	analyst := n.as("office/analyst")
	d, err := n.Notices.Draft(analyst, in)
	n.must(err)
	_, err = n.Notices.Send(analyst, d.ID, notice.SendInput{Revision: d.Revision, Despite: true})
	n.must(err)
	board, err := n.Notices.Board(analyst, d.ID, "", "", 10)
	n.must(err)
	parts := map[string]string{"": d.ID}
	for _, r := range board.Rows {
		parts[n.named(r.Org)] = r.ID
	}
	return parts
}

// A recipient compares everything it can reach, whether it was told alone or
// with others, who answer, ask for help and pass it on.
func TestAttackerRecipientInfersOthers(t *testing.T) {
	alike(t, func(n *nation, more bool) string {
		to := []string{"wind"}
		if more {
			to = []string{"sea", "wind", "bank"}
		}
		parts := n.sentTo(to...)
		for name, id := range parts {
			if name != "" && requestIDs.MatchString(id) {
				t.Errorf("the id of a part tells its time: %s", id)
			}
		}
		if more {
			sea := n.as("sea/reporter")
			_, err := n.Notices.Answer(sea, parts["sea"], notice.AnswerInput{State: notice.Affected, Note: "x"})
			n.must(err)
			_, err = n.Notices.AskHelp(sea, parts["sea"], "x")
			n.must(err)
		}
		id := parts["wind"]
		return n.looks("wind/reporter", "/api/v1/letters", "/api/v1/letters?limit=1", "/api/v1/letters/"+id, "/letters", "/letters/"+id, "/letters/"+id+"/relay", "/api/v1/letters/"+id+"/relay", "/api/v1/letters/"+id+"/passing",
			"/api/v1/letters/"+id+"/help", "/api/v1/notices/"+parts[""], "/notices/"+parts[""], "/api/v1/notices/"+parts[""]+"/board.csv", "/")
	})
}

// A page of somebody else's list is no key to it.
func TestAttackerRecipientTakesCursor(t *testing.T) {
	n := newNation(t)
	for range 3 {
		n.sentTo("wind", "sea")
	}
	next := regexp.MustCompile(`"next":"([^"]+)"`)
	page := n.call(n.citizen("sea/reporter"), "GET", "/api/v1/letters?limit=1", nil)
	m := next.FindStringSubmatch(page.body)
	if m == nil {
		m = regexp.MustCompile(`cursor=([^&>"]+)`).FindStringSubmatch(page.head.Get("Link") + page.body)
	}
	if m == nil {
		t.Fatalf("no cursor in %s %v", page.body, page.head)
	}
	mine, err := n.Notices.Board(n.as("office/analyst"), n.must1(n.Notices.List(n.as("office/analyst"), notice.Filter{})), "", "", 10)
	n.must(err)
	got := n.call(n.citizen("wind/reporter"), "GET", "/api/v1/letters?cursor="+url.QueryEscape(m[1]), nil)
	n.wants("a cursor of another's list", got, 200, 400, 422)
	for _, r := range mine.Rows {
		if n.named(r.Org) == "sea" && strings.Contains(got.body, r.ID) {
			t.Errorf("sea's part is in wind's list: %s", got.body)
		}
	}
}

// must1 is the first notice of a list.
func (n *nation) must1(list []notice.Overview, _ string, err error) string {
	n.t.Helper()
	n.must(err)
	return list[0].ID
}

// A contractor passes on what it was passed, to find out who else was told.
func TestAttackerPassesOnToLearn(t *testing.T) {
	n := newNation(t)
	n.ties()
	local := org.Local(t.Context())
	for _, name := range []string{"sea", "bank", "wind"} {
		_, err := n.Orgs.Tie(local, org.SupplierTie, n.orgs["contractor"].ID, n.orgs[name].ID, "部品")
		n.must(err)
	}
	parts := n.sentTo("wind", "sea")
	relay := notice.RelayInput{Versions: []notice.Kind{notice.Small}, Cautions: true, Why: "同じ装置のためです。", Children: []notice.Child{{Org: string(n.orgs["contractor"].ID)}}}
	got, err := n.Notices.Relay(n.as("wind/reporter"), parts["wind"], relay)
	n.must(err)
	own := got.Children[0].ID
	told := func(name string) string {
		r := n.call(n.citizen("contractor/maintainer"), "POST", "/api/v1/letters/"+own+"/relay", fmt.Sprintf(`{"children":[{"org":%q}],"versions":["small"],"why":"x","cautions":true}`, n.orgs[name].ID))
		return fmt.Sprint(r.status, " ", strings.ReplaceAll(byChance.ReplaceAllString(clockTimes.ReplaceAllString(r.body, ""), "ID"), orgMark(name), "NAME"))
	}
	receipt := regexp.MustCompile(`"receipt":.*`) // signed, and salted
	sea, bank := receipt.ReplaceAllString(told("sea"), ""), receipt.ReplaceAllString(told("bank"), "")
	if d := cmp.Diff(sea, bank); d != "" || !strings.HasPrefix(sea, "201") {
		t.Errorf("passing on to somebody who was told already shows: %s\n%s", d, sea)
	}
	if r := told("wind"); !strings.HasPrefix(r, "403") {
		t.Errorf("back to whom it came from: %s", r)
	}
	passing := n.call(n.citizen("wind/reporter"), "GET", "/api/v1/letters/"+parts["wind"]+"/passing", nil)
	if strings.Contains(passing.body, orgMark("bank")) || strings.Contains(passing.body, orgMark("sea")) {
		t.Errorf("who passed it on sees further down: %s", passing.body)
	}
	for _, state := range []string{"delivered", "opened", "mitigated"} {
		if strings.Contains(passing.body, fmt.Sprintf(`%q:{"from":1,"to":1}`, state)) {
			t.Errorf("one firm's state as a count: %s", passing.body)
		}
	}
}

// Links are guessed, opened by scanners, used after their end and after another
// was made.
func TestAttackerGuessesLinks(t *testing.T) {
	n := newNation(t)
	parts := n.sentTo("wind")
	wind := n.as("wind/reporter")
	relay := notice.RelayInput{Versions: []notice.Kind{notice.Small}, Cautions: true, Why: "同じ装置のためです。", Children: []notice.Child{{Name: "小さな電機", Mail: "a@b.example"}, {Name: "別の電機", Mail: "c@d.example"}}}
	got, err := n.Notices.Relay(wind, parts["wind"], relay)
	n.must(err)
	var links []string
	for _, c := range got.Children {
		links = append(links, c.Link[strings.LastIndex(c.Link, "/n/"):])
	}
	page := n.call(nil, "GET", links[0], nil)
	n.wants("a link", page, 200)
	for _, word := range []string{"別の電機", "c@d.example", links[1], "wind の台帳"} {
		if strings.Contains(page.body, word) {
			t.Errorf("the page of one firm has %s", word)
		}
	}
	if head := page.head.Get("Cache-Control"); !strings.Contains(head, "no-store") {
		t.Errorf("a link's page may be kept: %q", head)
	}
	if head := page.head.Get("Referrer-Policy"); head != "same-origin" && head != "no-referrer" {
		t.Errorf("a link goes out as a referrer: %q", head)
	}
	kid, err := n.Notices.Passing(wind, parts["wind"])
	n.must(err)
	if len(kid.Shown) > 0 {
		t.Errorf("a scanner answered: %v", kid.Shown)
	}
	bytesOf := func(path string) string {
		r := n.call(nil, "GET", path, nil)
		n.wants("a guess", r, 404)
		return strings.ReplaceAll(bare(r, &thing{id: path}), url.PathEscape(path), "PATH")
	}
	wrong := "/n/" + strings.Repeat("A", 22)
	if a, b := bytesOf(wrong), bytesOf("/n/"+strings.Repeat("B", 22)); strings.ReplaceAll(a, wrong, "PATH") != strings.ReplaceAll(b, "/n/"+strings.Repeat("B", 22), "PATH") {
		t.Errorf("two guesses differ:\n%s\n%s", a, b)
	}
	slow := 0
	for i := range 60 {
		req := n.request("GET", fmt.Sprintf("/n/%022d", i), nil)
		req.RemoteAddr = "203.0.113.77:1"
		if n.from(req) == http.StatusTooManyRequests {
			slow++
		}
	}
	if slow < 20 {
		t.Errorf("guessing is slowed %d times of 60", slow)
	}
	firm := ""
	for _, c := range got.Children {
		if strings.HasSuffix(c.Link, links[0]) {
			firm = c.ID
		}
	}
	again, err := n.Notices.NewLink(wind, parts["wind"], firm)
	n.must(err)
	answer := url.Values{"state": {"mitigated"}, "sure": {"1"}}
	n.wants("a link before another was made", n.call(nil, "POST", links[0], answer), 404)
	n.wants("the other", n.call(nil, "GET", again.Link[strings.LastIndex(again.Link, "/n/"):], nil), 200)
	n.clock.Pass(31 * 24 * time.Hour)
	for _, link := range []string{links[1], again.Link[strings.LastIndex(again.Link, "/n/"):]} {
		n.wants("a link after its end", n.call(nil, "GET", link, nil), 404)
		n.wants("an answer after the end", n.call(nil, "POST", link, answer), 404)
	}
	if strings.Contains(n.call(nil, "GET", links[1], nil).body, "ZMLETTER") {
		t.Error("a link that ended shows the notice")
	}
}

// from sends a request from the address it says.
func (n *nation) from(req *http.Request) int {
	w := httptest.NewRecorder()
	n.Router.ServeHTTP(w, req)
	return w.Code
}

// An operator compares all that is open to it, whether it alone is exposed or
// another one too.
func TestAttackerOperatorInfersExposures(t *testing.T) {
	for _, who := range []string{"wind/reporter", "bank/reporter", "maker/contact", "supplier/contact", "treasury/clerk", "contractor/maintainer"} {
		t.Run(who, func(t *testing.T) {
			alike(t, func(n *nation, more bool) string {
				n.vulnerable("wind", "shared_gate", "")
				if more {
					n.vulnerable("sea", "shared_gate", "")
				}
				n.learned()
				n.follow()
				return n.looks(who, "/vulnerabilities", "/vulnerabilities/"+sharedFlaw, "/api/v1/vulnerabilities", "/api/v1/vulnerabilities/"+sharedFlaw, "/exposures", "/exposures?state=all", "/api/v1/exposures", "/api/v1/exposures?all=true&org="+string(n.orgs["sea"].ID),
					"/api/v1/exposure-figures", "/api/v1/exposure-tally", "/executive", "/exposures/sectors", "/exposures/sectors.csv?weeks=1", "/api/v1/exposure-picture?weeks=true", "/exposures/supply", "/api/v1/exposure-names", "/exposures/names?all=1",
					"/api/v1/vulnerabilities/"+sharedFlaw+"/exposures", "/exposures/vulnerability/"+sharedFlaw, "/indicators", "/api/v1/notice-candidates?sector=electricity", "/")
			})
		})
	}
}

// The picture by sector names no count that points at a firm.
func TestAttackerReadsSmallCounts(t *testing.T) {
	n := newNation(t)
	n.vulnerable("wind", "shared_gate", "")
	n.learned()
	n.follow()
	for _, target := range []string{"/api/v1/exposure-picture", "/exposures/sectors.csv", "/api/v1/exposure-picture.csv?weeks=true"} {
		r := n.call(n.citizen("industry/clerk"), "GET", target, nil)
		n.wants(target, r, 200)
		if strings.Contains(r.body, `{"min":1,"max":1}`) || regexp.MustCompile(`(?m),1,|,1$`).MatchString(r.body) {
			t.Errorf("%s: a count of one: %s", target, r.body)
		}
	}
}

// A maker compares all that it sees of a case, whether another maker is in it
// and somebody is exposed.
func TestAttackerMakerInfersOthers(t *testing.T) {
	alike(t, func(n *nation, more bool) string {
		number, err := org.CompleteNumber("999977777777")
		n.must(err)
		other, err := n.Orgs.Register(org.Local(t.Context()), org.Org{Number: number, Name: text.Both{JA: "別のメーカー（架空）", EN: "Another maker"}, Kinds: []org.Kind{org.Maker}})
		n.must(err)
		n.learned()
		makers := []vendor.NewMaker{{Org: string(n.orgs["maker"].ID), Products: []vendor.NewProduct{{Name: "shared_gate", CPE: "cpe:2.3:a:kigen:shared_gate:*:*:*:*:*:*:*:*"}}}}
		if more {
			n.vulnerable("wind", "shared_gate", "")
			n.vulnerable("sea", "shared_gate", "")
			n.follow()
			makers = append([]vendor.NewMaker{{Org: string(other.ID), Products: []vendor.NewProduct{{Name: "other_gate"}}}}, makers...)
		}
		analyst, maker := n.as("office/analyst"), n.as("maker/contact")
		c, rs, err := n.Vendors.Start(analyst, vendor.NewCase{Title: "管理画面の欠陥", Vulnerability: sharedFlaw, Sectors: []string{"electricity"}, Makers: makers, Send: true})
		n.must(err)
		r := rs[len(rs)-1]
		v, err := n.Vendors.Open(maker, r.ID, "")
		n.must(err)
		n.must(n.Vendors.Accept(maker, r.ID))
		day := n.clock.Now().Format(time.DateOnly)
		n.must(n.Vendors.Answer(maker, r.ID, []vendor.ProductAnswer{{ID: v.Products[0].ID, Status: vendor.Affected, Versions: "vers:generic/<9.0.0", Fix: vendor.Released, FixOn: day, Fixed: "9.0.0", FixURL: "https://maker.example/fix"}}))
		_, err = n.Vendors.Tell(analyst, r.ID)
		n.must(err)
		if more {
			n.wants("another maker's request", n.call(n.citizen("maker/contact"), "GET", "/api/v1/vendor-requests/"+rs[0].ID, nil), 404)
		}
		return n.looks("maker/contact", "/vendor", "/vendor?done=1", "/vendor/cases/"+c.ID, "/vendor/requests/"+r.ID, "/api/v1/vendor-cases", "/api/v1/vendor-cases/"+c.ID, "/api/v1/vendor-requests?done=true", "/api/v1/vendor-requests/"+r.ID,
			"/api/v1/vendor-requests/"+r.ID+"/csaf", "/vendor/products", "/api/v1/vendor-products", "/letters", "/")
	})
}

// A firm with a task, and a body that was narrowed, compare a room in which
// another firm takes part too.
func TestAttackerInfersWhoIsInTheRoom(t *testing.T) {
	for _, who := range []string{"wind/reporter", "police/officer"} {
		t.Run(who, func(t *testing.T) {
			alike(t, func(n *nation, more bool) string {
				analyst := n.as("office/analyst")
				e, err := n.Situations.Open(analyst, situation.NewEvent{Title: "対処", EveryHours: 6})
				n.must(err)
				in := func(name string, sees situation.Sees) {
					_, err := n.Situations.Invite(analyst, e.ID, string(n.orgs[name].ID), sees)
					n.must(err)
				}
				if more {
					in("sea", situation.Sees{})
					_, err := n.Situations.Assign(analyst, e.ID, situation.NewTask{Owner: string(n.orgs["sea"].ID), Title: "別の確認"})
					n.must(err)
					_, err = n.Situations.Say(n.as("sea/reporter"), e.ID, "", "note", "別の話")
					n.must(err)
				}
				in("wind", situation.Sees{})
				in("police", situation.Sees{Decisions: true, Reports: true})
				to := []string{string(n.orgs["wind"].ID), string(n.orgs["police"].ID)}
				if more {
					to = append(to, string(n.orgs["sea"].ID))
				}
				_, err = n.Situations.Decide(analyst, e.ID, "止める", "", to...)
				n.must(err)
				task, err := n.Situations.Assign(analyst, e.ID, situation.NewTask{Owner: string(n.orgs["wind"].ID), Title: "確認"})
				n.must(err)
				_, err = n.Situations.Make(analyst, e.ID, "見る")
				n.must(err)
				return n.looks(who, "/situations", "/api/v1/situations", "/situations/"+e.ID, "/api/v1/situations/"+e.ID, "/api/v1/situations/"+e.ID+"?with="+string(n.orgs["sea"].ID), "/situations/"+e.ID+"/tasks/"+task.ID, "/api/v1/situations/"+e.ID+"/tasks/"+task.ID,
					"/situations/"+e.ID+"/reports/1", "/api/v1/situations/"+e.ID+"/reports/1", "/")
			})
		})
	}
}
