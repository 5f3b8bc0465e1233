package selector

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// columns are the names a header may have.
var columns = []string{"type", "value", "source", "act", "approval", "expires", "reason", "by"}

// typeNames are other words for the kinds, as lists and MISP attributes use them.
var typeNames = map[string]Kind{"": 0, "ip": Address, "ipv4": Address, "ipv6": Address, "ip-src": Address, "ip-dst": Address, "ipv4-addr": Address,
	"ipv6-addr": Address, "cidr": Prefix, "network": Prefix, "domain-name": Domain, "hostname": Domain, "host": Domain, "wildcard": Suffix,
	"ja3-fingerprint-md5": JA3, "ja4-fingerprint": JA4, "url": URI, "link": URI, "cert": Certificate, "x509-fingerprint-sha1": Certificate,
	"x509-fingerprint-sha256": Certificate, "x509-certificate": Certificate, "command": Pattern, "bytes": Pattern}

// kindOf returns the kind that a word names; the empty word leaves it open.
func kindOf(word string) (Kind, bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	for k := Address; k < kindEnd; k++ {
		if k.String() == word {
			return k, true
		}
	}
	k, ok := typeNames[word]
	return k, ok
}

// isHeader reports whether a line names columns, the value among them.
func isHeader(line []byte) bool {
	if len(line) > maxLine || !bytes.Contains(bytes.ToLower(line), []byte("value")) {
		return false
	}
	return slices.ContainsFunc(strings.Split(string(line), ","), func(c string) bool { return columnName(c) == "value" })
}

func columnName(cell string) string {
	return strings.ToLower(strings.Trim(strings.TrimSpace(cell), `"`))
}

// csv reads rows by RFC 4180. The order of the columns is free, and only the
// value is needed; a column that means nothing here is an error, since what it
// says would be lost.
func (in *reading) csv(data []byte) {
	in.b.expect(bytes.Count(data, []byte("\n")), len(data))
	r := csv.NewReader(bytes.NewReader(data))
	r.Comment, r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = '#', -1, true, true
	var order []int
	for !in.full {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			in.r.Lines++
			in.broken(parse.StartLine, "", &ShapeError{BadQuotes, shown(parse.Err.Error())})
			continue
		}
		line, _ := r.FieldPos(0)
		if order == nil {
			if order = in.header(line, cells); order == nil {
				return
			}
			continue
		}
		in.r.Lines++
		in.row(line, order, cells)
	}
}

// header returns for each column its place in columns, nil when it is no header.
func (in *reading) header(line int, cells []string) []int {
	order := make([]int, len(cells))
	for i, c := range cells {
		if order[i] = slices.Index(columns, columnName(c)); order[i] < 0 || slices.Contains(order[:i], order[i]) {
			in.r.Lines++
			in.broken(line, "", &ShapeError{BadHeader, shown(c)})
			return nil
		}
	}
	return order
}

func (in *reading) row(line int, order []int, cells []string) {
	var c [8]string
	if len(cells) > len(order) {
		in.broken(line, "", &ShapeError{BadColumns, shown(strings.Join(cells, ","))})
		return
	}
	for i, cell := range cells {
		if len(cell) > maxLine || !utf8.ValidString(cell) {
			in.broken(line, "", &ShapeError{Problem: BadLine})
			return
		}
		c[order[i]] = strings.TrimSpace(cell)
	}
	if c[1] == "" {
		in.broken(line, "", &ShapeError{BadColumns, shown(strings.Join(cells, ","))})
		return
	}
	in.fields(line, c)
}

// fields adds what stands in the eight columns.
func (in *reading) fields(line int, c [8]string) {
	k, ok := kindOf(c[0])
	if !ok {
		in.broken(line, "", bad(BadKind, 0, c[0]))
		return
	}
	expires, err := expiresAt(c[5])
	if err != nil {
		in.broken(line, "", err)
		return
	}
	in.add(line, "", Selector{Kind: k, Value: c[1], Source: c[2], Act: c[3], Approval: c[4], Expires: expires, Reason: c[6], By: c[7]})
}
