package org

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
)

// Identify returns what httpd asks to learn who a request comes from: the
// holder of a session, or of an API token with its scopes.
func Identify(s *Service) func(ctx context.Context, c httpd.Credential) (gate.Identity, error) {
	return func(ctx context.Context, c httpd.Credential) (gate.Identity, error) {
		if c.Bearer != "" {
			return s.Bearer(ctx, c.Bearer)
		}
		return s.Session(ctx, c.Session)
	}
}

// OrgInput is an organisation as a client writes it.
type OrgInput struct {
	Number   Number    `json:"number,omitempty" maxLength:"60" doc:"法人番号: 13 digits with check digit"`
	NameJA   string    `json:"name_ja" maxLength:"500"`
	NameEN   string    `json:"name_en,omitempty" maxLength:"500"`
	Kana     string    `json:"kana,omitempty" maxLength:"500" doc:"Reading in katakana"`
	Kinds    []Kind    `json:"kinds" maxItems:"15" nullable:"false" doc:"operator, ministry, office, police, privacy, jpcert, commission, carrier, maker, contractor, supplier, defence, foreign, safety, hub"`
	Sectors  []string  `json:"sectors,omitempty" maxItems:"50" nullable:"false" doc:"Ids of GET /api/v1/sectors"`
	Contacts []Contact `json:"contacts,omitempty" maxItems:"20" nullable:"false" doc:"Only when registering; later PUT …/contacts"`
}

func (in OrgInput) org() Org {
	return Org{Number: in.Number, Name: text.Both{JA: in.NameJA, EN: in.NameEN}, Kana: in.Kana, Kinds: in.Kinds, Sectors: in.Sectors, Contacts: in.Contacts}
}

// PersonInput is a person as a client writes them.
type PersonInput struct {
	Name      string      `json:"name" maxLength:"500"`
	Mail      string      `json:"mail" maxLength:"500"`
	Lang      text.Lang   `json:"lang,omitempty" enum:"ja,en"`
	Roles     []gate.Role `json:"roles" maxItems:"15" nullable:"false"`
	Clearance int         `json:"clearance,omitempty" minimum:"0" maximum:"3" doc:"0 public, 1 general, 2 limited, 3 important economic security information"`
}

func (in PersonInput) person() Person {
	return Person{Name: in.Name, Mail: in.Mail, Lang: in.Lang, Roles: in.Roles, Clearance: in.Clearance}
}

// LinkMade is a link for a person, shown once.
type LinkMade struct {
	Person  Person  `json:"person"`
	Purpose Purpose `json:"purpose"`
	Link    string  `json:"link" doc:"Address of the page to hand to the person; it is shown once"`
}

// TokenMade is a new API token with its secret, shown once.
type TokenMade struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret" doc:"Shown once; send it as Authorization: Bearer"`
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"100"`
	}
	orgIn struct {
		httpd.Paging
		Text   string `query:"q" maxLength:"200" doc:"Part of a name, reading or corporate number"`
		Kind   Kind   `query:"kind" maxLength:"40"`
		Sector string `query:"sector" maxLength:"40"`
	}
	orgOut struct {
		ETag string `header:"ETag"`
		Body Org
	}
	personOut struct {
		ETag string `header:"ETag"`
		Body Person
	}
	madeOut  struct{ Body LinkMade }
	tokenOut struct{ Body TokenMade }
	tieOut   struct{ Body Tie }
	meOut    struct{ Body Me }
	tiesOut  struct {
		Body struct {
			Declared []Tie `json:"declared" nullable:"false" doc:"By this organisation"`
			Received []Tie `json:"received" nullable:"false" doc:"Declared by others to it: confirmed, or waiting for an answer"`
		}
	}
)

// Routes registers the API operations.
func Routes(r *httpd.Router, s *Service) {
	routesOrg(r, s)
	routesPeople(r, s)
	routesAccount(r, s)
}

func routesOrg(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/sectors", "org.sectors", "List the sectors and who is competent", func(context.Context, *struct{}) (*struct {
		Body []Sector
	}, error) {
		return &struct{ Body []Sector }{s.Sectors.List}, nil
	})
	httpd.Op(r, "GET /api/v1/organisations", "org.list", "List the organisations you may see", func(ctx context.Context, in *orgIn) (*httpd.List[Org], error) {
		list, next, err := s.List(ctx, Filter{Text: in.Text, Kind: in.Kind, Sector: in.Sector, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/organisations/{id}", "org.read", "Read one organisation with its contacts", func(ctx context.Context, in *idIn) (*orgOut, error) {
		o, err := s.Get(ctx, ID(in.ID))
		if err != nil {
			return nil, err
		}
		return &orgOut{httpd.ETag(o.Version), o}, nil
	})
	httpd.Op(r, "POST /api/v1/organisations", "org.register", "Register an organisation", func(ctx context.Context, in *struct{ Body OrgInput }) (*orgOut, error) {
		o, err := s.Register(ctx, in.Body.org())
		if err != nil {
			return nil, err
		}
		return &orgOut{httpd.ETag(o.Version), o}, nil
	})
	httpd.Op(r, "PUT /api/v1/organisations/{id}", "org.change", "Change an organisation", func(ctx context.Context, in *struct {
		httpd.Match
		ID   string `path:"id" maxLength:"100"`
		Body OrgInput
	}) (*orgOut, error) {
		version, err := in.Version()
		if err != nil {
			return nil, err
		}
		o := in.Body.org()
		o.ID, o.Version = ID(in.ID), int64(version)
		if o, err = s.Change(ctx, o); err != nil {
			return nil, err
		}
		return &orgOut{httpd.ETag(o.Version), o}, nil
	})
	httpd.Op(r, "PUT /api/v1/organisations/{id}/contacts", "org.contact", "Replace the contacts of an organisation", func(ctx context.Context, in *struct {
		httpd.Match
		ID   string    `path:"id" maxLength:"100"`
		Body []Contact `maxItems:"20"`
	}) (*struct{}, error) {
		version, err := in.Version()
		if err != nil {
			return nil, err
		}
		return nil, s.SetContacts(ctx, ID(in.ID), int64(version), in.Body)
	})
	httpd.Op(r, "GET /api/v1/organisations/{id}/ties", "org.ties", "List supply and contractor links", func(ctx context.Context, in *idIn) (*tiesOut, error) {
		declared, received, err := s.Ties(ctx, ID(in.ID))
		if err != nil {
			return nil, err
		}
		out := &tiesOut{}
		out.Body.Declared, out.Body.Received = append([]Tie{}, declared...), append([]Tie{}, received...)
		return out, nil
	})
	httpd.Op(r, "POST /api/v1/ties", "org.tie", "Declare a supplier or contractor", func(ctx context.Context, in *struct {
		Body struct {
			Kind     TieKind `json:"kind" enum:"supplier,contractor"`
			Number   Number  `json:"number" maxLength:"60" doc:"法人番号 of the other organisation"`
			Name     string  `json:"name" maxLength:"500"`
			Services string  `json:"services,omitempty" maxLength:"2000" doc:"What it supplies or operates"`
		}
	}) (*tieOut, error) {
		t, err := s.Declare(ctx, Tie{Kind: in.Body.Kind, Number: in.Body.Number, Name: in.Body.Name, Services: in.Body.Services})
		if err != nil {
			return nil, err
		}
		return &tieOut{t}, nil
	})
	httpd.Op(r, "POST /api/v1/ties/{id}/answer", "org.settle", "Confirm or decline what another organisation declared", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"100"`
		Body struct {
			Confirm bool `json:"confirm"`
		}
	}) (*struct{}, error) {
		return nil, s.Settle(ctx, in.ID, in.Body.Confirm)
	})
	httpd.Op(r, "DELETE /api/v1/ties/{id}", "org.untie", "End a link", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.EndTie(ctx, in.ID)
	})
}

func routesPeople(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/people", "person.list", "List the people of an organisation", func(ctx context.Context, in *struct {
		httpd.Paging
		Org string `query:"org" maxLength:"100" doc:"Empty: your own"`
	}) (*httpd.List[Person], error) {
		list, next, err := s.People(ctx, ID(in.Org), in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/people/{id}", "person.read", "Read one person", func(ctx context.Context, in *idIn) (*personOut, error) {
		p, err := s.Person(ctx, PersonID(in.ID))
		if err != nil {
			return nil, err
		}
		return &personOut{httpd.ETag(p.Version), p}, nil
	})
	httpd.Op(r, "POST /api/v1/people", "person.invite", "Invite a person; the link is shown once", func(ctx context.Context, in *struct {
		Org  string `query:"org" maxLength:"100" doc:"Empty: your own"`
		Body PersonInput
	}) (*madeOut, error) {
		p := in.Body.person()
		p.Org = ID(in.Org)
		p, link, err := s.Invite(ctx, p)
		if err != nil {
			return nil, err
		}
		return &madeOut{LinkMade{p, Invitation, s.LinkURL(link)}}, nil
	}, httpd.Secret)
	httpd.Op(r, "PUT /api/v1/people/{id}", "person.change", "Change a person's roles, clearance or facts", func(ctx context.Context, in *struct {
		httpd.Match
		ID   string `path:"id" maxLength:"100"`
		Body PersonInput
	}) (*personOut, error) {
		version, err := in.Version()
		if err != nil {
			return nil, err
		}
		p := in.Body.person()
		p.ID, p.Version = PersonID(in.ID), int64(version)
		if p, err = s.ChangePerson(ctx, p); err != nil {
			return nil, err
		}
		return &personOut{httpd.ETag(p.Version), p}, nil
	})
	httpd.Op(r, "POST /api/v1/people/{id}/suspend", "person.suspend", "Suspend a person: sessions and links end, tokens are revoked", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Suspend(ctx, PersonID(in.ID))
	})
	httpd.Op(r, "POST /api/v1/people/{id}/resume", "person.resume", "Let a suspended person sign in again", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Resume(ctx, PersonID(in.ID))
	})
	httpd.Op(r, "POST /api/v1/people/{id}/link", "person.recover", "Make a new invitation or recovery link; shown once", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"100"`
		Body struct {
			ReEnrol bool `json:"re_enrol,omitempty" doc:"Also enrol a new device: only after somebody made sure who asks"`
		}
	}) (*madeOut, error) {
		link, purpose, err := s.Link(ctx, PersonID(in.ID), in.Body.ReEnrol)
		if err != nil {
			return nil, err
		}
		p, err := s.Person(ctx, PersonID(in.ID))
		if err != nil {
			return nil, err
		}
		return &madeOut{LinkMade{p, purpose, s.LinkURL(link)}}, nil
	}, httpd.Secret)
}

func routesAccount(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/me", "me.read", "Who you are, and what this session or token may do", func(ctx context.Context, _ *struct{}) (*meOut, error) {
		me, err := s.Me(ctx)
		if err != nil {
			return nil, err
		}
		return &meOut{me}, nil
	})
	httpd.Op(r, "GET /api/v1/sessions", "session.read", "Where you are signed in", func(ctx context.Context, in *struct {
		Person string `query:"person" maxLength:"100" doc:"Empty: yourself"`
	}) (*struct{ Body []Session }, error) {
		list, err := s.Sessions(ctx, PersonID(in.Person))
		return &struct{ Body []Session }{append([]Session{}, list...)}, err
	})
	httpd.Op(r, "DELETE /api/v1/sessions/{id}", "session.end", "End a session", func(ctx context.Context, in *struct {
		ID     string `path:"id" maxLength:"100"`
		Person string `query:"person" maxLength:"100" doc:"Empty: yourself"`
	}) (*struct{}, error) {
		return nil, s.EndSession(ctx, PersonID(in.Person), in.ID)
	})
	httpd.Op(r, "GET /api/v1/tokens", "token.read", "List API tokens", func(ctx context.Context, in *struct {
		Person string `query:"person" maxLength:"100" doc:"Empty: yourself"`
	}) (*struct{ Body []Token }, error) {
		list, err := s.Tokens(ctx, PersonID(in.Person))
		return &struct{ Body []Token }{append([]Token{}, list...)}, err
	})
	httpd.Op(r, "POST /api/v1/tokens", "token.issue", "Issue an API token; the secret is shown once", func(ctx context.Context, in *struct {
		Body struct {
			Name   string   `json:"name" maxLength:"500"`
			Scopes []string `json:"scopes" maxItems:"50" nullable:"false" doc:"Verbs: incident.submit, or asset.* for all of a noun"`
			Days   int      `json:"days,omitempty" minimum:"1" maximum:"366" doc:"Life; 90 when absent"`
		}
	}) (*tokenOut, error) {
		t, secret, err := s.IssueToken(ctx, in.Body.Name, in.Body.Scopes, time.Duration(in.Body.Days)*24*time.Hour)
		if err != nil {
			return nil, err
		}
		return &tokenOut{TokenMade{t, secret}}, nil
	}, httpd.Secret)
	httpd.Op(r, "DELETE /api/v1/tokens/{id}", "token.revoke", "Revoke an API token", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.RevokeToken(ctx, in.ID)
	})
}

// LinkURL returns the address of the page that a link's secret opens; a path
// when the service knows no base URL.
func (s *Service) LinkURL(secret string) string {
	return strings.TrimSuffix(s.BaseURL, "/") + "/welcome/" + secret
}

// DemoURL returns the address of the page that a demo link's secret opens.
func (s *Service) DemoURL(secret string) string {
	return strings.TrimSuffix(s.BaseURL, "/") + "/demo/" + secret
}
