package oversight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/folder"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

// Faults of following a log.
var (
	ErrFolder  = fault.New(fault.Usage, "oversight.no_folder") // nobody followed into it
	ErrDir     = fault.New(fault.Usage, "oversight.no_dir")
	ErrCopy    = fault.New(fault.Unmet, "oversight.bad_copy")
	ErrRemote  = fault.New(fault.Usage, "oversight.no_remote")
	ErrAudit   = fault.New(fault.Refused, "oversight.audit_needed")
	ErrTaken   = fault.New(fault.Busy, "oversight.dir_taken")
	ErrStopped = fault.New(fault.Refused, "oversight.halted")
	ErrNothing = fault.New(fault.Usage, "oversight.nothing_stands")
	ErrNotBack = fault.New(fault.Usage, "oversight.not_back")
	ErrWhy     = fault.New(fault.Usage, "oversight.no_why")
	ErrDoor    = fault.New(fault.Usage, "oversight.bad_listen")
)

// asFollowed turns an error of an auditor's folder into a fault.
func asFollowed(err error, dir string) error {
	switch {
	case err == nil, errors.Is(err, ErrNothing), errors.Is(err, ErrNotBack), errors.Is(err, ErrWhy):
		return err
	case errors.Is(err, errFolder):
		return fault.New(fault.Usage, ErrFolder.Code, "dir", dir).Because(err)
	case errors.Is(err, folder.ErrLocked):
		return fault.New(fault.Busy, ErrTaken.Code, "dir", dir).Because(err)
	case errors.Is(err, ErrHeld):
		return ErrMany.Because(err)
	case errors.Is(err, context.Canceled):
		return err
	}
	return fault.New(fault.Unmet, ErrCopy.Code, "dir", dir).Because(err)
}

func followCommand(env *cli.Env) *cobra.Command {
	var s source
	var dir, door string
	var once, send bool
	var every, silence time.Duration
	p := env.Printer()
	c := &cobra.Command{
		Use: "follow URL", Short: p.T("oversight.cli.follow"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return ErrDir
			}
			hub, prefix, signed, err := openRemote(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			o, err := s.options(env, signed)
			if err != nil {
				return err
			}
			f := &Follower{Remote: ledger.Remote(cmd.Context(), hub, prefix), Dir: dir, Keys: o.Keys, Kinds: o.Kinds, Now: env.Now, Silence: silence, Commission: o.Commission, Measures: o.Measures}
			if send {
				f.Send = func(ctx context.Context, cosigned []byte) error {
					return hub.Do(ctx, "POST", prefix+"cosignature", cosigned, nil, "")
				}
			}
			if err := f.Open(cmd.Context()); err != nil {
				return asFollowed(err, dir)
			}
			defer f.Close()
			f.greet(env)
			ctx, stop := context.WithCancel(cmd.Context())
			defer stop()
			if door == "" {
				return follow(ctx, env, f, once, every)
			}
			ended := make(chan error, 1)
			go func() {
				defer stop()
				ended <- f.ServeDoor(ctx, door, func(at string) { env.Say("oversight.cli.door", "addr", at, "vkey", f.seal.vkey) })
			}()
			err = follow(ctx, env, f, once, every)
			stop()
			if e := <-ended; e != nil {
				return fault.New(fault.Usage, ErrDoor.Code, "addr", door).Because(e)
			}
			return err
		},
	}
	env.HubFlags(c)
	s.flags(env, c)
	c.Flags().StringVar(&dir, "dir", "", p.T("oversight.cli.dir"))
	c.Flags().BoolVar(&once, "once", false, p.T("oversight.cli.once"))
	c.Flags().BoolVar(&send, "send", true, p.T("oversight.cli.send"))
	c.Flags().StringVar(&door, "listen", "", p.T("oversight.cli.listen"))
	c.Flags().DurationVar(&every, "every", time.Minute, p.T("oversight.cli.every"))
	c.Flags().DurationVar(&silence, "silent", 30*time.Minute, p.T("oversight.cli.silent"))
	return c
}

// greet says what whoever runs this has to know of the folder: a key that was made
// just now, and that the log was put back.
func (f *Follower) greet(env *cli.Env) {
	if n := len(f.memory.Branches); n > 0 {
		env.Say("oversight.cli.anew", "n", n, "dir", f.Dir)
	}
	if f.seal.made {
		env.Say("oversight.cli.new_key", "vkey", f.seal.vkey, "file", filepath.Join(f.Dir, publicFile))
	}
}

// follow looks at the log, once or for ever. When the log contradicted itself
// following ends: what it says from then on is worth nothing until people have
// looked at it. Every other alarm is said, and following goes on.
func follow(ctx context.Context, env *cli.Env, f *Follower, once bool, every time.Duration) error {
	every = max(every, time.Second)
	told, unsent := -1, ""
	for {
		r, err := f.Once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		n := len(r.Violations) + int(r.More) + len(r.Alarms) + len(r.Gaps)
		if once && err == nil || r.New > 0 || n != told && (err == nil || n > 0) {
			told = n
			if err := r.say(env); err != nil {
				return err
			}
		}
		if f.Send != nil && r.Cosigned {
			unsent = sayUnsent(env, f, r.unsent, unsent)
		}
		switch {
		case r.Halted:
			return fault.New(fault.Refused, ErrStopped.Code, "dir", f.Dir)
		case err != nil && once:
			return auditNeeded(err)
		case err != nil: // the hub may be away for a while
			env.Say("oversight.cli.unreachable", "why", env.Sentence(auditNeeded(err)))
		case once && !r.Clean():
			return r.Fault()
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

// say shows a round.
func (r *Round) say(env *cli.Env) error {
	r.speak(env.Printer())
	return env.Emit(r, func(w io.Writer, p text.Printer) error {
		if err := r.Result.print(w, p); err != nil || !r.Cosigned {
			return err
		}
		_, err := fmt.Fprintln(w, p.T("oversight.cli.followed", "origin", text.Printable(r.Origin), "size", int64(r.Size), "new", int64(r.New)))
		return err
	})
}

// sayUnsent says, once, why the log did not take our cosignature. A log that takes
// none is asked no more.
func sayUnsent(env *cli.Env, f *Follower, err error, said string) string {
	if err == nil {
		return ""
	}
	if fault.KindOf(err) == fault.NotFound {
		f.Send = nil
		env.Say("oversight.cli.no_witness", "file", filepath.Join(f.Dir, publicFile))
		return ""
	}
	why := env.Sentence(err)
	if why != said {
		env.Say("oversight.cli.unsent", "why", why)
	}
	return why
}

func acknowledgeCommand(env *cli.Env) *cobra.Command {
	var dir, why string
	var restored bool
	p := env.Printer()
	c := &cobra.Command{
		Use: "acknowledge", Short: p.T("oversight.cli.acknowledge"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				return ErrDir
			}
			a, err := Acknowledge(dir, strings.TrimSpace(why), restored, env.Now())
			if err != nil {
				return asFollowed(err, dir)
			}
			r := Result{Alarms: a.Alarms}
			r.speak(p)
			return env.Emit(a, func(w io.Writer, p text.Printer) error {
				for _, x := range r.Alarms {
					fmt.Fprintln(w, text.Printable(x.Text))
				}
				if a.Anew {
					fmt.Fprintln(w, p.T("oversight.cli.put_aside", "dir", filepath.Join(dir, beforeDir)))
				}
				_, err := fmt.Fprintln(w, p.T("oversight.cli.acknowledged", "n", len(a.Alarms)+int(a.More), "why", text.Printable(a.Why)))
				return err
			})
		},
	}
	c.Flags().StringVar(&dir, "dir", "", p.T("oversight.cli.dir"))
	c.Flags().StringVar(&why, "why", "", p.T("oversight.cli.why"))
	c.Flags().BoolVar(&restored, "restored", false, p.T("oversight.cli.restored"))
	return c
}

// auditNeeded says what a hub means that gives no entries.
func auditNeeded(err error) error {
	if f := fault.Of(err); f != nil && f.Kind == fault.Unauthenticated {
		return ErrAudit.Because(err)
	}
	return err
}

// openRemote finds the log of a hub, or the log at an address: below which path it
// lies, and its checkpoint.
func openRemote(ctx context.Context, env *cli.Env, where string) (hub *fetch.Hub, prefix string, signed []byte, err error) {
	none := fault.New(fault.Usage, ErrRemote.Code, "url", where)
	u, err := url.Parse(where)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, "", nil, none
	}
	if hub, err = env.HubAt(where); err != nil {
		return nil, "", nil, err
	}
	prefix = strings.TrimSuffix(u.Path, "/") + "/"
	for _, at := range []string{prefix, prefix + "ledger/"} {
		signed, err := read(ledger.Remote(ctx, hub, at), tlog.CheckpointPath)
		if err == nil {
			if _, err := tlog.OpenCheckpoint(signed); err == nil {
				return hub, at, signed, nil
			}
			continue // a page of something else
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil, err
		}
	}
	return nil, "", nil, none
}
