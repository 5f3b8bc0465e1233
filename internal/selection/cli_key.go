package selection

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// keyCommand is "noroshi selection key": a key that signs orders or statements on
// files. The secret half goes to standard output or -o, the verifier to the file
// of that name and .pub, and to standard error.
func keyCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var out, name string
	c := &cobra.Command{
		Use: "key > KEY", Short: p.T("selection.key.short"), Long: p.T("selection.key.long"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '+' || r == 0x7f }) || len(name) > 100 {
				return fault.New(fault.Usage, "selection.key.name", "name", name)
			}
			secret, verifier, err := note.GenerateKey(rand.Reader, name)
			if err != nil {
				return err
			}
			if out != "" {
				err = writeKeyFiles(out, secret, verifier)
			} else {
				err = printKey(env, secret, verifier)
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(env.Err, verifier)
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", p.T("selection.key.flag.out"))
	c.Flags().StringVar(&name, "name", "noroshi-test-authority", p.T("selection.key.flag.name"))
	return c
}

// writeKeyFiles writes both halves; neither replaces a file.
func writeKeyFiles(name, secret, verifier string) error {
	if err := writeKey(name, []byte(secret+"\n")); err != nil {
		return err
	}
	return writeVerifier(name+".pub", verifier, false)
}

// printKey writes the secret half to standard output. Where that is a regular
// file only its owner may read it from then on, and the verifier is put beside it.
func printKey(env *cli.Env, secret, verifier string) error {
	name := ""
	if f, ok := env.Out.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if err := f.Chmod(0o600); err != nil {
				return err
			}
			name = behind(f, info)
		}
	}
	if name != "" {
		if err := writeVerifier(name+".pub", verifier, true); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(env.Out, secret); err != nil {
		return err
	}
	if name == "" {
		env.Say("selection.key.keep")
	} else {
		env.Say("selection.key.beside", "file", name+".pub")
	}
	return nil
}

// behind returns the name of an open file, "" where the system does not tell.
func behind(f *os.File, info fs.FileInfo) string {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return ""
	}
	if there, err := os.Stat(name); err != nil || !os.SameFile(info, there) {
		return ""
	}
	return name
}

// writeVerifier writes the public half. Only another verifier is ever replaced.
func writeVerifier(name, verifier string, replace bool) error {
	old, err := cli.ReadFile(name, maxKeyFile)
	switch {
	case err != nil && errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !replace:
		return fault.New(fault.Conflict, "selection.key.exists", "file", name)
	default:
		if _, err := ReadVerifier(old); err != nil && len(bytes.TrimSpace(old)) > 0 {
			return fault.New(fault.Conflict, "selection.key.exists", "file", name)
		}
	}
	fresh := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+underWay)
	_ = os.Remove(fresh)
	if err := writeNew(fresh, []byte(verifier+"\n")); err != nil {
		return fault.New(fault.Usage, "selection.key.write", "file", name).Because(err)
	}
	if err := os.Chmod(fresh, 0o644); err != nil {
		return err
	}
	if err := os.Rename(fresh, name); err != nil {
		return fault.New(fault.Usage, "selection.key.write", "file", name).Because(err)
	}
	return nil
}

// verifiersOf reads the public halves that files hold, one in each.
func verifiersOf(names []string) (all []note.Verifier, err error) {
	for _, name := range names {
		raw, err := cli.ReadFile(name, maxKeyFile)
		if err != nil {
			return nil, err
		}
		v, err := ReadVerifier(raw)
		if err != nil {
			return nil, fault.New(fault.Usage, ErrVerifier.Code, "file", name).Because(err)
		}
		all = append(all, v)
	}
	return all, nil
}

// readExecutorFile reads the secret half that a file holds.
func readExecutorFile(name string) (*Executor, error) {
	raw, err := cli.ReadFile(name, maxKeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	e, err := ReadExecutor(raw)
	if err != nil {
		return nil, fault.New(fault.Usage, ErrKey.Code, "file", name)
	}
	return e, nil
}
