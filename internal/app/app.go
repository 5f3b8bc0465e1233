// Package app wires the program together: which nouns there are, what words
// and tables they bring, and which command runs what. Lists are explicit;
// nothing registers itself.
package app

import (
	"context"
	"embed"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"noroshi/internal/approval"
	"noroshi/internal/asset"
	"noroshi/internal/base/backup"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/page"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/exposure"
	"noroshi/internal/hunt"
	"noroshi/internal/hunt/starter"
	"noroshi/internal/incident"
	"noroshi/internal/intel"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/intel/feed"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/bgp"
	"noroshi/internal/measure/act/cacao"
	"noroshi/internal/measure/act/executor"
	"noroshi/internal/measure/act/names"
	"noroshi/internal/measure/act/nft"
	"noroshi/internal/measure/act/openc2"
	"noroshi/internal/measure/act/proxylist"
	"noroshi/internal/measure/act/rpz"
	"noroshi/internal/measure/request"
	"noroshi/internal/notice"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
	"noroshi/internal/oversight"
	"noroshi/internal/oversight/desk"
	"noroshi/internal/selection"
	"noroshi/internal/sensor"
	"noroshi/internal/sighting"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

var (
	//go:embed text
	ownWords embed.FS
	//go:embed web
	ownPages embed.FS
)

// Words returns the sentences of the whole program.
func Words() (*text.Catalog, error) {
	return text.Load(ownWords, cli.Words, fetch.Words, db.Words, gate.Words, blob.Words, thread.Words, mail.Words, post.Words, ledger.Words, backup.Words,
		config.Words, page.Words, httpd.Words, org.Words, asset.Words, incident.Words, sensor.Words, sighting.Words, feed.Words, csaf.Words, intel.Words, approval.Words, selection.Words, hunt.Words,
		exposure.Words, channel.Words, notice.Words, vendor.Words, situation.Words, oversight.Words, measure.Words, act.Words, executor.Words, names.Words, rpz.Words, proxylist.Words, nft.Words, bgp.Words, openc2.Words, cacao.Words, request.Words, desk.Words)
}

// Migrations returns the tables of the whole program, in their order.
func Migrations() []db.Source {
	return []db.Source{
		{Noun: "bus", FS: bus.Migrations}, {Noun: "key", FS: key.Migrations}, {Noun: "ledger", FS: ledger.Migrations},
		{Noun: "blob", FS: blob.Migrations}, {Noun: "thread", FS: thread.Migrations}, {Noun: "post", FS: post.Migrations}, {Noun: "httpd", FS: httpd.Migrations},
		{Noun: "org", FS: org.Migrations}, {Noun: "asset", FS: asset.Migrations}, {Noun: "incident", FS: incident.Migrations},
		{Noun: "sensor", FS: sensor.Migrations}, {Noun: "sighting", FS: sighting.Migrations}, {Noun: "intel", FS: intel.Migrations}, {Noun: "approval", FS: approval.Migrations}, {Noun: "selection", FS: selection.Migrations}, {Noun: "hunt", FS: hunt.Migrations}, {Noun: "exposure", FS: exposure.Migrations},
		{Noun: "channel", FS: channel.Migrations}, {Noun: "notice", FS: notice.Migrations}, {Noun: "vendor", FS: vendor.Migrations}, {Noun: "situation", FS: situation.Migrations}, {Noun: "measure", FS: measure.Migrations}, {Noun: "act", FS: act.Migrations}, {Noun: "request", FS: request.Migrations}, {Noun: "desk", FS: desk.Migrations},
	}
}

func newPages(words *text.Catalog) (*page.Set, error) {
	return page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "app", FS: ownPages},
		page.Source{Noun: "org", FS: org.Web}, page.Source{Noun: "asset", FS: asset.Web}, page.Source{Noun: "incident", FS: incident.Web},
		page.Source{Noun: "sensor", FS: sensor.Web}, page.Source{Noun: "sighting", FS: sighting.Web}, page.Source{Noun: "intel", FS: intel.Web}, page.Source{Noun: "approval", FS: approval.Web}, page.Source{Noun: "selection", FS: selection.Web}, page.Source{Noun: "hunt", FS: hunt.Web},
		page.Source{Noun: "exposure", FS: exposure.Web},
		page.Source{Noun: "channel", FS: channel.Web}, page.Source{Noun: "notice", FS: notice.Web}, page.Source{Noun: "vendor", FS: vendor.Web}, page.Source{Noun: "situation", FS: situation.Web}, page.Source{Noun: "measure", FS: measure.Web}, page.Source{Noun: "act", FS: act.Web}, page.Source{Noun: "request", FS: request.Web}, page.Source{Noun: "desk", FS: desk.Web})
}

// version is set when the program is linked (see the Makefile).
var version string

// Version is the program's version: what it was linked with, that of the
// module, or the commit.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "devel"
}

// Main runs the program and returns its exit code.
func Main(args []string) int {
	words, err := Words()
	if err != nil {
		panic("BUG: " + err.Error()) // a test loads the same words
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	env := cli.New(words)
	env.Listen(args)
	return env.Run(ctx, Root(env), args)
}

// Root returns the whole command tree.
func Root(env *cli.Env) *cobra.Command {
	p := env.Printer()
	root := env.Root("noroshi", p.T("app.short"))
	root.AddCommand(demoCommand(env), serveCommand(env), config.Command(env, checkFeeds), asset.Commands(env), incident.Commands(env),
		intel.FeedCommands(env, csaf.Read), intel.Commands(env), approval.Commands(env), exposureCommands(env), notice.Commands(env), vendor.Commands(env), measure.Commands(env), actCommands(env),
		ledger.Commands(env), auditorCommand(env), desk.Commands(env), adminCommand(env), &cobra.Command{
			Use: "version", Short: p.T("app.version.short"), Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error {
				return env.Emit(map[string]string{"version": Version()}, func(w io.Writer, _ text.Printer) error {
					_, err := io.WriteString(w, Version()+"\n")
					return err
				})
			},
		})
	root.AddCommand(sensor.Commands(env)...)
	root.AddCommand(hunt.Commands(env, starter.FS(), Version())...)
	root.AddCommand(selection.HubCommands(env)...)
	return root
}

// exposureCommands are those that speak to a hub, and those that need none.
func exposureCommands(env *cli.Env) *cobra.Command {
	c := exposure.Commands(env)
	c.AddCommand(exposure.OfflineCommands(env, csaf.Read)...)
	return c
}
