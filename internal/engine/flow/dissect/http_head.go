package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// statusLine reads HTTP/1.x and the status code, 0 when it is no number.
func statusLine(b []byte) (status uint16, minor uint8, ok bool) {
	if len(b) < 9 || string(b[:7]) != "HTTP/1." || b[8] != ' ' || b[7] < '0' || b[7] > '9' {
		return 0, 0, false
	}
	if v, ok := number(b[9:min(len(b), 12)]); ok && v >= 100 {
		status = uint16(v)
	}
	return status, b[7] - '0', true
}

// requestLine reads a method, a target and a version; 9 as the minor version
// says HTTP/0.9, which has none.
func requestLine(b []byte) (m record.Method, target []byte, minor uint8, ok bool) {
	space := bytes.IndexByte(b, ' ')
	if space < 1 || space > 20 || !token(b[:space]) {
		return 0, nil, 0, false
	}
	m = method(b[:space])
	rest := trim(b[space:])
	if end := bytes.LastIndexByte(rest, ' '); end >= 0 && len(rest)-end > 6 && foldPrefix(rest[end+1:], "http/") {
		v := rest[end+6:]
		if len(v) >= 3 && v[0] == '1' && v[1] == '.' && v[2] >= '0' && v[2] <= '9' {
			minor = v[2] - '0'
		}
		return m, bytes.TrimRight(rest[:end], " "), minor, true
	}
	if m != record.OtherMethod && foldPrefix(rest, "http/1.") && bytes.IndexByte(rest, ' ') < 0 {
		return m, nil, 1, true // nothing is asked for
	}
	if m == record.GET && len(rest) > 0 && rest[0] == '/' && bytes.IndexByte(rest, ' ') < 0 {
		return m, rest, 9, true
	}
	// A line that is too long has lost its end; a version that is not there is
	// forgiven to a known method only.
	if m != record.OtherMethod && len(rest) > 0 && (rest[0] == '/' || foldPrefix(rest, "http://")) {
		return m, rest, 1, true
	}
	return 0, nil, 0, false
}

// token reports whether b is a method: letters and a dash between them.
func token(b []byte) bool {
	for _, c := range b {
		if (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(b) > 0 && b[0] != '-'
}

// method finds a method by its token. Lower case is none (RFC 9110 §9.1).
func method(b []byte) record.Method {
	switch string(b) {
	case "GET":
		return record.GET
	case "POST":
		return record.POST
	case "HEAD":
		return record.HEAD
	case "NOTIFY":
		return record.MCALL
	}
	for m := record.PUT; m < record.OtherMethod; m++ {
		if m.String() == string(b) {
			return m
		}
	}
	return record.OtherMethod
}

// target reads the host and the path out of a request's target: origin,
// absolute, authority or asterisk form (RFC 9112 §3.2).
func (s *httpStream) target(h *record.HTTP, b []byte) {
	if h.Method == record.CONNECT {
		setHost(h, b, s.f)
		return
	}
	if i := bytes.Index(b, []byte("://")); i > 0 && i < 8 && token(b[:i]) {
		b = b[i+3:]
		end := bytes.IndexAny(b, "/?#")
		if end < 0 {
			end = len(b)
		}
		setHost(h, b[:end], s.f)
		if b = b[end:]; len(b) == 0 {
			b = []byte("/")
		}
	}
	h.Path = s.f.Naming.Path(b)
}

// setHost reads an authority: what comes before @ belongs to nobody else.
func setHost(h *record.HTTP, b []byte, f record.Facts) {
	if i := bytes.LastIndexByte(b, '@'); i >= 0 {
		b = b[i+1:]
	}
	host := b
	if i := bytes.LastIndexByte(b, ':'); i >= 0 && (bytes.IndexByte(b, ':') == i || b[i-1] == ']') {
		if v, ok := number(b[i+1:]); ok && v < 1<<16 {
			host, h.Port = b[:i], uint16(v)
		}
	}
	h.Host = f.Naming.HostOf(host, f.Dst)
}

// httpFieldName is a field that is read; any other is otherField.
type httpFieldName uint8

const (
	otherField httpFieldName = iota
	fieldHost
	fieldAgent
	fieldServer
	fieldType
	fieldLength
	fieldCoding
	fieldUpgrade
)

// fieldNamed finds a field by its name, in any case.
func fieldNamed(b []byte) httpFieldName {
	word, name := "", otherField
	switch len(b) {
	case 4:
		word, name = "host", fieldHost
	case 6:
		word, name = "server", fieldServer
	case 7:
		word, name = "upgrade", fieldUpgrade
	case 10:
		word, name = "user-agent", fieldAgent
	case 12:
		word, name = "content-type", fieldType
	case 14:
		word, name = "content-length", fieldLength
	case 17:
		word, name = "transfer-encoding", fieldCoding
	}
	if word == "" || !fold(b, word) {
		return otherField
	}
	return name
}

// field reads one field line (RFC 9112 §5).
func (s *httpStream) field(w *httpSide, line []byte) {
	if line[0] == ' ' || line[0] == '\t' { // folded, RFC 9112 §5.2
		if w.last == fieldCoding && foldContains(line, "chunked") {
			w.chunked = true
		}
		return
	}
	w.last = otherField
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return
	}
	name := fieldNamed(trim(line[:colon]))
	if name == otherField {
		return
	}
	w.last = name
	value := trim(line[colon+1:])
	switch name {
	case fieldLength:
		w.lengthField(value)
		return
	case fieldCoding:
		w.chunked = w.chunked || foldContains(value, "chunked")
		return
	case fieldUpgrade:
		w.upgrade = upgradeTo(value)
		return
	}
	h := s.entry(w)
	if h == nil {
		return
	}
	switch {
	case name == fieldHost && !w.answer && h.Host.IsZero():
		setHost(h, value, s.f)
	case name == fieldAgent && !w.answer && h.Agent.IsZero():
		h.Agent = s.f.Naming.Agent(value)
	case name == fieldServer && w.answer && h.Server.IsZero():
		h.Server = s.f.Naming.Agent(value)
	case name == fieldType && w.answer:
		h.Type = media(value)
	}
}

// lengthField reads Content-Length, which may stand there twice if it says the
// same (RFC 9112 §6.3).
func (w *httpSide) lengthField(value []byte) {
	if comma := bytes.IndexByte(value, ','); comma >= 0 {
		value = trim(value[:comma])
	}
	n, ok := number(value)
	if !ok || w.framed && n != w.length {
		w.bad = true
		return
	}
	w.framed, w.length = true, n
}

func upgradeTo(b []byte) httpUpgrade {
	switch {
	case len(b) == 0:
		return noUpgrade
	case foldContains(b, "h2c"):
		return upgradeH2C
	case foldContains(b, "websocket"):
		return upgradeSocket
	}
	return upgradeOther
}

// media is the kind of a media type (RFC 9110 §8.3.1, IANA media types).
func media(b []byte) record.Media {
	if i := bytes.IndexByte(b, ';'); i >= 0 {
		b = trim(b[:i])
	}
	if len(b) == 0 {
		return record.NoMedia
	}
	for i := range mediaTypes {
		m := &mediaTypes[i]
		if m.whole && fold(b, m.word) || !m.whole && foldPrefix(b, m.word) {
			return m.media
		}
	}
	switch {
	case foldContains(b, "+json"):
		return record.JSON
	case foldContains(b, "+xml"):
		return record.XML
	}
	return record.OtherMedia
}

var mediaTypes = [...]struct {
	word  string
	whole bool
	media record.Media
}{
	{"text/html", true, record.HTML}, {"application/xhtml", false, record.HTML}, {"application/json", false, record.JSON},
	{"text/json", true, record.JSON}, {"text/xml", true, record.XML}, {"application/xml", false, record.XML},
	{"text/javascript", true, record.Script}, {"application/javascript", true, record.Script},
	{"application/x-javascript", true, record.Script}, {"application/ecmascript", true, record.Script}, {"text/css", true, record.Style},
	{"text/", false, record.Text}, {"image/", false, record.Image}, {"audio/", false, record.Audio}, {"video/", false, record.Video},
	{"font/", false, record.Font}, {"application/font", false, record.Font}, {"application/x-font", false, record.Font},
	{"application/x-www-form-urlencoded", true, record.Form}, {"multipart/", false, record.Multipart},
	{"application/x-msdownload", false, record.Executable}, {"application/x-dosexec", false, record.Executable},
	{"application/x-msdos-program", false, record.Executable}, {"application/x-executable", false, record.Executable},
	{"application/x-elf", false, record.Executable}, {"application/x-sharedlib", false, record.Executable},
	{"application/vnd.microsoft.portable-executable", true, record.Executable}, {"application/x-msi", false, record.Executable},
	{"application/java-archive", true, record.Executable}, {"application/vnd.android.package-archive", true, record.Executable},
	{"application/zip", false, record.Archive}, {"application/gzip", true, record.Archive}, {"application/x-gzip", true, record.Archive},
	{"application/x-tar", true, record.Archive}, {"application/x-rar", false, record.Archive}, {"application/x-7z", false, record.Archive},
	{"application/vnd.rar", true, record.Archive}, {"application/x-bzip", false, record.Archive}, {"application/x-zip", false, record.Archive},
	{"application/vnd.ms-cab-compressed", true, record.Archive}, {"application/pdf", true, record.PDF},
	{"application/octet-stream", true, record.Binary}, {"binary/octet-stream", true, record.Binary},
}

// matchHTTP knows a request by a method that nothing else has, or by a whole
// first line with its version, and an answer by its status line.
func matchHTTP(_ int, b []byte, _ *record.Record) verdict {
	switch startsWith(b, "HTTP/1.") {
	case yes:
		return yes
	case unsure:
		return unsure
	}
	for _, word := range [...]string{"GET /", "POST /", "HEAD /", "GET http", "POST http", "CONNECT "} {
		if v := startsWith(b, word); v != no {
			return v
		}
	}
	return firstLine(b, " http/")
}

// startsWith tells whether b begins with word.
func startsWith(b []byte, word string) verdict {
	n := min(len(b), len(word))
	if string(b[:n]) != word[:n] {
		return no
	}
	if n < len(word) {
		return unsure
	}
	return yes
}

// maxFirst bounds the first line of a text protocol, in bytes.
const maxFirst = 2 << 10

// firstLine tells whether the first line is a method, something, and version,
// which is in lower case.
func firstLine(b []byte, version string) verdict {
	b = b[:min(len(b), maxFirst)]
	space := bytes.IndexByte(b, ' ')
	if space > 20 || space < 0 && len(b) > 20 || !token(b[:max(space, 0)]) && space >= 0 || space < 0 && !token(b) {
		return no
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(b) == maxFirst {
			return no
		}
		return unsure
	}
	if foldContains(b[:end], version) {
		return yes
	}
	return no
}
