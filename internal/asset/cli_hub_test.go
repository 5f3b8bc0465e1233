package asset

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
)

// A script imports a list, looks at it and submits the statement.
func TestCommandsAgainstAHub(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(s)
	defer srv.Close()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := file("token", asWriter)
	words, err := text.Load(Words, cli.Words, fetch.Words, httpd.Words)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string) {
		t.Helper()
		var out, talk bytes.Buffer
		env := cli.New(words)
		env.Out, env.Err = &out, &talk
		root := env.Root("noroshi", "x")
		root.AddCommand(Commands(env))
		code := env.Run(context.Background(), root, append(append([]string{"asset"}, args...), "--hub", srv.URL, "--token-file", token, "--lang", "ja"))
		return code, out.String() + talk.String()
	}
	good, bad := file("good.csv", list3), file("bad.csv", list3+"A-4,vpn,,KX,1,1,dmz,10.0.300.4,,,,\n")
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"list"}, 0, []string{"識別子"}},
		{[]string{"import", bad}, 3, []string{"行5", "メーカー名が空です", "1行を直すと取り込めます"}},
		{[]string{"import", good, "--dry-run"}, 0, []string{"追加 3", "何も変えていません", "文字コード：utf-8"}},
		{[]string{"import", good}, 0, []string{"追加 3、変更 0、削除 0", "文字コード：utf-8"}},
		{[]string{"import", good, "--remove"}, 0, []string{"追加 0、変更 0、削除 0、変わらない 3"}},
		{[]string{"list", "--search", "plc"}, 0, []string{"A-3", "制御系"}},
		{[]string{"list", "--zone", "internet", "--limit", "1", "--json"}, 0, []string{`"id": "A-1"`[:4], "A-1"}},
		{[]string{"import", file("x.pdf", "%PDF\x00\x01\x02")}, 2, []string{"開けません"}},
		{[]string{"import", filepath.Join(dir, "none.csv")}, 2, nil},
		{[]string{"statement"}, 3, []string{"3件は届出の対象か決まっていません", "/statements/new"}},
	} {
		code, out := run(c.args...)
		if code != c.code {
			t.Errorf("%v: exit %d, want %d\n%s", c.args[:1], code, c.code, out)
		}
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%v does not say %q:\n%s", c.args[:1], w, out)
			}
		}
	}
	if _, out := run("statement"); strings.Contains(out, "届出は要りません") {
		t.Errorf("nothing is decided, and it says that none is needed:\n%s", out)
	}
	if code, out := run("statement", "--designated", "yes", "--used", "ja"); code == 0 || !strings.Contains(out, "分からない") {
		t.Errorf("no such answer: %d %s", code, out)
	}
	if code, out := run("statement", "--designated", "yes", "--used", "yes"); code != 3 { // the third is still open
		t.Errorf("%d %s", code, out)
	}
	if code, out := run("statement", "--designated", "no"); code != 0 || !strings.Contains(out, "届け出る設備はありません") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run("statement", "--designated", "yes", "--affects", "yes"); code != 0 || !strings.Contains(out, "導入 3件") || !strings.Contains(out, "A-1") {
		t.Errorf("%d %s", code, out)
	}
	forms := filepath.Join(dir, "forms")
	if code, out := run("statement", "--submit", "--out", forms); code != 0 || !strings.Contains(out, "第1号を提出しました") {
		t.Errorf("%d %s", code, out)
	}
	if got, _ := filepath.Glob(filepath.Join(forms, "statement-1.*")); len(got) != 3 {
		t.Errorf("%v", got)
	}
	if code, out := run("statement"); code != 0 || !strings.Contains(out, "届出は要りません") {
		t.Errorf("%d %s", code, out)
	}
}
