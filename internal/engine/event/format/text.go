package format

import (
	"bytes"

	"noroshi/internal/engine/event"
)

// detectText says which format text has that is no JSON.
func detectText(head []byte, name string) Kind { return Text }

func newTextCutter(Kind) cutter { return &lineCutter{} }

func newTextReader(k Kind, o Options) reader { return &textReader{line: o.Names.ID("Message")} }

// textReader makes a row with one field of each line.
type textReader struct{ line event.Name }

func (t *textReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	for at, record := 0, b.First; at < len(b.Data); record++ {
		line := b.Data[at:]
		next := len(b.Data)
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line, next = line[:n], at+n+1
		}
		if line = bytes.TrimRight(line, "\r\x00"); len(line) > 0 {
			row.Reset()
			row.Record, row.Offset = record, b.Offset+int64(at)
			row.Add(t.line, event.Text, line)
			if err := yield(row); err != nil {
				return b.Damage, err
			}
		}
		at = next
	}
	return b.Damage, nil
}
