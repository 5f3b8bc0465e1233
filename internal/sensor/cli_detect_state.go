package sensor

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow/zeek"
)

// keptState is what one run leaves for the next in the folder of --state: the
// key of the hashes, how far each log was read, and what the detectors know.
// Nil means that nothing is kept.
type keptState struct {
	dir  string
	key  [32]byte
	book *zeek.Book
}

// Files of the folder.
const (
	stateKey      = "key"
	stateBook     = "logs.json"
	stateDetector = "detector.zst"
)

func openState(dir string) (*keptState, error) {
	if dir == "" {
		return nil, nil
	}
	bad := func(err error) error { return fault.New(fault.Usage, "sensor.detect.state", "dir", dir).Because(err) }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, bad(err)
	}
	k := &keptState{dir: dir}
	raw, err := os.ReadFile(filepath.Join(dir, stateKey))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := rand.Read(k.key[:]); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, stateKey), k.key[:], 0o600); err != nil {
			return nil, bad(err)
		}
	case err != nil || len(raw) != len(k.key):
		return nil, bad(err)
	default:
		copy(k.key[:], raw)
	}
	if raw, err = os.ReadFile(filepath.Join(dir, stateBook)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, bad(err)
	}
	if k.book, err = zeek.ParseBook(raw); err != nil {
		return nil, bad(err)
	}
	return k, nil
}

// detector is the detector of the last run, or a new one. One that cannot be
// read is begun anew, with the logs: otherwise what they said would be lost.
func (k *keptState) detector(env *cli.Env, conf detect.Config) *detect.Detector {
	if k == nil {
		return detect.New(conf)
	}
	f, err := os.Open(filepath.Join(k.dir, stateDetector))
	if err == nil {
		defer f.Close()
		var z *zstd.Decoder
		if z, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20)); err == nil {
			defer z.Close()
			var d *detect.Detector
			if d, err = detect.Load(conf, z); err == nil {
				return d
			}
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		env.Say("sensor.detect.state_broken", "dir", k.dir)
	}
	k.book.Marks = nil
	return detect.New(conf)
}

// find returns how far a log was read.
func (k *keptState) find(head []byte) (zeek.Mark, bool) {
	if k == nil {
		return zeek.Mark{}, false
	}
	return k.book.Find(head)
}

func (k *keptState) put(name string, head []byte, offset int64, header string) {
	if k == nil || offset <= 0 || name == "-" {
		return
	}
	if last := readable(name, offset); last != nil {
		k.book.Put(head, last, offset, header)
	}
}

// putPacked remembers a packed log, which does not grow.
func (k *keptState) putPacked(head []byte, offset int64) {
	if k != nil {
		k.book.Put(head, nil, max(offset, int64(len(head))), "")
	}
}

// save writes what the next run needs: the detector first, so that a run that
// is killed in between reads logs twice rather than never.
func (k *keptState) save(d *detect.Detector) error {
	if k == nil {
		return nil
	}
	made, err := cli.Create(filepath.Join(k.dir, stateDetector))
	if err != nil {
		return err
	}
	defer made.Abandon()
	z, err := zstd.NewWriter(made, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	if err := errors.Join(d.Save(z), z.Close()); err != nil {
		return err
	}
	if err := made.Keep(); err != nil {
		return err
	}
	b, err := k.book.Encode()
	if err != nil {
		return err
	}
	book, err := cli.Create(filepath.Join(k.dir, stateBook))
	if err != nil {
		return err
	}
	defer book.Abandon()
	if _, err := book.Write(b); err != nil {
		return err
	}
	return book.Keep()
}
