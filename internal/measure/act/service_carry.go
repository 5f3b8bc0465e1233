package act

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/measure/act/driver"
)

// Bounds of a contact.
const (
	maxHolds = 10_000
	maxWait  = 50 * time.Second // that a contact waits for something to do
	look     = time.Second      // between looks at the database while it waits
	beat     = 10 * time.Second // between writes that an actuator was heard of

	// That an alarm of an actuator is shown after it was raised last, and a grave one:
	// longer than any week-end. In the ledger it stands for good.
	remembered  = 24 * time.Hour
	graveStands = 7 * 24 * time.Hour
)

// Contact is what an actuator says of itself when it asks for something to do.
type Contact struct {
	Actuator ID            `json:"actuator" minLength:"1" maxLength:"60" doc:"Id of the process, made with its folder"`
	Name     string        `json:"name,omitempty" maxLength:"200"`
	Kinds    []driver.Kind `json:"kinds" maxItems:"10" nullable:"false"`
	Number   int64         `json:"number" minimum:"0" doc:"Of the newest instruction that it followed"`
	Holds    []Held        `json:"holds" maxItems:"10000" nullable:"false" doc:"Orders of which it holds something"`
	Wait     int           `json:"wait,omitempty" minimum:"0" maximum:"50" doc:"Seconds to wait for something to do"`
}

// Held is an order of which an actuator holds something, by its own journal.
type Held struct {
	Order ID `json:"order" maxLength:"60"`
	Use   ID `json:"use" maxLength:"60"`
}

// Jobs are what there is to do for an actuator.
type Jobs struct {
	Now     time.Time `json:"now"`
	Number  int64     `json:"number"`            // of the newest instruction of this hub
	Told    []string  `json:"told,omitempty"`    // signed instructions to show and to undo, in the order of their numbers
	Take    []ID      `json:"take,omitempty"`    // orders to be taken
	Unknown []ID      `json:"unknown,omitempty"` // held there, and never sent by this hub
	Settled []ID      `json:"settled,omitempty"` // sent, and not among what is held: its outcome is asked for again
}

func (j *Jobs) none() bool {
	return len(j.Told)+len(j.Take)+len(j.Unknown)+len(j.Settled) == 0
}

// machine refuses whoever is no machine account with a token.
func machine(who gate.Identity) error {
	if who.Token == "" || who.Person == "" {
		return ErrMachine
	}
	return nil
}

// Work gives an actuator what there is to do, and waits for it as long as it was
// asked to. Faults: ErrMachine, ErrHeld.
func (s *Service) Work(ctx context.Context, in Contact) (j Jobs, err error) {
	who, _, err := Access.Allow(ctx, "act.carry")
	if err == nil {
		err = machine(who)
	}
	if err != nil {
		_, err = s.Ledger.Do(ctx, &ledger.Act{Verb: "act.carry"}, func(*db.Tx) error { return err })
		return j, err
	}
	in.Name = plain(in.Name, maxName)
	if err := s.heard(ctx, who, in); err != nil {
		return j, err
	}
	end := time.NewTimer(min(time.Duration(in.Wait)*time.Second, maxWait))
	defer end.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		bell := s.bells.of(who.Org) // before it is looked: what comes in between rings it
		if err := s.revoke(ctx, who.Org, in.Actuator); err != nil {
			return j, err
		}
		if j, err = s.jobs(ctx, who, in); err != nil || !j.none() {
			return j, err
		}
		select {
		case <-ctx.Done():
			return j, nil
		case <-end.C:
			return j, nil
		case <-bell:
		case <-tick.C:
		}
	}
}

// heard writes down that an actuator was heard of, and raises an alarm when it
// followed an instruction that this hub does not know of: then the hub was put
// back to an older state.
func (s *Service) heard(ctx context.Context, who gate.Identity, in Contact) error {
	now := s.now()
	rolled := false
	if err := s.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := last(ctx, tx)
		if err != nil {
			return err
		}
		a, err := loadActuator(ctx, tx, in.Actuator)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if a.ID != "" && (a.Org != who.Org || a.person != who.Person) {
			return ErrHeld
		}
		faded := a.Alarm != "" && now.Sub(a.AlarmAt) >= remembered // it was not raised again
		raised, stands := a.Grave["rollback"]
		graves := len(a.Grave)
		maps.DeleteFunc(a.Grave, func(_ string, at time.Time) bool { return now.Sub(at) >= graveStands })
		old := faded || len(a.Grave) < graves
		if rolled = in.Number > n && (!stands || now.Sub(raised) >= remembered); !rolled && !old && a.Alarm != "lost" && now.Sub(a.SeenAt) < beat && a.seq == in.Number && slices.Equal(a.Kinds, in.Kinds) && a.Name == in.Name {
			return nil
		}
		if a.Alarm == "lost" || faded {
			a.Alarm, a.AlarmAt = "", time.Time{}
		}
		a.ID, a.Org, a.person, a.Name, a.Kinds, a.seq, a.SeenAt = in.Actuator, who.Org, who.Person, in.Name, in.Kinds, in.Number, now
		return putActuator(ctx, tx, a)
	}); err != nil || !rolled {
		return err
	}
	return s.alarm(ctx, in.Actuator, "", "rollback")
}

// revoke ends what an actuator holds under a Grant of a case that no longer stands,
// before it is told what to do.
func (s *Service) revoke(ctx context.Context, unit string, actuator ID) error {
	var gone []ID
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := casesOf(ctx, tx, unit, actuator)
		for i := range list {
			if s.lapse(ctx, tx, &list[i]) == "revoked" {
				gone = append(gone, list[i].ID)
			}
		}
		return err
	})
	for _, id := range gone {
		err = errors.Join(err, s.ended(gateless(ctx), id, "revoked"))
	}
	return err
}

// jobs looks once for what there is to do.
func (s *Service) jobs(ctx context.Context, who gate.Identity, in Contact) (j Jobs, err error) {
	var todo []Instruction
	var stays []ID
	j.Now = s.now()
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		if j.Number, err = last(ctx, tx); err != nil {
			return err
		}
		list, err := jobsOf(ctx, tx, who.Org, in.Actuator, in.Kinds)
		if err != nil {
			return err
		}
		for i := range list {
			o := &list[i]
			switch {
			case o.State == Asked:
				todo = append(todo, Instruction{What: Show, Task: o.Task})
			case o.State == Approved && j.Now.Before(o.Until):
				j.Take = append(j.Take, o.ID)
			case o.State == Ending:
				todo = append(todo, Instruction{What: Undo, Task: o.Task, Use: o.use, Reason: o.Reason})
			}
		}
		stays, err = s.compare(ctx, tx, who, in, &j, &todo)
		return err
	}); err != nil {
		return j, err
	}
	for _, id := range stays {
		err = errors.Join(err, s.alarm(ctx, in.Actuator, id, stillHeld))
	}
	if err != nil || len(todo) == 0 {
		return j, err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		j.Told = nil
		for _, i := range todo {
			raw, err := s.instruct(ctx, tx, in.Actuator, i)
			if err != nil {
				return err
			}
			j.Told = append(j.Told, raw)
		}
		j.Number, err = last(ctx, tx)
		return err
	})
	return j, err
}

// compare holds what an actuator has against what it was sent: what is over here
// is undone there, what nobody sent is named. It returns the orders that are over
// here, for longer than their actuator needs, and stay there without an alarm.
func (s *Service) compare(ctx context.Context, tx *db.Tx, who gate.Identity, in Contact, j *Jobs, todo *[]Instruction) (stays []ID, err error) {
	if len(in.Holds) > maxHolds {
		return nil, fault.New(fault.Invalid, "act.bad.many", "max", maxHolds)
	}
	for _, h := range in.Holds {
		o, err := loadOrder(ctx, tx, h.Order, who, gate.Own, false)
		switch {
		case err != nil && fault.KindOf(err) == fault.NotFound, err == nil && (o.Actuator != in.Actuator || o.use != h.Use):
			j.Unknown = append(j.Unknown, h.Order)
		case err != nil:
			return nil, err
		case o.State.over():
			if o.Alarm != stillHeld && !j.Now.Before(o.EndedAt.Add(s.Numbers.GraceMinutes.minutes())) {
				stays = append(stays, o.ID)
			}
			if len(*todo) < maxJobs && s.repeats.due(o.ID, j.Now) {
				*todo = append(*todo, Instruction{What: Undo, Task: o.Task, Use: o.use, Reason: "settled"})
			}
		}
	}
	held, err := heldBy(ctx, tx, who.Org, in.Actuator)
	if err != nil {
		return nil, err
	}
	has := map[ID]bool{}
	for _, h := range in.Holds {
		has[h.Order] = true
	}
	for i := range held {
		// What was sent a moment ago may be on its way.
		if o := &held[i]; !has[o.ID] && j.Now.Sub(o.SentAt) > beat && len(j.Settled) < maxJobs {
			j.Settled = append(j.Settled, o.ID)
		}
	}
	return stays, nil
}

// instruct numbers and signs an instruction.
func (s *Service) instruct(ctx context.Context, tx *db.Tx, actuator ID, i Instruction) (raw string, err error) {
	i.Actuator, i.Digest, i.IssuedAt = actuator, i.Task.Digest(), s.now().Truncate(time.Second)
	if i.Number, err = next(ctx, tx); err != nil {
		return "", err
	}
	return i.Sign(s.Signer)
}

// Targets returns the list of an order, whose digest stands in the task: to its
// organisation's actuators until it is over, and to the people who may read its
// words, so that who approves sees all of what is approved. Faults: ErrNone.
func (s *Service) Targets(ctx context.Context, id ID) (raw []byte, err error) {
	err = s.read(ctx, "act.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return ErrNone
		}
		o, err := loadOrder(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		if machine(who) == nil && o.State.over() {
			return ErrNone
		}
		raw, err = s.targets(ctx, tx, &o)
		return err
	})
	return raw, err
}

// Bounds of a dry run: its lines, and the characters of one.
const (
	maxLines = 1000
	maxLine  = 300
)

// Dried is what a dry run says, of an actuator.
type Dried struct {
	Actuator ID       `json:"actuator" minLength:"1" maxLength:"60"`
	Digest   string   `json:"digest" minLength:"64" maxLength:"64"`
	Rules    int      `json:"rules" minimum:"0"`
	Lines    []string `json:"lines" maxItems:"1000" nullable:"false"`
	More     int      `json:"more,omitempty" minimum:"0"`
	Fits     bool     `json:"fits"`
	Reason   string   `json:"reason,omitempty" maxLength:"100"`
	Says     string   `json:"says,omitempty" maxLength:"4000"`
}

// Dry keeps what an actuator says would change; from there on the order is that
// actuator's. Faults: ErrMachine, ErrHeld, ErrDigest, ErrStep.
func (s *Service) Dry(ctx context.Context, id ID, d Dried) (Order, error) {
	return s.do(ctx, move{verb: "act.dry", id: id, by: MachineSide, fn: func(a *at) (State, error) {
		o := a.o
		switch {
		case o.Actuator != "" && o.Actuator != d.Actuator:
			return "", ErrHeld
		case o.State != Asked:
			return "", step(o.State, "dry", Asked, MachineSide)
		case d.Digest != o.Digest:
			return "", ErrDigest
		}
		if err := s.belongs(a, d.Actuator); err != nil {
			return "", err
		}
		if len(d.Lines) > maxLines {
			return "", fault.New(fault.Invalid, "act.bad.many", "max", maxLines)
		}
		for i, l := range d.Lines {
			d.Lines[i] = strings.ReplaceAll(plain(l, maxLine), "\n", " ")
		}
		d.Reason, d.Says = reasonCode(d.Reason), plain(d.Says, maxWords)
		sh := Shown{Digest: d.Digest, Actuator: d.Actuator, Rules: d.Rules, Lines: d.Lines, More: d.More, Fits: d.Fits && d.Reason == "", Reason: d.Reason, Says: d.Says, At: a.now}
		if err := s.sealShown(a, &sh); err != nil {
			return "", err
		}
		o.Actuator, o.DriedAt, o.fits, o.Reason = d.Actuator, a.now, sh.Fits, d.Reason
		for k, v := range map[string]any{"digest": o.Digest, "actuator": d.Actuator, "rules": d.Rules, "lines": len(d.Lines) + d.More, "fits": sh.Fits} {
			a.act.Public[k] = v
		}
		if d.Reason != "" {
			a.act.Public["reason"] = d.Reason
		}
		return "", nil
	}})
}

// belongs refuses a process that is not one of the account's.
func (s *Service) belongs(a *at, actuator ID) error {
	x, err := loadActuator(a.ctx, a.tx, actuator)
	if err != nil && fault.KindOf(err) == fault.NotFound || err == nil && (x.Org != a.o.Org || x.person != a.who.Person) {
		return ErrHeld
	}
	return err
}

// Carry is what an actuator gets when it takes an order.
type Carry struct {
	Instruction string `json:"instruction"` // signed
	Paper       string `json:"paper"`       // the Grant, signed
}

// Claim names the process that takes an order.
type Claim struct {
	Actuator ID `json:"actuator" minLength:"1" maxLength:"60"`
}

// Take gives an approved order to the actuator that showed what it would do: its
// Grant is redeemed, and the intent is on record. Asked again by the same process
// before its outcome, it gives the same intent. Faults: ErrMachine, ErrHeld,
// ErrApart, ErrOver, ErrChanged, ErrStep, and the refusals of the Grant.
func (s *Service) Take(ctx context.Context, id ID, c Claim) (out Carry, err error) {
	_, err = s.do(ctx, move{verb: "act.take", id: id, by: MachineSide, fn: func(a *at) (State, error) {
		o := a.o
		switch {
		case o.Actuator != c.Actuator:
			return "", ErrHeld
		case a.who.Person == o.asker || a.who.Person == o.approver:
			return "", ErrApart
		case o.Task.Digest() != o.Digest:
			return "", ErrChanged
		}
		if err := s.belongs(a, c.Actuator); err != nil {
			return "", err
		}
		again := o.State == Sent && o.ToldAt.IsZero()
		if !again {
			if err := step(o.State, "take", Sent, MachineSide); err != nil {
				return "", err
			}
		}
		if a.now.Before(o.From) || !a.now.Before(o.Until) {
			return "", ErrOver
		}
		g, paper, err := s.Approvals.PaperOf(a.ctx, a.tx, o.Approval)
		if err != nil {
			return "", err
		}
		if !again {
			if err := s.redeem(a, g); err != nil {
				return "", err
			}
		}
		i := Instruction{What: Apply, Task: o.Task, Approval: o.Approval, Paper: g.Digest(), Use: o.use, Until: o.Until}
		if out.Instruction, err = s.instruct(a.ctx, a.tx, c.Actuator, i); err != nil {
			return "", err
		}
		if out.Paper = string(paper); again {
			return "", errNothing
		}
		for k, v := range map[string]any{"digest": o.Digest, "use": o.use, "actuator": c.Actuator, "rules": o.Task.Count, "until_at": o.Until.Format(time.RFC3339), "order": g.Digest()} {
			a.act.Public[k] = v
		}
		o.SentAt = a.now
		return Sent, nil
	}})
	if err == errNothing {
		err = nil
	}
	return out, err
}

// redeem takes the Grant of an order for one use, or asks whether the Grant of the
// case still stands.
func (s *Service) redeem(a *at, g approval.Grant) error {
	o := a.o
	if o.Task.Chain != "" {
		if err := s.stands(a.ctx, a.tx, o, a.now); err != nil {
			return err
		}
		o.use = newID()
		return nil
	}
	u, err := s.Approvals.Redeem(a.ctx, a.tx, a.act, g, a.who, o.Task.Scope())
	o.use = u.ID
	return err
}

// stands refuses what the Grant of a case does not carry any longer.
func (s *Service) stands(ctx context.Context, tx *db.Tx, o *Order, now time.Time) error {
	st, err := s.Approvals.Standing(ctx, tx, o.Approval)
	if err != nil {
		return err
	}
	if st.State != approval.Approved || st.Measure != o.Task.Chain || st.Plan != o.Task.Plan || now.Before(st.From) || !now.Before(st.Until) {
		return ErrOver
	}
	if ok, err := s.Measures.Carried(ctx, tx, o.Task.Chain, o.Task.Plan); err != nil || !ok {
		return errors.Join(err, ErrOver)
	}
	return nil
}
