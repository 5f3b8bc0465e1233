package situation

import (
	"context"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
)

// Assign gives a task to an organisation that takes part. Faults: ErrInvalid
// with places.
func (s *Service) Assign(ctx context.Context, id ID, n NewTask) (t Task, err error) {
	act := &ledger.Act{Verb: "situation.task", Secret: n}
	err = s.within(ctx, act, id, func(r *room) error {
		now := s.now()
		if n, err = n.normal(now); err != nil {
			return err
		}
		var bad mistakes
		people, err := loadPeople(ctx, r.tx, id, n.Owner)
		if err != nil {
			return err
		}
		if len(people) == 0 || !r.mayName(n.Owner) {
			bad.add("owner", "situation.bad.org")
		}
		all, err := loadTasks(ctx, r.tx, id, "")
		if err != nil {
			return err
		}
		if len(all) >= maxTasks {
			return fault.New(fault.TooLarge, "situation.bad.many", "max", maxTasks)
		}
		for _, x := range n.Needs {
			if !slices.ContainsFunc(all, func(t Task) bool { return t.ID == x && (r.me.Sees.Tasks || t.Owner == r.who.Org) }) {
				bad.add("needs", "situation.bad.needs")
			}
		}
		if len(bad) > 0 {
			return bad.err()
		}
		t = Task{ID: newID(), Owner: n.Owner, By: r.who.Org, Title: n.Title, Detail: n.Detail, DueAt: n.DueAt, State: Todo, Needs: n.Needs, CreatedAt: now, UpdatedAt: now, Revision: 1}
		if err := t.seal(r.k); err != nil {
			return err
		}
		if err := insertTask(ctx, r.tx, id, t); err != nil {
			return err
		}
		t.sealed = nil
		act.Public = map[string]any{"task": t.ID, "owner": ledger.Org(t.Owner), "needs": len(t.Needs)}
		return r.note(ctx, "tasked", "tasked", t.ID, Happened{Org: t.Owner, Task: t.ID}, t.Owner)
	}, Lead, Member)
	return t, err
}

// Depend changes which tasks have to be done before another.
func (s *Service) Depend(ctx context.Context, id, task ID, on ...ID) error {
	act := &ledger.Act{Verb: "situation.task", Public: map[string]any{"task": task, "needs": len(on)}}
	return s.within(ctx, act, id, func(r *room) error {
		needs, _, err := loadNeeds(ctx, r.tx, id)
		if err != nil {
			return err
		}
		all, err := loadTasks(ctx, r.tx, id, "")
		if err != nil {
			return err
		}
		known := func(x ID) bool {
			return slices.ContainsFunc(all, func(t Task) bool {
				return t.ID == x && (r.me.Sees.Tasks || t.Owner == r.who.Org || t.By == r.who.Org)
			})
		}
		if !known(task) {
			return ErrNone
		}
		var bad mistakes
		for _, x := range on {
			if !known(x) || x == task {
				bad.add("needs", "situation.bad.needs")
			}
		}
		if len(on) > maxNeeds {
			bad.add("needs", "situation.bad.many", "max", maxNeeds)
		}
		if circular(task, on, needs) {
			bad.add("needs", "situation.bad.circle")
		}
		if len(bad) > 0 {
			return bad.err()
		}
		return putNeeds(ctx, r.tx, id, task, on)
	}, Lead, Member)
}

// Move changes how a task stands, with an answer: its owner starts it, ends it,
// or says that it cannot; who gave it, or leads, cancels it or asks again.
// Faults: ErrNone, ErrStep, ErrNeeds while another task comes first.
func (s *Service) Move(ctx context.Context, id, task ID, to TaskState, answer string) (t Task, err error) {
	act := &ledger.Act{Verb: "situation.answer", Secret: answer}
	err = s.within(ctx, act, id, func(r *room) error {
		if t, err = r.task(ctx, task); err != nil {
			return err
		}
		owner, gave := t.Owner == r.who.Org, t.By == r.who.Org || r.me.Part == Lead
		if !mayStep(t.State, to, owner, gave) {
			return fault.New(fault.Conflict, ErrStep.Code, "from", string(t.State), "to", string(to))
		}
		if t.Waits && (to == Started || to == Done) {
			return ErrNeeds
		}
		var bad mistakes
		if answer = bad.text("answer", answer, maxWords, to == Cannot || to == Cancelled); len(bad) > 0 {
			return bad.err()
		}
		if answer != "" {
			t.Answer = answer
		}
		t.State, t.UpdatedAt, t.DoneAt = to, s.now(), time.Time{}
		if to == Done {
			t.DoneAt = t.UpdatedAt
		}
		if err := t.seal(r.k); err != nil {
			return err
		}
		if err := updateTask(ctx, r.tx, t); err != nil {
			return err
		}
		t.Revision++
		t.sealed = nil
		act.Public = map[string]any{"task": t.ID, "to": string(to)}
		return r.note(ctx, string(to), "answered", t.ID, Happened{Org: t.Owner, Task: t.ID}, t.Owner, t.By)
	}, Lead, Member, Tasked)
	return t, err
}

// task returns a task that who acts may see, opened.
func (r *room) task(ctx context.Context, id ID) (Task, error) {
	list, err := r.s.tasks(ctx, r.tx, r.k, r.e.ID, "")
	if err != nil {
		return Task{}, err
	}
	for _, t := range list {
		if t.ID == id && r.mayRead(t) {
			return t, nil
		}
	}
	return Task{}, ErrNone
}

func (r *room) mayRead(t Task) bool {
	return t.Owner == r.who.Org || t.By == r.who.Org || r.me.Part != Tasked && r.me.Sees.Tasks
}

// SayTask writes into the conversation of a task, between its owner and those
// who gave it.
func (s *Service) SayTask(ctx context.Context, id, task ID, kind thread.Kind, words string) (m thread.Message, err error) {
	act := &ledger.Act{Verb: "situation.say", Secret: words}
	err = s.within(ctx, act, id, func(r *room) error {
		t, err := r.task(ctx, task)
		if err != nil {
			return err
		}
		if kind != thread.Question && kind != thread.Answer {
			kind = thread.Note
		}
		m, err = s.Threads.Post(ctx, r.tx, r.e.Org, thread.Message{Object: taskObject(task), With: t.Owner, From: r.who.Org, Person: r.who.Person, Kind: kind, Text: words}, s.now())
		if err != nil {
			return err
		}
		act.Public = map[string]any{"task": task, "kind": string(kind)}
		return publish(ctx, r.tx, "said", Happened{Event: id, By: r.who.Org, Org: t.Owner, Task: task}, t.Owner, t.By, r.e.Org)
	}, Lead, Member, Tasked)
	return m, err
}

// TaskView is one task with its conversation.
type TaskView struct {
	Event    Event             `json:"event"`
	Me       Participant       `json:"me"`
	Task     Task              `json:"task"`
	Needs    []Task            `json:"needs,omitempty"` // those who looks may see
	Messages []thread.Message  `json:"messages"`
	Names    map[string]string `json:"names"`
}

// Task returns a task that who looks may see: its own, one that it gave, or as a
// member others' too.
func (s *Service) Task(ctx context.Context, id, task ID) (v TaskView, err error) {
	err = s.read(ctx, "situation.read", func(tx *db.Tx, who gate.Identity) error {
		if v.Event, v.Me, err = loadEvent(ctx, tx, id, who); err != nil {
			return err
		}
		k, err := s.Keys.For(ctx, tx, v.Event.Org)
		if err != nil {
			return err
		}
		if err := v.Event.open(k, v.Me.Part); err != nil {
			return err
		}
		r := &room{s, tx, nil, who, v.Event, v.Me, k}
		if v.Task, err = r.task(ctx, task); err != nil {
			return err
		}
		all, err := s.tasks(ctx, tx, k, id, "")
		if err != nil {
			return err
		}
		shown := v.Task.Needs
		v.Task.Needs = nil
		for _, t := range all {
			if slices.Contains(shown, t.ID) && r.mayRead(t) {
				v.Needs, v.Task.Needs = append(v.Needs, t), append(v.Task.Needs, t.ID)
			}
		}
		if v.Messages, err = s.Threads.Of(ctx, tx, v.Event.Org, taskObject(task), v.Task.Owner); err != nil {
			return err
		}
		if v.Me.Part == Tasked && v.Task.By != who.Org { // who else gives tasks is not theirs to know
			v.Task.By = ""
		}
		orgs := map[string]bool{v.Task.Owner: true, v.Task.By: true, v.Event.Org: true}
		for _, m := range v.Messages {
			orgs[m.From] = true
		}
		v.Names, err = s.names(ctx, tx, who, orgs)
		return err
	})
	return v, err
}
