package org

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Opener opens the service on the database of this machine, and returns what
// closes it.
type Opener func(ctx context.Context) (*Service, func() error, error)

// Commands returns "user" and "token", for "noroshi admin": what has to
// be done before anybody can sign in, and when nobody can. They work on the
// database itself and are recorded as acts of the system.
func Commands(e *cli.Env, open Opener) []*cobra.Command {
	return []*cobra.Command{userCommand(e, open), tokenCommand(e, open)}
}

// with opens the service for one command.
func with(c *cobra.Command, open Opener, fn func(ctx context.Context, s *Service) error) (err error) {
	s, done, err := open(c.Context())
	if err != nil {
		return err
	}
	defer func() {
		if e := done(); err == nil {
			err = e
		}
	}()
	return fn(Local(c.Context()), s)
}

func userCommand(e *cli.Env, open Opener) *cobra.Command {
	p := e.Printer()
	root := &cobra.Command{Use: "user", Short: p.T("org.cli.user")}

	var in struct {
		org, number, name, lang string
		kinds, sectors, roles   []string
		clearance               int
	}
	add := &cobra.Command{
		Use: "add MAIL", Short: p.T("org.cli.user.add"), Long: addHelp(p), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return with(c, open, func(ctx context.Context, s *Service) error {
				o, err := findOrg(ctx, s, in.org, in.number)
				if err != nil {
					return err
				}
				person := newPerson(args[0], in.name, in.lang, in.roles, in.clearance)
				if o.ID == "" {
					n, err := newOrg(in.org, in.number, in.kinds, in.sectors)
					if err != nil {
						return err
					}
					if n, err = n.Normal(s.Sectors); err != nil {
						return onLine(err, n.Kinds, s.Sectors)
					}
					// Before anything is registered: a mistyped role leaves nothing.
					if _, err := checkPerson(person, n); err != nil {
						return onLine(err, n.Kinds, s.Sectors)
					}
					if o, err = s.Register(ctx, n); err != nil {
						return err
					}
				}
				person.Org = o.ID
				person, link, err := s.Invite(ctx, person)
				if err != nil {
					return onLine(err, o.Kinds, s.Sectors)
				}
				return showMade(e, LinkMade{person, Invitation, s.LinkURL(link)})
			})
		},
	}
	f := add.Flags()
	f.StringVar(&in.org, "org", "", p.T("org.cli.flag.org"))
	f.StringVar(&in.number, "number", "", p.T("org.cli.flag.number"))
	f.StringSliceVar(&in.kinds, "kind", nil, p.T("org.cli.flag.kind"))
	f.StringSliceVar(&in.sectors, "sector", nil, p.T("org.cli.flag.sector"))
	f.StringVar(&in.name, "name", "", p.T("org.cli.flag.name"))
	f.StringSliceVar(&in.roles, "role", nil, p.T("org.cli.flag.role"))
	f.IntVar(&in.clearance, "clearance", 0, p.T("org.cli.flag.clearance"))
	f.StringVar(&in.lang, "person-lang", "ja", p.T("org.cli.flag.lang"))

	var reEnrol bool
	link := &cobra.Command{
		Use: "link MAIL", Short: p.T("org.cli.user.link"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return with(c, open, func(ctx context.Context, s *Service) error {
				person, err := findPerson(ctx, s, args[0], in.org)
				if err != nil {
					return err
				}
				secret, purpose, err := s.Link(ctx, person.ID, reEnrol)
				if err != nil {
					return err
				}
				return showMade(e, LinkMade{person, purpose, s.LinkURL(secret)})
			})
		},
	}
	link.Flags().BoolVar(&reEnrol, "re-enrol", false, p.T("org.cli.flag.re_enrol"))
	link.Flags().StringVar(&in.org, "org", "", p.T("org.cli.flag.org"))

	list := &cobra.Command{
		Use: "list", Short: p.T("org.cli.user.list"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return with(c, open, func(ctx context.Context, s *Service) error {
				all, err := everybody(ctx, s, in.org)
				if err != nil {
					return err
				}
				names := map[ID]string{}
				for _, x := range all {
					if _, known := names[x.Org]; known {
						continue
					}
					o, err := s.Get(ctx, x.Org)
					if err != nil {
						return err
					}
					names[x.Org] = o.In(e.Lang())
				}
				return e.Emit(all, func(w io.Writer, p text.Printer) error { return tablePeople(w, p, all, names) })
			})
		},
	}
	list.Flags().StringVar(&in.org, "org", "", p.T("org.cli.flag.org"))
	root.AddCommand(add, link, list, stateCommand(e, open, "suspend", "org.cli.user.suspend", (*Service).Suspend),
		stateCommand(e, open, "resume", "org.cli.user.resume", (*Service).Resume))
	return root
}

func stateCommand(e *cli.Env, open Opener, use, short string, act func(*Service, context.Context, PersonID) error) *cobra.Command {
	var org string
	c := &cobra.Command{
		Use: use + " MAIL", Short: e.Printer().T(short), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return with(c, open, func(ctx context.Context, s *Service) error {
				person, err := findPerson(ctx, s, args[0], org)
				if err != nil {
					return err
				}
				if err := act(s, ctx, person.ID); err != nil {
					return err
				}
				e.Say("org.cli.done", "mail", person.Mail)
				return nil
			})
		},
	}
	c.Flags().StringVar(&org, "org", "", e.Printer().T("org.cli.flag.org"))
	return c
}

func tokenCommand(e *cli.Env, open Opener) *cobra.Command {
	p := e.Printer()
	root := &cobra.Command{Use: "token", Short: p.T("org.cli.token")}
	var in struct {
		org, name string
		scopes    []string
		days      int
	}
	issue := &cobra.Command{
		Use: "issue MAIL", Short: p.T("org.cli.token.issue"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return with(c, open, func(ctx context.Context, s *Service) error {
				person, err := findPerson(ctx, s, args[0], in.org)
				if err != nil {
					return err
				}
				t, secret, err := s.IssueTokenFor(ctx, person.ID, in.name, in.scopes, time.Duration(in.days)*24*time.Hour)
				if err != nil {
					return onLine(err, nil, s.Sectors)
				}
				e.Say("org.cli.token.once", "until", t.ExpiresAt)
				return e.Emit(TokenMade{t, secret}, func(w io.Writer, _ text.Printer) error {
					_, err := fmt.Fprintln(w, secret)
					return err
				})
			})
		},
	}
	f := issue.Flags()
	f.StringVar(&in.org, "org", "", p.T("org.cli.flag.org"))
	f.StringVar(&in.name, "name", "admin token", p.T("org.cli.flag.token_name"))
	f.StringSliceVar(&in.scopes, "scope", nil, p.T("org.cli.flag.scope"))
	f.IntVar(&in.days, "days", 90, p.T("org.cli.flag.days"))

	list := &cobra.Command{
		Use: "list MAIL", Short: p.T("org.cli.token.list"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return with(c, open, func(ctx context.Context, s *Service) error {
				person, err := findPerson(ctx, s, args[0], in.org)
				if err != nil {
					return err
				}
				all, err := s.Tokens(ctx, person.ID)
				if err != nil {
					return err
				}
				return e.Emit(append([]Token{}, all...), func(w io.Writer, p text.Printer) error {
					tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
					fmt.Fprintf(tw, "TOKEN-ID\t%s\t%s\t%s\n", p.T("org.web.token.name"), p.T("org.web.token.scopes"), p.T("org.web.until"))
					for _, t := range all {
						fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", t.ID, t.Name, strings.Join(t.Scopes, ","), p.Time(t.ExpiresAt))
					}
					return tw.Flush()
				})
			})
		},
	}
	list.Flags().StringVar(&in.org, "org", "", p.T("org.cli.flag.org"))
	revoke := &cobra.Command{
		Use: "revoke TOKEN-ID", Short: p.T("org.cli.token.revoke"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return with(c, open, func(ctx context.Context, s *Service) error {
				if err := s.RevokeToken(ctx, args[0]); err != nil {
					return err
				}
				e.Say("org.cli.done", "mail", args[0])
				return nil
			})
		},
	}
	root.AddCommand(issue, list, revoke)
	return root
}

func showMade(e *cli.Env, made LinkMade) error {
	e.Say("org.cli.link.once", "name", made.Person.Name)
	return e.Emit(made, func(w io.Writer, _ text.Printer) error {
		_, err := fmt.Fprintln(w, made.Link)
		return err
	})
}

func tablePeople(w io.Writer, p text.Printer, all []Person, orgs map[ID]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join([]string{p.T("org.web.mail"), p.T("org.web.name"), p.T("org.web.org"), p.T("org.web.roles"),
		p.T("org.web.clearance"), p.T("org.web.state")}, "\t"))
	for _, x := range all {
		roles := make([]string, len(x.Roles))
		for i, r := range x.Roles {
			roles[i] = string(r)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\n", x.Mail, x.Name, orgs[x.Org], strings.Join(roles, ","), x.Clearance, p.T(stateWords+string(x.State)))
	}
	return tw.Flush()
}

// findOrg returns the organisation of an id, corporate number or exact name;
// the zero one when there is none.
func findOrg(ctx context.Context, s *Service, what, number string) (Org, error) {
	if number == "" && what == "" {
		return Org{}, fault.New(fault.Usage, "org.cli.which_org")
	}
	if what != "" {
		if o, err := s.Get(ctx, ID(what)); err == nil {
			return o, nil
		} else if fault.KindOf(err) != fault.NotFound {
			return Org{}, err
		}
	}
	q := number
	if q == "" {
		q = what
	}
	list, _, err := s.List(ctx, Filter{Text: q, Limit: 500})
	if err != nil {
		return Org{}, err
	}
	for _, o := range list {
		if number != "" && searchKey(string(o.Number)) == searchKey(number) || number == "" && (o.Name.JA == line(what) || o.Name.EN == line(what)) {
			return o, nil
		}
	}
	return Org{}, nil
}

// maxPages bounds how many pages of organisations or people a command reads.
const maxPages = 10000

// everybody returns the people of one organisation, or of all.
func everybody(ctx context.Context, s *Service, org string) ([]Person, error) {
	var ids []ID
	if org != "" {
		o, err := findOrg(ctx, s, org, "")
		if err != nil {
			return nil, err
		}
		if o.ID == "" {
			return nil, ErrOrgGone
		}
		ids = []ID{o.ID}
	}
	for cursor, n := "", 0; org == "" && n < maxPages; n++ {
		list, next, err := s.List(ctx, Filter{Cursor: cursor, Limit: 500})
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			ids = append(ids, o.ID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	out := []Person{}
	for _, id := range ids {
		for cursor, n := "", 0; n < maxPages; n++ {
			list, next, err := s.People(ctx, id, cursor, 500)
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return out, nil
}

// findPerson returns the one person with an address, in one organisation when
// it is named.
func findPerson(ctx context.Context, s *Service, mail, org string) (Person, error) {
	all, err := everybody(ctx, s, org)
	if err != nil {
		return Person{}, err
	}
	var found []Person
	for _, p := range all {
		if p.Mail == strings.ToLower(line(mail)) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return Person{}, ErrPersonGone
	case 1:
		return found[0], nil
	}
	return Person{}, fault.New(fault.Usage, "org.cli.which_of", "n", len(found))
}
