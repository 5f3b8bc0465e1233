// Package cli is what every command shares: data on standard output, talk on
// standard error, --json on every read, errors in the reader's language with
// a hint on its own line, and exit codes that scripts can rely on (0 done,
// 1 could not do it, 2 usage or unparsable input, 3 refused or a check found
// something).
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// Env is what a command may use of the world.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Words    *text.Catalog
	Now      func() time.Time

	lang  string
	json  bool
	hub   string
	token string
	given func() bool // whether this command line names the token

	running bool // the command line was understood, a command runs
}

// New returns the environment of the running process.
func New(words *text.Catalog) *Env {
	return &Env{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Words: words, Now: time.Now}
}

// Listen reads --lang out of the arguments before the commands are made, so
// that their help speaks it too.
func (e *Env) Listen(args []string) {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--lang="); ok {
			e.lang = v
		} else if a == "--lang" && i+1 < len(args) {
			e.lang = args[i+1]
		}
	}
}

// Root returns the root command with the flags that every command has.
func (e *Env) Root(use, short string) *cobra.Command {
	root := &cobra.Command{Use: use, Short: short, SilenceErrors: true, SilenceUsage: true,
		PersistentPreRun: func(*cobra.Command, []string) { e.running = true }}
	f, p := root.PersistentFlags(), e.Printer()
	f.StringVar(&e.lang, "lang", e.lang, p.T("cli.flag.lang"))
	f.Lookup("lang").DefValue = "" // what this call chose is no default to show
	f.BoolVar(&e.json, "json", false, p.T("cli.flag.json"))
	f.BoolP("help", "h", false, p.T("cli.flag.help"))
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "help [command]", Short: p.T("cli.help.short"), Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := unknown(root, args); err != nil {
				return err
			}
			found, _, err := root.Find(args)
			if err != nil {
				return fault.New(fault.Usage, "cli.usage", "detail", err.Error())
			}
			return found.Help()
		}})
	// Cobra's own words about a command, in the reader's language.
	root.SetUsageTemplate(strings.NewReplacer("Usage:", p.T("cli.help.usage"), "Available Commands:", p.T("cli.help.commands"),
		"Additional Commands:", p.T("cli.help.more"), "Global Flags:", p.T("cli.help.global"), "Flags:", p.T("cli.help.flags"),
		"Aliases:", p.T("cli.help.aliases"), "Examples:", p.T("cli.help.examples"),
		`Use "{{.CommandPath}} [command] --help" for more information about a command.`, p.T("cli.help.about"),
	).Replace(root.UsageTemplate()))
	root.SetIn(e.In)
	root.SetOut(e.Out)
	root.SetErr(e.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return badFlag(err)
	})
	return root
}

// HubFlags adds the flags of commands that talk to a hub.
func (e *Env) HubFlags(c *cobra.Command) {
	c.PersistentFlags().StringVar(&e.hub, "hub", envOr("NOROSHI_HUB", "http://127.0.0.1:8440"), e.Printer().T("cli.flag.hub"))
	c.PersistentFlags().StringVar(&e.token, "token-file", os.Getenv("NOROSHI_TOKEN_FILE"), e.Printer().T("cli.flag.token"))
	others := e.given // of the commands that were made before
	e.given = func() bool { return c.PersistentFlags().Changed("token-file") || others != nil && others() }
}

func envOr(key, otherwise string) string {
	if v := os.Getenv(key); v != "" {
		return v
	}
	return otherwise
}

// Hub returns a client of the hub the person named, with their token.
func (e *Env) Hub() (*fetch.Hub, error) { return e.HubAt(e.hub) }

// HubAt is Hub at another address. A token that merely lies in the environment
// is for the hub: another host is told one only when this command line names
// it.
func (e *Env) HubAt(base string) (*fetch.Hub, error) {
	token := os.Getenv("NOROSHI_TOKEN")
	if (token != "" || e.token != "") && !sameHost(base, e.hub) && (e.given == nil || !e.given()) {
		e.Say("cli.token_kept", "hub", e.hub)
		return fetch.NewHub(base, "", string(e.Lang()))
	}
	if e.token != "" {
		raw, err := ReadFile(e.token, 4096)
		if err != nil {
			return nil, err
		}
		token = string(raw)
	}
	return fetch.NewHub(base, token, string(e.Lang()))
}

// hasToken reports whether a token was given in any way.
func (e *Env) hasToken() bool { return e.token != "" || os.Getenv("NOROSHI_TOKEN") != "" }

func sameHost(a, b string) bool {
	x, err := url.Parse(a)
	y, err2 := url.Parse(b)
	return err == nil && err2 == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

// Lang returns the language of this run.
func (e *Env) Lang() text.Lang { return text.Detect(e.lang) }

// Printer returns a printer in the language of this run, in Japan's zone.
func (e *Env) Printer() text.Printer { return e.Words.Printer(e.Lang(), nil) }

// JSON reports whether the person asked for JSON.
func (e *Env) JSON() bool { return e.json }

// Emit writes v as JSON when asked to, and otherwise lets human write.
func (e *Env) Emit(v any, human func(w io.Writer, p text.Printer) error) error {
	if !e.json {
		return human(e.Out, e.Printer())
	}
	enc := json.NewEncoder(e.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Say writes a sentence of talk to standard error.
func (e *Env) Say(key string, pairs ...any) {
	fmt.Fprintln(e.Err, e.Printer().T(key, pairs...))
}

// Progress returns a function to call with the number of items done so far.
// It draws a bar only when standard error is a terminal.
func (e *Env) Progress(total int64, what string) func(done int64) {
	f, ok := e.Err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(int64) {}
	}
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	return func(done int64) { _ = bar.Set64(done) }
}

// ProgressOf is Progress of something whose total is known only once it is under
// way.
func (e *Env) ProgressOf(what string) func(done, total uint64) {
	var draw func(int64)
	return func(done, total uint64) {
		if draw == nil {
			draw = e.Progress(int64(total), what)
		}
		draw(int64(done))
	}
}

// Run executes root with args and returns the exit code. The error is said
// once, here.
func (e *Env) Run(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	e.Listen(args)
	speak(root)
	err := e.badLang()
	if err == nil {
		err = unknown(root, args)
	}
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return 0
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal && !e.running { // cobra's own complaints have no type
		f = fault.New(fault.Usage, "cli.usage", "detail", err.Error())
	}
	e.explain(f, err)
	return f.Kind.Exit()
}

func (e *Env) explain(f *fault.Error, err error) {
	p := e.Printer()
	m := p.Fault(f)
	cause := errors.Unwrap(f)
	switch {
	case f.Kind == fault.Internal && f.Code == "fault.internal":
		m.Hint = e.Cause(err)
	case f.Kind == fault.Internal && m.Hint == "" && cause != nil:
		m.Hint = e.Sentence(cause)
	case f.Kind == fault.Unauthenticated && e.given != nil && !e.hasToken():
		m.Hint = p.T("cli.no_token")
	case f.Kind == fault.Unauthenticated && e.given != nil && m.Hint == "":
		m.Hint = p.T("cli.token_refused")
	}
	fmt.Fprintln(e.Err, m.Title)
	for _, pl := range m.Places {
		fmt.Fprintf(e.Err, "  %s: %s\n", pl.At, pl.Say)
	}
	if m.Hint != "" {
		fmt.Fprintln(e.Err, p.T("cli.hint", "say", m.Hint))
	}
}

// ReadFile reads a whole file, or standard input for "-", of at most limit
// bytes.
func ReadFile(name string, limit int64) ([]byte, error) {
	var r io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault.New(fault.Usage, "cli.cannot_read", "file", name).Because(err)
		}
		defer f.Close()
		r = f
	}
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fault.New(fault.Usage, "cli.cannot_read", "file", name).Because(err)
	}
	if int64(len(raw)) > limit {
		return nil, fault.New(fault.TooLarge, "cli.file_too_large", "file", name, "mb", limit/1_000_000)
	}
	return raw, nil
}
