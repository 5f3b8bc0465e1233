package oversight

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/folder"
	"noroshi/internal/engine/tlog"
)

// seal is the auditor's key as a witness, and what it cosigned last: never a
// smaller tree after a larger one, never two histories
// (c2sp.org/tlog-cosignature). Following a log and answering its submissions share
// it.
type seal struct {
	keys   []note.Verifier // of the log
	signer *tlog.Cosigner
	vkey   string
	made   bool // the key was made just now

	mu     sync.Mutex
	files  folder.Writer
	head   tlog.Checkpoint // the newest that was cosigned; no origin: none
	said   []byte          // its note
	halted bool
}

// Files of the seal.
const (
	secretFile   = "auditor.key"
	publicFile   = "auditor.vkey"
	cosignedFile = "cosigned"
)

// open reads the key and what was cosigned last, and makes a key the first time.
func (s *seal) open(w *folder.Writer, keys []note.Verifier) error {
	s.keys, s.files = keys, folder.Writer{Dir: w.Dir, Mode: w.Mode, Inject: w.Inject}
	if err := s.openKey(); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(w.Dir, cosignedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("auditor's cosignature: %w", err)
	}
	own, err := tlog.ReadWitness(s.vkey)
	if err != nil {
		return err
	}
	head, by, err := tlog.Cosignatures(raw, keys, []note.Verifier{own})
	if err == nil && len(by) != 1 {
		err = errors.New("is not by the key beside it")
	}
	if err != nil {
		return fmt.Errorf("auditor's cosignature: %w", err)
	}
	s.head, s.said = head, raw
	return nil
}

func (s *seal) openKey() error {
	raw, err := os.ReadFile(s.files.Path(secretFile))
	if errors.Is(err, fs.ErrNotExist) {
		sum := sha256.Sum256([]byte(s.keys[0].Name()))
		secret, vkey, err := tlog.NewCosigner("auditor/"+hex.EncodeToString(sum[:8]), rand.Reader)
		if err != nil {
			return err
		}
		// The public half first: a secret half never stands without it.
		if err := s.files.Replace(publicFile, []byte(vkey+"\n")); err != nil {
			return fmt.Errorf("auditor's key: %w", err)
		}
		if err := s.files.Replace(secretFile, []byte(secret+"\n")); err != nil {
			return fmt.Errorf("auditor's key: %w", err)
		}
		raw, s.made = []byte(secret), true
	} else if err != nil {
		return fmt.Errorf("auditor's key: %w", err)
	}
	if s.signer, err = tlog.ReadCosigner(string(raw)); err != nil {
		return fmt.Errorf("auditor's key: %s: %w", secretFile, err)
	}
	s.vkey = s.signer.VKey()
	return nil
}

// size is that of the newest checkpoint that was cosigned.
func (s *seal) size() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head.Size
}

// halt lets nothing be cosigned any more.
func (s *seal) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halted = true
}

// sign cosigns a checkpoint of the log as of now and returns its note, which is
// on the disk; nil when one of more entries was cosigned meanwhile. Continues
// proves that it continues the one that was cosigned before.
func (s *seal) sign(signed []byte, c tlog.Checkpoint, now time.Time, continues func(older tlog.Checkpoint) error) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.halted {
		return nil, ErrHalted
	}
	if c.Size < s.head.Size {
		return nil, nil
	}
	if s.head.Origin != "" {
		if err := continues(s.head); err != nil {
			return nil, err
		}
	}
	return s.stamp(signed, c, now)
}

// stamp signs and keeps; the caller holds the lock and has proven everything.
func (s *seal) stamp(signed []byte, c tlog.Checkpoint, now time.Time) ([]byte, error) {
	n, err := note.Open(signed, note.VerifierList(s.keys...)) // others' cosignatures are theirs to say
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	n.UnverifiedSigs = nil
	out, err := note.Sign(n, s.signer.At(now))
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	if err := s.files.Replace(cosignedFile, out); err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	s.head, s.said = c, out
	return out, nil
}
