package selection

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/selector"
)

// maxNamed bounds how many sources, acts, approvals and overrides are named.
const maxNamed = 20

// SelectorFacts describe a list: for "selector info".
type SelectorFacts struct {
	File       string         `json:"file"`
	Format     string         `json:"format"`
	SHA256     string         `json:"sha256"` // of the file: what an order names
	Hash       string         `json:"hash"`   // BLAKE3 of the compiled list, without signatures
	Selectors  int            `json:"selectors"`
	Kinds      map[string]int `json:"kinds"`
	Payload    bool           `json:"payload"` // headers alone are not enough
	Lister     string         `json:"lister,omitempty"`
	SignedBy   []string       `json:"signed_by,omitempty"` // verified with the authority's key
	Sources    int            `json:"sources"`
	Acts       []string       `json:"acts,omitempty"`
	Approvals  []string       `json:"approvals,omitempty"`
	Expired    int            `json:"expired"`
	NextExpiry *time.Time     `json:"next_expiry,omitempty"`
	Overridden int            `json:"overridden"`
	Overrides  []Overriding   `json:"overrides,omitempty"` // the first of them
}

// Overriding is a selector that meets a warning list and was taken in.
type Overriding struct {
	Selector string `json:"selector"`
	Kind     string `json:"type"`
	Value    string `json:"value"`
	Reason   string `json:"reason"`
	By       string `json:"by"`
}

func selectorInfoCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var authority string
	c := &cobra.Command{
		Use: "info FILE", Short: p.T("selector.info.short"), Long: p.T("selector.info.long"), Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			known, err := readVerifiers(authority)
			if err != nil {
				return err
			}
			raw, err := readList(env, args[0])
			if err != nil {
				return err
			}
			s, r, err := selector.Read(args[0], raw, selector.Options{}, known)
			if err != nil {
				return selectorFault(args[0], err)
			}
			facts := selectorFacts(s, env.Now())
			facts.File, facts.Format, facts.SHA256 = args[0], string(r.Format), DigestOf(raw)
			return env.Emit(facts, facts.tell)
		},
	}
	c.Flags().StringVar(&authority, "authority", "", p.T("selector.flag.authority"))
	return c
}

// selectorFacts walks a list once.
func selectorFacts(s *selector.Set, now time.Time) *SelectorFacts {
	f := &SelectorFacts{Hash: fmt.Sprintf("%x", s.Hash()), Selectors: s.Len(), Kinds: kindCounts(s), Payload: s.Needs().Payload(), Lister: s.Lister(),
		SignedBy: s.Signers(), Expired: s.Expired(now.UnixNano())}
	sources, acts, approvals := map[string]bool{}, map[string]bool{}, map[string]bool{}
	next := int64(0)
	for i := range s.Len() {
		id := selector.ID(i + 1)
		in := s.Info(id)
		sources[in.Source], acts[in.Act], approvals[in.Approval] = true, true, true
		if in.Expires > now.UnixNano() && (next == 0 || in.Expires < next) {
			next = in.Expires
		}
		if in.By == "" {
			continue
		}
		if f.Overridden++; len(f.Overrides) < maxNamed {
			f.Overrides = append(f.Overrides, Overriding{s.Ref(id), in.Kind.String(), in.Value, in.Reason, in.By})
		}
	}
	for _, all := range []map[string]bool{sources, acts, approvals} {
		delete(all, "")
	}
	f.Sources, f.Acts, f.Approvals = len(sources), inOrder(acts), inOrder(approvals)
	if next != 0 {
		at := time.Unix(0, next).UTC()
		f.NextExpiry = &at
	}
	return f
}

func (f *SelectorFacts) tell(w io.Writer, p text.Printer) error {
	lines := []string{p.T("selector.info.what", "n", f.Selectors, "kinds", kindWords(p, f.Kinds)), p.T("selector.sha256", "hash", f.SHA256), p.T("selector.hash", "hash", f.Hash)}
	if f.Payload {
		lines = append(lines, p.T("selector.info.payload"))
	} else {
		lines = append(lines, p.T("selector.info.headers"))
	}
	if len(f.SignedBy) > 0 {
		lines = append(lines, p.T("selector.signed", "names", strings.Join(f.SignedBy, " ")))
	} else {
		lines = append(lines, p.T("selector.info.unsigned"))
	}
	lines = append(lines, p.T("selector.info.rest", "sources", f.Sources, "acts", named(p, f.Acts), "approvals", named(p, f.Approvals)))
	if f.NextExpiry != nil {
		lines = append(lines, p.T("selector.info.expiry", "expired", f.Expired, "next", p.Stamp(*f.NextExpiry)))
	} else {
		lines = append(lines, p.T("selector.info.no_expiry", "expired", f.Expired))
	}
	for _, o := range f.Overrides {
		lines = append(lines, p.T("selector.info.override", "value", o.Value, "by", o.By, "reason", o.Reason))
	}
	if more := f.Overridden - len(f.Overrides); more > 0 {
		lines = append(lines, p.T("selector.info.more", "n", more))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

func named(p text.Printer, all []string) string {
	if len(all) == 0 {
		return p.T("selector.info.none")
	}
	if more := len(all) - maxNamed; more > 0 {
		return strings.Join(all[:maxNamed], " ") + " " + p.T("selector.info.more", "n", more)
	}
	return strings.Join(all, " ")
}

// selftestCommand is "noroshi selection selftest": every selector must find a
// canary made of it, and leave alone what is one step beside it.
func selftestCommand(env *cli.Env) *cobra.Command {
	p := env.Printer()
	var list, authority string
	c := &cobra.Command{
		Use: "selftest --selectors FILE", Short: p.T("selector.selftest.short"), Long: p.T("selector.selftest.long"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if list == "" {
				return fault.New(fault.Usage, "selector.selftest.no_list")
			}
			known, err := readVerifiers(authority)
			if err != nil {
				return err
			}
			raw, err := readList(env, list)
			if err != nil {
				return err
			}
			s, _, err := selector.Read(list, raw, selector.Options{}, known)
			if err != nil {
				return selectorFault(list, err)
			}
			return tested(env, list, s)
		},
	}
	c.Flags().StringVar(&list, "selectors", "", p.T("selector.selftest.flag.selectors"))
	c.Flags().StringVar(&authority, "authority", "", p.T("selector.flag.authority"))
	return c
}

// SelftestFacts are the result of a self-test that found nothing wrong.
type SelftestFacts struct {
	File      string `json:"file"`
	Hash      string `json:"hash"`
	Selectors int    `json:"selectors"`
	Tested    int    `json:"tested"`
}

func tested(env *cli.Env, list string, s *selector.Set) error {
	n, err := s.SelftestCount()
	if err != nil {
		return selectorFault(list, err)
	}
	facts := SelftestFacts{list, fmt.Sprintf("%x", s.Hash()), s.Len(), n}
	return env.Emit(facts, func(w io.Writer, p text.Printer) error {
		_, err := fmt.Fprintln(w, p.T("selector.selftest.passed", "n", facts.Selectors, "tested", facts.Tested))
		return err
	})
}

// selectorFault puts what the engine says into words.
func selectorFault(file string, err error) error {
	var refused *selector.RefusedError
	if errors.As(err, &refused) {
		return fault.New(fault.Usage, "selector.refused", "file", file, "n", refused.Report.Broken+refused.Report.Warned, "lines", refused.Report.Lines, "warned", refused.Report.Warned).
			Because(err).At(placesOf(&refused.Report)...)
	}
	var test *selector.SelftestError
	if errors.As(err, &test) {
		f := fault.New(fault.Internal, "selector.selftest.failed", "file", file, "n", test.Failed, "tested", test.Tested).Because(err)
		for _, one := range test.Failures {
			f = f.At(fault.Place{At: one.Selector, Code: "selector.selftest." + one.What, Args: fault.Args{"kind": one.Kind.String(), "value": one.Value}})
		}
		return f
	}
	var binary *selector.BinaryError
	if errors.As(err, &binary) {
		return binaryFault(file, binary)
	}
	var damaged *selector.FileError
	var word *selector.TextError
	switch {
	case errors.Is(err, selector.ErrUnsigned):
		return fault.New(fault.Unmet, "selector.unsigned", "file", file).Because(err)
	case errors.Is(err, selector.ErrNotCompiled):
		return fault.New(fault.Usage, "selector.not_compiled", "file", file).Because(err)
	case errors.As(err, &damaged):
		return fault.New(fault.Unmet, "selector.damaged", "file", file, "what", damaged.What).Because(err)
	case errors.As(err, &word):
		return fault.New(fault.Usage, "selector.bad.text", "column", word.Column, "value", word.Value).Because(err)
	case errors.Is(err, selector.ErrEmpty):
		return fault.New(fault.Usage, "selector.empty", "file", file).Because(err)
	case errors.Is(err, selector.ErrFull):
		return fault.New(fault.TooLarge, "selector.full", "file", file).Because(err)
	case errors.Is(err, os.ErrNotExist):
		return fault.New(fault.Usage, "cli.cannot_read", "file", file).Because(err)
	}
	return err
}

// sayPlaces writes what was left out, without ending the command.
func sayPlaces(env *cli.Env, f *fault.Error) {
	m := env.Printer().Fault(f)
	fmt.Fprintln(env.Err, m.Title)
	for _, place := range m.Places {
		fmt.Fprintf(env.Err, "  %s: %s\n", place.At, place.Say)
	}
}
