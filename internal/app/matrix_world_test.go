package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
	"noroshi/internal/org"
	"noroshi/internal/selection"
	"noroshi/internal/testkit"
)

// nation is a whole hub in an invented country: everybody who could ask, and
// one of everything that could be asked for, marked with words to be found
// again where they do not belong.
type nation struct {
	*Hub
	t       testing.TB
	clock   *testkit.Clock
	orgs    map[string]org.Org
	people  []*citizen
	things  map[string][]*thing // by kind
	markers []marker
	calls   int
	last    string         // id of the last ledger entry that was looked at
	bench   []org.PersonID // members of the commission beside the chair
	list    selection.List // by which runs select
}

// citizen is somebody at the door: a person with a session or a token, or
// nobody.
type citizen struct {
	name    string // "wind/reporter"
	org     string // name in nation.orgs; empty for a stranger
	kind    string // of the organisation
	sectors []string
	roles   []gate.Role
	id      org.PersonID
	mail    string
	secret  string // of the device
	session string
	bearer  string // instead of the session
	out     bool   // nobody to the hub (any more)
	small   bool   // a token that carries nothing useful
}

// thing is something with an address.
type thing struct {
	kind   string // case draft org person tie session token entry …
	id     string
	org    string   // whose it is
	person string   // whose it is, where it is one person's
	sent   []string // names of organisations it was addressed to
	sub    map[string]string
	none   bool // it is not there
	asked  string
}

// marker is a word that must be found only by those who may read it.
type marker struct {
	word string
	what string
	may  func(c *citizen) bool
}

const nationPassword = "鯨 corridor seventeen ラジオ"

// estates are the organisations: two power companies, so that one can be
// asked what it learns of the other, and a bank under another ministry.
var estates = []struct {
	name, kind string
	sectors    []string
	roles      []gate.Role // one person each
}{
	{"wind", "operator", []string{"electricity"}, []gate.Role{gate.OperatorReporter, gate.OperatorAdmin, gate.OperatorViewer, gate.Actuator}},
	{"sea", "operator", []string{"electricity"}, []gate.Role{gate.OperatorReporter, gate.OperatorAdmin}},
	{"bank", "operator", []string{"finance"}, []gate.Role{gate.OperatorReporter, gate.OperatorAdmin}},
	{"industry", "ministry", []string{"electricity", "gas", "oil"}, []gate.Role{gate.MinistryClerk, gate.MinistrySuper}},
	{"treasury", "ministry", []string{"finance"}, []gate.Role{gate.MinistryClerk, gate.MinistrySuper}},
	{"office", "office", nil, []gate.Role{gate.OfficeClerk, gate.OfficeAnalyst, gate.OfficeHandler, gate.Minister}},
	{"police", "police", nil, []gate.Role{gate.PoliceOfficer, gate.PoliceCommand, gate.PoliceExecutive, gate.PoliceSuperior}},
	{"privacy", "privacy", nil, []gate.Role{gate.PrivacyClerk}},
	{"jpcert", "jpcert", nil, []gate.Role{gate.JPCERTClerk}},
	{"commission", "commission", nil, []gate.Role{gate.CommissionMember, gate.Examiner, gate.Inspector}},
	{"carrier", "carrier", nil, []gate.Role{gate.CarrierClerk}},
	{"maker", "maker", nil, []gate.Role{gate.MakerContact}},
	{"contractor", "contractor", nil, []gate.Role{gate.Maintainer}},
	{"supplier", "supplier", nil, []gate.Role{gate.SupplierContact}},
	{"defence", "defence", nil, []gate.Role{gate.DefenceCommand, gate.DefenceUnit, gate.DefenceSuperior}},
	{"foreign", "foreign", nil, []gate.Role{gate.ForeignClerk}},
	{"safety", "safety", nil, []gate.Role{gate.SafetyMember}},
	{"hub", "hub", nil, []gate.Role{gate.HubAdmin}},
}

// tiny makes a password check cheap; what one costs has tests in org.
var tiny = org.Cost{Memory: 8, Time: 1, Lanes: 1}

// newNation builds the country. Nothing runs in the background; settle
// publishes the ledger.
func newNation(t testing.TB, change ...func(*config.Config)) *nation {
	t.Helper()
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Hub.DataDir, cfg.Hub.DB = t.TempDir(), ""
	for _, f := range change {
		f(&cfg)
	}
	n := &nation{t: t, clock: testkit.NewClock(), orgs: map[string]org.Org{}, things: map[string][]*thing{}}
	h, err := OpenHub(t.Context(), cfg, words, slog.New(slog.NewTextHandler(errorsOf{t}, &slog.HandlerOptions{Level: slog.LevelError})), Options{Cost: tiny, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	n.Hub = h
	if err := h.route(); err != nil {
		t.Fatal(err)
	}
	n.settlers()
	return n
}

// errorsOf shows what the hub logs as an error beside the test it is of.
type errorsOf struct{ t testing.TB }

func (w errorsOf) Write(line []byte) (int, error) {
	if w.t.Context().Err() == nil && !strings.Contains(string(line), "msg=health ") {
		w.t.Logf("hub: %s", line)
	}
	return len(line), nil
}

func (n *nation) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func orgMark(name string) string { return "ZQ" + strings.ToUpper(name) }

// settlers registers organisations and lets their people join.
func (n *nation) settlers() {
	n.t.Helper()
	local := org.Local(n.t.Context())
	for i, e := range estates {
		number, err := org.CompleteNumber(fmt.Sprintf("9999%08d", i+1))
		n.must(err)
		o := org.Org{Number: number, Name: text.Both{JA: orgMark(e.name) + "機関（架空）", EN: orgMark(e.name) + " body"}, Kinds: []org.Kind{org.Kind(e.kind)}, Sectors: e.sectors}
		if e.kind == "operator" {
			o.Contacts = []org.Contact{{Duty: org.Responsible, Name: "ZC" + strings.ToUpper(e.name) + " 責任", Department: "情報部", Mail: "lead@" + e.name + ".example", Phone: "00-0000-0001"},
				{Duty: org.AllHours, Name: "当直", Phone: "00-0000-0002"}}
		}
		made, err := n.Orgs.Register(local, o)
		n.must(err)
		n.orgs[e.name] = made
		n.things["org"] = append(n.things["org"], &thing{kind: "org", id: string(made.ID), org: e.name})
	}
	for _, e := range estates {
		for _, r := range e.roles {
			_, short, _ := strings.Cut(string(r), ".")
			n.people = append(n.people, n.join(e.name, short, r))
		}
	}
}

// join invites somebody and lets them accept.
func (n *nation) join(orgName, short string, roles ...gate.Role) *citizen {
	n.t.Helper()
	i := slices.IndexFunc(estates, func(e struct {
		name, kind string
		sectors    []string
		roles      []gate.Role
	}) bool {
		return e.name == orgName
	})
	e := estates[i]
	c := &citizen{name: orgName + "/" + short, org: orgName, kind: e.kind, sectors: e.sectors, roles: roles, mail: short + "@" + orgName + ".example"}
	p, link, err := n.Orgs.Invite(org.Local(n.t.Context()), org.Person{Org: n.orgs[orgName].ID, Name: "ZP" + strings.ToUpper(orgName+short) + " 太郎", Mail: c.mail, Roles: roles, Lang: text.JA})
	n.must(err)
	enrol, err := n.Orgs.Enrolment(n.t.Context(), link)
	n.must(err)
	c.id, c.secret = p.ID, enrol.Secret
	joined, err := n.Orgs.Accept(n.t.Context(), link, nationPassword, n.code(c), org.Device{Agent: "Firefox/140"})
	n.must(err)
	c.session = joined.Secret
	return c
}

// code is what the person's device shows now.
func (n *nation) code(c *citizen) string {
	n.t.Helper()
	code, err := totp.GenerateCode(c.secret, n.clock.Now())
	n.must(err)
	return code
}

// as returns a context in which a person acts without the web.
func (n *nation) as(name string) context.Context {
	n.t.Helper()
	return n.identity(n.citizen(name).id)
}

func (n *nation) identity(id org.PersonID) context.Context {
	n.t.Helper()
	who, err := n.Orgs.Identity(n.t.Context(), id)
	n.must(err)
	return gate.With(n.t.Context(), who)
}

func (n *nation) citizen(name string) *citizen {
	n.t.Helper()
	i := slices.IndexFunc(n.people, func(c *citizen) bool { return c.name == name })
	if i < 0 {
		n.t.Fatalf("nobody is called %s", name)
	}
	return n.people[i]
}

// login opens another session of a person.
func (n *nation) login(id org.PersonID) (secret string) {
	n.t.Helper()
	n.Orgs.DemoLinks = true
	defer func() { n.Orgs.DemoLinks = false }()
	link, err := n.Orgs.SignInLink(n.t.Context(), id)
	n.must(err)
	s, err := n.Orgs.SignInByLink(n.t.Context(), link, org.Device{Agent: "Firefox/140"})
	n.must(err)
	return s.Secret
}

// answer is what came back.
type reply struct {
	status int
	head   http.Header
	body   string
}

func (r reply) to() string { return r.head.Get("Location") }

// call sends a request as somebody; see request for what a body may be.
func (n *nation) call(c *citizen, method, target string, body any, head ...string) reply {
	n.t.Helper()
	req := n.request(method, target, body)
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	return n.send(c, req)
}

func (n *nation) send(c *citizen, req *http.Request) reply {
	n.t.Helper()
	if c != nil && c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	} else if c != nil && c.session != "" {
		req.AddCookie(&http.Cookie{Name: "noroshi", Value: c.session})
	}
	ctx, stop := context.WithCancel(req.Context())
	defer stop()
	// Everybody comes from an address of their own: guessing from one is slowed.
	n.calls++
	req.RemoteAddr = fmt.Sprintf("198.51.%d.%d:4711", n.calls/250%250, n.calls%250)
	w := httptest.NewRecorder()
	n.Router.ServeHTTP(reader{w, stop}, req.WithContext(ctx))
	return reply{w.Code, w.Header(), w.Body.String()}
}

// reader takes an answer, and goes with the first line of a stream: streams last
// until their readers go.
type reader struct {
	*httptest.ResponseRecorder
	leave func()
}

func (r reader) Flush() {
	r.ResponseRecorder.Flush()
	r.leave()
}

// refusals returns the verbs of the refusals recorded since it was asked last.
func (n *nation) refusals() (verbs []string) {
	n.t.Helper()
	err := n.DB.Read(n.t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(n.t.Context(), "SELECT id, leaf FROM ledger_entry WHERE id > $1 ORDER BY id", n.last)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var leaf []byte
			if err := rows.Scan(&n.last, &leaf); err != nil {
				return err
			}
			e, err := ledger.ParseEntry(leaf)
			if err != nil {
				return err
			}
			if e.Outcome == ledger.Refused {
				verbs = append(verbs, e.Verb)
			}
		}
		return rows.Err()
	})
	n.must(err)
	return verbs
}

// mark remembers who may read a word. A short word turns up by chance in the
// signatures of a receipt.
func (n *nation) mark(word, what string, may func(c *citizen) bool) string {
	n.t.Helper()
	if len(word) < 5 {
		n.t.Fatalf("the word %q is too short to be planted", word)
	}
	n.markers = append(n.markers, marker{word, what, may})
	return word
}

// firstReport is a report of an operator that lacks nothing.
func (n *nation) firstReport(kind incident.Kind, operator, title string) *incident.Report {
	n.t.Helper()
	o := n.orgs[operator]
	r := incident.Template(kind).Clone()
	for id, v := range map[incident.FieldID]any{"operator.sector": o.Sectors[0], "operator.name": o.Name.JA, "operator.name_en": o.Name.EN, "operator.corporate_number": string(o.Number),
		"event.title": title + " の侵入", "event.outline": title + " の概要"} {
		r.Values[id] = incident.KnownValue(v)
	}
	n.complete(r)
	return r
}

// complete answers what a report still lacks, with as little as is accepted.
func (n *nation) complete(r *incident.Report) {
	n.t.Helper()
	for range 5 {
		res := incident.Check(r, incident.Builtin(), incident.Facts{}, n.clock.Now())
		if res.Clean {
			return
		}
		for _, g := range res.Missing {
			f, ok := incident.Dictionary().Get(g.Field)
			switch {
			case !ok:
				r.Consents[string(g.Field)] = true
			case f.Unknown:
				r.Values[f.ID] = incident.Value{State: incident.Unknown}
			case f.Investigating:
				r.Values[f.ID] = incident.Value{State: incident.Investigating}
			case f.Type == incident.TypeBool:
				r.Values[f.ID] = incident.KnownValue(false)
			case f.Type == incident.TypeChoice:
				r.Values[f.ID] = incident.KnownValue(f.Options[0].ID)
			case f.Type == incident.TypeChoices:
				r.Values[f.ID] = incident.KnownValue([]string{f.Options[0].ID})
			case f.Type == incident.TypeInteger:
				r.Values[f.ID] = incident.KnownValue(int64(1))
			default:
				r.Values[f.ID] = incident.KnownValue("確認中のため不明")
			}
		}
	}
	n.t.Fatalf("cannot be completed: %v", incident.Check(r, incident.Builtin(), incident.Facts{}, n.clock.Now()).Missing)
}

// named returns the names of organisations by id.
func (n *nation) named(id string) string {
	for name, o := range n.orgs {
		if string(o.ID) == id {
			return name
		}
	}
	return ""
}
