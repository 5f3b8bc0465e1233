package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"noroshi/internal/app"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"noroshi": func() { os.Exit(app.Main(os.Args[1:])) }})
}

// TestStories plays every *.txtar of the tree against the program, as a
// person at a terminal would.
func TestStories(t *testing.T) {
	var files []string
	err := filepath.WalkDir("../../internal", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".txtar") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 4 {
		t.Fatalf("only %d stories found: %v", len(files), files)
	}
	testscript.Run(t, testscript.Params{Files: files, Cmds: hubCommands(), Setup: func(e *testscript.Env) error {
		e.Setenv("NOROSHI_LANG", "en")
		e.Setenv("NOROSHI_HUB_DATA_DIR", filepath.Join(e.WorkDir, "hub"))
		e.Setenv("YEAR", time.Now().UTC().Format("2006")) // with which numbers begin
		return nil
	}})
}
