package hunt

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// maxBrought is the size of a file of results in bytes that a browser may send;
// maxOpened that of a pack when it is unpacked. What is larger is sent by the
// program.
const (
	maxBrought = 24 << 20
	maxOpened  = 128 << 20
)

type bringView struct {
	Head             page.Head
	Hunt             Hunt
	Open             bool
	Begin            bool
	Scan, Seal, Send string
	Downloads        []page.Crumb
	File             page.Field
	Back             string
}

// showBring says how results come in: by the program on one's own machine, or by
// a file in the browser.
func (c *console) showBring(q *httpd.Request, bad error) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.receive"); err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	v := bringView{Hunt: h, Open: h.Stage == Opened, Begin: h.Stage != Opened && may(q, "hunt.begin"), Back: "/hunts/" + h.ID}
	v.Head = page.Head{H1: p.T("hunt.web.bring"), Lead: p.T("hunt.web.bring_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: h.Number, Href: v.Back}, {Text: p.T("hunt.web.bring")}}}
	var rules string
	own := len(h.Rules) == 0
	for i, ref := range h.Rules {
		if strings.HasPrefix(ref, Starter+"/") {
			own = true
			continue
		}
		rules += " --rules RULES" + p.Number(int64(i+1)) + ".zip"
		book, number, _ := splitRef(ref)
		b, _, err := c.Rulebook(q.Context(), book)
		if err != nil {
			return err
		}
		v.Downloads = append(v.Downloads, page.Crumb{Text: p.T("hunt.web.rules_file", "n", i+1, "name", bookTitle(p, b), "version", number), Href: "/hunt-rules/" + ref + "/zip"})
	}
	if !own {
		rules += " --no-builtin"
	}
	hub := ""
	if c.BaseURL != "" {
		hub = " --hub " + c.BaseURL
	}
	v.Seal = "noroshi hunt seal LOGS" + rules + " --out pack.zip"
	v.Send = "noroshi hunt send pack.zip --hunt " + h.Number + hub + " --token-file TOKEN"
	v.Scan = "noroshi hunt scan LOGS" + rules + " --suppress suppress.toml --format jsonl --event --out result.jsonl"
	v.File = page.Field{Name: "file", Kind: "file", Label: p.T("hunt.web.file"), Need: page.Required, Hint: p.T("hunt.web.file_hint", "mb", maxBrought>>20), Accept: ".jsonl,.zip"}
	return render(q, "bring", "hunts", v.Head.H1, v, bad)
}

// bring takes in a file of results. A second time the same file changes nothing.
func (c *console) bring(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.receive"); err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	list, told, key, err := c.brought(q)
	if onForm(err) {
		return c.showBring(q, err)
	}
	if err != nil {
		return err
	}
	r, err := c.Receive(q.Context(), h.ID, key, told)
	for n := 1; err == nil && r.DoneAt.IsZero() && len(list) > 0; n++ {
		part := list[:min(len(list), MaxLines)]
		list = list[len(part):]
		r, err = c.ReceivePart(q.Context(), r.ID, n, part)
	}
	if err == nil {
		r, err = c.ReceiveEnd(q.Context(), r.ID, r.Parts)
	}
	if onForm(err) {
		return c.showBring(q, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunts/" + h.ID + "?run=" + r.ID)
}

// brought reads the file: an evidence pack or lines of "hunt scan --format
// jsonl". The key of its run is its sum.
func (c *console) brought(q *httpd.Request) (list []Incoming, told Told, key string, err error) {
	bad := func(code string, pairs ...any) error {
		var bad problems
		bad.add("file", code, pairs...)
		return bad.fault()
	}
	f := q.File("file")
	if f == nil || f.Size == 0 {
		return nil, told, "", bad("hunt.bad.empty")
	}
	if f.Size > maxBrought {
		return nil, told, "", bad("hunt.web.bad_large", "mb", maxBrought>>20)
	}
	raw, err := io.ReadAll(io.LimitReader(f.Reader(), maxBrought+1))
	if err != nil {
		return nil, told, "", err
	}
	sum := sha256.Sum256(raw)
	key = "web-" + hex.EncodeToString(sum[:])
	lines := raw
	if bytes.HasPrefix(raw, []byte("PK")) {
		if !fits(raw, maxOpened) {
			return nil, told, "", bad("hunt.web.bad_large", "mb", maxOpened>>20)
		}
		pack, err := openPack(bytes.NewReader(raw), int64(len(raw)), nil)
		if err != nil {
			return nil, told, "", err
		}
		m := &pack.Manifest
		lines = pack.findings
		told = Told{Program: cut(m.Program.Version, maxTitle), Rules: pack.rules.Sum(), Events: m.Counts.Events, Sources: len(m.Inputs), Damage: len(m.Damage), Pack: hex.EncodeToString(sum[:])}
	}
	list, err = c.incoming(q, lines)
	told.Detections = len(list)
	return list, told, key, err
}

// incoming reads and checks all lines before any of them is taken in.
func (c *console) incoming(q *httpd.Request, lines []byte) (list []Incoming, err error) {
	var bad problems
	wrong := func(n int, code string) {
		bad.add("file", "hunt.web.bad_line", "line", n, "why", q.Printer.T(code))
	}
	n := 0
	for line := range bytes.Lines(lines) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(list) >= maxTaken {
			wrong(n, "hunt.web.bad_many")
			break
		}
		var l LineInput
		var d Incoming
		var ok bool
		if json.Unmarshal(line, &l) != nil {
			wrong(n, "hunt.web.bad_json")
		} else if d, ok = l.incoming(); !ok {
			wrong(n, "hunt.bad.time")
		} else {
			seen := d
			seen.Why = slices.Clone(d.Why)
			if _, _, code := seen.normal(c.now()); code != "" {
				wrong(n, code)
			}
		}
		if len(bad) >= 20 {
			break
		}
		list = append(list, d)
	}
	return list, bad.fault()
}

// fits reports whether a zip is not larger than so many bytes when unpacked. A
// member that says less than it holds fails when it is read.
func fits(raw []byte, most uint64) bool {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return true // said in its own words when it is opened
	}
	for _, f := range z.File {
		if f.UncompressedSize64 > most {
			return false
		}
		most -= f.UncompressedSize64
	}
	return true
}
