package selection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// What a line of the record of re-identifications says.
const (
	actReveal  = "reidentify" // written before anything is shown
	actOutcome = "outcome"    // how many values were then found
	actRefused = "refused"    // nothing was shown, and why
)

// Act is one line of a run's record of re-identifications. It never holds a
// value that was shown.
type Act struct {
	At         string   `json:"at"` // RFC 3339, UTC
	Act        string   `json:"act"`
	Approval   string   `json:"approval"`
	Order      string   `json:"order,omitempty"`   // digest of the signed order to open them
	Key        string   `json:"key"`               // id of the key the vault is sealed to
	Reason     string   `json:"reason,omitempty"`  // in the words of who asked
	By         string   `json:"by,omitempty"`      // as stated
	Account    string   `json:"account,omitempty"` // of the operating system
	Pseudonyms []string `json:"pseudonyms,omitempty"`
	Refused    string   `json:"refused,omitempty"` // code of the reason
	Found      int      `json:"found,omitempty"`
	Missing    int      `json:"missing,omitempty"`
	Previous   string   `json:"previous"` // SHA-256 of the line before, with its end; "" of the first
}

// maxRecord bounds the record's file.
const maxRecord = 64 << 20

// record is the file of one run's acts, held by one process.
type record struct {
	f    *os.File
	lock string
	last string // hash of the last line
}

// openRecord takes the record and checks that nobody changed it: each line
// names the hash of the one before. A line without an end is what a crash left;
// nothing was shown for it, and it is cut off.
func openRecord(name string) (_ *record, err error) {
	r := &record{lock: name + ".lock"}
	held, err := os.OpenFile(r.lock, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.New(fault.Busy, "deid.record.busy", "file", r.lock).Because(err)
	} else if err != nil {
		return nil, fault.New(fault.Usage, "deid.record.cannot_write", "file", name).Because(err)
	}
	held.Close()
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fault.New(fault.Usage, "deid.record.cannot_write", "file", name).Because(err)
	}
	raw, err := io.ReadAll(io.LimitReader(r.f, maxRecord+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(raw) > maxRecord {
		return nil, fault.New(fault.TooLarge, "cli.file_too_large", "file", name, "mb", maxRecord/1_000_000)
	}
	last, whole, bad := chain(raw)
	if bad > 0 {
		return nil, fault.New(fault.Invalid, "deid.record.altered", "file", name, "line", bad)
	}
	if r.last = last; whole < len(raw) {
		if err := r.f.Truncate(int64(whole)); err != nil {
			return nil, fmt.Errorf("cut %s: %w", name, err)
		}
	}
	_, err = r.f.Seek(int64(whole), io.SeekStart)
	return r, err
}

// chain returns the hash of the last line, the length of whole lines, and the
// number of the first line that the program would not have written there, or 0.
func chain(raw []byte) (last string, whole, bad int) {
	for n := 1; ; n++ {
		size := bytes.IndexByte(raw[whole:], '\n') + 1
		if size == 0 {
			return last, whole, 0
		}
		line := raw[whole : whole+size]
		var a Act
		if err := json.Unmarshal(line, &a); err != nil || a.Previous != last {
			return last, whole, n
		}
		again, next, err := a.after(last)
		if err != nil || !bytes.Equal(again, line) { // something that an act does not say, or says twice
			return last, whole, n
		}
		last, whole = next, whole+size
	}
}

// after is the line of an act behind the one with the hash previous, and its own
// hash.
func (a Act) after(previous string) (line []byte, hash string, err error) {
	a.Previous, a.Pseudonyms = previous, slices.Clone(a.Pseudonyms)
	for i := range a.Pseudonyms {
		a.Pseudonyms[i] = strings.ToValidUTF8(a.Pseudonyms[i], "\ufffd") // as it is read back
	}
	for _, text := range []*string{&a.Approval, &a.Reason, &a.By, &a.Account} {
		*text = strings.ToValidUTF8(*text, "\ufffd")
	}
	if line, err = json.Marshal(a); err != nil {
		return nil, "", err
	}
	line = append(line, '\n')
	sum := sha256.Sum256(line)
	return line, hex.EncodeToString(sum[:]), nil
}

// add writes a line to the disk before it returns.
func (r *record) add(now time.Time, a *Act) error {
	a.At = now.UTC().Format(time.RFC3339Nano)
	line, hash, err := a.after(r.last)
	if err != nil {
		return err
	}
	if _, err = r.f.Write(line); err == nil {
		err = r.f.Sync()
	}
	if err != nil {
		return fault.New(fault.Internal, "deid.record.cannot_write", "file", r.f.Name()).Because(err)
	}
	r.last = hash
	return nil
}

func (r *record) close() {
	if r.f != nil {
		r.f.Close()
	}
	os.Remove(r.lock)
}
