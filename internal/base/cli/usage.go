package cli

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// speak puts the library's complaints about arguments into the reader's
// language, for a command and all below it.
func speak(c *cobra.Command) {
	c.SuggestionsMinimumDistance = 2
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return badArgs(c, args, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		speak(sub)
	}
}

// badArgs says which argument of the usage line is missing, or is one too
// many.
func badArgs(c *cobra.Command, args []string, err error) error {
	var want []string
	for _, word := range strings.Fields(c.Use)[1:] {
		if strings.HasPrefix(word, "-") || strings.HasPrefix(word, "[") {
			break
		}
		want = append(want, word)
	}
	use := strings.TrimSuffix(c.UseLine(), " [flags]")
	switch {
	case len(args) < len(want):
		return fault.New(fault.Usage, "cli.missing", "what", want[len(args)], "use", use).Because(err)
	case len(args) > len(want):
		return fault.New(fault.Usage, "cli.extra", "what", args[len(want)], "use", use).Because(err)
	}
	return fault.New(fault.Usage, "cli.usage", "detail", err.Error()).Because(err)
}

// unknown returns the fault of a word that is no command where one is due, or
// nil. It is due too where a group of commands shows its help and takes no word.
func unknown(root *cobra.Command, args []string) error {
	root.InitDefaultHelpCmd()
	c, rest, err := root.Find(args)
	if c == nil || len(rest) == 0 || c.Runnable() && !(c.HasSubCommands() && c.Args != nil && c.Args(c, rest[:1]) != nil) || strings.HasPrefix(rest[0], "-") || strings.HasPrefix(rest[0], "__") ||
		c == root && (err == nil || rest[0] == "completion") {
		return nil // the library's own commands come when it runs
	}
	if near := c.SuggestionsFor(rest[0]); len(near) > 0 {
		return fault.New(fault.Usage, "cli.unknown_near", "name", rest[0], "near", c.CommandPath()+" "+near[0])
	}
	return fault.New(fault.Usage, "cli.unknown", "name", rest[0], "use", c.CommandPath())
}

var ofFlag = regexp.MustCompile(`for "([^"]+)" flag`)

// badFlag says what is wrong with an option.
func badFlag(err error) error {
	var value interface{ GetValue() string }
	var name interface{ GetSpecifiedName() string }
	switch m := ofFlag.FindStringSubmatch(err.Error()); {
	case errors.As(err, &value) && m != nil:
		return fault.New(fault.Usage, "cli.flag_value", "flag", m[1], "value", value.GetValue()).Because(err)
	case errors.As(err, &name) && strings.HasPrefix(err.Error(), "flag needs an argument"):
		return fault.New(fault.Usage, "cli.flag_empty", "flag", "--"+name.GetSpecifiedName()).Because(err)
	case errors.As(err, &name) && strings.HasPrefix(err.Error(), "unknown flag"):
		return fault.New(fault.Usage, "cli.flag_unknown", "flag", "--"+name.GetSpecifiedName()).Because(err)
	}
	return fault.New(fault.Usage, "cli.usage", "detail", err.Error()).Because(err)
}

// badLang returns the fault of a --lang that is not ours, or nil. A locale
// of the environment is only a guess, and falls back instead.
func (e *Env) badLang() error {
	if _, ok := text.ParseLang(e.lang); ok || e.lang == "" {
		return nil
	}
	var ours []string
	for _, l := range text.Langs {
		ours = append(ours, string(l))
	}
	return fault.New(fault.Usage, "cli.lang", "lang", e.lang, "choices", strings.Join(ours, ", "))
}

// Sentence says an error in one line in the reader's language: the innermost
// fault in words, anything else as [Env.Cause] does.
func (e *Env) Sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && e.Printer().Has(f.Code) {
		return e.Printer().Fault(f).Title
	}
	return e.Cause(err)
}
