package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// imapCommand counts a line of the client (RFC 9051 §6): a tag, then a verb.
// Its literal is passed over (§4.3).
func (s *mailStream) imapCommand(line []byte) int {
	m := s.facts()
	literal := imapLiteral(line)
	tag := word(line)
	rest := bytes.TrimLeft(line[len(tag):], " ")
	verb := word(rest)
	if fold(verb, "uid") {
		rest = bytes.TrimLeft(rest[len(verb):], " ")
		verb = word(rest)
	}
	switch {
	case len(tag) == 0 || len(verb) == 0 || s.auth || !token(verb):
		// what follows a literal, or a line of credentials
	case fold(verb, "login"), fold(verb, "authenticate"):
		m.Commands++
		m.AuthTries++
		s.tag = tagHash(tag)
		s.auth = fold(verb, "authenticate")
	case fold(verb, "starttls"):
		m.Commands++
		s.tlsAt = tagHash(tag)
	case fold(verb, "append"):
		m.Commands++
		m.Messages++
		m.MessageBytes += uint64(literal)
	default:
		m.Commands++
	}
	return literal
}

// imapReply reads a line of the server: greeting, tagged result or data with
// messages as literals.
func (s *mailStream) imapReply(line []byte) int {
	m := s.facts()
	literal := imapLiteral(line)
	tag := word(line)
	rest := bytes.TrimLeft(line[len(tag):], " ")
	result := word(rest)
	switch {
	case len(tag) == 1 && tag[0] == '*':
		if m.Commands == 0 && (fold(result, "ok") || fold(result, "preauth")) {
			s.greet(line)
			m.Authenticated = m.Authenticated || fold(result, "preauth")
		}
		if literal > 0 && foldContains(rest, " fetch ") {
			m.Messages++
			m.MessageBytes += uint64(literal)
		}
	case len(tag) == 0 || tag[0] == '+' || tag[0] == ')' || tag[0] == ' ':
	case fold(result, "ok"):
		h := tagHash(tag)
		if h == s.tag && s.tag != 0 {
			m.Authenticated, s.auth, s.tag = true, false, 0
		}
		if h == s.tlsAt && s.tlsAt != 0 {
			s.startTLS()
		}
	case fold(result, "no"), fold(result, "bad"):
		m.Errors++
		h := tagHash(tag)
		if h == s.tag && s.tag != 0 {
			m.AuthFailures++
			s.auth, s.tag = false, 0
		}
		if h == s.tlsAt {
			s.tlsAt = 0
		}
	}
	return literal
}

// imapLiteral is how many bytes a literal at the end of a line announces.
func imapLiteral(line []byte) int {
	k := len(line)
	if k < 3 || line[k-1] != '}' {
		return 0
	}
	k--
	if line[k-1] == '+' || line[k-1] == '-' {
		k--
	}
	open := bytes.LastIndexByte(line[:k], '{')
	if open < 0 {
		return 0
	}
	n, ok := number(line[open+1 : k])
	if !ok || n > maxBody {
		return 0
	}
	return int(n)
}

// tagHash is FNV-1a of a tag, which is only compared.
func tagHash(tag []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range tag {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// matchIMAP knows the greeting, and a client by a tag and its first command.
func matchIMAP(_ int, b []byte, r *record.Record) verdict {
	if v := anyFold(b, "* ok", "* preauth", "* bye "); v != no {
		return v
	}
	if r.DstPort != 143 && r.SrcPort != 143 {
		return no
	}
	line := b[:min(len(b), 80)]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	} else if len(line) < 80 && printableLine(line) {
		return unsure
	}
	for _, verb := range [...]string{" capability", " login ", " id ", " starttls", " authenticate "} {
		if foldContains(line, verb) {
			return yes
		}
	}
	return no
}

func printableLine(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\r' && c != '\t' || c > 0x7e {
			return false
		}
	}
	return true
}
