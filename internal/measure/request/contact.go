package request

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"github.com/openrdap/rdap"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/text"
)

// Of is what a registry was asked about.
type Of string

// What registries are asked about.
const (
	OfNetwork Of = "network"
	OfName    Of = "name"
	OfAS      Of = "as"
)

// Candidate is somebody who could be asked, as a registry names them.
type Candidate struct {
	Mail     string    `json:"mail,omitempty"`
	Form     string    `json:"form,omitempty"` // a web form in place of an address: a person fills it in
	Name     string    `json:"name,omitempty"`
	Provider string    `json:"provider,omitempty"` // holder of the network, or registrar of the name
	Phone    string    `json:"phone,omitempty"`
	Role     string    `json:"role"` // abuse, technical, administrative, registrant, registrar
	Of       Of        `json:"of"`
	Lang     text.Lang `json:"lang"`
	Registry bool      `json:"registry,omitempty"` // the registry itself, not the holder
	Server   string    `json:"server,omitempty"`   // host of the registry that says so
}

// Remark is something to know about an answer: its sentence is "request.remark."
// and its code.
type Remark struct {
	Code   string `json:"code" enum:"redacted,no_abuse,registry_only,no_registry,nobody,not_found,closed,suspect,unreachable,cut"`
	Of     Of     `json:"of"`
	Detail string `json:"detail,omitempty"`
}

// Bounds of an answer of a registry.
const (
	maxReply    = 1 << 20 // bytes
	maxEntities = 200
	maxNested   = 4
	maxFound    = 20
)

// roles are those of whom to write to, the first first (RFC 9083 §10.2.4).
var roles = []string{"abuse", "technical", "noc", "administrative", "registrant", "registrar"}

// errReply is an answer that is none.
var errReply = fault.New(fault.Invalid, "request.reply")

// reply is what an answer of a registry holds for us.
type reply struct {
	found   []Candidate
	remarks []Remark
	related []string // further answers about the same, such as a national registry's
	asn     uint32   // that the network is announced from, where it is said
}

// readReply reads a registry's answer about a network, a name or an AS (RFC 9083),
// and what of it was redacted (RFC 9537). Fault: request.reply.
func readReply(raw []byte, of Of) (r reply, err error) {
	if len(raw) > maxReply || !json.Valid(raw) || nested(raw) > 100 {
		return r, errReply
	}
	obj, err := rdap.NewDecoder(raw).Decode()
	if err != nil {
		return r, errReply.Because(err)
	}
	var entities []rdap.Entity
	var links []rdap.Link
	holder, country := "", ""
	switch o := obj.(type) {
	case *rdap.IPNetwork:
		entities, links, country, holder = o.Entities, o.Links, o.Country, o.Name
	case *rdap.Domain:
		entities, links = o.Entities, o.Links
	case *rdap.Autnum:
		entities, links, country, holder = o.Entities, o.Links, o.Country, o.Name
	case *rdap.Error:
		r.remarks = append(r.remarks, Remark{Code: "not_found", Of: of, Detail: clip(strings.Join(append([]string{o.Title}, o.Description...), " "))})
		return r, nil
	default:
		return r, errReply
	}
	w := walk{of: of, holder: holder, lang: text.EN, known: registries()}
	if strings.EqualFold(country, "JP") {
		w.lang = text.JA
	}
	w.provider(entities)
	w.entities(entities, nil, 0)
	r.found = w.sorted()
	for _, l := range links {
		if l.Rel == "related" && strings.Contains(l.Type, "rdap+json") && len(r.related) < 2 {
			r.related = append(r.related, l.Href)
		}
	}
	r.also(raw, of)
	if len(r.found) > 0 && r.found[0].Role != "abuse" {
		r.remarks = append(r.remarks, Remark{Code: "no_abuse", Of: of})
	}
	if len(r.found) > 0 && !slices.ContainsFunc(r.found, func(c Candidate) bool { return !c.Registry }) {
		r.remarks = append(r.remarks, Remark{Code: "registry_only", Of: of})
	}
	if w.seen > maxEntities {
		r.remarks = append(r.remarks, Remark{Code: "cut", Of: of})
	}
	return r, nil
}

// nested is how deep a JSON text goes.
func nested(raw []byte) (deepest int) {
	depth, inside, escaped := 0, false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case inside:
			escaped = c == '\\'
			inside = c != '"'
		case c == '"':
			inside = true
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// also reads the members that the library does not know: what was redacted, and
// from which AS a network is announced (ARIN).
func (r *reply) also(raw []byte, of Of) {
	var x struct {
		Redacted []struct {
			Name struct {
				Type        string `json:"type"`
				Description string `json:"description"`
			} `json:"name"`
			Reason struct {
				Description string `json:"description"`
			} `json:"reason"`
		} `json:"redacted"`
		Origins []uint32 `json:"arin_originas0_originautnums"`
	}
	if json.NewDecoder(bytes.NewReader(raw)).Decode(&x) != nil {
		return // in another form than RFC 9537 gives it
	}
	var names []string
	for _, n := range x.Redacted {
		names = append(names, cmp.Or(n.Name.Type, n.Name.Description))
	}
	if len(names) > 0 {
		r.remarks = append(r.remarks, Remark{Code: "redacted", Of: of, Detail: clip(strings.Join(names, ", "))})
	}
	if len(x.Origins) > 0 {
		r.asn = x.Origins[0]
	}
}

// clip bounds another's words.
func clip(s string) string {
	return cut(strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "), 300)
}

// walk gathers candidates from the entities of an answer.
type walk struct {
	of     Of
	holder string
	lang   text.Lang
	known  []string
	seen   int
	out    []Candidate
}

// provider finds who holds the network, or registered the name.
func (w *walk) provider(list []rdap.Entity) {
	for _, role := range []string{"registrar", "registrant"} {
		if role == "registrar" && w.of != OfName {
			continue
		}
		for i := range list {
			if e := &list[i]; e.VCard != nil && slices.Contains(e.Roles, role) {
				if name := cmp.Or(property(e.VCard, "org"), property(e.VCard, "fn")); name != "" {
					w.holder = name
					return
				}
			}
		}
	}
}

// entities walks entities, which hold entities: an abuse desk often stands inside
// the registrar or the holder (RFC 9083 §5.1). Roles of what is around it count
// where it has none.
func (w *walk) entities(list []rdap.Entity, around []string, depth int) {
	for i := range list {
		if w.seen++; w.seen > maxEntities {
			return
		}
		e := &list[i]
		own := e.Roles
		if len(own) == 0 {
			own = around
		}
		if e.VCard != nil {
			w.candidate(e.VCard, own)
		}
		if depth < maxNested {
			w.entities(e.Entities, own, depth+1)
		}
	}
}

func (w *walk) candidate(v *rdap.VCard, has []string) {
	i := slices.IndexFunc(roles, func(r string) bool { return slices.Contains(has, r) })
	if i < 0 {
		return
	}
	c := Candidate{Role: roles[i], Of: w.of, Name: clip(property(v, "fn")), Provider: clip(w.holder), Phone: clip(strings.TrimPrefix(property(v, "tel"), "tel:")), Lang: w.lang}
	if c.Role == "noc" {
		c.Role = "technical"
	}
	if l := strings.ToLower(property(v, "lang")); strings.HasPrefix(l, "ja") {
		c.Lang = text.JA
	}
	for _, p := range v.Properties {
		if p.Name != "email" || len(p.Values()) == 0 {
			continue
		}
		if a, err := mail.Address(p.Values()[0]); err == nil && !slices.ContainsFunc(w.out, func(x Candidate) bool { return x.Mail == a && x.Role == c.Role }) {
			one := c
			one.Mail, one.Registry = a, w.registry(a)
			w.out = append(w.out, one)
		}
	}
	for _, p := range v.Properties { // RFC 8605: a form in place of an address
		if p.Name == "contact-uri" && len(p.Values()) > 0 && strings.HasPrefix(p.Values()[0], "https://") && len(p.Values()[0]) <= maxURL {
			one := c
			one.Form = p.Values()[0]
			w.out = append(w.out, one)
		}
	}
}

// registry reports whether an address is a registry's own.
func (w *walk) registry(mail string) bool {
	domain := domainOf(mail)
	return slices.ContainsFunc(w.known, func(k string) bool { return domain == k || strings.HasSuffix(domain, "."+k) })
}

// sorted puts whom to write to first in front: holders before registries, abuse
// desks before others, addresses before forms.
func (w *walk) sorted() []Candidate {
	rank := func(c Candidate) int {
		n := slices.Index(roles, c.Role) * 2
		if c.Mail == "" {
			n++
		}
		if c.Registry {
			n += 100
		}
		return n
	}
	slices.SortStableFunc(w.out, func(a, b Candidate) int { return rank(a) - rank(b) })
	return w.out[:min(len(w.out), maxFound)]
}

// property is the first value of a property of a card, as one line.
func property(v *rdap.VCard, name string) string {
	for _, p := range v.Properties {
		if p.Name == name {
			for _, s := range p.Values() {
				if s = strings.TrimSpace(s); s != "" {
					return s
				}
			}
		}
	}
	return ""
}

//go:embed data/registries.toml
var registryFile string

// registries lists the mail domains of registries themselves.
var registries = sync.OnceValue(func() []string {
	var x struct {
		Registries []string `toml:"registries"`
	}
	if _, err := toml.Decode(registryFile, &x); err != nil || len(x.Registries) == 0 {
		panic("BUG: request: registries.toml") // a test reads it
	}
	return x.Registries
})

// Query is what registries are asked about: a machine's address, its name, its AS.
type Query struct {
	Address string `json:"address,omitempty" maxLength:"60"`
	Name    string `json:"name,omitempty" maxLength:"300"`
	ASN     uint32 `json:"asn,omitempty"`
}

// normal checks a query and writes it in its one form.
func (q Query) normal() (Query, error) {
	var bad mistakes
	s := bad.subject(Subject{Address: q.Address, Name: q.Name, ASN: q.ASN, Does: "x"}, Takedown)
	if q.ASN > 0 && q.Address == "" && q.Name == "" {
		return q, nil
	}
	return Query{s.Address, s.Name, s.ASN}, bad.err()
}

func (q Query) key() string {
	return q.Address + " " + q.Name + " " + strconv.FormatUint(uint64(q.ASN), 10)
}

// suspect reports whether a host of a registry is the machine itself, or is below
// or above its name: it is never asked.
func (q Query) suspect(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().String() == q.Address
	}
	return q.Name != "" && (host == q.Name || strings.HasSuffix(host, "."+q.Name) || strings.HasSuffix(q.Name, "."+host))
}
