package selection

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/deid"
	"noroshi/internal/sensor/synth"
)

// held is an approval with addresses as pseudonyms whose key two people hold, and
// their shares.
func (w *world) held(take bool) (c approval.Case, l List, first, second string, shares [][]byte) {
	w.t.Helper()
	first, second = w.invited("office", "first", gate.OfficeHandler), w.invited("commission", "second", gate.Examiner)
	l = w.list()
	c = w.approve(approval.ForeignDomestic, l, func(a *approval.Application) { a.Addresses = "pseudonym" })
	_, err := w.Custody(w.clerk(), c.ID, first, second)
	w.must(err)
	if take {
		shares = w.take(c.ID, first, second)
	}
	return c, l, first, second, shares
}

func (w *world) take(id, first, second string) (shares [][]byte) {
	w.t.Helper()
	a, err := w.TakeShare(w.person("office", first, gate.OfficeHandler), id)
	w.must(err)
	b, err := w.TakeShare(w.person("commission", second, gate.Examiner), id)
	w.must(err)
	return [][]byte{a, b}
}

// TestPseudonymsOfAnotherMachineAreOpenedByTwo runs the command on another machine:
// before the holders have their shares its pseudonyms are forgotten, and it says so;
// afterwards they open like those of the hub's own runs, and go with the records.
func TestPseudonymsOfAnotherMachineAreOpenedByTwo(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(s)
	defer srv.Close()
	c, l, first, second, _ := s.held(false)
	run, file := s.shell(srv.URL)
	args := []string{"selection", "run", "--approval", c.ID, "--link", "K-2", "--authority", file("authority.pub", []byte(s.authority+"\n")), "--domestic", file("prefixes.csv", lineTable()), "--made-up", file("line.pcap", s.traffic())}
	code, out := run(asHandler, args...)
	if code != 0 || !strings.Contains(out, "仮名が何を指すかは誰にも分かりません") || s.count("SELECT count(*) FROM selection_run WHERE vault_id <> ''") != 0 {
		t.Fatalf("%d %.600s", code, out)
	}
	shares := s.take(c.ID, first, second)
	s.Clock.Pass(time.Second)
	args[len(args)-1] = file("line.pcap", s.traffic())
	if code, out = run(asHandler, args...); code != 0 || strings.Contains(out, "誰にも分かりません") {
		t.Fatalf("%d %.600s", code, out)
	}
	id := s.ids("SELECT id FROM selection_run WHERE vault_id <> ''")[0]
	v, err := s.ShowRun(s.inspector(), id)
	s.must(err)
	if !v.Run.Vault || v.Run.Place != OnMachine || v.Run.State != RunDone {
		t.Fatalf("%+v", v.Run)
	}
	list, _, err := s.Read(s.handler(), RecordFilter{Run: id, Limit: 1}, Reason{Purpose: "analyse"})
	s.must(err)
	_, rest, _ := bytes.Cut(list[0].Line, []byte(`"src":"`))
	name, _, _ := bytes.Cut(rest, []byte(`"`))
	ask := s.approve(approval.Reidentify, l, func(a *approval.Application) {
		*a = approval.Application{Kind: approval.Reidentify, From: a.From, Until: a.Until, Run: id, Subjects: []string{string(name)}, Grounds: a.Grounds, NoOther: a.NoOther, Necessity: a.Necessity}
	})
	o, err := s.AskOpening(s.handler(), ask.ID, Reason{Purpose: "analyse"})
	s.must(err)
	s.must(s.GiveShare(s.person("office", first, gate.OfficeHandler), o.ID, shares[0]))
	s.must(s.GiveShare(s.person("commission", second, gate.Examiner), o.ID, shares[1]))
	got, err := s.OpenPseudonyms(s.handler(), o.ID)
	if err != nil || len(got) != 1 || len(got[0].Values) != 1 || got[0].Values[0] != synth.LinkServer.String() && got[0].Values[0] != synth.LinkRelay.String() {
		t.Fatalf("%+v %v", got, err)
	}
	s.Clock.Pass(31 * 24 * time.Hour)
	if _, err := s.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT count(*) FROM blob_file WHERE name = 'vault'") + s.count("SELECT count(*) FROM selection_run WHERE vault_id <> ''"); n != 0 {
		t.Errorf("%d vaults are left of records that are erased", n)
	}
}

// TestAVaultOfAnotherMachineIsHeldAgainstItsRun: with the key in two hands no
// statement comes in without its vault, and nothing else is taken for one.
func TestAVaultOfAnotherMachineIsHeldAgainstItsRun(t *testing.T) {
	s := newSite(t)
	c, _, _, _, _ := s.held(true)
	s.Clock.Pass(time.Second)
	at, begun, lines, st := s.abroad(c.ID)
	if begun.Vault == "" {
		t.Fatal("the machine is not told to whom to seal")
	}
	public, err := deid.ParsePublic([]byte(begun.Vault))
	s.must(err)
	give := func(raw []byte) (int, string) {
		return s.send(asHandler, "POST", at+"/vault", "application/octet-stream", raw)
	}
	refused := func(what string, raw []byte) {
		t.Helper()
		if code, body := give(raw); code < 400 {
			t.Errorf("%s: %d %.200s", what, code, body)
		}
	}
	if code, body := s.hand(at, 0, strings.Join(lines, "")); code != 204 {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", st.encode()); code < 400 || !strings.Contains(body, "vault") {
		t.Errorf("a statement without the vault: %d %.200s", code, body)
	}
	vault := func(p deid.Public, n int) []byte {
		seals, k := deid.NewSealer(p), mustWorking(t)
		raw := seals.Begin(nil)
		for i := range n {
			value := fmt.Appendf(nil, "host-%d.example", i)
			raw, err = seals.Add(raw, k.Names(0).Of(deid.Host, value), value)
			s.must(err)
		}
		return raw
	}
	other := public
	other.ID = "0000000000000000"
	refused("no vault", []byte("tanaka@example.jp\n"))
	refused("a vault of another key", vault(other, 1))
	refused("more names than records", vault(public, len(lines)+2))
	if code, body := s.send(asInspector, "POST", at+"/vault", "application/octet-stream", vault(public, 1)); code < 400 {
		t.Errorf("somebody else's: %d %.200s", code, body)
	}
	for range 2 { // the second takes the place of the first
		if code, body := give(vault(public, 1)); code != 204 {
			t.Fatalf("%d %s", code, body)
		}
	}
	if n := s.count("SELECT count(*) FROM blob_file WHERE name = 'vault'"); n != 1 {
		t.Errorf("%d vaults", n)
	}
	if code, body := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", st.encode()); code < 400 || !strings.Contains(body, "vault") {
		t.Errorf("a statement of another vault: %d %.200s", code, body)
	}
	if code, body := s.send(asHandler, "DELETE", at, "", nil); code != 204 {
		t.Fatalf("%d %s", code, body)
	}
	if n := s.count("SELECT count(*) FROM blob_file WHERE name = 'vault'"); n != 0 {
		t.Errorf("%d vaults are left of a run that was given up", n)
	}
	refused("after the end", vault(public, 1))
}

func mustWorking(t testing.TB) *deid.Working {
	t.Helper()
	k, err := deid.NewWorking("")
	if err != nil {
		t.Fatal(err)
	}
	return k
}
