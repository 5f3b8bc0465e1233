package channel

import (
	"context"
	"fmt"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// Queue writes a letter into tx for each channel of the recipient that serves
// the letter's class and contact, and returns how many. When the contact has
// none, those of the other contact are used: somebody has to hear of it.
func (s *Service) Queue(ctx context.Context, tx *db.Tx, l Letter) (n int, err error) {
	all, err := of(ctx, tx, s.Keys, l.Recipient)
	if err != nil {
		return 0, fmt.Errorf("queue letters: %w", err)
	}
	all = slices.DeleteFunc(all, func(c Channel) bool { return c.State == Waiting })
	if len(all) == 0 {
		return 0, nil
	}
	to, err := s.Orgs.Load(ctx, tx, org.ID(l.Recipient))
	if err != nil {
		return 0, fmt.Errorf("queue letters: %w", err)
	}
	for _, contact := range []int{l.Contact, 3 - l.Contact} {
		for i := range all {
			if all[i].Contact != contact {
				continue
			}
			sent, err := s.through(ctx, tx, &all[i], l, to.In(all[i].Lang))
			if err != nil {
				return n, err
			}
			if sent {
				n++
			}
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, nil
}

func (s *Service) through(ctx context.Context, tx *db.Tx, c *Channel, l Letter, name string) (bool, error) {
	now := s.now()
	due, ok := c.Due(l.Class, now)
	if !ok {
		return false, nil
	}
	p := s.Words.Printer(c.Lang, nil)
	out := post.Letter{Owner: l.Owner, Object: l.Object, Recipient: c.ID, Channel: post.Channel(c.Kind), Due: due}
	if c.Kind == Webhook {
		body, err := l.hook(p, s.BaseURL, now)
		if err != nil {
			return false, fmt.Errorf("queue letters: %w", err)
		}
		out.Content.Body, out.Content.Secret = body, c.secret
	} else {
		out.Content = l.mail(p, name, s.BaseURL, now)
	}
	out.Content.Address = c.Address
	_, err := s.Office.Queue(ctx, tx, out)
	return err == nil, err
}

// Mail writes a letter to somebody who has nothing but a mail address, such as
// a small firm that is told by link. It reports false when the hub has no mail
// server.
func (s *Service) Mail(ctx context.Context, tx *db.Tx, l Letter, address, name string, lang text.Lang) (bool, error) {
	if !s.Mails {
		return false, nil
	}
	c := l.mail(s.Words.Printer(lang, nil), name, s.BaseURL, s.now())
	c.Address = address
	_, err := s.Office.Queue(ctx, tx, post.Letter{Owner: l.Owner, Object: l.Object, Recipient: "", Channel: post.Mail, Content: c})
	return err == nil, err
}

// Letters lists what went out about an object and what came of it.
func (s *Service) Letters(ctx context.Context, tx *db.Tx, object string) ([]post.Letter, error) {
	all, _, err := s.Office.Of(ctx, tx, object, "", db.MaxLimit)
	return all, err
}
