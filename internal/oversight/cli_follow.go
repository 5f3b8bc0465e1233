package oversight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

// Faults of following a log.
var (
	ErrDir    = fault.New(fault.Usage, "oversight.no_dir")
	ErrCopy   = fault.New(fault.Unmet, "oversight.bad_copy")
	ErrRemote = fault.New(fault.Usage, "oversight.no_remote")
	ErrAudit  = fault.New(fault.Refused, "oversight.audit_needed")
)

func followCommand(env *cli.Env) *cobra.Command {
	var s source
	var dir string
	var once bool
	var every time.Duration
	p := env.Printer()
	c := &cobra.Command{
		Use: "follow URL", Short: p.T("oversight.cli.follow"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return ErrDir
			}
			remote, signed, err := openRemote(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			o, err := s.options(env, signed)
			if err != nil {
				return err
			}
			f := &Follower{Remote: remote, Dir: dir, Keys: o.Keys, Kinds: o.Kinds, Now: env.Now}
			if err := f.Open(cmd.Context()); err != nil {
				return fault.New(fault.Unmet, ErrCopy.Code, "dir", dir).Because(err)
			}
			return follow(cmd.Context(), env, f, once, every)
		},
	}
	env.HubFlags(c)
	s.flags(env, c)
	c.Flags().StringVar(&dir, "dir", "", p.T("oversight.cli.dir"))
	c.Flags().BoolVar(&once, "once", false, p.T("oversight.cli.once"))
	c.Flags().DurationVar(&every, "every", time.Minute, p.T("oversight.cli.every"))
	return c
}

// follow looks at the log, once or for ever. An alarm about the log ends it: what
// it says from then on is worth nothing until people have looked at it.
func follow(ctx context.Context, env *cli.Env, f *Follower, once bool, every time.Duration) error {
	every = max(every, time.Second)
	told := -1
	for {
		r, err := f.Once(ctx)
		switch {
		case err == nil:
			r.speak(env.Printer())
			if n := len(r.Violations) + len(r.Alarms) + len(r.Gaps); once || r.New > 0 || n != told {
				told = n
				if err := env.Emit(r, func(w io.Writer, p text.Printer) error {
					if err := r.Result.print(w, p); err != nil || !r.Cosigned {
						return err
					}
					_, err := fmt.Fprintln(w, p.T("oversight.cli.followed", "origin", r.Origin, "size", int64(r.Size), "new", int64(r.New)))
					return err
				}); err != nil {
					return err
				}
			}
			if len(r.Alarms)+len(r.Gaps) > 0 || once && !r.Clean() {
				return fault.New(fault.Unmet, ErrFound.Code, "violations", len(r.Violations)+int(r.More), "others", len(r.Gaps)+len(r.Alarms))
			}
		case ctx.Err() != nil:
			return nil
		case once:
			return auditNeeded(err)
		default: // the hub may be away for a while
			env.Say("oversight.cli.unreachable", "why", env.Sentence(auditNeeded(err)))
		}
		if once {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// auditNeeded says what a hub means that gives no entries.
func auditNeeded(err error) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.Unauthenticated {
		return ErrAudit.Because(err)
	}
	return err
}

// openRemote returns the log of a hub, or the log at an address, with its
// checkpoint.
func openRemote(ctx context.Context, env *cli.Env, where string) (fs.FS, []byte, error) {
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, fault.New(fault.Usage, ErrRemote.Code, "url", where)
	}
	hub, err := env.HubAt(where)
	if err != nil {
		return nil, nil, err
	}
	prefix := strings.TrimSuffix(u.Path, "/") + "/"
	for _, at := range []string{prefix, prefix + "ledger/"} {
		log := remote(ctx, hub, at)
		signed, err := fs.ReadFile(log, tlog.CheckpointPath)
		if err == nil {
			if _, err := tlog.OpenCheckpoint(signed); err == nil {
				return log, signed, nil
			}
			continue // a page of something else
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
	}
	return nil, nil, fault.New(fault.Usage, ErrRemote.Code, "url", where)
}

func remote(ctx context.Context, hub *fetch.Hub, prefix string) tlog.Fetch {
	return func(path string) ([]byte, error) {
		var raw []byte
		err := hub.Do(ctx, "GET", prefix+path, nil, &raw, "")
		if err != nil && fault.KindOf(err) == fault.NotFound {
			return nil, fs.ErrNotExist
		}
		return raw, err
	}
}
