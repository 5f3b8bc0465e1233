package selection

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
)

// Use is one line of the journal of uses that stands beside an order (ORDER.uses):
// what was done with it, and what was refused. Lines are only added; each names
// the one before it by its SHA-256, so that none can be changed or taken out
// without the later ones showing it.
type Use struct {
	At        time.Time     `json:"at"`
	What      string        `json:"what"`               // Begun, Reserved, Over, Crashed, Refused or Torn
	Run       string        `json:"run,omitempty"`      // of a refusal only where it was begun
	Order     string        `json:"order,omitempty"`    // digest of the order
	Dir       string        `json:"dir,omitempty"`      // of Begun: where it writes to
	Paper     string        `json:"paper,omitempty"`    // of Begun: where the order lay
	Executor  string        `json:"executor,omitempty"` // of Begun: verifier of the key that will sign
	File      uint64        `json:"file,omitempty"`     // of Begun: number of the journal's own file, which a copy does not have
	Ended     Ended         `json:"ended,omitempty"`
	Packets   uint64        `json:"packets,omitempty"` // of the cap: used, or reserved up to
	Bytes     uint64        `json:"bytes,omitempty"`
	Records   uint64        `json:"records,omitempty"`
	Statement string        `json:"statement,omitempty"` // SHA-256 of its file
	Code      string        `json:"code,omitempty"`      // of a refusal
	Places    []fault.Place `json:"places,omitempty"`
	Destroyed []string      `json:"destroyed,omitempty"` // files of a run that crashed
	Prev      string        `json:"prev"`                // SHA-256 of the line before; "" of the first
}

// What a line of the journal tells.
const (
	Begun    = "begun"
	Reserved = "reserved" // so much of the cap may be used up before the next line
	Over     = "over"
	Crashed  = "crashed" // found at the next start: begun, never over
	Refused  = "refused"
	Torn     = "torn" // a line that a crash cut off was taken away
)

// maxJournal bounds a journal, in bytes: some 200,000 lines.
const maxJournal = 64 << 20

// Faults of a journal.
var (
	ErrJournal      = fault.New(fault.Refused, "selection.journal.changed") // its lines do not follow from each other
	ErrJournalFull  = fault.New(fault.Refused, "selection.journal.full")
	ErrJournalWrite = fault.New(fault.Internal, "selection.journal.write") // no use without a record of it
)

// ReadJournal reads lines as they lie in a file; a last one without its end is
// passed over. ErrJournal when one does not follow from the one before.
func ReadJournal(raw []byte) (uses []Use, err error) {
	prev := ""
	for len(raw) > 0 {
		line, rest, whole := bytes.Cut(raw, []byte{'\n'})
		if !whole {
			break
		}
		raw = rest
		var u Use
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&u); err != nil || u.Prev != prev {
			return nil, ErrJournal.Because(err)
		}
		if again, err := json.Marshal(u); err != nil || !bytes.Equal(again, line) {
			return nil, ErrJournal
		}
		prev = DigestOf(line)
		uses = append(uses, u)
	}
	return uses, nil
}

// journal is the file of uses of one order. Of the last line that a run wrote, the
// file of its lock remembers the digest: a journal that was taken away, or shortened,
// is noticed.
type journal struct{ name string }

func (j journal) lock() string { return strings.TrimSuffix(j.name, ".uses") + ".lock" }

// whole reports whether the line that the lock remembers is there.
func (j journal) whole(raw []byte) bool {
	mark, err := os.ReadFile(j.lock())
	if err != nil || len(mark) == 0 {
		return true
	}
	for line := range bytes.Lines(raw) {
		if DigestOf(bytes.TrimSuffix(line, []byte{'\n'})) == string(mark) {
			return true
		}
	}
	return false
}

// read returns what the journal tells, to the run that has the lock; a file that is not there tells nothing.
func (j journal) read() ([]Use, []byte, error) {
	info, err := os.Stat(j.name)
	if errors.Is(err, os.ErrNotExist) {
		if !j.whole(nil) {
			return nil, nil, ErrJournal
		}
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, ErrJournalWrite.Because(err)
	}
	if info.Size() > maxJournal {
		return nil, nil, ErrJournalFull
	}
	raw, err := os.ReadFile(j.name)
	if err != nil {
		return nil, nil, ErrJournalWrite.Because(err)
	}
	uses, err := ReadJournal(raw)
	if err == nil && !j.whole(raw) {
		err = ErrJournal
	}
	return uses, raw, err
}

// add writes one line, and returns when it is safe.
func (j journal) add(u Use) error {
	err := j.append(u)
	if err != nil && !errors.Is(err, ErrJournalFull) {
		return ErrJournalWrite.Because(err)
	}
	return err
}

func (j journal) append(u Use) error {
	f, err := os.OpenFile(j.name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	free, err := alone(f)
	if err != nil {
		return err
	}
	defer free()
	if info, err := f.Stat(); err == nil && u.What == Begun {
		u.File, _ = numberOf(info)
	}
	last, end, torn, err := tail(f)
	if err != nil {
		return err
	}
	if end > maxJournal {
		return ErrJournalFull
	}
	var lines []byte
	if torn {
		if err := f.Truncate(end); err != nil {
			return err
		}
		lines, last = appendUse(lines, Use{At: u.At, What: Torn, Prev: last}, last)
	}
	lines, last = appendUse(lines, u, last)
	if _, err := f.WriteAt(lines, end); err != nil {
		_ = f.Truncate(end) // no half of a line stays
		return err
	}
	if err := f.Sync(); err != nil || u.Run == "" {
		return err
	}
	return os.WriteFile(j.lock(), []byte(last), 0o600) // the file that is locked, not another
}

func appendUse(to []byte, u Use, prev string) (lines []byte, last string) {
	u.At, u.Prev = u.At.UTC().Truncate(time.Microsecond), prev
	line, err := json.Marshal(u)
	if err != nil {
		panic("BUG: selection: a use that JSON cannot hold: " + err.Error())
	}
	return append(append(to, line...), '\n'), DigestOf(line)
}

// tail returns the digest of the last whole line of f, where it ends, and whether
// something without an end is behind it.
func tail(f *os.File) (last string, end int64, torn bool, err error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return "", 0, false, err
	}
	for n := int64(64 << 10); ; n *= 4 {
		n = min(n, info.Size())
		b := make([]byte, n)
		if _, err := f.ReadAt(b, info.Size()-n); err != nil && err != io.EOF {
			return "", 0, false, err
		}
		stop := bytes.LastIndexByte(b, '\n')
		start := bytes.LastIndexByte(b[:max(stop, 0)], '\n')
		if start < 0 && n < info.Size() {
			continue
		}
		if stop < 0 {
			return "", 0, true, nil
		}
		return DigestOf(b[start+1 : stop]), info.Size() - n + int64(stop) + 1, int64(stop) != n-1, nil
	}
}

// book is what a journal tells of one order.
type book struct {
	used approval.Quantity
	open []Use // begun, and never over
}

// account adds up what an order was used for.
func account(uses []Use, order string) (b book) {
	open := map[string]Use{}
	var ids []string
	for _, u := range uses {
		switch u.What {
		case Begun:
			ids = append(ids, u.Run)
			open[u.Run] = u
		case Reserved:
			if was, ok := open[u.Run]; ok {
				was.Packets, was.Bytes = u.Packets, u.Bytes
				open[u.Run] = was
			}
		case Over, Crashed, Refused:
			was, ok := open[u.Run]
			if delete(open, u.Run); ok && was.Order == order {
				b.used.Packets += u.Packets
				b.used.Bytes += u.Bytes
			}
		}
	}
	for _, id := range ids {
		if u, ok := open[id]; ok {
			b.open = append(b.open, u)
		}
	}
	return b
}
