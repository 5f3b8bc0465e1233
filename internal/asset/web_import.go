package asset

import (
	"bytes"
	"encoding/csv"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// pagesImport are the import: choose a file, look at what it would do, do it.
func pagesImport(r *httpd.Router, s *Service) {
	r.Page("GET /assets/import", func(q *httpd.Request) error {
		if err := s.mayWrite(q.Context()); err != nil {
			return err
		}
		return showImport(q, nil)
	})
	r.Page("GET /assets/sample.csv", func(q *httpd.Request) error {
		if err := s.mayWrite(q.Context()); err != nil {
			return err
		}
		raw, err := sampleCSV(q.Printer)
		if err != nil {
			return err
		}
		return q.Download(q.Printer.T("asset.web.sample_file")+".csv", "text/csv; charset=utf-8", bytes.NewReader(raw))
	})
	r.Page("POST /assets/import", func(q *httpd.Request) error {
		f := q.File("file")
		if f == nil {
			return showImport(q, fault.New(fault.Invalid, "asset.invalid", "n", 1).At(fault.Place{At: "file", Code: "asset.web.choose_file"}))
		}
		v, err := s.PreviewImport(q.Context(), f.Name, f, f.Size, q.Form("remove") == "on")
		if err != nil {
			if formFault(err) {
				x := fault.Of(err)
				return showImport(q, fault.New(fault.Invalid, "asset.invalid", "n", 1).At(fault.Place{At: "file", Code: x.Code, Args: x.Args}))
			}
			return err
		}
		return q.Redirect("/imports/" + v.Token)
	}, httpd.MaxBody(MaxFile+1<<20))
	r.Page("GET /imports/{token}", func(q *httpd.Request) error {
		v, err := s.Preview(q.Context(), q.Path("token"))
		if err != nil {
			return err
		}
		return showPreview(q, v, nil)
	})
	r.Page("POST /imports/{token}/apply", func(q *httpd.Request) error {
		v, err := s.Preview(q.Context(), q.Path("token"))
		if err != nil {
			return err
		}
		if _, err := s.ApplyImport(q.Context(), v.Token); err != nil {
			if formFault(err) {
				return showPreview(q, v, err)
			}
			return err
		}
		return q.Redirect("/assets")
	})
	r.Page("GET /imports/{token}/invalid.csv", func(q *httpd.Request) error {
		v, err := s.Preview(q.Context(), q.Path("token"))
		if err != nil {
			return err
		}
		raw, err := invalidCSV(&v, q.Printer)
		if err != nil {
			return err
		}
		return q.Download(q.Printer.T("asset.web.invalid_file")+".csv", "text/csv; charset=utf-8", bytes.NewReader(raw))
	})
}

// importView is the page that asks for a file.
type importView struct {
	Head    page.Head
	Fields  []page.Field
	Columns []columnHelp
	Kinds   []wordHelp // what may stand in the column of kinds
	Zones   []wordHelp
}

type columnHelp struct{ Name, Header, Hint string }

// wordHelp is a kind or a zone: its name, its short name for every list, and
// what else may be written for it.
type wordHelp struct{ Name, Code, Also string }

func showImport(q *httpd.Request, fail error) error {
	p := q.Printer
	v := importView{Head: page.Head{H1: p.T("asset.web.import_h"), Lead: p.T("asset.web.import_lead"), Crumbs: crumbs(p, nil, p.T("asset.web.import"))},
		Fields: []page.Field{
			{Name: "file", Kind: "file", Label: p.T("asset.web.file"), Need: page.Required, Hint: p.T("asset.web.file_hint", "max", MaxFile/1_000_000), Accept: ".csv,.xlsx,.json,.txt"},
			{Name: "remove", Kind: "check", Label: p.T("asset.web.remove_missing"), Hint: p.T("asset.web.remove_missing_hint")},
		}}
	for _, f := range Fields() {
		h := columnHelp{Name: p.T("asset.field." + f.String()), Header: f.String()}
		for _, key := range []string{"asset.web.column." + f.String(), "asset.hint." + f.String()} {
			if h.Hint == "" && p.Has(key) {
				h.Hint = p.T(key)
			}
		}
		v.Columns = append(v.Columns, h)
	}
	help := func(name, code string) wordHelp {
		also := slices.DeleteFunc(wordsFor(code, p.Lang), func(w string) bool { return strings.EqualFold(w, name) })
		return wordHelp{name, code, strings.Join(also, p.T("asset.check.comma"))}
	}
	for _, k := range Kinds() {
		v.Kinds = append(v.Kinds, help(p.T("asset.kind."+string(k)), string(k)))
	}
	for _, z := range Zones() {
		v.Zones = append(v.Zones, help(p.T("asset.zone."+string(z)), string(z)))
	}
	shell := q.Shell(v.Head.H1)
	shell.Key = "assets"
	if fail != nil {
		shell = shell.Fail(fail, q.Forms())
	}
	return q.Render("asset/import", shell, v)
}

// sample is the list to start from: invented, and read without a fault. A row
// is in the order of [Fields]; kinds and zones are in the reader's words.
var sample = map[text.Lang][][fieldCount]string{
	text.JA: {
		{"A-0001", "vpn", "オルヴェイン", "EdgeGate 410", "EG-410", "9.1.5", "", "", "2", "給電指令の遠隔保守", "internet", "198.51.100.7", "vpn.example.jp", "A-0002", "自社", "本社", "2026-04-01", "2026-10-05", "2031-03-31"},
		{"A-0002", "firewall", "ミナト通信", "FW-70", "", "4.2", "", "", "1", "社内の境界", "dmz", "10.1.0.1", "", "A-0003", "自社", "本社", "令和3年6月1日", "", "令和12年3月31日"},
		{"A-0003", "ot_controller", "ハルキ計装", "PLC-9", "", "1.0", "", "", "60", "給電指令", "ot", "10.9.0.0/24", "", "", "自社", "第一変電所", "2019/1/15", "", ""},
	},
	text.EN: {
		{"A-0001", "vpn", "Orvane", "EdgeGate 410", "EG-410", "9.1.5", "", "", "2", "Remote maintenance of dispatch", "internet", "198.51.100.7", "vpn.example.jp", "A-0002", "own staff", "Head office", "2026-04-01", "2026-10-05", "2031-03-31"},
		{"A-0002", "firewall", "Minato Tsushin", "FW-70", "", "4.2", "", "", "1", "Edge of the office network", "dmz", "10.1.0.1", "", "A-0003", "own staff", "Head office", "2021-06-01", "", "2030-03-31"},
		{"A-0003", "ot_controller", "Haruki Keiso", "PLC-9", "", "1.0", "", "", "60", "Dispatch", "ot", "10.9.0.0/24", "", "", "own staff", "Substation 1", "2019-01-15", "", ""},
	},
}

// sampleCSV is a list that shows every column, to be written over.
func sampleCSV(p text.Printer) ([]byte, error) {
	var b bytes.Buffer
	b.Write(bomUTF8) // so that spreadsheets know the encoding
	var head []string
	for _, f := range Fields() {
		head = append(head, p.T("asset.field."+f.String()))
	}
	rows := [][]string{head}
	for _, row := range sample[p.Lang] {
		row[FieldKind], row[FieldZone] = p.T("asset.kind."+row[FieldKind]), p.T("asset.zone."+row[FieldZone])
		rows = append(rows, row[:])
	}
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// rowsShown is how many rows of a preview stand on one page.
const rowsShown = 50

// previewView is a preview in words.
type previewView struct {
	Head    page.Head
	Preview Preview
	Read    string // how the file was read
	Wait    string // why it cannot be applied
	Apply   string // word on the button
	Say     string
	Notes   []string
	List    *page.List
	Rows    []previewLine
	Hidden  int // rows beyond what a preview keeps
}

type previewLine struct {
	Row, Tag, Outcome, Name string
	Changes                 []previewChange
	Say                     string
	Mend                    []string
}

type previewChange struct {
	Field string
	Was   page.Change
}

var outcomeTags = map[Outcome]string{Invalid: "act", Changed: "ai", Added: "good", Removed: "attend", Duplicate: "plain"}

func showPreview(q *httpd.Request, v Preview, fail error) error {
	p := q.Printer
	c := v.Counts
	w := previewView{Preview: v, Head: page.Head{H1: p.T("asset.web.preview_h"), Lead: p.T("asset.web.preview_lead", "file", v.Name), Crumbs: crumbs(p, nil, p.T("asset.web.import"))}}
	n := c.Added + c.Changed + c.Removed
	w.Apply = p.T("asset.web.apply", "n", n)
	switch {
	case c.Invalid > 0:
		w.Wait, w.Say = p.T("asset.web.apply_wait", "n", c.Invalid), p.T("asset.web.apply_fix", "n", c.Invalid, "rows", n)
	case n == 0:
		w.Wait, w.Say = p.T("asset.web.apply_nothing"), p.T("asset.web.apply_nothing")
	default:
		w.Say = p.T("asset.web.apply_say", "n", n)
	}
	w.Read = p.T("asset.web.read_as", "format", string(v.File.Format))
	if v.File.Encoding != "" {
		w.Read = p.T("asset.check.encoding", "encoding", v.File.Encoding)
	}
	for _, x := range v.Notes {
		w.Notes = append(w.Notes, sayPlace(p, x))
	}
	w.List = previewList(q, v)
	want := Outcome(q.Query("show"))
	var rows []*PreviewRow
	for i := range v.Rows {
		if want == "" || v.Rows[i].Outcome == want {
			rows = append(rows, &v.Rows[i])
		}
	}
	from := min(max(0, q.Int("after", 0)), len(rows))
	to := min(from+rowsShown, len(rows))
	for _, r := range rows[from:to] {
		w.Rows = append(w.Rows, previewWords(p, &v, r))
	}
	w.List.From, w.List.Shown, w.List.Total = from+1, to-from, len(rows)
	if to < len(rows) {
		w.List.Next = strconv.Itoa(to)
	}
	w.Hidden = n + c.Duplicate + c.Invalid - len(v.Rows)
	shell := q.Shell(w.Head.H1)
	shell.Key, shell.Density, shell.Handling = "assets", page.Desk, &page.Handling{TLP: "AMBER", Clearance: 1, Purpose: p.T("asset.web.purpose")}
	if fail != nil {
		shell = shell.Fail(fail, url.Values{})
	}
	return q.Render("asset/preview", shell, w)
}

func previewList(q *httpd.Request, v Preview) *page.List {
	p := q.Printer
	l := &page.List{Path: "/imports/" + v.Token, Query: q.Queries(), Size: rowsShown, Columns: []page.Column{
		{Title: p.T("asset.web.row"), Num: true}, {Title: p.T("asset.web.outcome")}, {Title: p.T("asset.web.equipment")}, {Title: p.T("asset.web.changes")}, {Title: p.T("asset.web.mend")}}}
	for _, x := range []struct {
		o Outcome
		n int
	}{{Invalid, v.Counts.Invalid}, {Changed, v.Counts.Changed}, {Removed, v.Counts.Removed}, {Duplicate, v.Counts.Duplicate}, {Added, v.Counts.Added}} {
		if x.n > 0 {
			l.Filters = append(l.Filters, page.Filter{Name: "show", Value: string(x.o), Label: p.T("asset.outcome." + string(x.o)), Count: x.n})
		}
	}
	return l
}

func previewWords(p text.Printer, v *Preview, r *PreviewRow) previewLine {
	w := previewLine{Row: r.Place, Tag: outcomeTags[r.Outcome], Outcome: p.T("asset.outcome." + string(r.Outcome))}
	if v.File.Format != FormatCycloneDX && r.Row > 0 {
		w.Row = strconv.Itoa(r.Row)
	}
	maker := r.Maker
	if maker == "" && r.Outcome == Invalid {
		maker = p.T("asset.web.no_maker")
	}
	w.Name = joinWords(r.Key, maker, r.Product)
	for _, c := range r.Changes {
		name, from, to := sayChange(p, c)
		w.Changes = append(w.Changes, previewChange{name, page.Change{From: from, To: to}})
	}
	switch r.Outcome {
	case Added:
		zone := p.T("asset.zone." + zoneKey(r.Zone))
		w.Say = p.T("asset.web.new_entry", "kind", p.T("asset.kind."+string(r.Kind)), "zone", zone, "n", max(1, r.Quantity))
	case Duplicate:
		same := r.SameAs
		if n := rowNumber(same); n > 0 {
			same = p.T("asset.check.row", "n", strconv.Itoa(n))
		}
		w.Say = p.T("asset.web.same_as", "other", same)
	case Removed:
		w.Say = p.T("asset.web.not_in_list")
	}
	for _, x := range r.Problems {
		w.Mend = append(w.Mend, sayPlace(p, x))
	}
	for _, x := range r.Notes {
		w.Mend = append(w.Mend, sayPlace(p, x))
	}
	return w
}

func joinWords(words ...string) string {
	out := ""
	for _, w := range words {
		if w != "" && out != "" {
			out += " "
		}
		out += w
	}
	return out
}

// invalidCSV lists the rows to mend: where they are, what is wrong, what could
// be read. Nothing in it is a formula to a spreadsheet.
func invalidCSV(v *Preview, p text.Printer) ([]byte, error) {
	var b bytes.Buffer
	b.Write(bomUTF8) // so that spreadsheets know the encoding
	w := csv.NewWriter(&b)
	rows := [][]string{{p.T("asset.web.row"), p.T("asset.web.mend"), p.T("asset.field.id"), p.T("asset.field.maker"), p.T("asset.field.product")}}
	for i := range v.Rows {
		r := &v.Rows[i]
		for _, x := range r.Problems {
			rows = append(rows, []string{previewWords(p, v, r).Row, inert(sayPlace(p, x)), inert(r.Key), inert(r.Maker), inert(r.Product)})
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
