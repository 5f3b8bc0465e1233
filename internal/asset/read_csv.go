package asset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"noroshi/internal/base/fault"
)

// charset is an encoding a CSV may come in.
type charset struct {
	name string
	enc  encoding.Encoding
}

var (
	utf8Set  = charset{"utf-8", unicode.UTF8BOM}
	utf16LE  = charset{"utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}
	utf16BE  = charset{"utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}
	shiftJIS = charset{"shift_jis", japanese.ShiftJIS} // with the characters of Windows (CP932)
	eucJP    = charset{"euc-jp", japanese.EUCJP}
	iso2022  = charset{"iso-2022-jp", japanese.ISO2022JP}
)

func (c charset) open(r io.ReaderAt, size int64) io.Reader {
	return c.enc.NewDecoder().Reader(io.NewSectionReader(r, 0, size))
}

func readCSV(r io.ReaderAt, size int64, yield func(Row) error) (File, error) {
	file := File{Format: FormatCSV}
	set, err := detectCharset(r, size)
	if err != nil {
		return file, err
	}
	file.Encoding = set.name
	comma, skip := detectComma(set, r, size)
	t := newTable(&file, yield)
	c := csvReader{r: bufio.NewReaderSize(set.open(r, size), 64<<10), comma: comma}
	for number := 1; ; number++ {
		cells, err := c.record()
		switch {
		case errors.Is(err, io.EOF):
			if !t.found {
				return file, t.missing()
			}
			return file, nil
		case errors.Is(err, errOpenQuote):
			return file, fault.New(fault.Usage, "asset.import.csv_quote", "row", number, "line", c.quoteLine)
		case errors.Is(err, errManyCells):
			return file, fault.New(fault.TooLarge, "asset.import.columns_many", "row", number, "max", MaxColumns)
		case err != nil:
			return file, unreadable(err)
		}
		if number == 1 && skip {
			continue
		}
		if number > maxSheetRows {
			return file, fault.New(fault.TooLarge, "asset.import.rows_many", "max", MaxRows)
		}
		if err := t.row(number, cells); err != nil {
			switch err {
			case errNoHeader:
				return file, t.missing()
			case errStop:
				return file, t.stop
			}
			return file, err
		}
	}
}

// detectCharset decides by marks, then by which encoding leaves the fewest
// characters undecodable in the whole file; of the Japanese ones that leave
// equally few, by the one in which the header can be read, Shift_JIS first.
func detectCharset(r io.ReaderAt, size int64) (charset, error) {
	head := make([]byte, min(size, 4096))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return charset{}, unreadable(err)
	}
	switch {
	case bytes.HasPrefix(head, bomUTF8):
		return utf8Set, nil
	case utf16Order(head) == "utf-16le":
		return utf16LE, nil
	case utf16Order(head) == "utf-16be":
		return utf16BE, nil
	}
	best, fewest := charset{}, -1
	for _, set := range []charset{utf8Set, shiftJIS, eucJP, iso2022} {
		if set.name == iso2022.name && !bytes.Contains(head, []byte("\x1b$")) {
			continue
		}
		bad, err := undecodable(set, r, size)
		if err != nil {
			return charset{}, unreadable(err)
		}
		if set.name == utf8Set.name && bad == 0 && !bytes.Contains(head, []byte("\x1b$")) {
			return set, nil
		}
		better := fewest < 0 || bad < fewest
		if bad == fewest && best.name != utf8Set.name && !legible(best, r, size) && legible(set, r, size) {
			better = true
		}
		if set.name == iso2022.name && bad == 0 {
			better = true
		}
		if better {
			best, fewest = set, bad
		}
	}
	return best, nil
}

var replacement = []byte("\uFFFD")

// undecodable counts the places that an encoding cannot read.
func undecodable(set charset, r io.ReaderAt, size int64) (int, error) {
	in := set.open(r, size)
	buf := make([]byte, 64<<10)
	n, keep := 0, 0
	for {
		got, err := in.Read(buf[keep:])
		all := buf[:keep+got]
		n += bytes.Count(all, replacement)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return n, nil
			}
			return n, err
		}
		keep = 0 // a replacement character can lie across two reads
		for k := len(replacement) - 1; k > 0; k-- {
			if bytes.HasSuffix(all, replacement[:k]) {
				keep = copy(buf, replacement[:k])
				break
			}
		}
	}
}

// legible reports whether the header can be read in an encoding.
func legible(set charset, r io.ReaderAt, size int64) bool {
	comma, _ := detectComma(set, r, size)
	return commaScore(set, r, size, comma) > 0
}

// detectComma returns the separator with which the header is best understood,
// and whether the first line is Excel's own "sep=;" and so no data.
func detectComma(set charset, r io.ReaderAt, size int64) (comma byte, skip bool) {
	first, _ := bufio.NewReaderSize(set.open(r, size), 64).ReadString('\n')
	if s, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(first, "\r\n")), "sep="); ok && len(s) == 1 && strings.Contains(",;\t|", s) {
		return s[0], true
	}
	comma, best := ',', 0
	for _, c := range []byte{',', '\t', ';', '|'} {
		if n := commaScore(set, r, size, c); n > best {
			comma, best = c, n
		}
	}
	return comma, false
}

// commaScore counts the known headers in the best of the first rows.
func commaScore(set charset, r io.ReaderAt, size int64, comma byte) int {
	c := csvReader{r: bufio.NewReader(set.open(r, min(size, 256<<10))), comma: comma}
	best := 0
	for range headRows {
		cells, err := c.record()
		if err != nil {
			break
		}
		n := 0
		for i := range cells {
			if _, _, ok := fieldOf(cells[i].text); ok {
				n++
			}
		}
		best = max(best, n)
	}
	return best
}

var (
	errOpenQuote = errors.New("a quotation mark is never closed")
	errManyCells = errors.New("too many cells")
)

// csvReader reads records of RFC 4180 as spreadsheets write them: any line
// end, line breaks and doubled quotes inside quotes, and a quote in the middle
// of an unquoted cell taken as it is. A cell over MaxCell is cut and marked.
type csvReader struct {
	r         *bufio.Reader
	comma     byte
	line      int // lines read
	quoteLine int // line where the last quoted cell began
	buf       []byte
	ends      []int // end of each cell in buf
	long      []bool
	cells     []cell
	ended     bool
	intern    *interner
}

// record returns the next record, valid until the next call, or io.EOF.
func (c *csvReader) record() ([]cell, error) {
	if c.ended {
		return nil, io.EOF
	}
	c.buf, c.ends, c.long = c.buf[:0], c.ends[:0], c.long[:0]
	start, quoted, atStart, over, any := 0, false, true, false, false
	end := func() bool {
		c.ends = append(c.ends, len(c.buf))
		c.long = append(c.long, over)
		start, atStart, over = len(c.buf), true, false
		return len(c.ends) <= 16_384
	}
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			c.ended = true
			if quoted {
				return nil, errOpenQuote
			}
			if !any {
				return nil, io.EOF
			}
			end()
			return c.finish(), nil
		}
		any = true
		if b == '\n' {
			c.line++
		}
		switch {
		case quoted && b == '"':
			if next, err := c.r.Peek(1); err == nil && next[0] == '"' {
				_, _ = c.r.Discard(1) // the byte was peeked
			} else {
				quoted = false
				continue
			}
		case quoted:
		case b == '"' && atStart:
			quoted, atStart = true, false
			c.quoteLine = c.line + 1
			continue
		case b == c.comma:
			if !end() {
				return nil, errManyCells
			}
			continue
		case b == '\r':
			if next, err := c.r.Peek(1); err == nil && next[0] == '\n' {
				continue // the line feed ends the record
			}
			c.line++
			end()
			return c.finish(), nil
		case b == '\n':
			end()
			return c.finish(), nil
		}
		atStart = atStart && (b == ' ' && c.comma != ' ')
		if len(c.buf)-start < MaxCell {
			c.buf = append(c.buf, b)
		} else {
			over = true
		}
	}
}

func (c *csvReader) finish() []cell {
	c.cells = c.cells[:0]
	if c.intern == nil {
		c.intern = newInterner()
	}
	start := 0
	for i, e := range c.ends {
		x := cell{text: c.intern.text(c.buf[start:e])}
		if c.long[i] {
			x = cell{text: cut(x.text, 40), trouble: "cell_long"}
		}
		c.cells = append(c.cells, x)
		start = e
	}
	return c.cells
}
