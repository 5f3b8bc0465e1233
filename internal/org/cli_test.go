package org

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

// The first administrator comes from the command line, joins through the link
// it printed, and can sign in; the rest of the commands serve the day when
// nobody can.
func TestCommands(t *testing.T) {
	w := newWorld(t)
	cat, err := text.Load(Words, cli.Words)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (code int, out, errs string) {
		t.Helper()
		var o, e bytes.Buffer
		env := &cli.Env{In: strings.NewReader(""), Out: &o, Err: &e, Words: cat, Now: w.clock}
		root := env.Root("noroshi", "")
		root.AddCommand(Commands(env, func(context.Context) (*Service, func() error, error) {
			return w.Service, func() error { return nil }, nil
		})...)
		code = env.Run(t.Context(), root, append(args, "--lang", "en"))
		return code, o.String(), e.String()
	}
	code, out, errs := run("user", "add", "first@example.jp", "--org", "運営", "--number", string(number(t, 77)), "--kind", "hub", "--role", "hub.admin", "--name", "最初 管理")
	link := strings.TrimPrefix(strings.TrimSpace(out), "/welcome/")
	if code != 0 || !wellFormed(link, ticketPrefix) {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	e, err := w.Enrolment(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{secret: e.Secret}
	if _, err := w.Accept(t.Context(), link, password, w.code(m), Device{}); err != nil {
		t.Fatal(err)
	}
	// The second person finds the same organisation, by name or number.
	if code, out, errs = run("user", "add", "second@example.jp", "--org", "運営", "--role", "hub.admin", "--name", "二人目 管理", "--json"); code != 0 {
		t.Fatal(errs)
	}
	var made LinkMade
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Purpose != Invitation || made.Person.State != Invited {
		t.Errorf("%s %v", out, err)
	}
	if code, out, _ = run("user", "list"); code != 0 || strings.Count(out, "\n") != 3 || !strings.HasPrefix(out, "Mail address") || !strings.Contains(out, "Active") || !strings.Contains(out, "Invited") {
		t.Errorf("%d %s", code, out)
	}
	code, out, _ = run("token", "issue", "first@example.jp", "--scope", "asset.*", "--days", "1")
	token := strings.TrimSpace(out)
	if code != 0 {
		t.Fatal(out)
	}
	who, err := w.Bearer(t.Context(), token)
	if err != nil || !who.Has(gate.HubAdmin) {
		t.Fatal(who, err)
	}
	if code, out, _ = run("token", "list", "first@example.jp"); code != 0 || !strings.Contains(out, who.Token) || !strings.Contains(out, "TOKEN-ID") || !strings.Contains(out, "JST") {
		t.Errorf("%d %s", code, out)
	}
	if code, _, errs = run("token", "revoke", who.Token); code != 0 {
		t.Error(errs)
	}
	if _, err := w.Bearer(t.Context(), token); err == nil {
		t.Error("revoked, and still good")
	}
	if code, out, _ = run("user", "link", "first@example.jp", "--re-enrol"); code != 0 || !strings.Contains(out, "/welcome/nrt_") {
		t.Errorf("%d %s", code, out)
	}
	for _, c := range []struct {
		code int
		args []string
		say  string
	}{
		{1, []string{"user", "suspend", "first@example.jp"}, "last administrator"},
		{0, []string{"user", "suspend", "second@example.jp"}, "Done"},
		{0, []string{"user", "resume", "second@example.jp"}, "Done"},
		{1, []string{"user", "link", "nobody@example.jp"}, "cannot find this person"},
		{2, []string{"user", "add", "x@example.jp", "--role", "hub.admin"}, "--org"},
		{3, []string{"user", "add", "x@example.jp", "--org", "運営", "--role", "operator.admin", "--name", "x"}, "--role: “operator.admin” is not a role in this kind of organisation; choose from hub.admin"},
		{1, []string{"user", "add", "x@example.jp", "--org", "Nope", "--role", "hub.admin", "--name", "x"}, "no organisation “Nope”; give --kind"},
		{3, []string{"user", "add", "x@example.jp", "--org", "Nope", "--kind", "operatr", "--sector", "portt", "--name", "x"}, "--kind: There is no kind “operatr”; choose from operator, ministry"},
		{3, []string{"user", "add", "x@example.jp", "--org", "Nope", "--kind", "operator", "--sector", "portt", "--name", "x"}, "--sector: There is no sector “portt”; choose from electricity"},
		{3, []string{"user", "add", "x@example.jp", "--org", "Nope", "--kind", "operator", "--name", "x"}, "--sector: Give at least one sector: electricity"},
		{3, []string{"user", "add", "x@example.jp", "--org", "Nope", "--kind", "operator", "--sector", "port", "--role", "bogus", "--name", "x"}, "--role: There is no role “bogus”; choose from operator.viewer"},
		{3, []string{"user", "add", "x@example.jp", "--org", "Nope", "--kind", "operator", "--sector", "port", "--name", "x"}, "--role: Give at least one role: operator.viewer"},
		{1, []string{"user", "list", "--org", "Nope"}, "cannot find this organisation"}, // none of these registered one
		{1, []string{"token", "issue", "second@example.jp", "--scope", "asset.*"}, "second@example.jp has not opened the invitation yet"},
		{3, []string{"token", "issue", "first@example.jp"}, "at least one scope"},
		{2, []string{"user", "add"}, "MAIL"},
	} {
		if code, _, errs := run(c.args...); code != c.code || !strings.Contains(errs, c.say) {
			t.Errorf("%v: %d %s", c.args, code, errs)
		}
	}
	code, out, _ = run("user", "add", "--help")
	for _, say := range []string{"hub.admin", "commission.member", "carrier", "credit_card", "supplier.contact"} {
		if code != 0 || !strings.Contains(out, say) {
			t.Errorf("the help of user add does not name %s:\n%s", say, out)
		}
	}
	if w.entries("person.invite", "done") != 2 {
		t.Error("what is done on the machine itself is on record too")
	}
}

// The administrators' guides list every value that "user add" takes.
func TestGuidesNameEveryValue(t *testing.T) {
	sectors, err := LoadSectors(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"admin.en.md", "admin.ja.md"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", name))
		if err != nil {
			t.Fatal(err)
		}
		rows := map[string]string{}
		for _, row := range strings.Split(string(raw), "\n") {
			if cells := strings.Split(row, "|"); len(cells) == 5 {
				rows[strings.Trim(cells[1], " `")] = cells[3]
			}
		}
		for _, k := range Kinds {
			roles := strings.FieldsFunc(rows[string(k)], func(r rune) bool { return strings.ContainsRune(" `,、", r) })
			if got, want := strings.Join(roles, ", "), listed(RolesFor([]Kind{k})); got != want {
				t.Errorf("%s: people of %s have the roles %q, and the guide says %q", name, k, want, got)
			}
		}
		for _, x := range sectors.List {
			if !strings.Contains(string(raw), "`"+x.ID+"`") {
				t.Errorf("%s does not name the sector %s", name, x.ID)
			}
		}
	}
}
