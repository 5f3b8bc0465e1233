package evtx

import (
	"bytes"
	"testing"

	"noroshi/internal/engine/event"
)

func FuzzDecoder(f *testing.F) {
	for _, c := range samples(f) {
		f.Add(c)
	}
	seen := NewDecoder(Options{Slack: true})
	f.Fuzz(func(t *testing.T, b []byte) { twice(t, seen, b) })
}

func FuzzFile(f *testing.F) {
	for _, c := range samples(f) {
		f.Add(file(append(c, make([]byte, ChunkSize-len(c))...)))
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		chunks, buf := NewChunks(bytes.NewReader(b)), make([]byte, ChunkSize)
		d := NewDecoder(Options{})
		var row event.Row
		end := int64(0)
		for {
			n, offset, err := chunks.Next(buf)
			if err != nil {
				return
			}
			if offset < end || n == 0 || int(offset)+n > len(b) || !bytes.Equal(buf[:n], b[offset:int(offset)+n]) {
				t.Fatalf("%d bytes at %d after %d", n, offset, end)
			}
			end = offset + int64(n)
			_, err = d.Chunk(&row, buf[:n], offset, func(r *event.Row) error {
				if len(r.Text()) > 4*recordText || r.Offset < 0 && !r.Carved {
					t.Fatalf("%d bytes at %d", len(r.Text()), r.Offset)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
