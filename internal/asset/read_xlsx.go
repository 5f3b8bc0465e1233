package asset

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
)

// Limits of an XLSX, beside those of every file. What a part says of its own
// size is checked before it is opened, and what really comes out while reading.
const (
	MaxStrings   = 64_000_000 // bytes of text in the table of shared strings, all in memory
	maxPart      = 512 << 20  // bytes of one part, unpacked
	maxRatio     = 300        // unpacked to packed, for parts over ratioFrom
	ratioFrom    = 16 << 20
	maxEntries   = 5_000
	maxSheets    = 100
	maxSheetRows = 1_048_576 // Excel's own
	maxStyles    = 65_536
)

// workbook is an opened XLSX.
type workbook struct {
	parts    map[string]*zip.File
	sheets   []sheet
	from1904 bool
	shared   sharedStrings
	dates    []bool // by cell style: is it shown as a date?
}

type sheet struct {
	name, part string
	hidden     bool
}

func readXLSX(r io.ReaderAt, size int64, yield func(Row) error) (File, error) {
	file := File{Format: FormatXLSX}
	wb, err := openWorkbook(r, size)
	if err != nil {
		return file, err
	}
	var missing error
	for i, s := range wb.sheets {
		if s.hidden {
			continue
		}
		t := newTable(&file, yield)
		t.from1904 = wb.from1904
		err := wb.rows(s, t)
		if err == errNoHeader || err == nil && !t.found {
			if missing == nil || t.bestN > 0 {
				missing = t.missing()
			}
			continue
		}
		file.Sheet = s.name
		if err == errStop {
			return file, t.stop
		}
		if err != nil {
			return file, err
		}
		var unread []string
		for _, o := range wb.sheets[i+1:] {
			if !o.hidden {
				unread = append(unread, o.name)
			}
		}
		if unread != nil {
			file.Notes = append(file.Notes, fault.Place{
				At: "workbook", Code: "asset.import.sheets_unread",
				Args: fault.Args{"read": clip(s.name), "unread": clip(strings.Join(unread, ", "))},
			})
		}
		return file, nil
	}
	if missing == nil {
		missing = fault.New(fault.Usage, "asset.import.file_empty")
	}
	return file, missing
}

func openWorkbook(r io.ReaderAt, size int64) (*workbook, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, brokenXLSX("zip", err)
	}
	if len(z.File) > maxEntries {
		return nil, fault.New(fault.TooLarge, "asset.import.xlsx_entries", "max", maxEntries)
	}
	wb := &workbook{parts: map[string]*zip.File{}}
	for _, f := range z.File {
		name := strings.ToLower(strings.TrimPrefix(f.Name, "/"))
		if wb.parts[name] != nil { // two readers would see two different files
			return nil, brokenXLSX(f.Name, errors.New("entry given twice"))
		}
		wb.parts[name] = f
	}
	main, err := wb.mainPart()
	if err != nil {
		return nil, err
	}
	if err := wb.readWorkbook(main); err != nil {
		return nil, err
	}
	if err := wb.readStyles(path.Join(path.Dir(main), "styles.xml")); err != nil {
		return nil, err
	}
	return wb, wb.readShared(path.Join(path.Dir(main), "sharedstrings.xml"))
}

func brokenXLSX(part string, err error) error {
	switch {
	case errors.Is(err, errDocType):
		return fault.New(fault.Invalid, "asset.import.xlsx_dtd", "part", clip(part))
	case errors.Is(err, errTooMuch):
		return fault.New(fault.TooLarge, "asset.import.xlsx_bomb", "part", clip(part))
	}
	return fault.New(fault.Usage, "asset.import.xlsx_broken", "part", clip(part)).Because(err)
}

var errTooMuch = errors.New("unpacks to more than the limit")

// open opens a part for reading, at most maxPart bytes of it.
func (wb *workbook) open(part string) (*xmlScanner, io.Closer, error) {
	f := wb.parts[strings.ToLower(part)]
	if f == nil {
		return nil, nil, brokenXLSX(part, errors.New("part is missing"))
	}
	if f.Flags&1 != 0 {
		return nil, nil, fault.New(fault.Usage, "asset.import.file_locked")
	}
	if f.UncompressedSize64 > maxPart || f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/maxRatio > f.CompressedSize64 {
		return nil, nil, brokenXLSX(part, errTooMuch)
	}
	rc, err := f.Open()
	if err != nil {
		return nil, nil, brokenXLSX(part, err)
	}
	// The zip reader itself fails on data beyond the size that was declared.
	return newXML(&capped{r: rc, left: maxPart}), rc, nil
}

// capped fails, rather than ends, when more than left bytes come.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// scan calls start for every element of a part. start may read on.
func (wb *workbook) scan(part string, start func(x *xmlScanner) error) error {
	x, closer, err := wb.open(part)
	if err != nil {
		return err
	}
	defer closer.Close()
	for {
		k, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && k == xmlStart {
			err = start(x)
		}
		if err != nil {
			var f *fault.Error
			if errors.As(err, &f) || err == errStop {
				return err
			}
			return brokenXLSX(part, err)
		}
	}
}

// relations reads the targets of a part's relationships by id and, by type,
// the first of each.
func (wb *workbook) relations(part string) (byID, byType map[string]string, err error) {
	byID, byType = map[string]string{}, map[string]string{}
	dir := path.Dir(part)
	name := path.Join(dir, "_rels", path.Base(part)+".rels")
	if part == "" {
		dir, name = "", "_rels/.rels"
	}
	err = wb.scan(name, func(x *xmlScanner) error {
		if string(x.name) != "Relationship" || len(byID) > maxEntries {
			return nil
		}
		id, _ := x.attr("Id")
		target, _ := x.attr("Target")
		kind, _ := x.attr("Type")
		if mode, _ := x.attr("TargetMode"); mode == "External" { // never followed
			return nil
		}
		if strings.HasPrefix(target, "/") {
			target = strings.TrimPrefix(path.Clean(target), "/")
		} else {
			target = path.Join(dir, target)
		}
		byID[id] = target
		if kind = kind[strings.LastIndexByte(kind, '/')+1:]; byType[kind] == "" {
			byType[kind] = target
		}
		return nil
	})
	return byID, byType, err
}

func (wb *workbook) mainPart() (string, error) {
	if wb.parts["_rels/.rels"] == nil {
		return "", fault.New(fault.Usage, "asset.import.file_unknown", "name", "zip")
	}
	_, byType, err := wb.relations("")
	if err != nil {
		return "", err
	}
	main := byType["officeDocument"]
	switch {
	case strings.HasSuffix(strings.ToLower(main), ".bin"):
		return "", fault.New(fault.Usage, "asset.import.file_old")
	case main == "" || !strings.HasSuffix(strings.ToLower(main), ".xml"):
		return "", fault.New(fault.Usage, "asset.import.file_unknown", "name", "zip")
	}
	return main, nil
}

func (wb *workbook) readWorkbook(main string) error {
	byID, _, err := wb.relations(main)
	if err != nil {
		return err
	}
	isBook := false
	err = wb.scan(main, func(x *xmlScanner) error {
		switch string(x.name) {
		case "workbook":
			isBook = true
		case "workbookPr":
			v, _ := x.attr("date1904")
			wb.from1904 = v == "1" || v == "true" || v == "on"
		case "sheet":
			if len(wb.sheets) == maxSheets {
				return fault.New(fault.TooLarge, "asset.import.xlsx_sheets", "max", maxSheets)
			}
			name, _ := x.attr("name")
			id, _ := x.prefixed("id")
			state, _ := x.attr("state")
			wb.sheets = append(wb.sheets, sheet{name, byID[id], state == "hidden" || state == "veryHidden"})
		}
		return nil
	})
	if err == nil && !isBook {
		return fault.New(fault.Usage, "asset.import.file_unknown", "name", "zip")
	}
	return err
}

// readStyles learns which cell styles show a number as a date.
func (wb *workbook) readStyles(part string) error {
	if wb.parts[part] == nil {
		return nil
	}
	custom := map[string]bool{}
	inXfs := false
	return wb.scan(part, func(x *xmlScanner) error {
		switch string(x.name) {
		case "numFmt":
			id, _ := x.attr("numFmtId")
			code, _ := x.attr("formatCode")
			if len(custom) < maxStyles {
				custom[id] = dateFormat(code)
			}
		case "cellXfs":
			inXfs = true
		case "cellStyles", "dxfs":
			inXfs = false
		case "xf":
			if !inXfs || len(wb.dates) == maxStyles {
				return nil
			}
			id, _ := x.attr("numFmtId")
			n, _ := strconv.Atoi(id)
			own, known := custom[id]
			wb.dates = append(wb.dates, known && own || !known && builtinDate(n))
		}
		return nil
	})
}

// builtinDate knows the built-in number formats that show a date, those of
// Japanese Excel among them (ECMA-376 part 1, 18.8.30).
func builtinDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 54 || id == 57 || id == 58
}

// dateFormat reports whether a number format shows a day: it has a year or a
// day outside quotes, escapes and brackets.
func dateFormat(code string) bool {
	code, _, _ = strings.Cut(code, ";")
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return false
			}
			i += end + 1
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return false
			}
			i += end
		case '\\', '_', '*':
			i++
		case 'y', 'Y', 'd', 'D', 'g', 'e':
			return true
		case 'G': // General, else the era
			if strings.HasPrefix(code[i:], "General") {
				return false
			}
			return true
		}
	}
	return false
}

// sharedStrings is the table of texts that cells refer to: one buffer, so that
// a million texts cost no million allocations.
type sharedStrings struct {
	text []byte
	ends []uint32
	long map[int]bool
}

func (s *sharedStrings) get(i int) (text []byte, long, ok bool) {
	if i < 0 || i >= len(s.ends) {
		return nil, false, false
	}
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.text[start:s.ends[i]], s.long[i], true
}

func (wb *workbook) readShared(part string) error {
	if wb.parts[part] == nil {
		return nil
	}
	s := &wb.shared
	s.long = map[int]bool{}
	var buf []byte
	err := wb.scan(part, func(x *xmlScanner) error {
		if string(x.name) != "si" {
			return nil
		}
		var over bool
		var err error
		if buf, over, err = richText(x, buf[:0]); err != nil {
			return err
		}
		if len(s.text)+len(buf) > MaxStrings || len(s.ends) >= MaxRows*20 {
			return fault.New(fault.TooLarge, "asset.import.xlsx_strings", "max", MaxStrings/1_000_000)
		}
		if over {
			s.long[len(s.ends)] = true
		}
		s.text = append(s.text, buf...)
		s.ends = append(s.ends, uint32(len(s.text)))
		return nil
	})
	return err
}

// richText reads an si or is element to its end and appends its text. The
// furigana of rPh is no part of it.
func richText(x *xmlScanner, buf []byte) ([]byte, bool, error) {
	depth, inText, over := 1, false, false
	for depth > 0 {
		k, err := x.next()
		if err != nil {
			return buf, over, err
		}
		switch k {
		case xmlStart:
			if n := string(x.name); n == "rPh" || n == "phoneticPr" {
				if err := x.skip(); err != nil {
					return buf, over, err
				}
				continue
			}
			inText = string(x.name) == "t"
			depth++
		case xmlEnd:
			inText = false
			depth--
		case xmlText:
			if inText && len(buf) <= MaxCell {
				buf = appendEscaped(buf, x.text)
				over = over || x.over
			}
		}
	}
	if len(buf) > MaxCell {
		return append(buf[:0], cut(string(buf), 40)...), true, nil
	}
	return buf, over, nil
}

// appendEscaped resolves the _x000D_ notation in which XLSX writes characters
// that XML has not (ECMA-376 part 1, 22.9.2.19).
func appendEscaped(dst, s []byte) []byte {
	for {
		i := bytes.Index(s, []byte("_x"))
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		if len(s) >= 7 && s[6] == '_' {
			if n, err := strconv.ParseUint(string(s[2:6]), 16, 16); err == nil && (n < 0xd800 || n > 0xdfff) {
				dst = append(dst, string(rune(n))...)
				s = s[7:]
				continue
			}
		}
		dst = append(dst, "_x"...)
		s = s[2:]
	}
}
