package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
)

// told is one step of the story as its JSON has it.
type told struct {
	Noun string `json:"noun"`
	What string `json:"what"` // in words, with what came out
	OK   bool   `json:"ok"`
	MS   int64  `json:"ms"`
}

// storyTold is the whole story in JSON.
type storyTold struct {
	Steps  []told `json:"steps"`
	Ledger struct {
		Entries  uint64 `json:"entries"`
		Verified bool   `json:"verified"`
	} `json:"ledger"`
}

// story is the first release played through by the people who would: every
// step acts as one of them, and reads back, as another, that it happened.
type story struct {
	*country
	ctx   context.Context
	say   text.Printer
	out   io.Writer // nil when the whole is told in JSON at the end
	dir   string
	whole storyTold
	more  []string // lines below the sentence of the step under way

	night     time.Time // when it is noticed
	statement string
	draft     incident.Draft
	sent      incident.Submitted
	profiles  []incident.ProfileResult // of the first report that went out
}

// cast are the members of the country that the story needs; the second
// operator and the second maker are there to see nothing.
var cast = []string{"power", "starlight", "industry", "office", "police", "privacy", "centre", "commission", "shioji", "s01", "akari", "hub", "water", "rail", "minato", "telecom", "defence", "foreign", "safety"}

func storyCommand(ctx context.Context, env *cli.Env, dir string, o demoFlags) error {
	var out io.Writer
	if !env.JSON() {
		out = env.Out
	}
	whole, err := tellStory(ctx, env.Words, env.Printer(), dir, o.seed, o.plant, out)
	if env.JSON() {
		if e := env.Emit(whole, nil); e != nil {
			return e
		}
	}
	if o.keep != "" {
		env.Say("app.demo.kept", "dir", o.keep)
		if err == nil {
			env.Say("app.demo.kept_auditor", "dir", o.keep)
		}
	}
	return err
}

// tellStory plays the story in a folder. The error says which step did not
// happen; what was told until then is in the answer. What an auditor gets is left
// in auditor/, with the rule broken that is planted, if any.
func tellStory(ctx context.Context, words *text.Catalog, say text.Printer, dir string, seed uint64, plant string, out io.Writer) (w storyTold, err error) {
	w.Steps = []told{}
	h, clock, err := openDemo(ctx, words, dir, "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	c, err := newCountry(h, clock, seed)
	if err != nil {
		return w, err
	}
	for i := range c.Orgs { // everybody in it speaks the reader's language
		c.Orgs[i].English = say.Lang == text.EN
	}
	s := &story{country: c, ctx: ctx, say: say, out: out, dir: dir, whole: w}
	y, m, d := c.now.In(text.JST).Date()
	s.night = time.Date(y, m, d-9, 2, 10, 0, 0, text.JST)
	if err = s.play(); err == nil {
		err = s.handed(plant)
	}
	return s.whole, err
}

// scene is one step: when it is, what it is about, and what happens. It
// returns its sentence, or why it did not happen.
type scene struct {
	noun string
	at   time.Duration // after the night it is noticed
	do   func() (string, error)
}

const day = 24 * time.Hour

func (s *story) play() error {
	if s.out != nil {
		fmt.Fprintln(s.out, s.say.T("app.demo.invented"))
	}
	var all []scene
	all = append(all, s.registerScenes()...)
	all = append(all, s.nightScenes()...)
	all = append(all, s.afterScenes()...)
	all = append(all, s.warningScenes()...)
	all = append(all, s.trafficScenes()...)
	all = append(all, s.huntScenes()...)
	all = append(all, s.powerScenes()...)
	all = append(all, s.measureScenes()...)
	all = append(all, s.ledgerScenes()...)
	return s.perform(all)
}

// perform plays scenes until one does not happen.
func (s *story) perform(all []scene) error {
	for i, x := range all {
		s.clock.Set(s.night.Add(x.at))
		began := time.Now()
		what, err := x.do()
		t := told{x.noun, what, err == nil, time.Since(began).Milliseconds()}
		if err != nil {
			t.What = s.why(err)
		}
		s.whole.Steps = append(s.whole.Steps, t)
		s.print(i+1, t)
		if err != nil {
			return fault.New(fault.Unmet, "app.story.stopped", "n", i+1, "noun", x.noun, "why", t.What).Because(err)
		}
	}
	return nil
}

// why says in words why a step did not happen.
func (s *story) why(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return s.say.Fault(f).Title
	}
	return err.Error()
}

func (s *story) print(n int, t told) {
	defer func() { s.more = nil }()
	if s.out == nil {
		return
	}
	mark := "✓"
	if !t.OK {
		mark = "✗"
	}
	fmt.Fprintf(s.out, "\n%s %2d  %-9s  %s  (%s)\n", mark, n, t.Noun, t.What, s.say.Short(s.clock.Now(), s.now))
	for _, line := range s.more {
		fmt.Fprintln(s.out, "               "+line)
	}
}

// note adds a line below the sentence of the step.
func (s *story) note(key string, pairs ...any) { s.more = append(s.more, s.say.T(key, pairs...)) }

// must is the error of a step whose outcome is not what it should be: a defect
// of the program, or of the story.
func must(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fault.New(fault.Unmet, "app.story.not", "detail", fmt.Sprintf(format, args...))
}
