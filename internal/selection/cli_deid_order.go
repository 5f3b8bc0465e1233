package selection

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// opening are the options of "deid order".
type opening struct {
	sign, from, to, id          string
	grounds, necessity, noOther string
}

// deidOrderCommand is "noroshi deid order": an order to open these pseudonyms of
// one run, and nothing else. Without --sign it is a draft that nobody can act on.
func deidOrderCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var o opening
	c := &cobra.Command{Use: "order DIR PSEUDONYM... --to TIME", Short: p.T("deid.order.short"), Long: p.T("deid.order.long"), Args: cobra.RangeArgs(2, 1+maxReveal),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(env, args[0], args[1:]) }}
	f := c.Flags()
	f.StringVar(&o.sign, "sign", "", p.T("selection.order.flag.sign"))
	f.StringVar(&o.from, "from", "", p.T("deid.order.flag.from"))
	f.StringVar(&o.to, "to", "", p.T("deid.order.flag.to"))
	f.StringVar(&o.id, "id", "", p.T("selection.order.flag.id"))
	f.StringVar(&o.grounds, "grounds", "", p.T("deid.order.flag.grounds"))
	f.StringVar(&o.necessity, "necessity", "", p.T("deid.order.flag.necessity"))
	f.StringVar(&o.noOther, "no-other-means", "", p.T("selection.order.flag.no_other"))
	return c
}

func (o *opening) run(env *cli.Env, dir string, asked []string) error {
	if err := pseudonyms(asked); err != nil {
		return err
	}
	var lacks []string
	for _, f := range [...][2]string{{"--to", o.to}, {"--grounds", o.grounds}, {"--necessity", o.necessity}, {"--no-other-means", o.noOther}} {
		if strings.TrimSpace(f[1]) == "" {
			lacks = append(lacks, f[0])
		}
	}
	if len(lacks) > 0 {
		return fault.New(fault.Usage, "selection.order.needed", "flag", strings.Join(lacks, " "))
	}
	if err := (&ordering{id: o.id}).words(); err != nil {
		return err
	}
	raw, err := readBounded(filepath.Join(dir, fileStatement), maxStatement)
	if err != nil {
		return fault.New(fault.Usage, "deid.reveal.no_statement", "dir", dir).Because(err)
	}
	st, err := ReadStatement(raw)
	if err != nil {
		return err
	}
	order := approval.Order{ID: o.id, Kind: approval.Reidentify, Run: st.Run, Subjects: asked, Grounds: o.grounds, Necessity: o.necessity, NoOther: o.noOther}
	order.IssuedAt = env.Now().UTC().Truncate(time.Second)
	if order.ID == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		order.ID = "open-" + hex.EncodeToString(b[:])
	}
	if order.From = order.IssuedAt; o.from != "" {
		if order.From, err = instant(o.from, false); err != nil {
			return err
		}
	}
	if order.Until, err = instant(o.to, true); err != nil {
		return err
	}
	var signer note.Signer
	if o.sign != "" {
		e, err := readExecutorFile(o.sign)
		if err != nil {
			return err
		}
		signer = e.signer
	}
	paper, err := order.Sign(signer)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(env.Out, "%s\n", paper); err != nil {
		return err
	}
	p := env.Printer()
	env.Say("deid.order.made", "n", len(asked), "run", st.Run, "from", p.Time(order.From), "to", p.Time(order.Until))
	if signer == nil {
		env.Say("selection.order.unsigned")
	}
	return nil
}
