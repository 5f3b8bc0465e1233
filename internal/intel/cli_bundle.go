package intel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// bundleCommand is "noroshi feed bundle --out FILE [--since DAY]".
func bundleCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var out, since string
	c := &cobra.Command{
		Use: "bundle", Short: p.T("intel.cli.bundle"), Long: p.T("intel.cli.bundle.long"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			// Beside the file first: a bundle that broke off leaves what was there.
			f, err := os.OpenFile(out+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
			if err != nil {
				return fault.New(fault.Usage, "intel.cannot_read", "file", out).Because(err)
			}
			err = hub.Save(c.Context(), "/api/v1/feed-bundles?"+url.Values{"since": {since}}.Encode(), f)
			size, _ := f.Seek(0, io.SeekCurrent)
			if err = errors.Join(err, f.Close()); err == nil {
				err = os.Rename(out+".part", out)
			}
			if err != nil {
				_ = os.Remove(out + ".part")
				return err
			}
			return env.Emit(map[string]any{"file": out, "size": size}, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("intel.cli.bundled", "file", out, "size", p.Bytes(size)))
				return err
			})
		},
	}
	c.Flags().StringVar(&out, "out", "", p.T("intel.cli.flag.out"))
	c.Flags().StringVar(&since, "since", "", p.T("intel.cli.flag.since"))
	_ = c.MarkFlagRequired("out") // the flag is there
	env.HubFlags(c)
	return c
}

// takeBundle sends a bundle to the hub with the key that it has to be signed
// by.
func takeBundle(ctx context.Context, env *cli.Env, hub *fetch.Hub, path, keyFile string) error {
	key, err := cli.ReadFile(keyFile, 4096)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fault.New(fault.Usage, "intel.cannot_read", "file", path).Because(err)
	}
	defer f.Close()
	var got Bundled
	if err := hub.Send(ctx, "/api/v1/feed-bundle-imports?"+url.Values{"key": {strings.TrimSpace(string(key))}}.Encode(), f, &got); err != nil {
		return err
	}
	return env.Emit(got, func(w io.Writer, p text.Printer) error {
		fmt.Fprintln(w, p.T("intel.cli.bundle_taken", "origin", got.Manifest.Origin, "sequence", got.Manifest.Sequence))
		for i := range got.Feeds {
			if err := got.Feeds[i].writeText(w, p); err != nil {
				return err
			}
		}
		for _, name := range got.Left {
			fmt.Fprintln(w, p.T("intel.cli.left_out", "name", name))
		}
		return nil
	})
}
