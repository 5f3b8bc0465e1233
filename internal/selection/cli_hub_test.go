package selection

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
	"noroshi/internal/sensor/synth"
)

// The commands of a hub: a run on this machine under its approval, a capture that
// is sent, records for a purpose, and an agreement that is answered.
func TestCommandsOfAHub(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(s)
	defer srv.Close()
	run, file := s.shell(srv.URL)
	want := func(code int, out string, has ...string) {
		t.Helper()
		if code != 0 {
			t.Fatalf("%d %.800s", code, out)
		}
		for _, h := range has {
			if !strings.Contains(out, h) {
				t.Errorf("%q is not in %.800s", h, out)
			}
		}
	}
	line, table, key := file("line.pcap", s.traffic()), file("prefixes.csv", lineTable()), file("authority.pub", []byte(s.authority+"\n"))
	c := s.approve(approval.ForeignDomestic, s.world.list())
	code, out := run(asHandler, "selection", "run", "--approval", c.ID, "--link", "K-2", "--authority", key, "--domestic", table, "--made-up", line)
	want(code, out, "ハブが副署しました")
	code, out = run(asHandler, "selection", "run", "--approval", c.ID, "--link", "K-2", "--authority", key, "--domestic", table, line)
	if code != 3 {
		t.Errorf("made-up networks for acquired traffic: %d %.400s", code, out)
	}
	if n := s.count("SELECT count(*) FROM selection_run WHERE state = 'going'"); n != 0 {
		t.Errorf("%d runs still go on", n)
	}
	code, out = run(asHandler, "selection", "run", "--approval", c.ID, "--authority", file("x.pub", []byte(otherKey(t)+"\n")), "--domestic", table, "--made-up", line)
	if code != 3 || s.count("SELECT count(*) FROM selection_record WHERE run_id IN (SELECT id FROM selection_run WHERE state <> 'done')") != 0 {
		t.Errorf("an order of another authority: %d %.400s", code, out)
	}
	code, out = run(asHandler, "selection", "run", "--approval", c.ID, "--out", t.TempDir(), "--authority", key, line)
	if code != 2 {
		t.Errorf("--out beside --approval: %d %.300s", code, out)
	}
	code, out = run(asHandler, "selection", "runs")
	want(code, out, "外内（第32条）", "終了", "中断")
	id := s.ids("SELECT id FROM selection_run WHERE state = 'done'")[0]
	code, out = run(asInspector, "selection", "runs", id)
	want(code, out, "外内")
	code, out = run(asHandler, "selection", "records", id, "--purpose", "analyse")
	want(code, out, `"provenance":"fd"`, synth.LinkServer.String())
	if code, out = run(asHandler, "selection", "records", id); code != 3 {
		t.Errorf("records without a purpose: %d %s", code, out)
	}
	if code, out = run(asInspector, "selection", "records", id, "--purpose", "analyse"); code != 3 {
		t.Errorf("an inspector's records: %d %s", code, out)
	}
	code, out = run(asHandler, "selection", "send", "--approval", c.ID, "--link", "K-2", line)
	want(code, out, "0件")
	code, out = run(asHandler, "selection", "receipts")
	want(code, out, "実行が途中で止まった")
	code, out = run(asAnalyst, "selection", "list", "条件", file("list.txt", []byte("c2.hibana.jp\n")))
	want(code, out, "使える")
	a, err := s.Propose(s.clerk(), s.country.ID("wind"), Article11, s.terms())
	s.must(err)
	code, out = run(asParty, "agreement", "list")
	want(code, out, a.ID, "申し入れ中")
	code, out = run(asParty, "agreement", "show", a.ID)
	want(code, out, "断っても不利益はありません", "月に一度")
	if code, _ = run(asParty, "agreement", "accept", a.ID); code != 2 {
		t.Errorf("accepted without a version: %d", code)
	}
	code, out = run(asParty, "agreement", "accept", a.ID, "--version", "1")
	want(code, out, "合意")
	code, out = run(asParty, "agreement", "end", a.ID, "--version", "1")
	want(code, out, "終了")
}

// shell returns the command line of somebody at a hub, and what writes a file for
// it.
func (s *site) shell(hub string) (run func(who string, args ...string) (int, string), file func(name string, content []byte) string) {
	words, err := text.Load(Words, approval.Words, cli.Words, fetch.Words, httpd.Words, gate.Words, blob.Words)
	s.must(err)
	dir := s.t.TempDir()
	file = func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		s.must(os.WriteFile(path, content, 0o600))
		return path
	}
	return func(who string, args ...string) (int, string) {
		var out, talk bytes.Buffer
		env := cli.New(words)
		env.Out, env.Err, env.Now = &out, &talk, s.Clock.Now
		root := env.Root("noroshi", "x")
		root.AddCommand(HubCommands(env)...)
		code := env.Run(context.Background(), root, append(args, "--hub", hub, "--token-file", file("token", []byte(url.QueryEscape(who))), "--lang", "ja"))
		return code, out.String() + talk.String()
	}, file
}

// lineTable is which networks of the made-up line are on which side.
func lineTable() []byte {
	prefixes := "prefix,country\n"
	for _, p := range synth.LinkOwn() {
		prefixes += p.String() + ",JP\n"
	}
	for _, p := range synth.LinkAway() {
		prefixes += p.String() + ",US\n"
	}
	return []byte(prefixes)
}

// otherKey is the verifier of an authority that signed nothing.
func otherKey(t testing.TB) string {
	t.Helper()
	_, public, err := note.GenerateKey(rand.Reader, "another.example")
	if err != nil {
		t.Fatal(err)
	}
	return public
}
