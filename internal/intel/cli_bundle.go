package intel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// bundleFlags are what a bundle is asked for with.
type bundleFlags struct {
	out, since, whose, to string
	answers               bool
	take, key, identity   string
}

// bundleCommand is "noroshi feed bundle": --out FILE makes one, of feeds, with
// --for of letters too, with --answers of answers; --take FILE takes one.
func bundleCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var f bundleFlags
	c := &cobra.Command{
		Use: "bundle", Short: p.T("intel.cli.bundle"), Long: p.T("intel.cli.bundle.long"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (f.out == "") == (f.take == "") || f.take != "" && f.key == "" {
				return fault.New(fault.Usage, "intel.cli.bundle_what")
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if f.take != "" {
				return takeBundle(c.Context(), env, hub, f.take, f.key, f.identity)
			}
			return f.make(c.Context(), env, hub)
		},
	}
	c.Flags().StringVar(&f.out, "out", "", p.T("intel.cli.flag.out"))
	c.Flags().StringVar(&f.since, "since", "", p.T("intel.cli.flag.since"))
	c.Flags().StringVar(&f.whose, "for", "", p.T("intel.cli.flag.for"))
	c.Flags().StringVar(&f.to, "to", "", p.T("intel.cli.flag.seal_to"))
	c.Flags().BoolVar(&f.answers, "answers", false, p.T("intel.cli.flag.answers"))
	c.Flags().StringVar(&f.take, "take", "", p.T("intel.cli.flag.take"))
	c.Flags().StringVar(&f.key, "key", "", p.T("intel.cli.flag.key"))
	c.Flags().StringVar(&f.identity, "identity", "", p.T("intel.cli.flag.identity"))
	env.HubFlags(c)
	return c
}

// make has the hub write a bundle to a file.
func (f *bundleFlags) make(ctx context.Context, env *cli.Env, hub *fetch.Hub) error {
	// Beside the file first: a bundle that broke off leaves what was there.
	file, err := os.OpenFile(f.out+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.New(fault.Usage, "intel.cannot_read", "file", f.out).Because(err)
	}
	q := url.Values{"since": {f.since}, "for": {f.whose}, "to": {f.to}, "answers": {strconv.FormatBool(f.answers)}}
	err = hub.Save(ctx, "/api/v1/feed-bundles?"+q.Encode(), file)
	size, _ := file.Seek(0, io.SeekCurrent)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(f.out+".part", f.out)
	}
	if err != nil {
		_ = os.Remove(f.out + ".part")
		return err
	}
	return env.Emit(map[string]any{"file": f.out, "size": size}, func(w io.Writer, p text.Printer) error {
		_, err := fmt.Fprintln(w, p.T("intel.cli.bundled", "file", f.out, "size", p.Bytes(size)))
		return err
	})
}

// takeBundle sends a bundle to the hub with the key that it has to be signed
// by, and the identity that opens what is sealed in it.
func takeBundle(ctx context.Context, env *cli.Env, hub *fetch.Hub, path, keyFile, identityFile string) error {
	key, err := cli.ReadFile(keyFile, 4096)
	if err != nil {
		return err
	}
	head := ""
	if identityFile != "" {
		raw, err := cli.ReadFile(identityFile, 4096)
		if err != nil {
			return err
		}
		if head = identityOf(string(raw)); head == "" {
			return fault.New(fault.Usage, "intel.bundle.identity")
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return fault.New(fault.Usage, "intel.cannot_read", "file", path).Because(err)
	}
	defer f.Close()
	var got Bundled
	body := io.MultiReader(strings.NewReader(head), f)
	if err := hub.Send(ctx, "/api/v1/feed-bundle-imports?"+url.Values{"key": {strings.TrimSpace(string(key))}}.Encode(), body, &got); err != nil {
		return err
	}
	return env.Emit(got, func(w io.Writer, p text.Printer) error {
		fmt.Fprintln(w, p.T("intel.cli.bundle_taken", "origin", got.Manifest.Origin, "sequence", got.Manifest.Sequence))
		for i := range got.Feeds {
			if err := got.Feeds[i].writeText(w, p); err != nil {
				return err
			}
		}
		for _, part := range got.Parts {
			word := "intel.cli.letters_taken"
			if part.Folder == AnswersFolder {
				word = "intel.cli.answers_taken"
			}
			fmt.Fprintln(w, p.T(word, "n", part.New, "changed", part.Changed, "same", part.Same))
		}
		for _, name := range got.Left {
			fmt.Fprintln(w, p.T("intel.cli.left_out", "name", name))
		}
		return nil
	})
}

// identityOf finds the identity in a file as age-keygen writes it, with a line
// break behind it; empty when there is none.
func identityOf(file string) string {
	for line := range strings.Lines(file) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, identityHead) {
			return line + "\n"
		}
	}
	return ""
}
