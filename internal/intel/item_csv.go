package intel

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"noroshi/internal/base/fault"
)

// Names of columns as lists of indicators have them, in small letters.
var (
	valueColumns = []string{"value", "indicator", "ioc", "observable", "ip", "ip address", "ipv4", "ipv6", "address", "domain", "hostname", "host", "fqdn", "url", "uri",
		"md5", "sha1", "sha-1", "sha256", "sha-256", "sha512", "sha-512", "hash", "email", "mail", "値", "指標", "アドレス", "ドメイン", "ハッシュ", "メール"}
	noteColumns = []string{"note", "comment", "description", "filename", "備考", "説明", "メモ"}
	cveColumns  = []string{"cve", "vulnerability", "脆弱性"}
)

// maxRows bounds the lines of a list.
const maxRows = 50_000

func divider(first []byte) rune {
	best, most := ',', 0
	for _, d := range ",;\t" {
		if n := bytes.Count(first, []byte(string(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

func firstLine(t []byte) []byte {
	line, _, _ := bytes.Cut(t, []byte("\n"))
	return line
}

func columnName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// looksLikeCSV reports whether a file is a list: by its name, or because its
// first line names a column of values.
func looksLikeCSV(name string, t []byte) bool {
	end := strings.ToLower(path.Ext(name))
	if end == ".csv" || end == ".tsv" {
		return true
	}
	if end == ".txt" || end == ".md" {
		return false
	}
	line := firstLine(t)
	if len(line) > 2000 || !bytes.ContainsAny(line, ",;\t") {
		return false
	}
	for _, c := range strings.Split(string(line), string(divider(line))) {
		if slices.Contains(valueColumns, columnName(strings.Trim(c, ` "`))) {
			return true
		}
	}
	return false
}

// csv reads a list: columns by the names of the first line; without known names
// the first line has to begin with an indicator, and every line does.
func (r *reading) csv(t []byte) error {
	c := csv.NewReader(bytes.NewReader(t))
	c.Comma, c.FieldsPerRecord, c.TrimLeadingSpace, c.Comment, c.ReuseRecord = divider(firstLine(t)), -1, true, '#', true
	var values, notes, cves []int
	names := map[int]string{}
	for n := 0; ; n++ {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return fault.New(fault.Usage, "intel.item.csv", "line", bad.Line).Because(err)
		}
		if err != nil {
			return err
		}
		if n > maxRows {
			return fault.New(fault.Usage, "intel.item.many", "max", maxRows)
		}
		if n == 0 {
			for i, name := range row {
				name = columnName(name)
				names[i] = clip(name)
				switch {
				case slices.Contains(valueColumns, name):
					values = append(values, i)
				case slices.Contains(noteColumns, name):
					notes = append(notes, i)
				case slices.Contains(cveColumns, name):
					cves = append(cves, i)
				}
			}
			if len(values)+len(cves) > 0 {
				continue
			}
			if _, ok := indicatorOf(row[0]); !ok {
				return fault.New(fault.Usage, "intel.item.csv_columns")
			}
			names, values = map[int]string{0: "1"}, []int{0}
		}
		r.row(row, values, notes, cves, names)
	}
	return nil
}

func (r *reading) row(row []string, values, notes, cves []int, names map[int]string) {
	var note []string
	for _, i := range notes {
		if i < len(row) && strings.TrimSpace(row[i]) != "" {
			note = append(note, strings.TrimSpace(row[i]))
		}
	}
	for _, i := range values {
		if i >= len(row) || strings.TrimSpace(row[i]) == "" {
			continue
		}
		if up := strings.ToUpper(strings.TrimSpace(row[i])); strings.HasPrefix(up, "CVE-") { // lists mix them
			r.vulnerability(names[i], up)
			continue
		}
		r.add(names[i], row[i], strings.Join(note, " / "))
	}
	for _, i := range cves {
		if i < len(row) && strings.TrimSpace(row[i]) != "" {
			r.vulnerability(names[i], row[i])
		}
	}
}
