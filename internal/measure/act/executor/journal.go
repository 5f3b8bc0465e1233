package executor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/folder"
	"noroshi/internal/measure/act"
)

// What a line of the journal tells.
const (
	Begun    = "begun"    // the folder is this process's
	Intent   = "intent"   // the equipment is about to be told
	Applied  = "applied"  // it was told
	Healthy  = "healthy"  // it holds exactly that, and nothing that must work is held back
	Halved   = "halved"   // it holds another set
	Restored = "restored" // what was missing was told again
	Removing = "removing" // it is about to be told to forget
	Gone     = "gone"     // it forgot, or never knew
	Told     = "told"     // the hub knows how it stands
	Numbered = "numbered" // of an instruction that was followed
	Accepted = "accepted" // somebody here accepted that the hub was put back to an older state
	Torn     = "torn"     // a line that a crash cut off was taken away
)

// Line is one line of the journal. Each names the one before it by its SHA-256.
type Line struct {
	At          time.Time `json:"at"`
	What        string    `json:"what"`
	Actuator    act.ID    `json:"actuator,omitempty"` // of Begun
	File        uint64    `json:"file,omitempty"`     // of Begun: number of the journal's own file, which a copy does not have
	Order       act.ID    `json:"order,omitempty"`
	Use         act.ID    `json:"use,omitempty"`
	Instruction string    `json:"instruction,omitempty"` // of Intent: signed
	Paper       string    `json:"paper,omitempty"`       // of Intent: the Grant, signed
	State       act.State `json:"state,omitempty"`       // of Removing and Gone: what it is for; of Told
	Reason      string    `json:"reason,omitempty"`
	Rules       int       `json:"rules,omitempty"`
	Missing     int       `json:"missing,omitempty"`
	Extra       int       `json:"extra,omitempty"`
	Number      int64     `json:"number,omitempty"`
	Prev        string    `json:"prev"`
}

// Bounds of a journal, in bytes. Above the first no order is taken; above the
// second only ends are written down, for which there is room up to the third.
const (
	fullJournal = 48 << 20
	softJournal = 56 << 20
	maxJournal  = 64 << 20
)

// Faults of a journal.
var (
	ErrJournal = fault.New(fault.Refused, "executor.journal.changed") // lines are missing, changed, or of another folder
	ErrFull    = fault.New(fault.Busy, "executor.journal.full")
	ErrBusy    = fault.New(fault.Busy, "executor.busy") // another process works in the folder
)

const (
	journalName = "journal"
	headName    = "journal.head" // digest of the last line that was written whole
)

// journal is the record of one folder. Every line is on the disk before what it
// says is done.
type journal struct {
	w      *folder.Writer
	lock   *os.File
	now    func() time.Time
	prev   string
	size   int64
	broken error // a line that may lie there in part: it is taken away before another is added
}

// openJournal locks a folder and reads its journal; a new folder gets one.
func openJournal(w *folder.Writer, now func() time.Time) (j *journal, lines []Line, err error) {
	if err := os.MkdirAll(w.Dir, 0o700); err != nil {
		return nil, nil, err
	}
	lock, err := folder.Lock(filepath.Join(w.Dir, "lock"))
	if errors.Is(err, folder.ErrLocked) {
		return nil, nil, ErrBusy.Because(err)
	}
	if err != nil {
		return nil, nil, err
	}
	j = &journal{w: w, lock: lock, now: now}
	if lines, err = j.read(); err != nil {
		lock.Close()
		return nil, nil, err
	}
	return j, lines, nil
}

// read reads what is there, takes away what a crash cut off, and refuses lines
// that do not follow from each other, are fewer than were written, or lie in a
// copy.
func (j *journal) read() (lines []Line, err error) {
	raw, err := os.ReadFile(j.w.Path(journalName))
	head, herr := os.ReadFile(j.w.Path(headName))
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.Is(herr, fs.ErrNotExist):
		return j.begin()
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrJournal
	case err != nil:
		return nil, err
	case len(raw) > maxJournal:
		return nil, ErrFull
	}
	lines, whole, seen, err := parse(raw, string(head))
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		if len(head) > 0 {
			return nil, ErrJournal
		}
		if err := os.Remove(j.w.Path(journalName)); err != nil { // not one line was ever whole
			return nil, err
		}
		return j.begin()
	}
	if !seen && (len(head) > 0 || len(lines) > 1) || lines[0].What != Begun || lines[0].File != numberOf(j.w.Path(journalName)) {
		return nil, ErrJournal
	}
	j.prev, j.size = digest(raw[lastLine(raw[:whole]):whole-1]), int64(whole)
	if j.broken = errTorn; whole == len(raw) && string(head) == j.prev {
		j.broken = nil
	}
	// A disk that is full keeps nobody from ending what is held: it is mended before
	// the next line, or no line is added.
	if j.mend() != nil || whole == len(raw) {
		return lines, nil
	}
	l, err := j.add(Line{What: Torn})
	if err == nil {
		lines = append(lines, l)
	}
	return lines, nil
}

// errTorn is a journal as a crash left it.
var errTorn = errors.New("the journal's last line or its head is not whole")

// mend takes away what lies behind the last whole line, and has the head name
// that line: two crashes in a row leave it no further behind than one.
func (j *journal) mend() error {
	if j.broken == nil {
		return nil
	}
	if err := os.Truncate(j.w.Path(journalName), j.size); err != nil {
		return errors.Join(j.broken, err)
	}
	if err := j.w.Replace(headName, []byte(j.prev)); err != nil {
		return errors.Join(j.broken, err)
	}
	j.broken = nil
	return nil
}

// parse reads whole lines, and whether the one whose digest is head is the last of
// them or the last but one.
func parse(raw []byte, head string) (lines []Line, whole int, seen bool, err error) {
	prev, near := "", [2]string{}
	for {
		line, _, ok := bytes.Cut(raw[whole:], []byte{'\n'})
		if !ok {
			break
		}
		var l Line
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil || l.Prev != prev {
			return nil, 0, false, ErrJournal.Because(err)
		}
		if again, err := json.Marshal(l); err != nil || !bytes.Equal(again, line) {
			return nil, 0, false, ErrJournal
		}
		prev = digest(line)
		near[0], near[1] = near[1], prev
		lines, whole = append(lines, l), whole+len(line)+1
	}
	return lines, whole, head == near[0] || head == near[1], nil
}

// lastLine is where the last line of whole lines begins.
func lastLine(raw []byte) int { return bytes.LastIndexByte(raw[:len(raw)-1], '\n') + 1 }

// begin makes the journal of a new folder: its process gets an id.
func (j *journal) begin() ([]Line, error) {
	if err := j.w.Write(journalName, nil); err != nil {
		return nil, err
	}
	l, err := j.add(Line{What: Begun, Actuator: uuid.Must(uuid.NewV7()).String(), File: numberOf(j.w.Path(journalName))})
	return []Line{l}, err
}

// add writes one line, and returns when it is safe.
func (j *journal) add(l Line) (Line, error) {
	l.At, l.Prev = j.now().UTC().Truncate(time.Microsecond), j.prev
	if err := j.mend(); err != nil {
		return l, err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		panic("BUG: executor: a line that JSON cannot hold: " + err.Error())
	}
	most := int64(maxJournal)
	if l.What == Intent {
		most = fullJournal
	} else if l.soft() {
		most = softJournal
	}
	if j.size+int64(len(raw)) > most {
		return l, ErrFull
	}
	sum := digest(raw) // before Append adds the end of the line
	if j.broken = j.w.Append(journalName, raw); j.broken != nil {
		return l, j.broken
	}
	j.prev, j.size = sum, j.size+int64(len(raw))+1
	j.broken = j.w.Replace(headName, []byte(sum))
	return l, j.broken
}

// soft reports whether a line may be missing: the next start then asks the
// equipment, or tells the hub again.
func (l *Line) soft() bool {
	return slices.Contains([]string{Applied, Healthy, Halved, Restored, Told, Numbered}, l.What)
}

func (j *journal) close() { j.lock.Close() }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
