package notice

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"noroshi/internal/base/cli"
)

// The stories are played with the commands of this noun alone, against a hub
// in this process; "as NAME" says whose token the next commands carry.
func TestStory(t *testing.T) {
	d := newDoor(t)
	srv := httptest.NewServer(d)
	t.Cleanup(srv.Close) // the story outlives this function
	words := allWords(t)
	raw, err := json.Marshal(NewNotice{Content: d.content(), Recipients: d.to("wind", "sea")})
	if err != nil {
		t.Fatal(err)
	}
	leak := d.content()
	leak.Management.What.JA = "update.edge-gate.example を止めてください。"
	bad, err := json.Marshal(NewNotice{Content: leak})
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Files: []string{"testdata/story.txt"},
		Setup: func(e *testscript.Env) error {
			e.Setenv("NOROSHI_LANG", "en")
			e.Setenv("NOROSHI_HUB", srv.URL)
			if err := os.WriteFile(filepath.Join(e.WorkDir, "bad.json"), bad, 0o600); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "notice.json"), raw, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as": func(ts *testscript.TestScript, _ bool, args []string) {
				who, ok := map[string]string{"analyst": asAnalyst, "wind": asWind, "sea": asSea, "bank": "bank/r operator.reporter"}[args[0]]
				if !ok {
					ts.Fatalf("nobody is called %s", args[0])
				}
				ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(who), 0o600))
			},
			"pass": func(ts *testscript.TestScript, _ bool, args []string) {
				by, err := time.ParseDuration(args[0])
				ts.Check(err)
				d.Clock.Pass(by)
			},
			// id NAME PATTERN takes the first word of a line of the last output.
			"id": func(ts *testscript.TestScript, _ bool, args []string) {
				for line := range lineSeq(ts.ReadFile("stdout")) {
					if f := fieldsOf(line); len(f) > 1 && (f[1] == args[1] || args[1] == "-" && strings.HasPrefix(f[0], "W-")) {
						ts.Setenv(args[0], f[0])
						return
					}
				}
				ts.Fatalf("no line of %s in\n%s", args[1], ts.ReadFile("stdout"))
			},
			"noroshi": func(ts *testscript.TestScript, neg bool, args []string) {
				env := cli.New(words)
				env.Out, env.Err = ts.Stdout(), ts.Stderr()
				env.Now = d.Clock.Now
				args = append(args, "--lang", "en")
				root := env.Root("noroshi", "x")
				root.AddCommand(Commands(env))
				if args[1] != "check" {
					args = append(args, "--hub", srv.URL, "--token-file", ts.MkAbs("token"))
				} else {
					args[2] = ts.MkAbs(args[2])
				}
				for i, a := range args {
					if filepath.Ext(a) == ".json" || filepath.Ext(a) == ".png" {
						args[i] = ts.MkAbs(a)
					}
				}
				if code := env.Run(context.Background(), root, args); (code != 0) != neg {
					ts.Fatalf("exit %d", code)
				}
			},
		}})
}

func lineSeq(s string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, l := range lines(s) {
			if !yield(l) {
				return
			}
		}
	}
}

func fieldsOf(s string) []string { return strings.Fields(s) }
