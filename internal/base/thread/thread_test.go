package thread

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/key"
	"noroshi/internal/base/text"
)

func TestConversationsAreSeparate(t *testing.T) {
	ring, err := key.OpenRing(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "key", FS: key.Migrations}, db.Source{Noun: "thread", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	s, ctx, now := New(key.NewStore(ring)), t.Context(), time.Date(2026, 11, 5, 2, 18, 0, 0, time.UTC)
	err = d.Write(ctx, func(tx *db.Tx) error {
		post := func(with, from string, kind Kind, body string) {
			t.Helper()
			if _, err := s.Post(ctx, tx, "op", Message{Object: "incident/1", With: with, From: from, Kind: kind, Text: body}, now); err != nil {
				t.Fatal(err)
			}
		}
		post("ministry", "ministry", Question, "いつ気づきましたか")
		post("office", "office", Question, "IoC はありますか")
		post("ministry", "op", Answer, " 2時18分です ")
		for with, want := range map[string]int{"ministry": 2, "office": 1, "police": 0, "": 3} {
			ms, err := s.Of(ctx, tx, "op", "incident/1", with)
			if err != nil || len(ms) != want {
				t.Errorf("%q: %d messages, want %d, %v", with, len(ms), want, err)
			}
			if with == "ministry" && (ms[1].Text != "2時18分です" || ms[0].AnsweredAt.IsZero()) {
				t.Errorf("%+v", ms)
			}
		}
		for with, want := range map[string]int{"ministry": 0, "office": 1, "": 1} {
			open, err := s.Open(ctx, tx, with, "incident/1", "incident/2")
			if err != nil || open["incident/1"] != want {
				t.Errorf("%q: open %v, want %d, %v", with, open, want, err)
			}
		}
		for body, want := range map[string]error{" \n": ErrEmpty, strings.Repeat("あ", MaxText+1): ErrLong} {
			if _, err := s.Post(ctx, tx, "op", Message{Text: body}, now); !errors.Is(err, want) {
				t.Errorf("%.9q: %v", body, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWordsAgree(t *testing.T) {
	if _, err := text.Load(Words); err != nil {
		t.Error(err)
	}
}

// TestTheNewestMessagesAreShown fills a conversation beyond a page: a question
// that is accepted has to be seen.
func TestTheNewestMessagesAreShown(t *testing.T) {
	ring, err := key.OpenRing(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "key", FS: key.Migrations}, db.Source{Noun: "thread", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	s, ctx, now := New(key.NewStore(ring)), t.Context(), time.Date(2026, 11, 5, 2, 18, 0, 0, time.UTC)
	if err := d.Write(ctx, func(tx *db.Tx) error {
		for i := range db.MaxLimit + 2 {
			if _, err := s.Post(ctx, tx, "op", Message{Object: "incident/1", With: "police", From: "police", Kind: Question, Text: strings.Repeat("x", i+1)}, now); err != nil {
				return err
			}
		}
		ms, err := s.Of(ctx, tx, "op", "incident/1", "police")
		if err != nil || len(ms) != db.MaxLimit {
			t.Fatalf("%d %v", len(ms), err)
		}
		if first, last := len(ms[0].Text), len(ms[len(ms)-1].Text); first != 3 || last != db.MaxLimit+2 {
			t.Errorf("messages %d to %d", first, last)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
