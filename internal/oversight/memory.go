package oversight

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"noroshi/internal/base/folder"
	"noroshi/internal/engine/tlog"
)

// Bounds of what an auditor keeps of alarms.
const (
	maxStanding = 1000    // alarms that nobody acknowledged; more are counted
	maxEvidence = 1000    // checkpoints kept as evidence
	maxMemory   = 4 << 20 // bytes of the file
)

// memory is what an auditor has to know after a restart beside its copy: without
// it, stopping and starting would make a fork forgotten.
type memory struct {
	Looked  time.Time `json:"looked,omitzero"`  // by the own clock: before the newest look that ended well
	Changed time.Time `json:"changed,omitzero"` // and the newest that brought entries
	Halted  bool      `json:"halted,omitempty"` // until somebody acknowledges
	Alarms  []Alarm   `json:"alarms,omitempty"` // that stand
	More    uint64    `json:"more,omitempty"`   // alarms beyond those

	Turn     *Branch  `json:"turn,omitempty"`     // the copy is being put aside for this
	Branches []Branch `json:"branches,omitempty"` // how often it was
}

const memoryFile = "memory"

func (m *memory) read(dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, memoryFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(raw) > maxMemory {
		err = fmt.Errorf("has more than %d bytes", maxMemory)
	}
	if err == nil {
		err = json.Unmarshal(raw, m)
	}
	if err != nil {
		return fmt.Errorf("auditor's memory: %w", err)
	}
	return nil
}

func (m *memory) write(w *folder.Writer) error {
	raw, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return w.Replace(memoryFile, append(raw, '\n'))
}

// add remembers an alarm, once.
func (m *memory) add(a Alarm) {
	for _, have := range m.Alarms {
		if have.Code == a.Code && have.Path == a.Path && have.Evidence == a.Evidence && (have.Entry == nil) == (a.Entry == nil) && (a.Entry == nil || *have.Entry == *a.Entry) {
			return
		}
	}
	if len(m.Alarms) >= maxStanding {
		m.More++
		return
	}
	m.Alarms = append(m.Alarms, a)
}

// keep writes a checkpoint to the evidence and returns its name there. The same
// statement is kept once, whoever else cosigned it.
func (f *Follower) keep(signed []byte) (name string, err error) {
	said := signed
	if c, err := tlog.OpenCheckpoint(signed); err == nil {
		said = []byte(c.Text())
	}
	sum := tlog.LeafHash(said)
	name = "evidence/" + hex.EncodeToString(sum[:8]) + ".checkpoint"
	if _, err := os.Stat(f.files.Path(name)); err == nil {
		return name, nil
	}
	if have, err := os.ReadDir(f.files.Path("evidence")); err == nil && len(have) >= maxEvidence {
		return "", nil
	}
	return name, f.files.Replace(name, signed)
}

// Acknowledgement is that somebody looked at the alarms of an auditor's folder
// and lets it go on.
type Acknowledgement struct {
	At     time.Time `json:"at"`
	Why    string    `json:"why"`
	Halted bool      `json:"halted"` // following had ended
	Anew   bool      `json:"anew"`   // it begins anew, with the log as it was put back
	Alarms []Alarm   `json:"alarms"`
	More   uint64    `json:"more,omitempty"`
}

// errFolder says that nobody followed a log into a folder.
var errFolder = errors.New("not an auditor's folder")

// maxWhy bounds the reason of an acknowledgement, in bytes.
const maxWhy = 2000

// Acknowledge records why following goes on although alarms stand, and lets them
// rest. The record is in the folder for ever. Anew puts the copy aside as evidence,
// where the log was put back and stays so, and has following begin with what the
// log is now, under a new key of the witness. Errors: folder.ErrLocked while
// somebody follows, [ErrNothing] when no alarm stands, [ErrWhy]; [ErrNotBack] when
// the log did not contradict its past.
func Acknowledge(dir, why string, anew bool, now time.Time) (a Acknowledgement, err error) {
	return acknowledge(dir, why, anew, now, nil)
}

func acknowledge(dir, why string, anew bool, now time.Time, inject func(step string) error) (a Acknowledgement, err error) {
	if why == "" || len(why) > maxWhy {
		return a, ErrWhy
	}
	_, key := os.Stat(filepath.Join(dir, publicFile)) // every follower makes it first
	if _, err := os.Stat(filepath.Join(dir, memoryFile)); err != nil && key != nil {
		return a, errors.Join(errFolder, key)
	}
	lock, err := folder.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return a, fmt.Errorf("auditor's folder: %w", err)
	}
	defer lock.Close()
	var m memory
	if err := m.read(dir); err != nil {
		return a, err
	}
	w := folder.Writer{Dir: dir, Mode: 0o600, Inject: inject}
	if err := m.turn(&w); err != nil { // what was begun before
		return a, err
	}
	switch {
	case len(m.Alarms) == 0 && !m.Halted:
		return a, ErrNothing
	case anew && !(m.Halted && slices.ContainsFunc(m.Alarms, restorable)):
		return a, ErrNotBack
	}
	a = Acknowledgement{now.UTC(), why, m.Halted, anew, m.Alarms, m.More}
	line, err := json.Marshal(a)
	if err != nil {
		return a, err
	}
	if err := w.Append("acknowledged", line); err != nil {
		return a, err
	}
	if anew {
		m.Turn = &Branch{a.At, why}
		if err := m.write(&w); err != nil {
			return a, err
		}
		return a, m.turn(&w)
	}
	m.Alarms, m.More, m.Halted = nil, 0, false
	return a, m.write(&w)
}

// put writes a file so that it is whole on the disk, or not there.
func put(file string, data []byte, mode fs.FileMode) error {
	w := folder.Writer{Dir: filepath.Dir(file), Mode: mode}
	return w.Replace(filepath.Base(file), data)
}
