package asset

import (
	"fmt"
	"html"
	"io"
	"strings"

	"noroshi/internal/base/text"
)

// printStyle is the look of the print page: A4, black on white, page numbers,
// the head of the statement repeated on every sheet. The page stands alone, so
// its style is in it.
const printStyle = `@page{size:A4;margin:16mm 14mm 18mm;@bottom-center{content:counter(page) " / " counter(pages);font-size:8pt}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:182mm;padding:8px;font:10pt/1.6 "Noto Sans JP","Noto Sans CJK JP","BIZ UDPGothic","Hiragino Sans","Yu Gothic UI",Meiryo,system-ui,sans-serif;color:#000;background:#fff;font-variant-numeric:tabular-nums;line-break:strict;overflow-wrap:anywhere}
h1{font-size:18pt;line-height:1.35;margin:6mm 0 2mm}
h2{font-size:12pt;border-top:2px solid #000;padding-top:2mm;margin:8mm 0 3mm;break-after:avoid}
h3{font-size:10.5pt;margin:0 0 1mm}
table{width:100%;border-collapse:collapse}
th,td{text-align:start;vertical-align:top;padding:1mm 1.5mm;border-bottom:1px solid #999}
thead{display:table-header-group}
tr,.entry{break-inside:avoid}
.sheet>thead>tr>th{border:1px solid #000;font-size:8.5pt;font-weight:700}
.sheet>tbody>tr{break-inside:auto}
.sheet>tbody>tr>td{border:0;padding:0}
.list{font-size:8.5pt}
.cover th{width:38mm;font-weight:400;color:#333}
.entry{border-top:1px solid #999;padding:2mm 0 3mm}
.entry dl{display:grid;grid-template-columns:30mm minmax(0,1fr) 30mm minmax(0,1fr);gap:.5mm 2mm;margin:0}
.entry dt{color:#333}.entry dd{margin:0}.entry dt.wide{grid-column:1}.entry dd.wide{grid-column:2/-1}
.entry ul{margin:1mm 0 0;padding-inline-start:5mm}
.note{color:#333;font-size:8.5pt}.warn{border:1px solid #000;padding:2mm}
@media (max-width:640px){.entry dl{grid-template-columns:30mm minmax(0,1fr)}}
`

// WriteHTML writes the statement as one self-contained page for printing on
// A4: no script, no link, nothing fetched.
func (s *Statement) WriteHTML(w io.Writer, r *Rules, say text.Printer) error {
	v := s.View(r, say)
	var b strings.Builder
	esc := html.EscapeString
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s %s %s</title>\n<style>\n%s</style>\n</head>\n<body>\n", say.Lang, esc(v.Title), esc(v.Number), esc(s.Filer.Name), printStyle)
	// The outer table's head is what a printer repeats on every sheet.
	fmt.Fprintf(&b, "<table class=\"sheet\" role=\"presentation\">\n<thead><tr><th>%s %s　%s　%s</th></tr></thead>\n<tbody><tr><td>\n<main>\n", esc(v.Title), esc(v.Number), esc(s.Filer.Name), s.On)
	fmt.Fprintf(&b, "<h1>%s %s</h1>\n<p class=\"note\">%s</p>\n", esc(v.Title), esc(v.Number), esc(v.Note))
	if v.Warn != "" {
		fmt.Fprintf(&b, "<p class=\"warn\">%s</p>\n", esc(v.Warn))
	}
	b.WriteString("<table class=\"cover\">\n")
	for _, row := range v.Cover {
		fmt.Fprintf(&b, "<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n", esc(row[0]), esc(row[1]))
	}
	b.WriteString("</table>\n")
	fmt.Fprintf(&b, "<h2>%s</h2>\n", esc(say.T("asset.statement.sheet_difference")))
	fields := r.NotifiedFields()
	for i := range s.Entries {
		s.Entries[i].print(&b, fields, say)
	}
	short := []Field{FieldKey, FieldKind, FieldMaker, FieldProduct, FieldModel, FieldVersion, FieldQuantity, FieldZone}
	printTable(&b, s.state(short, say))
	if len(s.Excluded) > 0 {
		printTable(&b, s.leftOut(say))
	}
	b.WriteString("</main>\n</td></tr></tbody>\n</table>\n</body>\n</html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (l *StatementLine) print(b *strings.Builder, fields []Field, say text.Printer) {
	esc := html.EscapeString
	fmt.Fprintf(b, "<section class=\"entry\">\n<h3>%d　%s　%s %s</h3>\n<dl>\n", l.No, esc(say.T("asset.event."+string(l.Event))), esc(l.Item.MakerName), esc(l.Item.ProductName))
	for _, f := range fields {
		if v := SayValue(say, &l.Item, f); v != "" {
			fmt.Fprintf(b, "<dt>%s</dt><dd>%s</dd>\n", esc(say.T("asset.field."+f.String())), esc(v))
		}
	}
	fmt.Fprintf(b, "<dt>%s</dt><dd>%s</dd>\n<dt class=\"wide\">%s</dt><dd class=\"wide\">%s</dd>\n</dl>\n", esc(say.T("asset.statement.due")), esc(l.Due.Say(say)), esc(say.T("asset.statement.basis")), esc(l.Due.Source.In(say.Lang)))
	if len(l.Changes) > 0 {
		fmt.Fprintf(b, "<p>%s</p>\n<ul>\n", esc(say.T("asset.statement.changed_fields")))
		for _, c := range l.Changes {
			name, from, to := sayChange(say, c)
			fmt.Fprintf(b, "<li>%s <del>%s</del> → <ins>%s</ins></li>\n", esc(name), esc(from), esc(to))
		}
		b.WriteString("</ul>\n")
	}
	b.WriteString("</section>\n")
}

func printTable(b *strings.Builder, t ViewTable) {
	esc := html.EscapeString
	fmt.Fprintf(b, "<h2>%s</h2>\n", esc(t.Name))
	if t.Note != "" {
		fmt.Fprintf(b, "<p>%s</p>\n", esc(t.Note))
	}
	b.WriteString("<table class=\"list\">\n<thead><tr>")
	for _, h := range t.Heads {
		fmt.Fprintf(b, "<th scope=\"col\">%s</th>", esc(h))
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range t.Rows {
		b.WriteString("<tr>")
		for _, c := range row {
			fmt.Fprintf(b, "<td>%s</td>", esc(c))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>\n</table>\n")
}
