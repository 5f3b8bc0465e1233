package selector

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
)

// A URI selector is a host and a path, with two kinds of variables: {x} stands
// for one or more characters that a simple expansion can give (RFC 6570 §3.2.2;
// in the host: a part of one label), * for anything, also nothing. Without a
// question mark it is compared with the path alone, otherwise with path and
// query. The scheme is not compared, and a path is compared as it is sent: what
// a server would make of dots and percent signs is not guessed.

// The bounds of a template.
const (
	maxURI       = 512  // bytes in canonical form
	maxVariables = 8    // in host and path together
	maxCrowd     = 256  // templates with the same host and the same beginning of the path
	maxPlaces    = 8    // such crowds that chance may bring under one part of a hash
	maxPath      = 2048 // bytes of a request that are looked at
)

const hexDigits = "0123456789ABCDEF"

func hasVariable(b []byte) bool { return bytes.ContainsAny(b, "*{") }

// parseURI reads http(s) URIs and templates. A fragment is taken off: it never
// leaves the client.
func parseURI(text string) (parsed, error) {
	no := func(p Problem) (parsed, error) { return parsed{}, bad(p, URI, text) }
	rest := text
	if i := strings.Index(text, "://"); i >= 0 && strings.IndexAny(text, "/?") == i+1 {
		if scheme := text[:i]; !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return no(BadURI)
		}
		rest = text[i+3:]
	}
	rest, _, _ = strings.Cut(rest, "#")
	cut := strings.IndexAny(rest, "/?")
	if cut < 0 {
		cut = len(rest)
	}
	host, path := rest[:cut], rest[cut:]
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if h, port, ok := cutPort(host); ok {
		if port != "80" && port != "443" {
			return no(BadURIPort)
		}
		host = h
	}
	b, ok := canonicalHost(host)
	if !ok {
		return no(BadURI)
	}
	if !fixedHost(b) {
		return no(BadURIBroad)
	}
	if b, ok = appendTemplate(b, path, isPathByte); !ok {
		return no(BadURI)
	}
	if len(b) > maxURI {
		return no(BadLength)
	}
	if bytes.Count(b, []byte("*"))+bytes.Count(b, []byte("{")) > maxVariables {
		return no(BadURIBroad)
	}
	return parsed{form: formURI, bytes: b}, nil
}

// cutPort takes a port off a host. An IPv6 address stands in brackets.
func cutPort(host string) (name, port string, ok bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.Contains(host[i:], "]") || !digits(host[i+1:]) {
		return host, "", false
	}
	return host[:i], host[i+1:], true
}

func canonicalHost(host string) ([]byte, bool) {
	if strings.HasPrefix(host, "[") {
		a, err := netip.ParseAddr(strings.TrimSuffix(host[1:], "]"))
		return []byte("[" + a.String() + "]"), err == nil && a.Is6() && a.Zone() == "" && host[len(host)-1] == ']'
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []byte(a.String()), a.Is4()
	}
	host = strings.TrimSuffix(host, ".")
	if !strings.ContainsAny(host, "*{") {
		return asciiName(host)
	}
	b, ok := appendTemplate(nil, strings.ToLower(host), isHostByte)
	return b, ok && len(b) < 254
}

// fixedHost reports whether at least the last two labels of a host are written
// out, so that a template cannot be aimed at everybody.
func fixedHost(host []byte) bool {
	i := bytes.LastIndexAny(host, "*}")
	return i < 0 || host[len(host)-1] != '}' && isBelow(host[i+1:])
}

// isBelow reports whether b is a dot and a name of two labels or more.
func isBelow(b []byte) bool {
	return len(b) > 1 && b[0] == '.' && isName(b[1:]) && labels(b[1:]) > 1
}

func isHostByte(c byte) bool { return c-'a' < 26 || c-'0' <= 9 || c == '-' || c == '_' || c == '.' }

func isPathByte(c byte) bool {
	return c > ' ' && c < 0x7f && c != '{' && c != '}' && c != '"' && c != '#'
}

// isExpanded reports whether c can come of the simple expansion of a variable.
func isExpanded(c byte) bool {
	return c|0x20-'a' < 26 && c >= 'A' || c-'0' <= 9 || c == '-' || c == '.' || c == '_' || c == '~' || c == '%'
}

func isExpandedHost(c byte) bool { return isHostByte(c) && c != '.' }

// appendTemplate writes a template in canonical form: variables as {x}, several
// stars as one, characters beyond ASCII as their bytes in percent signs.
func appendTemplate(b []byte, s string, fixed func(byte) bool) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 || strings.ContainsFunc(s[i+1:i+max(end, 1)], func(r rune) bool { return r != '_' && (r > 0x7f || !isExpanded(byte(r)) || r == '%') }) {
				return b, false
			}
			b = append(b, "{x}"...)
			i += end
		case c == '*':
			if len(b) == 0 || b[len(b)-1] != '*' {
				b = append(b, '*')
			}
		case c >= 0x80 && fixed('/'):
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		case !fixed(c):
			return b, false
		default:
			b = append(b, c)
		}
	}
	return b, true
}

// bucket hashes what a template is found by: of a host that is written out, the
// host and the path up to the last slash before a variable or a query; else the labels
// behind the last variable of the host.
func bucket(template []byte, seed uint64) uint64 {
	host, path := cutHost(template)
	if i := bytes.LastIndexAny(host, "*}"); i >= 0 {
		return hashBack(host[i+2:], seed, formEnd)
	}
	h := back(host, seed)
	fixed := path[:bytes.IndexAny(path, "*{?")]
	for _, c := range fixed[:bytes.LastIndexByte(fixed, '/')+1] {
		h = step(h, c)
	}
	return finish(h, formURI)
}

func cutHost(template []byte) (host, path []byte) {
	i := bytes.IndexByte(template, '/')
	return template[:i], template[i:]
}

// bucketKey is the same in words, to count how crowded a place is.
func bucketKey(template []byte) string {
	host, path := cutHost(template)
	if i := bytes.LastIndexAny(host, "*}"); i >= 0 {
		return string(host[i+1:])
	}
	fixed := path[:bytes.IndexAny(path, "*{?")]
	return string(host) + string(fixed[:bytes.LastIndexByte(fixed, '/')+1])
}

// URI returns the selector of a request: one without variables first, else the
// template that stands first in the list, else 0. host may carry a port; path
// begins with a slash and may carry a query.
func (s *Set) URI(host, path []byte) ID {
	if !s.needs.Has(URI) || len(host) == 0 || len(host) > maxName+6 || len(path) == 0 {
		return 0
	}
	var buf [maxName + 6 + maxPath]byte
	h := hostOf(buf[:0], host)
	whole := append(h, path[:min(len(path), maxPath)]...)
	defer clear(buf[:])
	long := len(path) > maxPath
	bare := whole
	if i := bytes.IndexByte(whole[len(h):], '?'); i >= 0 {
		bare = whole[:len(h)+i]
		long = false
	}
	if id := s.exactURI(whole, len(path) > maxPath); id != 0 {
		return id
	}
	if len(bare) < len(whole) {
		if id := s.exactURI(bare, false); id != 0 {
			return id
		}
	}
	if len(s.uris.keys) == 0 {
		return 0
	}
	r := request{host: h, path: whole[len(h):], bare: bare[len(h):], cut: len(path) > maxPath, bareCut: long}
	return s.template(&r)
}

func (s *Set) exactURI(b []byte, cut bool) ID {
	if len(b) > maxURI || cut {
		return 0
	}
	return s.lookup(formURI, b)
}

// hostOf appends a host in lower case, without port and final dot.
func hostOf(b, host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i > 0 && len(host)-i <= 6 && !bytes.Contains(host[i:], []byte("]")) {
		host = host[:i]
	}
	for _, c := range bytes.TrimSuffix(host, []byte(".")) {
		if c-'A' < 26 {
			c |= 0x20
		}
		b = append(b, c)
	}
	return b
}

// template tries the templates of each place under which one could stand.
func (s *Set) template(r *request) (found ID) {
	try := func(h uint64) {
		if !s.uris.filter.has(h) {
			return
		}
		tag := s.uris.tag(h)
		for i, to := s.uris.bucket(h); i < to; i++ {
			id, ok := s.uris.id(i, tag)
			if !ok || found != 0 && id > found {
				continue
			}
			if _, v := s.body.of(id); r.matches(v) {
				found = id
			}
		}
	}
	h := s.seed
	for i := len(r.host) - 1; i >= 0; i-- {
		if r.host[i] == '.' {
			try(finish(h, formEnd))
		}
		h = step(h, r.host[i])
	}
	for _, c := range r.bare {
		if h = step(h, c); c == '/' {
			try(finish(h, formURI))
		}
	}
	return found
}

// request is what templates are compared with.
type request struct {
	host       []byte
	path, bare []byte // with and without query
	cut        bool   // path is longer than what is here
	bareCut    bool
}

func (r *request) matches(template []byte) bool {
	host, path := cutHost(template)
	if !match(host, r.host, isExpandedHost, false) {
		return false
	}
	if bytes.IndexByte(path, '?') >= 0 {
		return match(path, r.path, isExpanded, r.cut)
	}
	return match(path, r.bare, isExpanded, r.bareCut)
}

// places is a set of positions in a text of at most maxPath bytes.
type places [maxPath/64 + 1]uint64

func (p *places) has(i int) bool { return p[i>>6]>>(i&63)&1 != 0 }
func (p *places) add(i int)      { p[i>>6] |= 1 << (i & 63) }

// match compares a text with a template, keeping all the places that can be
// reached, so the time is bounded by the variables times the length. Of a text
// that was cut off only a final star can match the rest.
func match(template, text []byte, expanded func(byte) bool, cut bool) bool {
	if cut && template[len(template)-1] != '*' {
		return false
	}
	lit, star, rest := nextVariable(template)
	if !bytes.HasPrefix(text, lit) {
		return false
	}
	if rest == nil {
		return len(lit) == len(text)
	}
	var at places
	at.add(len(lit))
	first := len(lit)
	for {
		var reach places
		inside := false
		for i := first; i <= len(text); i++ {
			if star {
				reach.add(i) // first is in the set
				continue
			}
			if inside {
				reach.add(i)
			}
			inside = (inside || at.has(i)) && i < len(text) && expanded(text[i])
		}
		var more []byte
		var next bool
		lit, next, more = nextVariable(rest)
		if more == nil { // the end: the last literal must close the text
			end := len(text) - len(lit)
			return end >= first && reach.has(end) && bytes.HasSuffix(text, lit)
		}
		clear(at[:])
		from := -1
		for i := first; i+len(lit) <= len(text); i++ {
			if reach.has(i) && bytes.HasPrefix(text[i:], lit) {
				if at.add(i + len(lit)); from < 0 {
					from = i + len(lit)
				}
			}
		}
		if from < 0 {
			return false
		}
		first, star, rest = from, next, more
	}
}

// nextVariable cuts a template at its first variable; rest is nil without one.
func nextVariable(t []byte) (lit []byte, star bool, rest []byte) {
	i := bytes.IndexAny(t, "*{")
	if i < 0 {
		return t, false, nil
	}
	if t[i] == '*' {
		return t[:i], true, t[i+1:]
	}
	return t[:i], false, t[i+len("{x}"):]
}

// indexTemplates gathers the templates of the list.
func (s *Set) indexTemplates() error {
	var ids []ID
	for id, o := range s.body.all {
		if o.form == formURI && hasVariable(o.value) {
			ids = append(ids, id)
		}
	}
	if !s.uris.fill(len(ids), s.body.n, maxPlaces*maxCrowd, func(put func(h uint64, id ID)) {
		for _, id := range ids {
			_, v := s.body.of(id)
			put(bucket(v, s.seed), id)
		}
	}) {
		return damaged("too many templates at one place")
	}
	return s.onceEach(&s.uris)
}

// crowd counts a template, and reports whether its place still has room.
func (b *Builder) crowd(v *parsed) bool {
	if v.form != formURI || !hasVariable(v.bytes) {
		return true
	}
	key := bucketKey(v.bytes)
	if b.crowds[key] >= maxCrowd {
		return false
	}
	b.crowds[key]++
	return true
}

// back adds the bytes from the last on.
func back(b []byte, h uint64) uint64 {
	for _, c := range slices.Backward(b) {
		h = step(h, c)
	}
	return h
}
