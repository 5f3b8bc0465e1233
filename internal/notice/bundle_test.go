package notice

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/intel"
	"noroshi/internal/testkit"
)

// carried is two hubs with nothing between them but files: that of the
// senders, and one behind a closed network where "wind" is the operator.
type carried struct {
	near, far   *house
	out, in     *intel.Service // bundles of the one and the other
	self, reply *age.X25519Identity
}

func bundleSources() []db.Source {
	return append(sources(), db.Source{Noun: "intel", FS: intel.Migrations})
}

func newCarried(t *testing.T, d *db.DB) *carried {
	t.Helper()
	c := &carried{near: newHouse(t, testkit.DB(t, bundleSources()...)), far: newHouse(t, d)}
	for _, x := range []struct {
		h    *house
		into **intel.Service
	}{{c.near, &c.out}, {c.far, &c.in}} {
		s, err := intel.Open(intel.Config{DB: x.h.Parts.DB, Ledger: x.h.Parts.Ledger, Parts: BundleParts(x.h.Service), Dir: t.TempDir(), Now: x.h.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		*x.into = s
	}
	var err error
	if c.self, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	if c.reply, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	return c
}

func eachCarried(t *testing.T, fn func(t *testing.T, c *carried)) {
	t.Helper()
	testkit.Each(t, bundleSources(), func(t *testing.T, d *db.DB) { fn(t, newCarried(t, d)) })
}

func (h *house) admin() context.Context { return h.As("hub", "a", gate.HubAdmin) }

// enter enters wind's network with the key of its hub.
func (c *carried) enter(t *testing.T) {
	t.Helper()
	if _, err := c.near.EnterClosed(c.near.admin(), c.near.ID("wind"), ClosedInput{Key: c.far.VKey + "\n"}); err != nil {
		t.Fatal(err)
	}
}

func (c *carried) letters(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := c.out.Bundle(c.near.analyst(), intel.PackInput{For: c.near.ID("wind"), To: c.self.Recipient().String()}, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (c *carried) take(raw []byte) (intel.Bundled, error) {
	return c.in.TakeBundle(c.far.admin(), bytes.NewReader(raw), c.near.VKey, c.self.String())
}

func (c *carried) answers(t *testing.T, since time.Time) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := c.in.Bundle(c.far.wind(), intel.PackInput{Answers: true, To: c.reply.Recipient().String(), Since: since}, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (c *carried) hear(raw []byte) (intel.Bundled, error) {
	return c.out.TakeBundle(c.near.analyst(), bytes.NewReader(raw), c.far.VKey, c.reply.String())
}

func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A letter goes in by file, its answers come back by file, each once and with
// the time it was given; a correction follows.
func TestLettersAndAnswersByFile(t *testing.T) {
	eachCarried(t, func(t *testing.T, c *carried) {
		c.enter(t)
		n := c.near.told("wind", "sea")
		c.near.told("sea")
		raw := c.letters(t)
		if bytes.Contains(raw, []byte("EdgeGate")) {
			t.Error("letters lie open in the file")
		}
		c.far.Clock.Pass(time.Hour)
		got := must[intel.Bundled](t)(c.take(raw))
		if len(got.Parts) != 1 || got.Parts[0].New != 1 || got.Manifest.Sequence != 1 {
			t.Fatalf("%+v", got)
		}
		if list, _, _ := c.far.Inbox(c.far.sea(), Filter{}); len(list) != 0 {
			t.Error("another's inbox has it")
		}
		l := c.far.read(c.far.wind())
		near := c.near.read(c.near.wind())
		if l.ID != near.ID || l.Number != near.Number || l.Content.Technical == nil || l.Why[0] != near.Why[0] || !l.Content.KnownAt.IsZero() || !l.Content.AnswerBy.Equal(near.Content.AnswerBy) {
			t.Errorf("there %+v\nhere %+v", l, near)
		}
		if want := "試験office(架空)（ファイルで）"; l.FromName != want {
			t.Errorf("from %q, want %q", l.FromName, want)
		}
		if _, err := c.take(raw); !errors.Is(err, intel.ErrRollback) {
			t.Errorf("the same file again: %v", err)
		}
		if got := must[intel.Bundled](t)(c.take(c.letters(t))); got.Parts[0].New != 0 || got.Parts[0].Same != 1 {
			t.Errorf("the same letters again: %+v", got.Parts)
		}

		given := c.far.now()
		for _, in := range []AnswerInput{{State: Checking}, {State: Planned, Date: "2026-12-01", Interim: "線を抜いておく", Note: "試験してから"}} {
			must[Answered](t)(c.far.Answer(c.far.wind(), l.ID, in))
			c.far.Clock.Pass(time.Hour)
		}
		if _, err := c.far.AddEvidence(c.far.wind(), l.ID, "画面.png", strings.NewReader("evidence")); err != nil {
			t.Fatal(err)
		}
		first := c.answers(t, time.Time{})
		if _, err := c.in.Bundle(c.far.wind(), intel.PackInput{Answers: true, To: c.reply.Recipient().String()}, &bytes.Buffer{}); code(err) != "notice.bundle.nothing" {
			t.Errorf("nothing new: %v", err)
		}
		must[Answered](t)(c.far.Answer(c.far.wind(), l.ID, AnswerInput{State: Mitigated, Note: "新しい版にした"}))
		second := c.answers(t, time.Time{})
		c.near.Clock.Pass(5 * time.Hour)
		if _, err := c.hear(second); code(err) != "notice.bundle.gap" {
			t.Errorf("the second before the first: %v", err)
		}
		if got := must[intel.Bundled](t)(c.hear(first)); got.Parts[0].New != 2 {
			t.Errorf("%+v", got.Parts)
		}
		b := must[Board](t)(c.near.Board(c.near.analyst(), n.ID, Planned, "", 0))
		if len(b.Rows) != 1 || !b.Rows[0].ByFile || b.Rows[0].Held != 1 || b.Rows[0].PlannedFor != "2026-12-01" || b.Rows[0].Note != "試験してから" || b.Rows[0].Org != c.near.ID("wind") {
			t.Fatalf("%+v", b.Rows)
		}
		if got := must[intel.Bundled](t)(c.hear(second)); got.Parts[0].New != 1 {
			t.Errorf("%+v", got.Parts)
		}
		if _, err := c.hear(first); !errors.Is(err, intel.ErrRollback) {
			t.Errorf("the first again: %v", err)
		}
		if got := must[intel.Bundled](t)(c.hear(c.answers(t, given))); got.Parts[0].New != 0 || got.Parts[0].Same != 3 {
			t.Errorf("all again: %+v", got.Parts)
		}
		near = c.near.read(c.near.wind())
		if len(near.Answers) != 3 || !near.Answers[0].At.Equal(given) || near.Answers[1].Interim != "線を抜いておく" || !near.Answers[2].ByFile || near.State != Mitigated || near.FixedAt.IsZero() || len(near.Answers[0].Files) != 1 {
			t.Errorf("%+v", near)
		}
		b = must[Board](t)(c.near.Board(c.near.analyst(), n.ID, "", "", 0))
		if b.Counts[Mitigated] != 1 || b.Counts[Delivered] != 1 {
			t.Errorf("%+v", b.Counts)
		}

		d := must[Notice](t)(c.near.Correct(c.near.analyst(), n.ID))
		must[Dispatched](t)(c.near.Send(c.near.analyst(), d.ID, SendInput{Revision: d.Revision, Despite: true}))
		c.far.Clock.Pass(5 * time.Hour)
		if got := must[intel.Bundled](t)(c.take(c.letters(t))); got.Parts[0].New != 1 || got.Parts[0].Changed != 1 {
			t.Errorf("%+v", got.Parts)
		}
		l = must[Letter](t)(c.far.Open(c.far.wind(), l.ID))
		if l.Stage != Corrected || l.Replaced == "" {
			t.Errorf("%+v", l)
		}
		if err := c.near.Withdraw(c.near.analyst(), d.ID, "誤りでした"); err != nil {
			t.Fatal(err)
		}
		must[intel.Bundled](t)(c.take(c.letters(t)))
		if l = must[Letter](t)(c.far.Open(c.far.wind(), l.Replaced)); l.Stage != Withdrawn || l.EndedWhy != "誤りでした" {
			t.Errorf("%+v", l)
		}
	})
}

// What a file may not do, and who may not make or take one.
func TestWhatAFileMayNot(t *testing.T) {
	eachCarried(t, func(t *testing.T, c *carried) {
		c.near.told("wind", "sea")
		to := c.self.Recipient().String()
		pack := func(ctx context.Context, in intel.PackInput) error {
			_, err := c.out.Bundle(ctx, in, &bytes.Buffer{})
			return err
		}
		wind := c.near.ID("wind")
		if err := pack(c.near.analyst(), intel.PackInput{For: wind, To: to}); code(err) != "notice.bundle.not_closed" {
			t.Errorf("not entered: %v", err)
		}
		c.enter(t)
		other, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]struct {
			err  error
			want string
		}{
			"open":            {pack(c.near.analyst(), intel.PackInput{For: wind}), "notice.bundle.open"},
			"no recipient":    {pack(c.near.analyst(), intel.PackInput{For: wind, To: "age1x"}), "intel.bundle.to"},
			"to nobody":       {pack(c.near.analyst(), intel.PackInput{To: to}), "intel.bundle.to_alone"},
			"a ministry":      {pack(c.near.clerk(), intel.PackInput{For: wind, To: to}), "gate.role"},
			"the admin":       {pack(c.near.admin(), intel.PackInput{For: wind, To: to}), "gate.role"},
			"an operator":     {pack(c.near.sea(), intel.PackInput{For: wind, To: to}), "gate.role"},
			"open answers":    {pack(c.near.wind(), intel.PackInput{Answers: true}), "notice.bundle.open_answers"},
			"no such letters": {pack(c.near.wind(), intel.PackInput{Answers: true, To: to}), "notice.bundle.no_letters"},
		} {
			if code(x.err) != x.want {
				t.Errorf("%s: %v, want %s", name, x.err, x.want)
			}
		}
		if n := c.near.Entries(t, "notice.carry", "refused"); n < 4 {
			t.Errorf("%d refusals on record", n)
		}
		raw := c.letters(t)
		secret, foreign, err := note.GenerateKey(nil, "other.example")
		_ = secret
		if err != nil {
			t.Fatal(err)
		}
		far := func(ctx context.Context, raw []byte, key, identity string) error {
			_, err := c.in.TakeBundle(ctx, bytes.NewReader(raw), key, identity)
			return err
		}
		flipped := bytes.Clone(raw)
		flipped[len(flipped)-40] ^= 1
		for name, x := range map[string]struct {
			err  error
			want string
		}{
			"without the identity": {far(c.far.admin(), raw, c.near.VKey, ""), "intel.bundle.sealed"},
			"another identity":     {far(c.far.admin(), raw, c.near.VKey, other.String()), "intel.bundle.other_identity"},
			"no identity":          {far(c.far.admin(), raw, c.near.VKey, "AGE-SECRET-KEY-1"), "intel.bundle.identity"},
			"another key":          {far(c.far.admin(), raw, foreign, c.self.String()), "intel.bundle.unsigned"},
			"half of it":           {far(c.far.admin(), raw[:len(raw)/2], c.near.VKey, c.self.String()), "intel.bundle.broken"},
			"one bit":              {far(c.far.admin(), flipped, c.near.VKey, c.self.String()), "intel.bundle.broken"},
			"a reporter":           {far(c.far.wind(), raw, c.near.VKey, c.self.String()), "gate.role"},
		} {
			if code(x.err) != x.want {
				t.Errorf("%s: %v, want %s", name, x.err, x.want)
			}
		}
		if n := testkit.Count(t, c.far.Parts.DB, "SELECT count(*) FROM notice_notice"); n != 0 {
			t.Errorf("%d letters came in", n)
		}
		must[intel.Bundled](t)(c.take(raw))
		l := c.far.one(c.far.wind())
		must[Answered](t)(c.far.Answer(c.far.wind(), l.ID, AnswerInput{State: Affected}))
		back := c.answers(t, time.Time{})
		if err := c.near.StrikeClosed(c.near.admin(), wind); err != nil {
			t.Fatal(err)
		}
		if _, err := c.hear(back); code(err) != "notice.bundle.unknown_key" {
			t.Errorf("a key that is not entered: %v", err)
		}
		// The same key as another organisation's speaks for that one only.
		if _, err := c.near.EnterClosed(c.near.admin(), c.near.ID("sea"), ClosedInput{Key: c.far.VKey}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.hear(back); code(err) != "notice.bundle.not_theirs" {
			t.Errorf("another's letter: %v", err)
		}
		if _, err := c.near.EnterClosed(c.near.admin(), wind, ClosedInput{Key: c.far.VKey}); code(err) != "notice.bundle.taken" {
			t.Errorf("one key for two: %v", err)
		}
		if _, err := c.near.EnterClosed(c.near.analyst(), wind, ClosedInput{Key: c.far.VKey}); !errors.Is(err, gate.ErrRole) {
			t.Errorf("by an analyst: %v", err)
		}
		if n := testkit.Count(t, c.near.Parts.DB, "SELECT count(*) FROM notice_answer"); n != 0 {
			t.Errorf("%d answers came in", n)
		}
	})
}

// A key that was stolen, or a hub that errs, changes nothing of others' and
// nothing half: what it signed is held against the rules line by line.
func TestWhatASignedFileMayNot(t *testing.T) {
	eachCarried(t, func(t *testing.T, c *carried) {
		c.enter(t)
		c.near.told("wind")
		c.far.told("wind", "sea")
		local := c.far.one(c.far.sea())
		who := c.near.Identity("office", "a", gate.OfficeAnalyst)
		var list []carriedLetter
		var self letterHead
		err := c.near.Parts.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
			network, err := closedOf(context.Background(), tx, c.near.ID("wind"))
			self = letterHead{lettersFormat, network.Number, duo("国の窓口（架空）", "Office")}
			if err == nil {
				list, _, err = c.near.letters(context.Background(), tx, who, c.near.ID("wind"))
			}
			return err
		})
		if err != nil || len(list) != 1 {
			t.Fatalf("%d letters, %v", len(list), err)
		}
		good := must[[]byte](t)(jsonLines(self, 1, func(int) any { return list[0] }))
		swap := func(from, to string) []byte {
			if !bytes.Contains(good, []byte(from)) {
				t.Fatalf("%s is not in it", from)
			}
			return bytes.ReplaceAll(good, []byte(from), []byte(to))
		}
		count := func() int {
			return testkit.Count(t, c.far.Parts.DB, "SELECT count(*) FROM notice_recipient")
		}
		before := count()
		noted := 0
		done := func(context.Context, *db.Tx) error { noted++; return nil }
		for name, x := range map[string]struct {
			lines []byte
			want  string
		}{
			"for nobody here":        {swap(self.Number, "9999999999999"), "notice.bundle.absent"},
			"a later version":        {swap(`"stage":`, `"later":1,"stage":`), "notice.bundle.line"},
			"another format":         {swap(lettersFormat, answersFormat), "notice.bundle.line"},
			"a mark nobody knows":    {swap(`"tlp":"AMBER"`, `"tlp":"PURPLE"`), "notice.bundle.line"},
			"a draft":                {swap(`"stage":"sent"`, `"stage":"draft"`), "notice.bundle.line"},
			"half a line":            {good[:len(good)/2], "notice.bundle.line"},
			"nothing":                {nil, "notice.bundle.line"},
			"the same letter twice":  {append(bytes.Clone(good), good[bytes.IndexByte(good, '\n')+1:]...), "notice.bundle.line"},
			"another's letter":       {swap(list[0].ID, local.ID), "notice.bundle.foreign"},
			"another's number":       {swap(list[0].Number, local.Number), "notice.bundle.foreign"},
			"a number that is none":  {swap(list[0].Number, "W-1"), "notice.bundle.line"},
			"sent after it was made": {swap(`"sent_at":"20`, `"sent_at":"21`), "notice.bundle.line"},
		} {
			if _, err := (letterPart{c.far.Service}).Take(c.far.admin(), intel.Unpacked{Origin: "o.example", Sequence: 1, Lines: x.lines}, done); code(err) != x.want {
				t.Errorf("%s: %v, want %s", name, err, x.want)
			}
		}
		if count() != before || noted != 0 {
			t.Errorf("%d letters, %d before; noted %d times", count(), before, noted)
		}
		if _, err := (letterPart{c.far.Service}).Take(c.far.admin(), intel.Unpacked{Origin: "o.example", Sequence: 1, Lines: good}, done); err != nil || noted != 1 {
			t.Fatalf("%v, noted %d times", err, noted)
		}
		if _, err := (letterPart{c.far.Service}).Take(c.far.admin(), intel.Unpacked{Origin: "p.example", Sequence: 1, Lines: good}, done); code(err) != "notice.bundle.foreign" {
			t.Errorf("the letter of one hub from another: %v", err)
		}

		at := c.near.now().Add(time.Hour)
		c.near.Clock.Pass(2 * time.Hour)
		one := carriedAnswer{Place: 1, ID: newID(), State: Affected, At: at}
		hear := func(a carriedAnswer, letter, hub string) error {
			raw := must[[]byte](t)(jsonLines(answerHead{answersFormat, hub}, 1, func(int) any { return carriedAnswers{Letter: letter, Answers: []carriedAnswer{a}} }))
			_, err := (answerPart{c.near.Service}).Take(c.near.analyst(), intel.Unpacked{Key: c.far.VKey, MadeAt: at.Add(time.Minute), Lines: raw}, done)
			return err
		}
		hub, letter := "ledger.test.example", list[0].ID
		if err := hear(one, letter, hub); err != nil {
			t.Fatal(err)
		}
		two := one
		two.Place, two.ID = 2, newID()
		with := func(change func(a *carriedAnswer)) carriedAnswer { a := two; change(&a); return a }
		for name, x := range map[string]struct {
			err  error
			want string
		}{
			"another hub's":       {hear(two, letter, "elsewhere.example"), "notice.bundle.other_hub"},
			"no such letter":      {hear(two, newBlind(), hub), "notice.bundle.not_theirs"},
			"one left out":        {hear(with(func(a *carriedAnswer) { a.Place = 3 }), letter, hub), "notice.bundle.gap"},
			"an answer rewritten": {hear(with(func(a *carriedAnswer) { a.Place = 1 }), letter, hub), "notice.bundle.changed"},
			"no state":            {hear(with(func(a *carriedAnswer) { a.State = Delivered }), letter, hub), "notice.bundle.line"},
			"a plan of no day":    {hear(with(func(a *carriedAnswer) { a.State = Planned }), letter, hub), "notice.bundle.line"},
			"after the file":      {hear(with(func(a *carriedAnswer) { a.At = at.Add(time.Hour) }), letter, hub), "notice.bundle.line"},
			"before the letter":   {hear(with(func(a *carriedAnswer) { a.At = at.Add(-90 * time.Hour) }), letter, hub), "notice.bundle.line"},
		} {
			if code(x.err) != x.want {
				t.Errorf("%s: %v, want %s", name, x.err, x.want)
			}
		}
		if n := testkit.Count(t, c.near.Parts.DB, "SELECT count(*) FROM notice_answer"); n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}

func FuzzBundleLines(f *testing.F) {
	f.Add([]byte(`{"format":"noroshi-letters/1","number":"1","sender":{"ja":"a"}}` + "\n" + `{"id":"x","content":{}}`))
	f.Add([]byte(`{"format":"noroshi-answers/1","to":"x"}` + "\n" + `{"letter":"x","answers":[{"place":1}]}`))
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, list, err := Rules().letterLines(raw, now); err == nil {
			for _, l := range list {
				if len(l.Kinds) == 0 || l.SentAt.After(now.Add(maxAhead)) {
					t.Errorf("%+v", l)
				}
			}
		}
		if _, list, err := answerLines(raw); err == nil {
			for _, l := range list {
				if len(l.Answers) == 0 || len(l.Answers) > maxAnswers {
					t.Errorf("%+v", l)
				}
			}
		}
	})
}
