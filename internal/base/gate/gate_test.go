package gate

import (
	"errors"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

var table = Table{
	"incident.read":   {OperatorReporter: Own, MinistryClerk: Addressed, CommissionMember: Record},
	"incident.submit": {OperatorReporter: Own},
}

func TestReach(t *testing.T) {
	for _, c := range []struct {
		name string
		id   Identity
		verb string
		want Reach
	}{
		{"no role", Identity{}, "incident.read", None},
		{"a role the row does not list", Identity{Roles: []Role{HubAdmin}}, "incident.read", None},
		{"one role", Identity{Roles: []Role{OperatorReporter}}, "incident.read", Own},
		{"the widest of two", Identity{Roles: []Role{CommissionMember, OperatorReporter}}, "incident.read", Record},
		{"a token without scope", Identity{Roles: []Role{OperatorReporter}, Token: "t"}, "incident.submit", None},
		{"a token with the verb", Identity{Roles: []Role{OperatorReporter}, Token: "t", Scopes: []string{"incident.submit"}}, "incident.submit", Own},
		{"a token with the noun", Identity{Roles: []Role{OperatorReporter}, Token: "t", Scopes: []string{"incident.*"}}, "incident.submit", Own},
		{"a token of another noun", Identity{Roles: []Role{OperatorReporter}, Token: "t", Scopes: []string{"asset.*"}}, "incident.submit", None},
		{"a scope adds no role", Identity{Roles: []Role{MinistryClerk}, Token: "t", Scopes: []string{"incident.*"}}, "incident.submit", None},
	} {
		if got := table.Reach(c.id, c.verb); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAllowSaysWhyNot(t *testing.T) {
	if _, _, err := table.Allow(t.Context(), "incident.read"); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	ctx := With(t.Context(), Identity{Person: "p", Roles: []Role{MinistryClerk}})
	if _, _, err := table.Allow(ctx, "incident.submit"); !errors.Is(err, ErrRole) || fault.KindOf(err) != fault.Refused {
		t.Errorf("role: %v", err)
	}
	ctx = With(t.Context(), Identity{Person: "p", Token: "t", Roles: []Role{OperatorReporter}})
	if _, _, err := table.Allow(ctx, "incident.submit"); !errors.Is(err, ErrScope) {
		t.Errorf("scope: %v", err)
	}
	if table.May(ctx, "incident.submit") {
		t.Error("May must agree with Allow")
	}
}

func TestUnknownVerbIsADefect(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an unknown verb must panic, not silently refuse or allow")
		}
	}()
	table.Reach(Identity{}, "incident.unknown")
}

func TestWordsAgree(t *testing.T) {
	if _, err := text.Load(Words); err != nil {
		t.Error(err)
	}
}
