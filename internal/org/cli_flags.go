package org

import (
	"fmt"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

// flagOf names the flag or argument that a field comes from on the command
// line: nobody there has seen the field's own name.
var flagOf = map[string]string{
	"name.ja": "--org", "number": "--number", "kinds": "--kind", "sectors": "--sector",
	"name": "--name", "mail": "MAIL", "lang": "--person-lang", "roles": "--role", "clearance": "--clearance",
	"scopes": "--scope", "days": "--days",
}

// onLine returns the fault of an organisation or a person with its places at
// the flags, and with the values that are possible: a command has no list to
// choose from. Kinds are those of the organisation the person is to be of.
// The name of a token and of a person have the same flag.
func onLine(err error, kinds []Kind, sectors *Sectors) error {
	f := fault.Of(err)
	if f == nil || f.Kind != fault.Invalid || len(f.Places) == 0 {
		return err
	}
	places := make([]fault.Place, len(f.Places))
	for i, pl := range f.Places {
		field, _, _ := strings.Cut(pl.At, "[")
		if flag, ok := flagOf[field]; ok {
			pl.At = flag
		}
		var code, list string
		switch pl.Code {
		case "org.kind.unknown":
			code, list = "org.cli.kind_unknown", listed(Kinds)
		case "org.sector.unknown":
			code, list = "org.cli.sector_unknown", listed(sectors.ids())
		case "org.sector.missing":
			code, list = "org.cli.sector_missing", listed(sectors.ids())
		case "org.person.role_unknown":
			code, list = "org.cli.role_unknown", listed(RolesFor(kinds))
		case "org.person.role_kind":
			code, list = "org.cli.role_kind", listed(RolesFor(kinds))
		case "org.person.role_missing":
			code, list = "org.cli.role_missing", listed(RolesFor(kinds))
		}
		if code != "" {
			args := fault.Args{"list": list}
			for k, v := range pl.Args {
				args[k] = v
			}
			pl.Code, pl.Args = code, args
		}
		places[i] = pl
	}
	c := *f
	c.Places = places
	return &c
}

func (s *Sectors) ids() []string {
	out := make([]string, len(s.List))
	for i, x := range s.List {
		out[i] = x.ID
	}
	return out
}

func listed[T ~string](values []T) string {
	w := make([]string, len(values))
	for i, v := range values {
		w[i] = string(v)
	}
	return strings.Join(w, ", ")
}

// addHelp says what "user add" does and lists every value of its flags. The
// sectors are the built-in ones; the command itself checks against those of
// the installation.
func addHelp(p text.Printer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", p.T("org.cli.user.add"), p.T("org.cli.help.kinds"))
	for _, k := range Kinds {
		fmt.Fprintf(&b, "  %-11s %s  (%s)\n", k, listed(RolesFor([]Kind{k})), p.T(kindWords+string(k)))
	}
	if s, err := LoadSectors(nil); err == nil {
		fmt.Fprintf(&b, "\n%s\n", p.T("org.cli.help.sectors"))
		for _, x := range s.List {
			fmt.Fprintf(&b, "  %-13s %s\n", x.ID, x.Name.In(p.Lang))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// newOrg is the organisation that "user add" registers; a name that is not
// there is more often mistyped than new, so its kind has to be given.
func newOrg(what, number string, kinds, sectors []string) (Org, error) {
	if len(kinds) == 0 {
		if what == "" {
			what = number
		}
		return Org{}, fault.New(fault.NotFound, "org.cli.no_org", "org", what, "list", listed(Kinds))
	}
	n := Org{Number: Number(number), Name: text.Both{JA: what}, Sectors: sectors}
	for _, k := range kinds {
		n.Kinds = append(n.Kinds, Kind(k))
	}
	return n, nil
}

// newPerson is the person that "user add" invites.
func newPerson(mail, name, lang string, roles []string, clearance int) Person {
	p := Person{Name: name, Mail: mail, Lang: text.Lang(lang), Clearance: clearance}
	for _, r := range roles {
		p.Roles = append(p.Roles, gate.Role(r))
	}
	return p
}
