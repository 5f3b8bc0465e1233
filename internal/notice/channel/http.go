package channel

import (
	"bytes"
	"context"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
)

// Input is a channel as a client writes it.
type Input struct {
	Kind    Kind      `json:"kind" enum:"mail,webhook"`
	Address string    `json:"address" maxLength:"1000" doc:"A mail address, or an https URL"`
	Contact int       `json:"contact,omitempty" minimum:"0" maximum:"2" doc:"1 is told first (default), 2 when nobody answers"`
	Least   string    `json:"least,omitempty" enum:"act,attend,watch,track" doc:"Used for this class and the more urgent ones; default track"`
	Lang    text.Lang `json:"lang,omitempty" enum:"ja,en"`
	Quiet   Quiet     `json:"quiet,omitzero" doc:"Minutes of the day in Japan in which only act is sent; equal: none"`
}

func (in Input) channel() Channel {
	return Channel{Kind: in.Kind, Address: in.Address, Contact: in.Contact, Least: in.Least, Lang: in.Lang, Quiet: in.Quiet}
}

// Made is a new channel, with the secret of a webhook, which is shown once.
type Made struct {
	Channel
	Secret string `json:"secret,omitempty" doc:"Standard Webhooks secret"`
}

// Confirmation is the code that came with a mail.
type Confirmation struct {
	Code string `json:"code" maxLength:"20"`
}

type idIn struct {
	ID string `path:"id" maxLength:"60"`
}

// Routes registers the API operations.
func Routes(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/channels", "channel.list", "List the ways your organisation is told", func(ctx context.Context, _ *struct{}) (*httpd.List[Channel], error) {
		all, err := s.List(ctx)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, all, ""), nil
	})
	httpd.Op(r, "POST /api/v1/channels", "channel.set", "Add a way to be told", func(ctx context.Context, in *struct{ Body Input }) (*struct {
		Status int
		Body   Made
	}, error) {
		c, secret, err := s.Set(ctx, in.Body.channel())
		if err != nil {
			return nil, err
		}
		return &struct {
			Status int
			Body   Made
		}{201, Made{c, secret}}, nil
	}, httpd.Secret)
	httpd.Op(r, "POST /api/v1/channels/{id}/confirmation", "channel.confirm", "Confirm a mail address with the code that came", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Confirmation
	}) (*struct{}, error) {
		return nil, s.Confirm(ctx, in.ID, in.Body.Code)
	})
	httpd.Op(r, "POST /api/v1/channels/{id}/test", "channel.test", "Send a test", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Test(ctx, in.ID)
	})
	httpd.Op(r, "DELETE /api/v1/channels/{id}", "channel.remove", "End a way to be told", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Remove(ctx, in.ID)
	})
	httpd.Op(r, "POST /api/v1/mail-reports", "channel.bounce", "Hand over a delivery report of the mail server", func(ctx context.Context, in *struct {
		RawBody []byte `contentType:"message/rfc822"`
	}) (*struct{}, error) {
		return nil, s.Bounce(ctx, bytes.NewReader(in.RawBody))
	})
	httpd.Op(r, "GET /api/v1/undelivered", "channel.aside", "List letters that did not arrive", func(ctx context.Context, in *httpd.Paging) (*httpd.List[post.Letter], error) {
		all, next, err := s.Aside(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, all, next), nil
	})
	httpd.Op(r, "POST /api/v1/undelivered/{id}/again", "channel.again", "Try a letter that did not arrive once more", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Again(ctx, in.ID)
	})
}
