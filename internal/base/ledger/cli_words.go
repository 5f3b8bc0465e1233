package ledger

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

// checkpointAt reads the checkpoint of a ledger before anything is judged: an address
// without a ledger, or a key of another log, is a slip of whoever asks and no
// fault of the ledger.
func checkpointAt(fsys fs.FS, where string, keys []note.Verifier) ([]byte, error) {
	signed, err := fs.ReadFile(fsys, tlog.CheckpointPath)
	_, remote := fsys.(tlog.Fetch)
	switch {
	case errors.Is(err, fs.ErrNotExist) && remote && where != "" && !strings.HasSuffix(strings.TrimSuffix(where, "/"), "/ledger"):
		return nil, fault.New(fault.Usage, "ledger.no_log_url", "url", where, "near", strings.TrimSuffix(where, "/")+"/ledger").Because(err)
	case errors.Is(err, fs.ErrNotExist):
		if where == "" {
			where = tlog.CheckpointPath
		}
		return nil, fault.New(fault.Usage, ErrNoLog.Code, "path", where).Because(err)
	case err != nil:
		return nil, err
	}
	return signed, sameLog(signed, keys)
}

// sameLog fails when a signed checkpoint is of another log than every key.
// Whether the signature is good is for the check to say.
func sameLog(signed []byte, keys []note.Verifier) error {
	c, err := tlog.OpenCheckpoint(signed)
	if err != nil || len(keys) == 0 || slices.ContainsFunc(keys, func(k note.Verifier) bool { return k.Name() == c.Origin }) {
		return nil
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name()
	}
	return fault.New(fault.Usage, "ledger.other_key", "key", strings.Join(names, ", "), "log", c.Origin)
}

// Sentence says a problem of the log in the reader's language; its detail
// stands in the JSON.
func Sentence(p text.Printer, bad *tlog.Problem) string {
	say := p.T("ledger.problem."+string(bad.Code), "path", bad.Path)
	if bad.Entry != tlog.NoEntry {
		say = p.T("ledger.problem.entry", "say", say, "n", bad.Entry)
	}
	return say
}

// sentence also says why a file could not be read.
func sentence(env *cli.Env, p text.Printer, bad *tlog.Problem) string {
	say := Sentence(p, bad)
	var why *fault.Error
	if bad.Code == tlog.Unreadable && errors.As(bad, &why) {
		say = p.T("ledger.problem.why", "say", say, "why", env.Sentence(why))
	}
	return say
}
