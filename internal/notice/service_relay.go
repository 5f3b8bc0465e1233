package notice

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// Child is a firm that a recipient passes a notice on to: one with a confirmed
// tie by its id, or one that is not on the hub by name and mail address.
type Child struct {
	Org  string `json:"org,omitempty" maxLength:"60" doc:"Id of a supplier or contractor of yours on the hub"`
	Name string `json:"name,omitempty" maxLength:"480" doc:"Of a firm that is not on the hub"`
	Mail string `json:"mail,omitempty" maxLength:"254" doc:"Where its link is sent"`
}

// RelayInput is a passing on.
type RelayInput struct {
	Children []Child `json:"children" maxItems:"200"`
	Versions []Kind  `json:"versions,omitempty" doc:"Which versions; small alone when left out and there is one"`
	Why      string  `json:"why" maxLength:"2000" doc:"Why they need to know it; each of them reads this"`
	Note     string  `json:"note,omitempty" maxLength:"20000" doc:"Words of your own"`
	Cautions bool    `json:"cautions" doc:"The cautions of the Antimonopoly Act and subcontract law were read"`
}

// Passed is what came of passing a notice on. A link is shown once, to whoever
// sends it to the firm.
type Passed struct {
	Children []PassedTo     `json:"children"`
	Receipt  ledger.Receipt `json:"receipt"`
}

// PassedTo is one firm a notice was passed on to.
type PassedTo struct {
	ID   ID        `json:"id"`
	Org  string    `json:"org,omitempty"`
	Name string    `json:"name"`
	Mail string    `json:"mail,omitempty"`
	Link string    `json:"link,omitempty"` // path of its page: /n/…
	Ends time.Time `json:"link_ends,omitzero"`

	Mailed      bool `json:"mailed,omitempty"`      // the hub wrote to it; else the link has to be handed over
	Undelivered bool `json:"undelivered,omitempty"` // the hub's mail came back: the link has to be handed over
}

// Reachable is what a recipient may pass on, and to whom.
type Reachable struct {
	Letter   Letter      `json:"letter"`
	Tied     []Candidate `json:"tied"`          // with a confirmed tie
	Versions []Kind      `json:"versions"`      // that may go to them
	Open     []Kind      `json:"open_versions"` // that may go to anybody
	Cautions []Caution   `json:"cautions"`
}

// Reachable returns what a letter of one's own may be passed on to.
func (s *Service) Reachable(ctx context.Context, id ID) (out Reachable, err error) {
	id = s.letterID(ctx, id)
	err = s.read(ctx, "notice.relay", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, n, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		if out.Letter, err = s.letter(ctx, tx, r, n, langOf(who)); err != nil {
			return err
		}
		out.Versions, out.Cautions = out.Letter.MayPass, s.Rules.Cautions
		for _, k := range out.Versions {
			if n.Content.Clearance == 0 && s.Rules.MayPass(s.Rules.markOf(&out.Letter.Content, k), false) {
				out.Open = append(out.Open, k)
			}
		}
		tied, err := s.tied(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		names, err := s.names(ctx, tx, langOf(who), tied...)
		for _, t := range tied {
			out.Tied = append(out.Tied, Candidate{Org: t, Name: names[t]})
		}
		return err
	})
	return out, err
}

// tied lists the suppliers and contractors with a confirmed tie.
func (s *Service) tied(ctx context.Context, tx *db.Tx, firm string) (out []string, err error) {
	for _, kind := range org.TieKinds {
		ids, err := s.Orgs.Tied(ctx, tx, org.ID(firm), kind, false)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			out = append(out, string(id))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Relay passes a letter of one's own on to suppliers and contractors, in one
// act. Each of them gets a part of its own, under one's own key, and sees
// nothing of the others.
func (s *Service) Relay(ctx context.Context, id ID, in RelayInput) (out Passed, err error) {
	id = s.letterID(ctx, id)
	act := &ledger.Act{Verb: "notice.relay", Object: letterOf(id)}
	out.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, n, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		if err := s.open(ctx, tx, &n); err != nil {
			return err
		}
		if n.Stage != Sent {
			return ErrEnded
		}
		if r.Tier >= s.Rules.Relay.Tiers {
			return fault.New(fault.Refused, ErrDeep.Code, "tiers", s.Rules.Relay.Tiers)
		}
		if !in.Cautions {
			return ErrCautions
		}
		kids, err := s.begotten(ctx, tx, who, &r, &n, &in)
		if err != nil {
			return err
		}
		now := s.now()
		step, first, _ := s.Rules.Next(s.Rules.Schedule(n.SentAt, n.Content.AnswerBy, n.Content.FixBy), (&Recipient{}).stepAfter(s.Rules, &n, now), Delivered)
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		orgs := []string{who.Org, n.From}
		for i := range kids {
			k := &kids[i]
			k.DeliveredAt = now
			if !k.silent && (k.Org != "" || k.Mail != "" && s.Channels != nil && s.Channels.Mails) {
				k.step, k.nextAt = step, first
				orgs = append(orgs, k.Org)
			}
			if err := k.seal(c); err != nil {
				return err
			}
		}
		if err := insertRecipients(ctx, tx, kids); err != nil {
			if db.IsUnique(err) {
				return fault.New(fault.Conflict, "notice.relay.twice")
			}
			return err
		}
		if err := s.queueDelivery(ctx, tx, &n.Notice, kids, "first", 1, now); err != nil {
			return err
		}
		if out.Children, err = s.linkAll(ctx, tx, &n, kids, who, now); err != nil {
			return err
		}
		act.Public = map[string]any{"firms": len(kids), "tier": r.Tier + 1, "cautions": "shown"}
		act.Secret = in
		return publish(ctx, tx, "relayed", Happened{Notice: n.ID, From: n.From, By: who.Org, Recipient: id, Count: len(kids)}, orgs...)
	})
	return out, err
}

// begotten makes the parts of the firms a letter is passed on to.
func (s *Service) begotten(ctx context.Context, tx *db.Tx, who gate.Identity, r *Recipient, n *noticeRow, in *RelayInput) ([]Recipient, error) {
	var p problems
	in.Why, in.Note = p.tidy("why", in.Why, maxWhyText), p.tidy("note", in.Note, maxWords)
	if in.Why == "" {
		p.add("why", "notice.relay.why")
	}
	have, err := children(ctx, tx, r.ID)
	if err != nil {
		return nil, err
	}
	if len(in.Children) == 0 {
		p.add("children", "notice.relay.nobody")
	}
	if most := s.Rules.Relay.Most; len(in.Children) > most || len(have)+len(in.Children) > maxRecipients {
		return nil, fault.New(fault.TooLarge, "notice.relay.many", "max", most)
	}
	kinds := versionsOf(&n.Content, r.Kinds)
	if len(in.Versions) == 0 && slices.Contains(kinds, Small) {
		in.Versions = []Kind{Small}
	}
	chosen := kinds[:0:0]
	for _, k := range kinds {
		if len(in.Versions) == 0 && s.Rules.MayPass(s.Rules.markOf(&n.Content, k), true) || slices.Contains(in.Versions, k) {
			chosen = append(chosen, k)
		}
	}
	if len(chosen) == 0 {
		return nil, ErrMark
	}
	tied, err := s.tied(ctx, tx, who.Org)
	if err != nil {
		return nil, err
	}
	above, err := ancestors(ctx, tx, *r)
	if err != nil {
		return nil, err
	}
	var kids []Recipient
	for i, c := range in.Children {
		at := "children/" + strconv.Itoa(i)
		k := Recipient{ID: newBlind(), Notice: n.ID, Parent: r.ID, From: who.Org, Tier: r.Tier + 1, Kinds: chosen, State: Delivered, Note: in.Note,
			Why: []text.Both{{JA: in.Why, EN: in.Why}}}
		known := c.Org != ""
		for _, v := range chosen {
			if !s.Rules.MayPass(s.Rules.markOf(&n.Content, v), known) {
				return nil, fault.New(fault.Refused, ErrMark.Code)
			}
		}
		if !known {
			if n.Content.Clearance > 0 { // a link asks for no clearance
				return nil, fault.New(fault.Refused, ErrMark.Code)
			}
			// In one line: it stands in a mail of the hub, which says nothing of anybody else's.
			if k.Name = strings.Join(strings.Fields(p.tidy(at+"/name", c.Name, maxTitle)), " "); k.Name == "" {
				p.add(at+"/name", "notice.field.empty")
			}
			k.Mail = p.address(at+"/mail", c.Mail)
			kids = append(kids, k)
			continue
		}
		if c.Org == who.Org || c.Org == r.From || c.Org == n.From {
			return nil, ErrCycle
		}
		if !slices.Contains(tied, c.Org) {
			p.add(at, "notice.relay.tie")
			continue
		}
		// Further up the chain somebody has it already. Were that refused, the
		// refusal would tell who: it looks delivered, and goes nowhere.
		k.Org, k.silent = c.Org, slices.Contains(above, c.Org)
		kids = append(kids, k)
	}
	if len(p) > 0 {
		return nil, fault.New(fault.Invalid, "notice.invalid", "n", len(p)).At(p...)
	}
	return kids, nil
}

// ancestors lists the organisations through which a letter came.
func ancestors(ctx context.Context, tx *db.Tx, r Recipient) (orgs []string, err error) {
	for range maxChain {
		orgs = append(orgs, r.From)
		if r.Parent == "" {
			return orgs, nil
		}
		if r, err = anyRecipient(ctx, tx, r.Parent); err != nil {
			return nil, err
		}
	}
	return orgs, nil
}

// maxChain bounds a walk up the chain, whatever the rules allow.
const maxChain = 16

// newToken makes the secret of a link: 128 random bits.
func newToken() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// tokenDigest is what is kept of a token. It is looked up by its digest, so
// that how long the search takes tells nothing of the token.
func tokenDigest(token string) string {
	sum := sha256.Sum256([]byte("noroshi notice link\x00" + token))
	return hex.EncodeToString(sum[:])
}

// linkAll makes the links of firms that are not on the hub.
func (s *Service) linkAll(ctx context.Context, tx *db.Tx, n *noticeRow, kids []Recipient, who gate.Identity, now time.Time) ([]PassedTo, error) {
	var ids []string
	for _, k := range kids {
		ids = append(ids, k.Org)
	}
	names, err := s.names(ctx, tx, langOf(who), ids...)
	if err != nil {
		return nil, err
	}
	out := make([]PassedTo, len(kids))
	for i, k := range kids {
		out[i] = PassedTo{ID: k.ID, Org: k.Org, Name: k.Name, Mail: k.Mail}
		if k.Org != "" {
			out[i].Name = names[k.Org]
			continue
		}
		if out[i].Link, out[i].Ends, err = s.link(ctx, tx, k.ID, now); err != nil {
			return nil, err
		}
		if out[i].Mailed, err = s.mailLink(ctx, tx, n, &k, out[i].Link); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) link(ctx context.Context, tx *db.Tx, recipient ID, now time.Time) (string, time.Time, error) {
	token, ends := newToken(), now.AddDate(0, 0, s.Rules.Relay.LinkDays)
	if err := insertLink(ctx, tx, tokenDigest(token), recipient, now, ends); err != nil {
		return "", ends, fmt.Errorf("link of %s: %w", recipient, err)
	}
	return strings.TrimSuffix(s.BaseURL, "/") + "/n/" + token, ends, nil
}

// maxLinks is how many links one firm can be made in a day.
const maxLinks = 5

// NewLink makes another link for a firm that one passed a letter on to, and
// ends the ones before.
func (s *Service) NewLink(ctx context.Context, letter, child ID) (p PassedTo, err error) {
	letter = s.letterID(ctx, letter)
	act := &ledger.Act{Verb: "notice.relay", Object: letterOf(letter), Public: map[string]any{"step": "link"}}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		_, n, err := loadLetter(ctx, tx, letter, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		k, err := anyRecipient(ctx, tx, child)
		if err != nil || k.Parent != letter || k.Org != "" {
			return ErrNone
		}
		if n.Stage != Sent {
			return ErrEnded
		}
		one := []Recipient{k}
		if err := s.openAll(ctx, tx, who.Org, one); err != nil {
			return err
		}
		now := s.now()
		made, err := countLinks(ctx, tx, child, now.Add(-24*time.Hour))
		if err != nil {
			return err
		}
		if made >= maxLinks { // each is a mail to whoever has the address
			return fault.New(fault.TooLarge, "notice.relay.links", "max", maxLinks)
		}
		if err := endLinks(ctx, tx, child, now); err != nil {
			return err
		}
		if err := clearUndelivered(ctx, tx, child); err != nil {
			return err
		}
		p = PassedTo{ID: child, Name: one[0].Name, Mail: one[0].Mail}
		if p.Link, p.Ends, err = s.link(ctx, tx, child, now); err != nil {
			return err
		}
		if err := s.open(ctx, tx, &n); err != nil {
			return err
		}
		p.Mailed, err = s.mailLink(ctx, tx, &n, &one[0], p.Link)
		return err
	})
	return p, err
}

// Passing is what whoever passed a letter on sees of it: to whom, counts in
// which small ones are ranges, and in detail only those who agreed to it.
type Passing struct {
	To     []PassedTo      `json:"to"`
	Total  int             `json:"total"`
	Counts map[State]Range `json:"counts"`
	Shown  []ShownPart     `json:"shown"`
}

// ShownPart is the answer of a firm that agreed to its being seen.
type ShownPart struct {
	ID         ID        `json:"id"`
	Name       string    `json:"name"`
	State      State     `json:"state"`
	PlannedFor string    `json:"planned_for,omitempty"`
	Note       string    `json:"note,omitempty"`
	At         time.Time `json:"at,omitzero"`
}

// Passing returns what became of a letter that one passed on.
func (s *Service) Passing(ctx context.Context, id ID) (out Passing, err error) {
	id = s.letterID(ctx, id)
	out.Counts = map[State]Range{}
	err = s.read(ctx, "notice.relay", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if _, _, err := loadLetter(ctx, tx, id, who.Org, who.Clearance); err != nil {
			return err
		}
		kids, err := children(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := s.openAll(ctx, tx, who.Org, kids); err != nil {
			return err
		}
		var ids []string
		for _, k := range kids {
			ids = append(ids, k.Org)
		}
		names, err := s.names(ctx, tx, langOf(who), ids...)
		if err != nil {
			return err
		}
		back, err := undeliveredBelow(ctx, tx, id)
		if err != nil {
			return err
		}
		count := map[State]int{}
		for _, k := range kids {
			if k.Org != "" {
				k.Name = names[k.Org]
			}
			out.To = append(out.To, PassedTo{ID: k.ID, Org: k.Org, Name: k.Name, Mail: k.Mail, Undelivered: back[k.ID]})
			count[k.State]++
			if !k.Shown {
				continue
			}
			answers, err := s.answers(ctx, tx, k.ID)
			if err != nil {
				return err
			}
			if len(answers) == 0 {
				continue
			}
			last := answers[len(answers)-1]
			out.Shown = append(out.Shown, ShownPart{k.ID, k.Name, last.State, last.Date, last.Note, last.At})
		}
		out.Total = len(kids)
		for _, st := range s.Rules.States {
			out.Counts[st.ID] = s.Rules.Blur(count[st.ID], len(kids))
		}
		slices.SortFunc(out.To, func(a, b PassedTo) int { return strings.Compare(a.Name, b.Name) })
		slices.SortFunc(out.Shown, func(a, b ShownPart) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return out, err
}
