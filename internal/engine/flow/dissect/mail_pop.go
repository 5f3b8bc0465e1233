package dissect

import "noroshi/internal/engine/flow/record"

// popVerb finds the command of a line of POP3 (RFC 1939, RFC 2449, RFC 2595,
// RFC 5034).
func popVerb(line []byte) mailVerb {
	w := word(line)
	for i := range popVerbs {
		if fold(w, popVerbs[i].word) {
			if popVerbs[i].verb == mailList && len(line) > len(w) && w[0]|0x20 != 'c' {
				return mailOther // of one message: one line
			}
			return popVerbs[i].verb
		}
	}
	return mailNoop
}

var popVerbs = [...]struct {
	word string
	verb mailVerb
}{
	{"user", mailOther}, {"pass", mailPass}, {"apop", mailPass}, {"auth", mailAuth}, {"stls", mailTLS}, {"retr", mailFetch}, {"top", mailFetch},
	{"list", mailList}, {"uidl", mailList}, {"capa", mailList}, {"stat", mailOther}, {"dele", mailOther}, {"noop", mailOther},
	{"rset", mailOther}, {"quit", mailOther}, {"last", mailOther}, {"utf8", mailOther}, {"lang", mailOther},
}

// popCommand counts a line of the client.
func (s *mailStream) popCommand(line []byte) {
	m := s.facts()
	if s.auth {
		return // a line of credentials
	}
	verb := popVerb(line)
	if verb == mailNoop {
		if len(line) == 0 {
			return
		}
		verb = mailOther // unknown, and answered all the same
	}
	m.Commands++
	s.asked.push(verb)
	switch verb {
	case mailPass:
		m.AuthTries++
	case mailAuth:
		m.AuthTries++
		s.auth = true
	}
}

// popReply reads +OK and -ERR, and whether lines follow.
func (s *mailStream) popReply(w *mailSide, line []byte) {
	m := s.facts()
	switch {
	case foldPrefix(line, "+ok"):
		if m.Commands == 0 {
			s.greet(line)
			return
		}
		switch s.asked.pop() {
		case mailPass, mailAuth:
			m.Authenticated, s.auth = true, false
		case mailTLS:
			s.startTLS()
		case mailFetch:
			m.Messages++
			w.inside, w.list = true, false
		case mailList:
			w.inside, w.list = true, true
		}
	case foldPrefix(line, "-err"):
		m.Errors++
		switch s.asked.pop() {
		case mailPass, mailAuth:
			m.AuthFailures++
			s.auth = false
		}
	}
}

// matchPOP knows the greeting, and a client by the port and its first command.
func matchPOP(_ int, b []byte, r *record.Record) verdict {
	if v := anyFold(b, "+ok"); v != no {
		return v
	}
	if r.DstPort != 110 && r.SrcPort != 110 {
		return no
	}
	return anyFold(b, "user ", "capa", "apop ", "stls", "auth", "quit")
}
