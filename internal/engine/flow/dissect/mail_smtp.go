package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// smtpVerb finds the command of a line of SMTP (RFC 5321 §4.1, RFC 3030 §2,
// RFC 3207, RFC 4954); mailNoop when it is none.
func smtpVerb(line []byte) mailVerb {
	w := word(line)
	for i := range smtpVerbs {
		if fold(w, smtpVerbs[i].word) {
			return smtpVerbs[i].verb
		}
	}
	return mailNoop
}

var smtpVerbs = [...]struct {
	word string
	verb mailVerb
}{
	{"ehlo", mailHello}, {"helo", mailHello}, {"lhlo", mailHello}, {"mail", mailFrom}, {"rcpt", mailTo}, {"data", mailData},
	{"bdat", mailChunk}, {"starttls", mailTLS}, {"auth", mailAuth}, {"rset", mailOther}, {"noop", mailOther}, {"quit", mailOther},
	{"vrfy", mailOther}, {"expn", mailOther}, {"help", mailOther}, {"etrn", mailOther}, {"turn", mailOther}, {"xclient", mailOther},
	{"xforward", mailOther}, {"x-anonymoustls", mailTLS}, {"x-exps", mailAuth}, {"atrn", mailOther}, {"burl", mailOther},
}

// replyCode reads the three digits of a reply; more says that further lines
// belong to it (RFC 5321 §4.2.1).
func replyCode(line []byte) (code int, more bool) {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false
	}
	n, ok := number(line[:3])
	if !ok || n < 100 || n > 599 {
		return 0, false
	}
	return int(n), len(line) > 3 && line[3] == '-'
}

// smtpCommand counts a line of the client and returns how many bytes of a
// chunk follow it.
func (s *mailStream) smtpCommand(w *mailSide, line []byte) int {
	m := s.facts()
	if s.auth { // a line of credentials, which nobody looks at
		return 0
	}
	verb := smtpVerb(line)
	if verb == mailNoop {
		return 0
	}
	m.Commands++
	s.asked.push(verb)
	switch verb {
	case mailTo:
		m.Recipients++
	case mailData:
		m.Messages++
		w.inside = true
	case mailTLS:
		s.tls = true
	case mailAuth:
		m.AuthTries++
		s.auth = true
	case mailChunk:
		return s.smtpChunk(w, line)
	}
	return 0
}

// smtpChunk passes over a chunk of a message (RFC 3030 §2).
func (s *mailStream) smtpChunk(w *mailSide, line []byte) int {
	m := s.facts()
	if !w.chunk {
		m.Messages++
	}
	rest := bytes.TrimLeft(line[4:], " ")
	digits := word(rest)
	n, ok := number(digits)
	w.chunk = !foldContains(rest[len(digits):], "last")
	if !ok || n > maxBody {
		w.chunk = false
		return 0
	}
	m.MessageBytes += n
	return int(n)
}

// smtpReply reads the code of a reply. Only its last line counts.
func (s *mailStream) smtpReply(w *mailSide, line []byte) {
	code, more := replyCode(line)
	if code == 0 {
		return
	}
	m := s.facts()
	greeting := code == 220 && !s.tls && !s.greeted
	if greeting {
		s.greet(line)
	}
	if more || code == 334 { // the last line counts; 334 asks for more credentials
		return
	}
	if other := s.other(w); other.gap && other.inside && code != 354 {
		other.inside, other.gap = false, false
	}
	if s.greeted = true; greeting {
		return
	}
	verb := s.asked.pop()
	if code >= 400 {
		m.Errors++
	}
	switch {
	case code == 220 && s.tls:
		s.startTLS()
		return
	case code == 235:
		m.Authenticated = true
		s.auth = false
	case s.auth && code >= 400:
		m.AuthFailures++
		s.auth = false
	case verb == mailData && code >= 400:
		// Refused: what follows are commands again.
		s.side[0].inside, s.side[1].inside = false, false
		m.Messages -= min(m.Messages, 1)
	case verb == mailTLS && code >= 400:
		s.tls = false
	}
}

// matchSMTP knows a greeting of SMTP by its words or port, and a client by its
// first command.
func matchSMTP(_ int, b []byte, r *record.Record) verdict {
	if v := startsWith(b, "220"); v != no {
		if v == unsure || len(b) < 4 {
			return unsure
		}
		if b[3] != ' ' && b[3] != '-' {
			return no
		}
		if mailPort(r) {
			return yes
		}
		line := b[:min(len(b), maxFirst)]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		} else if len(b) < maxFirst {
			return unsure
		}
		if foldContains(line, "smtp") {
			return yes
		}
		return no
	}
	return anyFold(b, "ehlo ", "helo ", "lhlo ", "mail from:")
}

func mailPort(r *record.Record) bool {
	for _, p := range [...]uint16{25, 587, 465, 2525, 24} {
		if r.DstPort == p || r.SrcPort == p {
			return true
		}
	}
	return false
}

// anyFold tells whether b begins with one of the words, in any case.
func anyFold(b []byte, words ...string) verdict {
	out := no
	for _, w := range words {
		n := min(len(b), len(w))
		if fold(b[:n], w[:n]) {
			if n == len(w) {
				return yes
			}
			out = unsure
		}
	}
	return out
}
