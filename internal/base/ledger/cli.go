package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	sumdb "golang.org/x/mod/sumdb/tlog"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

// Faults of the commands.
var (
	ErrBad     = fault.New(fault.Unmet, "ledger.bad")
	ErrUnknown = fault.New(fault.NotFound, "ledger.signer_unknown")
	ErrAudit   = fault.New(fault.Refused, "ledger.audit_needed")
	ErrNoLog   = fault.New(fault.Usage, "ledger.no_log")
)

// Commands returns noroshi ledger verify|prove: they need files or a URL, and
// neither a database nor trust in the hub.
func Commands(env *cli.Env) *cobra.Command {
	root := &cobra.Command{Use: "ledger", Short: env.Printer().T("ledger.cli.short")}
	env.HubFlags(root)
	root.AddCommand(verifyCommand(env), proveCommand(env))
	return root
}

// answer is what verify says in JSON.
type answer struct {
	Verified bool   `json:"verified"` // consistent, and signed by the key given
	OK       bool   `json:"consistent"`
	Kind     string `json:"kind"` // log | proof
	tlog.Result
}

func verifyCommand(env *cli.Env) *cobra.Command {
	var keyFile, since string
	c := &cobra.Command{
		Use: "verify PATH|URL", Short: env.Printer().T("ledger.cli.verify"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := ReadKeys(keyFile)
			if err != nil {
				return err
			}
			if info, err := os.Stat(args[0]); err == nil && !info.IsDir() {
				return verifyProof(env, args[0], keys)
			}
			fsys, err := openLog(cmd.Context(), env, args[0])
			if err != nil {
				return err
			}
			if _, err := checkpointAt(fsys, args[0], keys); err != nil {
				return err
			}
			opts := tlog.Options{Keys: keys, Check: func(_ uint64, leaf []byte) error { _, err := ParseEntry(leaf); return err }}
			if since != "" {
				old, err := cli.ReadFile(since, 1<<20)
				if err != nil {
					return err
				}
				if err := sameLog(old, keys); err != nil {
					return err
				}
				earlier, err := tlog.OpenCheckpoint(old, keys...)
				if err != nil {
					return fault.New(fault.Usage, "ledger.bad_checkpoint", "file", since).Because(err)
				}
				opts.Earlier = []tlog.Checkpoint{earlier}
			}
			if _, remote := fsys.(tlog.Fetch); remote {
				opts.Workers = 8
			}
			opts.Progress = env.ProgressOf("ledger")
			res, err := tlog.Verify(cmd.Context(), fsys, opts)
			for range 3 {
				if !errors.Is(err, tlog.ErrMoved) {
					break
				}
				res, err = tlog.Verify(cmd.Context(), fsys, opts)
			}
			return conclude(env, answer{Kind: "log", Result: res, OK: err == nil}, err)
		},
	}
	c.Flags().StringVar(&keyFile, "key", "", env.Printer().T("ledger.cli.key"))
	c.Flags().StringVar(&since, "since", "", env.Printer().T("ledger.cli.since"))
	return c
}

// conclude says the result and turns it into an exit code.
func conclude(env *cli.Env, a answer, err error) error {
	a.Verified = a.OK && a.Signer != ""
	var problems tlog.Problems
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	if emit := env.Emit(a, func(w io.Writer, p text.Printer) error {
		for _, bad := range a.Problems {
			fmt.Fprintln(w, sentence(env, p, bad))
		}
		if a.OK {
			fmt.Fprintln(w, p.T("ledger.cli.consistent."+a.Kind, "n", a.Checkpoint.Size, "root", a.Checkpoint.Root.String()))
		}
		if a.Verified {
			fmt.Fprintln(w, p.T("ledger.cli.signed", "name", a.Signer))
		}
		if a.OK && a.Kind == "log" && !a.Listed {
			fmt.Fprintln(w, p.T("ledger.cli.not_listed"))
		}
		return nil
	}); emit != nil {
		return emit
	}
	switch {
	case !a.OK && !slices.ContainsFunc(a.Problems, func(p *tlog.Problem) bool { return p.Code != tlog.Unreadable }):
		return fault.New(fault.NotFound, "ledger.unreadable", "n", len(a.Problems))
	case !a.OK:
		return fault.New(fault.Unmet, ErrBad.Code, "n", len(a.Problems))
	case !a.Verified:
		return ErrUnknown
	}
	return nil
}

// verifyProof checks a file that holds one proven entry.
func verifyProof(env *cli.Env, file string, keys []note.Verifier) error {
	p, proof, err := readProven(file)
	if err != nil {
		return err
	}
	if proof == nil {
		return fault.New(fault.Usage, "ledger.no_proof", "file", file)
	}
	if err := sameLog([]byte(proof.Checkpoint), keys); err != nil {
		return err
	}
	a := answer{Kind: "proof"}
	c, err := proof.Verify(tlog.LeafHash([]byte(p.Leaf)), keys...)
	var bad *tlog.Problem
	if errors.As(err, &bad) {
		a.Problems = tlog.Problems{bad}
		return conclude(env, a, a.Problems)
	} else if err != nil {
		return err
	}
	a.OK, a.Checkpoint, a.Entries = true, c, 1
	if len(keys) > 0 {
		a.Signer = c.Origin
	}
	return conclude(env, a, nil)
}

func proveCommand(env *cli.Env) *cobra.Command {
	var log, keyFile string
	c := &cobra.Command{
		Use: "prove ENTRY", Short: env.Printer().T("ledger.cli.prove"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := ReadKeys(keyFile)
			if err != nil {
				return err
			}
			proven, err := proveAt(cmd.Context(), env, log, args[0], keys)
			if err != nil {
				return err
			}
			return env.Emit(proven, func(w io.Writer, _ text.Printer) error {
				_, err := io.WriteString(w, proven.Proof)
				return err
			})
		},
	}
	c.Flags().StringVar(&log, "ledger", "", env.Printer().T("ledger.cli.where"))
	c.Flags().StringVar(&keyFile, "key", "", env.Printer().T("ledger.cli.key"))
	return c
}

// proveAt proves an entry of the ledger at a place. A hub proves one to whoever
// knows its id; from the tiles of a URL alone only an auditor finds it.
func proveAt(ctx context.Context, env *cli.Env, where, entry string, keys []note.Verifier) (Proven, error) {
	fsys, err := openLog(ctx, env, where)
	if err != nil {
		return Proven{}, err
	}
	if _, remote := fsys.(tlog.Fetch); remote && entryID.MatchString(entry) {
		hub, err := env.Hub()
		if where != "" {
			hub, err = env.HubAt(where)
		}
		if err != nil {
			return Proven{}, err
		}
		p, err := ask(ctx, hub, entry, keys)
		if fault.Of(err) == nil || fault.Of(err).Code != "fetch.hub_status" {
			return p, err
		} // another program serves this log, and has no such operation
	}
	signed, err := checkpointAt(fsys, where, keys)
	if err != nil {
		return Proven{}, err
	}
	p, err := prove(ctx, fsys, signed, entry, keys)
	if k := fault.Of(err); k != nil && k.Kind == fault.Unauthenticated {
		err = ErrAudit.Because(err)
	}
	return p, err
}

var entryID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ask has the hub prove an entry, and believes the proof alone.
func ask(ctx context.Context, hub *fetch.Hub, entry string, keys []note.Verifier) (Proven, error) {
	var p Proven
	if err := hub.Do(ctx, "GET", "/api/v1/proofs/"+entry, nil, &p, ""); err != nil {
		return Proven{}, err
	}
	proof, err := tlog.ParseProof([]byte(p.Proof))
	if err != nil {
		return Proven{}, fault.New(fault.Internal, "fetch.answer_odd").Because(err)
	}
	if err := sameLog([]byte(proof.Checkpoint), keys); err != nil {
		return Proven{}, err
	}
	e, err := ParseEntry([]byte(p.Leaf))
	if err == nil && e.ID != entry {
		err = fmt.Errorf("the proof is of entry %s", e.ID)
	}
	if err == nil {
		_, err = proof.Verify(tlog.LeafHash([]byte(p.Leaf)), keys...)
	}
	if err != nil {
		return Proven{}, fault.New(fault.Unmet, ErrBad.Code, "n", 1).Because(err)
	}
	return p, nil
}

// prove finds the entry, by its number, its id, or a file with its receipt,
// and proves it from the tiles alone. A receipt needs hash tiles only, which
// everybody may read.
func prove(ctx context.Context, fsys fs.FS, signed []byte, entry string, keys []note.Verifier) (Proven, error) {
	c, err := tlog.OpenCheckpoint(signed, keys...)
	if err != nil {
		return Proven{}, fault.New(fault.Unmet, ErrBad.Code, "n", 1).Because(err)
	}
	reader, err := tlog.NewReader(fsys, c.Size)
	if err != nil {
		return Proven{}, err
	}
	var p Proven
	var index uint64
	if n, err := strconv.ParseUint(entry, 10, 64); err == nil {
		index = n
	} else if r, _, err := readProven(entry); err == nil {
		p.Receipt = r.Receipt
		index = findLeaf(reader, c.Size, tlog.LeafHash([]byte(r.Leaf)))
	} else if index, err = findID(ctx, reader, c.Size, entry); err != nil {
		return Proven{}, err
	}
	if index >= c.Size {
		return Proven{}, ErrNoEntry
	}
	if p.Leaf == "" {
		leaf, err := reader.Entry(index)
		if err != nil {
			return Proven{}, err
		}
		e, err := ParseEntry(leaf)
		if err != nil {
			return Proven{}, err
		}
		p.Receipt = Receipt{Entry: e.ID, At: e.At, Leaf: string(leaf)}
	}
	proof, err := reader.Prove(index, signed)
	if err != nil {
		return Proven{}, err
	}
	if _, err := proof.Verify(tlog.LeafHash([]byte(p.Leaf)), keys...); err != nil {
		return Proven{}, fault.New(fault.Unmet, ErrBad.Code, "n", 1).Because(err)
	}
	p.Proof = string(proof.Text())
	return p, nil
}

// findLeaf returns the index of a leaf hash, or size.
func findLeaf(r tlog.Reader, size uint64, want tlog.Hash) uint64 {
	for first := uint64(0); first < size; first += 256 {
		var at []int64
		for i := first; i < min(first+256, size); i++ {
			at = append(at, sumdb.StoredHashIndex(0, int64(i)))
		}
		hashes, err := r.ReadHashes(at)
		if err != nil {
			return size
		}
		for i, h := range hashes {
			if h == want {
				return first + uint64(i)
			}
		}
	}
	return size
}

func findID(ctx context.Context, r tlog.Reader, size uint64, id string) (uint64, error) {
	for i := range size {
		if ctx.Err() != nil {
			return size, ctx.Err()
		}
		leaf, err := r.Entry(i)
		if err != nil {
			return size, err
		}
		if e, err := ParseEntry(leaf); err == nil && e.ID == id {
			return i, nil
		}
	}
	return size, nil
}

// ReadKeys reads the file of a log's verifier keys; without a name there are none.
// Faults: of kind Usage.
func ReadKeys(file string) ([]note.Verifier, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := cli.ReadFile(file, 1<<20)
	if err != nil {
		return nil, err
	}
	keys, err := tlog.ParseKeys(raw)
	if err != nil {
		return nil, fault.New(fault.Usage, "ledger.bad_key", "file", file, "why", err.Error())
	}
	return keys, nil
}

// openLog opens a folder, or the folder ledger in it, or a URL; empty is the
// hub's.
func openLog(ctx context.Context, env *cli.Env, where string) (fs.FS, error) {
	if u, err := url.Parse(where); where == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		hub, err := env.Hub()
		prefix := "/ledger/"
		if where != "" {
			prefix = strings.TrimSuffix(u.Path, "/") + "/"
			hub, err = env.HubAt(where)
		}
		if err != nil {
			return nil, err
		}
		return Remote(ctx, hub, prefix), nil
	}
	for _, dir := range []string{where, filepath.Join(where, "ledger")} {
		if _, err := os.Stat(filepath.Join(dir, tlog.CheckpointPath)); err == nil {
			return os.DirFS(dir), nil
		}
	}
	return nil, fault.New(fault.Usage, ErrNoLog.Code, "path", where)
}

// Remote reads the files of a log below a path of a hub. What is not there is
// fs.ErrNotExist.
func Remote(ctx context.Context, hub *fetch.Hub, prefix string) tlog.Fetch {
	return func(path string) ([]byte, error) {
		var raw []byte
		err := hub.Do(ctx, "GET", prefix+path, nil, &raw, "")
		if err != nil && fault.KindOf(err) == fault.NotFound {
			return nil, fs.ErrNotExist
		}
		return raw, err
	}
}

// readProven reads a receipt, with its proof if the file has one.
func readProven(file string) (Proven, *tlog.Proof, error) {
	raw, err := cli.ReadFile(file, 1<<20)
	if err != nil {
		return Proven{}, nil, err
	}
	bad := fault.New(fault.Usage, "ledger.bad_receipt", "file", file)
	var p Proven
	var within struct{ Receipt Receipt } // what a submission answers holds its receipt
	err1, err2 := json.Unmarshal(raw, &p), json.Unmarshal(raw, &within)
	if err1 == nil && err2 == nil && p.Leaf == "" {
		p.Receipt = within.Receipt
	}
	if err1 != nil || p.Leaf == "" {
		return Proven{}, nil, bad.Because(err1)
	}
	if p.Proof == "" {
		return p, nil, nil
	}
	proof, err := tlog.ParseProof([]byte(p.Proof))
	if err != nil {
		return Proven{}, nil, bad.Because(err)
	}
	return p, &proof, nil
}
