package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/key"
)

// OpenSigner reads the signing key of a file such as ledger.key, and makes one
// for origin when there is none. The verifier key stands beside it in
// ledger.vkey, for everybody; it is returned as text too.
func OpenSigner(secretFile, origin string) (s note.Signer, v note.Verifier, vkey string, err error) {
	publicFile := strings.TrimSuffix(secretFile, filepath.Ext(secretFile)) + ".vkey"
	secret, err := os.ReadFile(secretFile)
	if errors.Is(err, fs.ErrNotExist) {
		skey, vkey, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			return nil, nil, "", fmt.Errorf("make ledger key: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(secretFile), 0o700); err != nil {
			return nil, nil, "", fmt.Errorf("make ledger key: %w", err)
		}
		// The public half first: a secret half never stands without it.
		if err := os.WriteFile(publicFile, []byte(vkey+"\n"), 0o644); err != nil {
			return nil, nil, "", fmt.Errorf("make ledger key: %w", err)
		}
		if err := key.WriteFile(secretFile, []byte(skey+"\n")); err != nil {
			return nil, nil, "", fmt.Errorf("make ledger key: %w", err)
		}
		secret = []byte(skey)
	} else if err != nil {
		return nil, nil, "", fmt.Errorf("open ledger key: %w", err)
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, nil, "", fmt.Errorf("open ledger key: %s: %w", secretFile, err)
	}
	if signer.Name() != origin {
		return nil, nil, "", fmt.Errorf("open ledger key: %s belongs to the log %q and not to %q (setting ledger.origin)", secretFile, signer.Name(), origin)
	}
	public, err := os.ReadFile(publicFile)
	if err != nil {
		return nil, nil, "", fmt.Errorf("open ledger key: %w", err)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(public)))
	if err != nil {
		return nil, nil, "", fmt.Errorf("open ledger key: %s: %w", publicFile, err)
	}
	if verifier.Name() != signer.Name() || verifier.KeyHash() != signer.KeyHash() {
		return nil, nil, "", fmt.Errorf("open ledger key: %s is not the public half of %s", publicFile, secretFile)
	}
	return signer, verifier, strings.TrimSpace(string(public)), nil
}
