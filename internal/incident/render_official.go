package incident

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	maxWorkbookParts = 2000
	maxSheetXML      = 64 << 20 // decompressed bytes of one part that is read
)

// fillOfficial returns the authority's workbook with the mapped cells set to
// text. Only the sheets that hold mapped cells are rewritten, and in them only
// those cells; every other part of the file is copied byte for byte. Styles,
// merges, validations and macros' absence stay as the authority made them. A
// cell that holds a formula is refused: it is the authority's, not ours.
func (p *Profile) fillOfficial(text func(CellMap) string) ([]byte, error) {
	in, err := zip.NewReader(bytes.NewReader(p.official), int64(len(p.official)))
	if err != nil || len(in.File) > maxWorkbookParts {
		return nil, errors.New("not a workbook")
	}
	parts, err := sheetParts(in)
	if err != nil {
		return nil, err
	}
	edits := map[string]map[string]string{} // part to cell to text
	for _, c := range p.Official.Cells {
		part, ok := parts[c.Sheet]
		if !ok {
			return nil, fmt.Errorf("no sheet %q", c.Sheet)
		}
		if edits[part] == nil {
			edits[part] = map[string]string{}
		}
		edits[part][c.Cell] = text(c)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		cells, ok := edits[f.Name]
		if !ok {
			if err := out.Copy(f); err != nil {
				return nil, err
			}
			continue
		}
		raw, err := readPart(f)
		if err != nil {
			return nil, err
		}
		if raw, err = setCells(raw, cells); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		w, err := out.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: f.Modified})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(raw); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func readPart(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxSheetXML+1))
	if err == nil && len(raw) > maxSheetXML {
		err = errors.New(f.Name + " is too large")
	}
	return raw, err
}

// sheetParts maps the names of the sheets to their parts (ECMA-376 part 1,
// 18.2.19 and part 2, relationships).
func sheetParts(in *zip.Reader) (map[string]string, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var rels struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &rels} {
		i := slices.IndexFunc(in.File, func(f *zip.File) bool { return f.Name == name })
		if i < 0 {
			return nil, errors.New("no " + name)
		}
		raw, err := readPart(in.File[i])
		if err != nil {
			return nil, err
		}
		if err := xml.Unmarshal(raw, into); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	target := map[string]string{}
	for _, r := range rels.List {
		if t, ok := strings.CutPrefix(r.Target, "/"); ok {
			target[r.ID] = t
		} else {
			target[r.ID] = path.Join("xl", r.Target)
		}
	}
	out := map[string]string{}
	for _, s := range book.Sheets {
		if target[s.ID] != "" {
			out[s.Name] = target[s.ID]
		}
	}
	return out, nil
}

// span is a stretch of a sheet's bytes that belongs to one row or cell.
type xmlSpan struct {
	from, to int // the whole element
	end      int // where a child may be added: before its end tag; from for <x/>
	empty    bool
	row, col int
	style    string
	name     string // prefix and local name as written
	formula  bool
}

// setCells replaces or adds cells in the XML of a sheet.
func setCells(raw []byte, cells map[string]string) ([]byte, error) {
	rows, found, data, err := mapSheet(raw)
	if err != nil {
		return nil, err
	}
	type edit struct {
		from, to, row, col int
		text               string
	}
	var edits []edit
	names := make([]string, 0, len(cells))
	for name := range cells {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { // by row, then column
		ac, ar := splitCell(a)
		bc, br := splitCell(b)
		if ar != br {
			return ar - br
		}
		return ac - bc
	})
	newRows := map[int][]string{}
	for _, name := range names {
		col, row := splitCell(name)
		if c := slices.IndexFunc(found, func(c xmlSpan) bool { return c.row == row && c.col == col }); c >= 0 {
			if found[c].formula {
				return nil, errors.New(name + " holds a formula")
			}
			edits = append(edits, edit{found[c].from, found[c].to, row, col, cellXML(data.prefix, name, found[c].style, cells[name])})
			continue
		}
		i := slices.IndexFunc(rows, func(r xmlSpan) bool { return r.row == row })
		if i < 0 {
			newRows[row] = append(newRows[row], cellXML(data.prefix, name, "", cells[name]))
			continue
		}
		at := rows[i].end
		for _, c := range found {
			if c.row == row && c.col > col && c.from < at {
				at = c.from
			}
		}
		text := cellXML(data.prefix, name, "", cells[name])
		if rows[i].empty { // <row r="7"/> gets a body
			open := strings.TrimSuffix(strings.TrimRight(string(raw[rows[i].from:rows[i].to]), " "), "/>")
			edits = append(edits, edit{rows[i].from, rows[i].to, row, col, open + ">" + text + "</" + rows[i].name + ">"})
			// several new cells of one empty row join the first edit
			if n := len(edits); n > 1 && edits[n-2].from == rows[i].from {
				prev := strings.TrimSuffix(edits[n-2].text, "</"+rows[i].name+">")
				edits[n-2].text = prev + text + "</" + rows[i].name + ">"
				edits = edits[:n-1]
			}
			continue
		}
		edits = append(edits, edit{at, at, row, col, text})
	}
	for row, texts := range newRows {
		at := data.end
		for _, r := range rows {
			if r.row > row && r.from < at {
				at = r.from
			}
		}
		body := fmt.Sprintf(`<%srow r="%d">%s</%srow>`, data.prefix, row, strings.Join(texts, ""), data.prefix)
		edits = append(edits, edit{at, at, row, 0, body})
	}
	slices.SortStableFunc(edits, func(a, b edit) int {
		switch {
		case a.from != b.from:
			return a.from - b.from
		case a.row != b.row:
			return a.row - b.row
		}
		return a.col - b.col
	})
	var b bytes.Buffer
	at := 0
	for _, e := range edits {
		b.Write(raw[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.Write(raw[at:])
	return b.Bytes(), nil
}

// sheetBody is where a sheet's rows stand.
type sheetBody struct {
	end    int
	prefix string // of the spreadsheet namespace, with its colon
}

// mapSheet finds the rows and cells of a sheet by their byte offsets.
func mapSheet(raw []byte) (rows, cells []xmlSpan, body sheetBody, err error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict = true
	inside := false
	for {
		from := int(d.InputOffset())
		tok, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, body, err
		}
		to := int(d.InputOffset())
		switch t := tok.(type) {
		case xml.StartElement:
			empty := bytes.HasSuffix(raw[from:to], []byte("/>"))
			span := xmlSpan{from: from, to: to, end: from, empty: empty, name: strings.TrimPrefix(t.Name.Space+":"+t.Name.Local, ":")}
			for _, a := range t.Attr {
				switch a.Name.Local {
				case "r":
					span.col, span.row = splitCell(a.Value)
				case "s":
					span.style = a.Value
				}
			}
			switch t.Name.Local {
			case "sheetData":
				if empty {
					return nil, nil, body, errors.New("the sheet has no rows")
				}
				inside = true
				if t.Name.Space != "" {
					body.prefix = t.Name.Space + ":"
				}
			case "row":
				if inside {
					rows = append(rows, span)
				}
			case "c":
				if inside {
					cells = append(cells, span)
				}
			case "f":
				if inside && len(cells) > 0 {
					cells[len(cells)-1].formula = true
				}
			}
		case xml.EndElement:
			switch {
			case t.Name.Local == "sheetData":
				body.end, inside = from, false
			case inside && t.Name.Local == "row" && len(rows) > 0 && !rows[len(rows)-1].empty:
				rows[len(rows)-1].end, rows[len(rows)-1].to = from, to
			case inside && t.Name.Local == "c" && len(cells) > 0 && !cells[len(cells)-1].empty:
				cells[len(cells)-1].to = to
			}
		}
	}
	if body.end == 0 {
		return nil, nil, body, errors.New("the sheet has no rows")
	}
	return rows, cells, body, nil
}

// splitCell reads "C7" as column 3, row 7, and "7" as row 7 alone.
func splitCell(s string) (col, row int) {
	i := 0
	for i < len(s) && s[i] >= 'A' && s[i] <= 'Z' && i < 3 {
		col = col*26 + int(s[i]-'A') + 1
		i++
	}
	row, _ = strconv.Atoi(s[i:])
	return col, row
}

// cellXML writes a cell whose text stands in it, so that the workbook's table
// of shared strings need not change.
func cellXML(prefix, name, style, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<%sc r="%s"`, prefix, name)
	if style != "" {
		fmt.Fprintf(&b, ` s="%s"`, style)
	}
	fmt.Fprintf(&b, ` t="inlineStr"><%sis><%st xml:space="preserve">`, prefix, prefix)
	_ = xml.EscapeText(&b, []byte(text)) // a Builder does not fail
	fmt.Fprintf(&b, `</%st></%sis></%sc>`, prefix, prefix, prefix)
	return b.String()
}
