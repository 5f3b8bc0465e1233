package format

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/event"
)

// journalReader reads the export format of journald: lines NAME=text, or NAME,
// a length of eight bytes (little endian) and so many bytes; an empty line ends
// an entry. What the taxonomy has a name for gets it, the other fields keep
// theirs; the message is read as that of syslog.
type journalReader struct {
	v      *vocabulary
	payer  *payloads
	damage []Damage
}

func newJournalReader(o Options) *journalReader {
	v := newVocabulary(o)
	return &journalReader{v: v, payer: newPayloads(v, o)}
}

// maxValue bounds one binary value, as journald itself does (64 MiB is its
// default for a core dump's field; a record here is smaller).
const maxValue = MaxRecord

// journalField takes a field off b: n is 0 if it is not all there; an empty
// line has no key. A line that is no field has a nil key and ok is false; so has
// the name before a length that cannot be, and what follows is read as lines.
func journalField(b []byte, last bool) (key, value []byte, n int, ok bool) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if !last {
			return nil, nil, 0, false
		}
		end = len(b)
	}
	line := b[:end]
	next := min(end+1, len(b))
	if len(line) == 0 {
		return nil, nil, next, true
	}
	eq := bytes.IndexByte(line, '=')
	if eq >= 0 {
		return line[:eq], line[eq+1:], next, journalName(line[:eq])
	}
	if !journalName(line) {
		return nil, nil, next, false
	}
	if len(b) < next+8 {
		if last {
			return nil, nil, next, false
		}
		return nil, nil, 0, false
	}
	size := binary.LittleEndian.Uint64(b[next:])
	if size > maxValue {
		return nil, nil, next, false
	}
	stop := next + 8 + int(size)
	if len(b) < stop+1 {
		if last {
			return nil, nil, next, false
		}
		return nil, nil, 0, false
	}
	if b[stop] != '\n' {
		return nil, nil, next, false
	}
	return line, b[next+8 : stop], stop + 1, true
}

// journalName says whether a line is the name of a field: capital letters,
// digits and underscores.
func journalName(b []byte) bool {
	for _, c := range b {
		if c-'A' > 25 && c-'0' > 9 && c != '_' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 64
}

func (j *journalReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	j.damage = append(j.damage[:0], b.Damage...)
	for at, record := 0, b.First; at < len(b.Data); {
		for at < len(b.Data) && b.Data[at] == '\n' {
			at++
		}
		if at == len(b.Data) {
			break
		}
		row.Reset()
		row.Log, row.Record, row.Offset = event.Log{Product: "linux"}, record, b.Offset+int64(at)
		at = j.entry(row, b, at)
		record++
		if len(row.Fields) == 0 {
			continue
		}
		j.damage = wide(j.damage, row)
		if err := yield(row); err != nil {
			return j.damage, err
		}
	}
	return j.damage, nil
}

// entry reads one entry and returns where the next begins.
func (j *journalReader) entry(row *event.Row, b *Block, at int) int {
	var program, comm, message []byte
	for at < len(b.Data) {
		key, value, n, ok := journalField(b.Data[at:], true)
		if !ok {
			j.damage = hurt(j.damage, Damage{b.Offset + int64(at), row.Record, int64(n), Broken})
			at += max(n, 1)
			continue
		}
		at += n
		if key == nil {
			break
		}
		switch string(key) {
		case "__REALTIME_TIMESTAMP":
			if us, k, ok := digits(value, 17); ok && k == len(value) && us < 9e15 {
				row.Time = int64(us) * 1e3
			}
			continue
		case "__CURSOR", "__MONOTONIC_TIMESTAMP", "__SEQNUM", "__SEQNUM_ID":
			continue
		case "_SOURCE_REALTIME_TIMESTAMP": // when it was sent; it stands after the other
			if us, k, ok := digits(value, 17); ok && k == len(value) && us < 9e15 {
				row.Time = int64(us) * 1e3
			}
			continue
		case "_HOSTNAME":
			j.v.computer(row, value)
			continue
		case "MESSAGE":
			message = value
			j.v.text(row, fMessage, value)
			continue
		case "SYSLOG_IDENTIFIER":
			program = value
			j.v.text(row, fProgram, value)
			continue
		case "_COMM":
			comm = value
		case "_PID":
			j.v.number(row, fPID, value)
			continue
		case "_EXE":
			j.v.text(row, fImage, value)
			continue
		case "_CMDLINE":
			j.v.text(row, fCommandLine, value)
			continue
		}
		j.v.own(row, key, value)
	}
	if program == nil {
		program = comm
	}
	if len(row.Fields) > 0 && !j.payer.read(row, message) {
		j.v.daemon(row, program, message)
	}
	return at
}

// journalCutter divides entries at empty lines outside of binary values.
type journalCutter struct{}

func (*journalCutter) cut(have []byte, last bool) (out cut) {
	for at, fields := 0, 0; at < len(have); {
		_, _, n, ok := journalField(have[at:], last)
		if n == 0 {
			break
		}
		empty := ok && have[at] == '\n'
		at += n
		if !empty {
			fields++
			continue
		}
		if fields > 0 {
			out.Records++
			fields = 0
		}
		out.Take = at
	}
	if last && out.Take < len(have) {
		out.Take = len(have)
		out.Records++
	}
	return out
}

// skip goes to the next empty line.
func (*journalCutter) skip(have []byte) (int, bool) {
	if n := bytes.Index(have, []byte("\n\n")); n >= 0 {
		return n + 2, true
	}
	return max(len(have)-1, 1), false
}
