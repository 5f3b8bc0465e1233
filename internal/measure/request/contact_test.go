package request

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/testkit"
)

// entity writes an entity of an answer, of our own making.
func entity(roles string, props ...string) string {
	card := `["version",{},"text","4.0"]`
	for i := 0; i+1 < len(props); i += 2 {
		kind := "text"
		if props[i] == "contact-uri" || props[i] == "tel" {
			kind = "uri"
		}
		card += fmt.Sprintf(`,[%q,{},%q,%q]`, props[i], kind, props[i+1])
	}
	return fmt.Sprintf(`{"objectClassName":"entity","roles":[%s],"vcardArray":["vcard",[%s]]`, roles, card)
}

const conforms = `"rdapConformance":["rdap_level_0"],`

// A contact is found wherever registries put it: inside a registrar, inside a
// holder, as a form, behind a redaction, or nowhere.
func TestContactsAreFoundWhereRegistriesPutThem(t *testing.T) {
	abuse := entity(`"abuse"`, "fn", "Abuse Desk", "email", "abuse@host.example", "tel", "tel:+1.5550100")
	for name, x := range map[string]struct {
		of      Of
		raw     string
		first   string // role, address and provider of the first
		remarks string
	}{
		"beside": {OfNetwork, `{"objectClassName":"ip network",` + conforms + `"name":"HOST-NET","entities":[` + abuse + `},` + entity(`"technical"`, "fn", "NOC", "email", "noc@host.example") + `}]}`,
			"abuse abuse@host.example HOST-NET", ""},
		"inside the holder": {OfNetwork, `{"objectClassName":"ip network","name":"N","entities":[` + entity(`"registrant"`, "fn", "Host Example KK", "email", "info@host.example") + `,"entities":[` + abuse + `}]}]}`,
			"abuse abuse@host.example Host Example KK", ""},
		"inside the registrar": {OfName, `{"objectClassName":"domain","ldhName":"bad.example","entities":[` + entity(`"registrar"`, "fn", "Registrar Example") + `,"entities":[` + abuse + `}]}]}`,
			"abuse abuse@host.example Registrar Example", ""},
		"a form": {OfName, `{"objectClassName":"domain","entities":[` + entity(`"abuse"`, "fn", "Abuse", "contact-uri", "https://registrar.example/abuse") + `}]}`,
			"abuse https://registrar.example/abuse ", ""},
		"no abuse desk": {OfNetwork, `{"objectClassName":"ip network","country":"JP","name":"N","entities":[` + entity(`"technical"`, "fn", "技術", "email", "tech@host.example") + `}]}`,
			"technical tech@host.example N", "no_abuse"},
		"the registry alone": {OfNetwork, `{"objectClassName":"ip network","country":"JP","name":"JPNIC-NET","entities":[` + entity(`"abuse"`, "fn", "Hostmaster", "email", "hostmaster@nic.ad.jp") + `}]}`,
			"abuse hostmaster@nic.ad.jp JPNIC-NET", "registry_only"},
		"the holder before the registry": {OfNetwork, `{"objectClassName":"ip network","name":"N","entities":[` + entity(`"abuse"`, "email", "hostmaster@nic.ad.jp") + `},` + entity(`"technical"`, "email", "tech@host.example") + `}]}`,
			"technical tech@host.example N", "no_abuse"},
		"redacted": {OfName, `{"objectClassName":"domain","entities":[],"redacted":[{"name":{"type":"Registrant Email"},"prePath":"$.entities[0]","method":"removal"},{"name":{"description":"Tech Phone"}}]}`,
			"", "redacted Registrant Email, Tech Phone"},
		"nobody":        {OfAS, `{"objectClassName":"autnum","name":"AS-EXAMPLE","entities":[]}`, "", ""},
		"odd addresses": {OfNetwork, `{"objectClassName":"ip network","entities":[` + entity(`"abuse"`, "email", "not an address", "email", "ok@host.example\r\nBcc: x@y.example") + `}]}`, "", ""},
		"an error":      {OfNetwork, `{"errorCode":404,"title":"Not Found","description":["no such network"]}`, "", "not_found Not Found no such network"},
	} {
		r, err := readReply([]byte(x.raw), x.of)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		first := ""
		if len(r.found) > 0 {
			c := r.found[0]
			first = c.Role + " " + c.Mail + c.Form + " " + c.Provider
		}
		var remarks []string
		for _, m := range r.remarks {
			remarks = append(remarks, strings.TrimSpace(m.Code+" "+m.Detail))
		}
		if first != x.first || strings.Join(remarks, "; ") != x.remarks {
			t.Errorf("%s: %q, %v; want %q, %q", name, first, remarks, x.first, x.remarks)
		}
	}
	for _, raw := range []string{"", "{", `[]`, `{"objectClassName":"entity"}`, strings.Repeat("[", 5000) + strings.Repeat("]", 5000), strings.Repeat(" ", maxReply+1)} {
		if _, err := readReply([]byte(raw), OfName); fault.Of(err).Code != "request.reply" {
			t.Errorf("%.20q: %v", raw, err)
		}
	}
	many := strings.TrimSuffix(strings.Repeat(abuse+"},", maxEntities+50), ",")
	r, err := readReply([]byte(`{"objectClassName":"ip network","entities":[`+many+`]}`), OfNetwork)
	if err != nil || len(r.found) != 1 || !slices.ContainsFunc(r.remarks, func(m Remark) bool { return m.Code == "cut" }) {
		t.Errorf("many: %d %+v %v", len(r.found), r.remarks, err)
	}
	r, err = readReply([]byte(`{"objectClassName":"ip network","country":"JP","arin_originas0_originautnums":[64500],"entities":[`+abuse+`}],"links":[{"rel":"related","href":"https://rdap.nir.example/ip/1","type":"application/rdap+json"}]}`), OfNetwork)
	if err != nil || r.asn != 64500 || len(r.related) != 1 || r.found[0].Lang != text.JA || r.found[0].Phone != "+1.5550100" {
		t.Errorf("%+v %v", r, err)
	}
}

// registry is a local registry that keeps what it was asked.
type registry struct {
	asked []string
	say   map[string]string // path → answer; "->…" redirects
}

func (g *registry) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	g.asked = append(g.asked, q.Host+q.URL.Path)
	switch body, ok := g.say[q.URL.Path]; {
	case !ok:
		http.NotFound(w, q)
	case strings.HasPrefix(body, "->"):
		http.Redirect(w, q, body[2:], http.StatusFound)
	default:
		w.Header().Set("Content-Type", "application/rdap+json")
		fmt.Fprint(w, body)
	}
}

// looks gives a hub a local registry to ask, by bootstrap files of our own.
func (h *hub) looks(g *registry) string {
	h.t.Helper()
	srv := httptest.NewServer(g)
	h.t.Cleanup(srv.Close)
	dir := h.t.TempDir()
	base := srv.URL + "/rdap/"
	for name, entries := range map[string]string{"ipv4.json": `"198.51.100.0/24","127.0.0.0/8"`, "ipv6.json": `"2001:db8::/32"`, "dns.json": `"example"`, "asn.json": `"64496-64511"`} {
		raw := fmt.Sprintf(`{"version":"1.0","publication":"2026-11-01T00:00:00Z","services":[[[%s],[%q]]]}`, entries, base)
		h.must("bootstrap", os.WriteFile(filepath.Join(dir, name), []byte(raw), 0o600))
	}
	var err error
	h.Registries, err = OpenRegistries(dir)
	h.must("registries", err)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	h.Out, err = fetch.NewClient(fetch.Policy{Hosts: []string{"127.0.0.1:" + port}, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Plain: true, MaxBytes: maxReply, Timeout: 5 * time.Second})
	h.must("client", err)
	return base
}

// Registries are asked, the machine never; what was learned is used again, by the
// same organisation alone.
func TestRegistriesAreAskedAndTheMachineNever(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		_, err := h.Look(h.as("wind/reporter1"), Query{Address: "198.51.100.7"}, false)
		wants(t, "nothing is configured", err, ErrOff)
		desk := entity(`"abuse"`, "fn", "Abuse Desk", "email", "abuse@host.example") + "}"
		g := &registry{say: map[string]string{
			"/rdap/ip/198.51.100.7":    `{"objectClassName":"ip network","name":"HOST-NET","entities":[` + desk + `]}`,
			"/rdap/domain/bad.example": `{"objectClassName":"domain","entities":[` + entity(`"registrar"`, "fn", "Registrar Example") + `,"entities":[` + entity(`"abuse"`, "email", "abuse@registrar.example") + `}]}]}`,
			"/rdap/ip/198.51.100.8":    `{"objectClassName":"ip network","name":"N","arin_originas0_originautnums":[64500],"entities":[` + entity(`"abuse"`, "email", "hostmaster@nic.ad.jp") + `}]}`,
			"/rdap/autnum/64500":       `{"objectClassName":"autnum","name":"AS-HOST","entities":[` + desk + `]}`,
			"/rdap/ip/198.51.100.9":    "->http://127.0.0.9/steal",
			"/rdap/ip/198.51.100.10":   `{"objectClassName":`,
		}}
		h.looks(g)
		ctx := h.as("wind/reporter1")
		f, err := h.Look(ctx, Query{Address: "198.51.100.7", Name: "login.bad.example"}, false)
		h.must("look", err)
		if len(f.Found) != 2 || f.Found[0].Mail != "abuse@host.example" || f.Found[1].Provider != "Registrar Example" || f.Found[1].Of != OfName || f.Found[0].Server != "127.0.0.1" || f.Kept {
			t.Errorf("%+v", f)
		}
		if len(g.asked) != 2 || !strings.HasSuffix(g.asked[1], "/rdap/domain/bad.example") {
			t.Errorf("asked %v", g.asked)
		}
		again, err := h.Look(ctx, Query{Address: "198.51.100.7", Name: "LOGIN.bad.example."}, false)
		if err != nil || !again.Kept || len(g.asked) != 2 || !again.At.Equal(f.At) {
			t.Errorf("%+v %v, asked %v", again, err, g.asked)
		}
		other, err := h.Look(h.as("sea/reporter1"), Query{Address: "198.51.100.7", Name: "login.bad.example"}, false)
		if err != nil || other.Kept || len(g.asked) != 4 {
			t.Errorf("another organisation learns that somebody asked: %+v %v", other, err)
		}
		if soon, err := h.Look(ctx, Query{Address: "198.51.100.7", Name: "login.bad.example"}, true); err != nil || !soon.Kept || len(g.asked) != 4 {
			t.Errorf("asked again at once: %+v %v", soon, err)
		}
		d := phishing(h.Clock.Now())
		d.To.Source, d.To.FoundAt = ByRDAP, h.Clock.Now().Add(-time.Hour)
		claimed, err := h.Draft(ctx, d)
		h.must("draft", err)
		d.To.Mail = "someone@else.example"
		made, err := h.Draft(ctx, d)
		h.must("draft", err)
		for id, want := range map[ID]Source{claimed.ID: ByRDAP, made.ID: ByHand} {
			if v, err := h.Show(ctx, id); err != nil || v.Draft.To.Source != want || want == ByRDAP && !v.Draft.To.FoundAt.Equal(f.At) {
				t.Errorf("%s: %+v %v", want, v.Draft.To, err)
			}
		}
		h.Clock.Pass(keptFor)
		if f, err = h.Look(ctx, Query{Address: "198.51.100.7", Name: "login.bad.example"}, false); err != nil || f.Kept {
			t.Errorf("a day later: %+v %v", f, err)
		}
		if f, err = h.Look(ctx, Query{Address: "198.51.100.8"}, false); err != nil || len(f.Found) != 2 || f.Found[1].Of != OfAS {
			t.Errorf("whoever announces it: %+v %v", f, err)
		}
		before := len(g.asked)
		codes := func(q Query) (out []string) {
			f, err := h.Look(ctx, q, true)
			h.must("look", err)
			for _, r := range f.Remarks {
				out = append(out, r.Code)
			}
			return out
		}
		if got := codes(Query{Address: "198.51.100.9"}); !slices.Contains(got, "closed") {
			t.Errorf("a registry that sends elsewhere: %v", got)
		}
		if got := codes(Query{Address: "198.51.100.10"}); !slices.Contains(got, "unreachable") {
			t.Errorf("half an answer: %v", got)
		}
		if got := codes(Query{Address: "198.51.100.11"}); !slices.Contains(got, "not_found") {
			t.Errorf("no such network: %v", got)
		}
		if len(g.asked) != before+3 {
			t.Errorf("asked %v", g.asked[before:])
		}
		before = len(g.asked)
		if got := codes(Query{Address: "127.0.0.1"}); !slices.Contains(got, "suspect") || len(g.asked) != before {
			t.Errorf("the machine itself was asked: %v %v", got, g.asked[before:])
		}
		if got := codes(Query{Address: "203.0.113.7"}); !slices.Contains(got, "no_registry") {
			t.Errorf("%v", got)
		}
		if _, err := h.Look(h.as("wind/viewer1"), Query{Address: "198.51.100.7"}, false); fault.KindOf(err) != fault.Refused || h.Entries(t, "request.look", "refused") != 1 {
			t.Errorf("%v", err)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM ledger_entry WHERE verb = 'request.look' AND (leaf LIKE '%198.51%' OR leaf LIKE '%bad.example%')"); n != 0 {
			t.Errorf("%d entries tell about what was asked", n)
		}
		left, err := os.ReadDir(h.Dir)
		if err != nil || len(left) != 0 {
			t.Errorf("%d files are left of answers", len(left))
		}
	})
}

// Nobody floods registries through the hub.
func TestLooksAreBounded(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	g := &registry{say: map[string]string{}}
	h.looks(g)
	var err error
	for i := 0; i < perHour+5 && err == nil; i++ {
		_, err = h.Look(h.as("wind/reporter1"), Query{Address: fmt.Sprintf("198.51.100.%d", i)}, true)
	}
	wants(t, "too many", err, ErrOften)
	if len(g.asked) != perHour {
		t.Errorf("%d were asked", len(g.asked))
	}
	h.Clock.Pass(dropAfter + time.Hour)
	h.must("keep", h.Keep(t.Context()))
	if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM measure_request_lookup"); n != 0 {
		t.Errorf("%d answers are kept for ever", n)
	}
}

func TestBootstrapFilesAreReadOrNamed(t *testing.T) {
	if r, err := OpenRegistries(t.TempDir()); err != nil || r.Known() {
		t.Errorf("an empty folder: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dns.json"), []byte(`{"services":[[["example"]]]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRegistries(dir); err == nil || !strings.Contains(fmt.Sprint(fault.Of(err).Args["file"], err), "dns.json") {
		t.Errorf("%v", err)
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"objectClassName":"ip network","entities":[`+entity(`"abuse"`, "fn", "x", "email", "a@b.example")+`}]}`), true)
	f.Add([]byte(`{"objectClassName":"domain","redacted":[{"name":{"type":"x"}}],"entities":[{"vcardArray":["vcard",[["email",{},"text",["a@b.example",[1,null,true]]]]],"roles":["abuse"]}]}`), false)
	f.Fuzz(func(t *testing.T, raw []byte, name bool) {
		of := OfNetwork
		if name {
			of = OfName
		}
		r, err := readReply(raw, of)
		if err != nil {
			return
		}
		if len(r.found) > maxFound || len(r.related) > 2 {
			t.Errorf("%d found", len(r.found))
		}
		for _, c := range r.found {
			if c.Mail == "" && c.Form == "" || strings.ContainsAny(c.Mail+c.Name+c.Provider, "\r\n") {
				t.Errorf("%+v", c)
			}
		}
	})
}

func FuzzOpenInstruction(f *testing.F) {
	h := newHub(f, testkit.DB(f, sources()...))
	paper, err := Instruction{Number: "R-1", What: "x", From: noon, Until: noon.Add(time.Hour), IssuedAt: noon}.Sign(h.Signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(paper)
	f.Fuzz(func(t *testing.T, raw []byte) {
		i, err := OpenInstruction(raw, h.Verifier)
		if err != nil {
			return
		}
		again, err := json.Marshal(i)
		if err != nil || i.Number != "R-1" || len(again) == 0 {
			t.Errorf("a paper that nobody signed is opened: %s", raw)
		}
	})
}

// A paper is what was signed, to the byte.
func TestAPaperThatWasChangedIsRefused(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	paper, err := Instruction{Number: "R-1", Approval: "a", Basis: "b", What: "x", From: noon, Until: noon.Add(time.Hour), IssuedAt: noon}.Sign(h.Signer)
	h.must("sign", err)
	if _, err := OpenInstruction(paper, h.Verifier); err != nil {
		t.Fatal(err)
	}
	for i := range paper {
		changed := slices.Clone(paper)
		changed[i] ^= 1
		if got, err := OpenInstruction(changed, h.Verifier); err == nil {
			t.Fatalf("byte %d of %d: %+v", i, len(paper), got)
		}
	}
	for _, more := range []string{`{"instruction":{"number":"R-1"},"signature":""}`, string(paper) + " {}", strings.Replace(string(paper), `"what"`, `"note": "y", "what"`, 1)} {
		if _, err := OpenInstruction([]byte(more), h.Verifier); err == nil {
			t.Errorf("%.60s", more)
		}
	}
	if _, err := OpenInstruction(paper); err == nil {
		t.Error("opened without an authority")
	}
}
