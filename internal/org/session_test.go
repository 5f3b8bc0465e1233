package org

import (
	"errors"
	"testing"
	"time"

	"noroshi/internal/base/gate"
)

func TestSessionsEnd(t *testing.T) {
	w := newWorld(t)
	o := w.org(1, Operator, "port")
	m := w.member(o, "roku@example.jp", gate.OperatorAdmin)
	gone := func(secret string) bool {
		_, err := w.Session(t.Context(), secret)
		return errors.Is(err, gate.ErrSignIn)
	}
	t.Run("idle", func(t *testing.T) {
		s := w.signIn(m)
		for range 3 { // use keeps it alive
			w.pass(sessionIdle - time.Minute)
			if gone(s) {
				t.Fatal("ended although in use")
			}
		}
		w.pass(sessionIdle)
		if !gone(s) {
			t.Error("an idle session lives on")
		}
	})
	t.Run("absolute", func(t *testing.T) {
		s := w.signIn(m)
		for range 24 {
			w.pass(31 * time.Minute)
			_, _ = w.Session(t.Context(), s)
		}
		if !gone(s) {
			t.Error("a session in use lives for ever")
		}
	})
	t.Run("sign out", func(t *testing.T) {
		s := w.signIn(m)
		if err := w.SignOut(w.in(s)); err != nil || !gone(s) {
			t.Error("signed out and still in", err)
		}
	})
	t.Run("from another device", func(t *testing.T) {
		a, b := w.signIn(m), w.signIn(m)
		ctx := w.in(b)
		aID, _ := gate.From(w.in(a))
		if err := w.EndSession(ctx, "", aID.Session); err != nil || !gone(a) || gone(b) {
			t.Error(err)
		}
		if err := w.EndSession(ctx, "", aID.Session); !errors.Is(err, ErrSessionGone) {
			t.Errorf("again: %v", err)
		}
	})
	t.Run("password change gives a new secret and ends the others", func(t *testing.T) {
		a, b := w.signIn(m), w.signIn(m)
		if _, err := w.ChangePassword(w.in(b), "a wrong present one", "ラクダ nine harbours", Device{}); !errors.Is(err, ErrPassword) {
			t.Errorf("wrong present password: %v", err)
		}
		s, err := w.ChangePassword(w.in(b), m.password, "ラクダ nine harbours", Device{})
		if err != nil || !gone(a) || !gone(b) || gone(s.Secret) {
			t.Error("old secrets must die", err)
		}
		m.password = "ラクダ nine harbours"
		w.signIn(m)
	})
	t.Run("rights change", func(t *testing.T) {
		s := w.signIn(m)
		other := w.member(o, "nana@example.jp", gate.OperatorAdmin)
		p, err := w.Person(other.ctx, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		p.Roles = []gate.Role{gate.OperatorViewer}
		if _, err := w.ChangePerson(other.ctx, p); err != nil || !gone(s) {
			t.Error("a session outlives the rights it was opened with", err)
		}
	})
	t.Run("suspended", func(t *testing.T) {
		s := w.signIn(m)
		ctx := w.in(s)
		_, token, err := w.IssueToken(ctx, "夜間の集計", []string{"asset.*"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Suspend(w.sys, m.ID); err != nil || !gone(s) {
			t.Error(err)
		}
		if _, err := w.Bearer(t.Context(), token); !errors.Is(err, gate.ErrSignIn) {
			t.Errorf("token: %v", err)
		}
		if _, err := w.SignIn(t.Context(), m.Mail, m.password, Device{}); !errors.Is(err, ErrSignIn) {
			t.Errorf("sign-in: %v", err)
		}
		if err := w.Resume(w.sys, m.ID); err != nil || !gone(s) {
			t.Error("what was ended stays ended", err)
		}
	})
	t.Run("too many", func(t *testing.T) {
		first := w.signIn(m)
		for range maxSessions {
			w.signIn(m)
		}
		if !gone(first) {
			t.Error("sessions without bound")
		}
	})
}
