package format

import "bytes"

// wrapperKeys are the names under which services hand out a list of events.
var wrapperKeys = map[string]bool{
	"Records": true, "records": true, "value": true, "events": true, "Events": true, "items": true, "logs": true,
	"Results": true, "results": true, "entries": true, "hits": true, "data": true, "logEvents": true,
}

// besides are the lists and objects that may stand beside the list of events.
var besides = map[string]bool{
	"_shards": true, "total": true, "metadata": true, "Schema": true, "Stats": true, "meta": true, "aggregations": true,
	"_links": true, "links": true, "paging": true, "pagination": true,
}

type answer uint8

const (
	no answer = iota
	yes
	unknown
)

// mayWrap reports whether an object may be a wrapper: cheaply, and rather too
// often.
func mayWrap(b []byte) bool {
	key, p := memberKey(b[skipSpace(b, 1):])
	if p == 0 {
		return true
	}
	at := skipSpace(b, 1) + p
	if wrapperKeys[string(key)] || besides[string(key)] {
		return true
	}
	switch b[at] {
	case '{', '[':
		return false
	}
	// A wrapper names its list soon, after a few lines of its own.
	head := b[at:min(len(b), at+4<<10)]
	for {
		n := bytes.IndexByte(head, '[')
		if n < 0 {
			return false
		}
		before := bytes.TrimRight(head[:n], " \t\r\n:")
		if len(before) > 0 && before[len(before)-1] == '"' {
			before = before[:len(before)-1]
			if q := bytes.LastIndexByte(before, '"'); q >= 0 && (wrapperKeys[string(before[q+1:])] || besides[string(before[q+1:])]) {
				return true
			}
		}
		head = head[n+1:]
	}
}

// wraps says whether the object that begins b is a wrapper: beside a list of
// objects under one of the names above it has nothing but plain values.
func wraps(b []byte, last bool) answer {
	p, found := skipSpace(b, 1), false
	for members := 0; members < 64; members++ {
		p = skipBetween(b, p)
		if p >= len(b) || b[p] == '}' {
			break
		}
		if b[p] != '"' {
			return no
		}
		key, n := memberKey(b[p:])
		if n == 0 {
			break
		}
		p += n
		switch b[p] {
		case '[', '{':
			inner := skipSpace(b, p+1)
			list := b[p] == '[' && wrapperKeys[string(key)] && inner < len(b) && (b[inner] == '{' || b[inner] == ']')
			if !list && b[p] == '{' && string(key) == "hits" {
				list = true
			}
			if !list && !besides[string(key)] {
				return no
			}
			found = found || list
		}
		n = valueEnd(b[p:])
		if n == 0 {
			if found {
				return yes // the rest is too far away to see
			}
			break
		}
		p += n
	}
	switch {
	case found:
		return yes
	case p < len(b) || last:
		return no
	}
	return unknown
}

// detectJSON says whether text is JSON, and whether each line is an object.
func detectJSON(b []byte) Kind {
	switch b[0] {
	case '[':
		p := skipSpace(b, 1)
		if p == len(b) || b[p] == '{' || b[p] == ']' || b[p] == '[' && bytes.Contains(b[p:min(len(b), p+64)], []byte{'{'}) {
			return JSON
		}
		return Unknown
	case '{':
	case 0x1e:
		return JSON
	default:
		return Unknown
	}
	p := skipSpace(b, 1)
	if p < len(b) && b[p] != '"' && b[p] != '}' {
		return Unknown
	}
	if mayWrap(b) && wraps(b, false) == yes {
		return JSON
	}
	line := b
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		line = b[:n]
	} else if len(b) >= HeadSize/2 {
		return JSONLines // the first record is larger than what is seen
	}
	n := valueEnd(line)
	if n == 0 || len(bytes.Trim(line[n:], " \t\r\x00")) > 0 {
		return JSON
	}
	return JSONLines
}
