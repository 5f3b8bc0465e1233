package zeek

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/zeebo/blake3"
)

// HeadSize is how much of a log's beginning tells it from every other, in
// bytes: its header says when it was opened and its first lines have ids.
const HeadSize = 4 << 10

// maxMarks bounds a Book. The mark that was not used for longest goes first.
const maxMarks = 10_000

// Mark is how far one log was read.
type Mark struct {
	Head   [32]byte `json:"head"`   // BLAKE3 of its first bytes
	Size   int      `json:"size"`   // how many those are, at most HeadSize
	Offset int64    `json:"offset"` // of the decompressed log, in bytes
	Header string   `json:"header"` // header lines that were in force there
	Last   [32]byte `json:"last"`   // BLAKE3 of up to HeadSize bytes before Offset
	Use    int64    `json:"use"`    // the run that used it last
}

// Book remembers how far logs were read, by their content: a log that was
// renamed or rolled on is known again, and one that was written anew is not
// mistaken for the old.
type Book struct {
	Run   int64  `json:"run"`
	Marks []Mark `json:"marks"`
}

// ParseBook reads what Encode wrote; empty input is an empty book.
func ParseBook(b []byte) (*Book, error) {
	k := &Book{}
	if len(bytes.TrimSpace(b)) > 0 {
		if err := json.Unmarshal(b, k); err != nil {
			return nil, err
		}
	}
	k.Run++
	return k, nil
}

// Encode is the book as JSON.
func (k *Book) Encode() ([]byte, error) { return json.Marshal(k) }

// Find returns the mark of the log that begins with head, which is its first
// HeadSize bytes or all of it when it is shorter. The longest mark goes first.
func (k *Book) Find(head []byte) (Mark, bool) {
	best := -1
	sums := map[int][32]byte{}
	for i := range k.Marks {
		m := &k.Marks[i]
		if m.Size > len(head) || best >= 0 && m.Size <= k.Marks[best].Size {
			continue
		}
		sum, ok := sums[m.Size]
		if !ok {
			sum = blake3.Sum256(head[:m.Size])
			sums[m.Size] = sum
		}
		if sum == m.Head {
			best = i
		}
	}
	if best < 0 {
		return Mark{}, false
	}
	k.Marks[best].Use = k.Run
	return k.Marks[best], true
}

// Put remembers how far the log that begins with head was read. last is what
// stands before the offset, at most HeadSize bytes.
func (k *Book) Put(head, last []byte, offset int64, header string) {
	head = head[:min(len(head), HeadSize, int(min(offset, HeadSize)))]
	if len(head) == 0 {
		return
	}
	m := Mark{Head: blake3.Sum256(head), Size: len(head), Offset: offset, Header: header, Last: blake3.Sum256(last), Use: k.Run}
	// A short mark of the same log, made when it had hardly begun, is replaced.
	k.Marks = slices.DeleteFunc(k.Marks, func(old Mark) bool {
		return old.Size <= len(head) && blake3.Sum256(head[:old.Size]) == old.Head
	})
	if len(k.Marks) >= maxMarks {
		oldest := 0
		for i := range k.Marks {
			if k.Marks[i].Use < k.Marks[oldest].Use {
				oldest = i
			}
		}
		k.Marks = slices.Delete(k.Marks, oldest, oldest+1)
	}
	k.Marks = append(k.Marks, m)
}

// Goes reports whether last is what stood before the mark's offset when it was
// made: the log was not shortened and written anew behind the same beginning.
func (m *Mark) Goes(last []byte) bool { return blake3.Sum256(last) == m.Last }
