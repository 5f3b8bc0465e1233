package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// mailStream counts what SMTP, IMAP and POP3 do. No word of a message, a
// credential or an address is looked at: only verbs, reply codes and lengths.
type mailStream struct {
	f       record.Facts
	inner   Stream
	side    [2]mailSide
	mail    mailDialect
	asked   mailQueue // commands whose replies are to come
	tls     bool      // STARTTLS was sent
	auth    bool      // an exchange of credentials goes on
	greeted bool      // the server's first reply was seen
	tag     uint64    // hash of the tag of the IMAP command that asks to log in
	tlsAt   uint64    // and of that which asks for TLS
}

// mailDialect is which of the three is spoken.
type mailDialect uint8

const (
	speaksSMTP mailDialect = iota
	speaksIMAP
	speaksPOP
)

type mailSide struct {
	lines
	role   mailRole
	lines0 uint32 // lines without a role
	inside bool   // lines up to a dot alone
	list   bool   // they are no message
	gap    bool   // lines were lost, maybe the end of a message
	chunk  bool   // BDAT
}

type mailRole uint8

const (
	noRole mailRole = iota
	mailClient
	mailServer
)

// maxRoleless is after how many lines that fit neither side one is left alone.
const maxRoleless = 64

func newSMTP(f record.Facts) Stream { return newMail(f, speaksSMTP) }
func newIMAP(f record.Facts) Stream { return newMail(f, speaksIMAP) }
func newPOP(f record.Facts) Stream  { return newMail(f, speaksPOP) }

func newMail(f record.Facts, d mailDialect) Stream {
	if f.Mail == nil {
		f.Mail = &record.Mail{}
	}
	return &mailStream{f: f, mail: d}
}

// facts is where counters go: the record may have been begun anew.
func (s *mailStream) facts() *record.Mail {
	if s.f.Mail == nil {
		s.f.Mail = &record.Mail{}
	}
	return s.f.Mail
}

// Data reads lines; literals and messages are passed over.
func (s *mailStream) Data(side int, at int64, b []byte) int {
	w, done := &s.side[side], 0
	for done < len(b) {
		if s.inner != nil {
			return onward(s.inner.Data(side, at, b[done:]), done)
		}
		line, n, ok := w.next(b[done:])
		if n == 0 {
			return done
		}
		done += n
		switch {
		case w.inside:
			s.inMessage(w, line, n, ok)
		case ok:
			if w.role == noRole && w.lines0 > maxRoleless {
				return Done
			}
			done += s.line(w, line)
		}
	}
	return done
}

// inMessage counts a line of a message and sees where it ends.
func (s *mailStream) inMessage(w *mailSide, line []byte, n int, ok bool) {
	if ok && len(line) == 1 && line[0] == '.' {
		w.inside = false
		if s.mail == speaksSMTP {
			s.asked.push(mailOther) // the message itself is answered too
		}
		return
	}
	if !w.list && (w.role == mailClient || s.mail == speaksPOP) {
		s.facts().MessageBytes += uint64(n)
	}
}

// line reads one line outside of messages and returns how many bytes behind it
// are to be passed over.
func (s *mailStream) line(w *mailSide, line []byte) int {
	if w.role == noRole {
		w.role = s.roleOf(line)
		if w.role == noRole {
			w.lines0++
		}
	}
	switch s.mail {
	case speaksIMAP:
		if w.role == mailServer {
			return s.imapReply(line)
		}
		return s.imapCommand(line)
	case speaksPOP:
		if w.role == mailServer {
			s.popReply(w, line)
		} else {
			s.popCommand(line)
		}
	default:
		if w.role == mailServer {
			s.smtpReply(w, line)
		} else {
			return s.smtpCommand(w, line)
		}
	}
	return 0
}

// roleOf tells client from server by one line.
func (s *mailStream) roleOf(line []byte) mailRole {
	switch s.mail {
	case speaksIMAP:
		if len(line) > 1 && line[0] == '*' && line[1] == ' ' {
			return mailServer
		}
		return mailClient
	case speaksPOP:
		if len(line) > 0 && (line[0] == '+' || line[0] == '-') {
			return mailServer
		}
		if popVerb(line) != mailNoop {
			return mailClient
		}
	default:
		if code, _ := replyCode(line); code > 0 {
			return mailServer
		}
		if smtpVerb(line) != mailNoop {
			return mailClient
		}
	}
	return noRole
}

// startTLS hands both sides over.
func (s *mailStream) startTLS() {
	s.facts().StartTLS = true
	s.inner = newTLS(s.f)
}

// greet reads which program greets, by words that are its own: the whole line
// names the host too and is not kept.
func (s *mailStream) greet(line []byte) {
	if m := s.facts(); m.Greeting.IsZero() {
		a := s.f.Naming.Agent(line)
		if a.Family != record.OtherFamily {
			m.Greeting = a
		}
	}
}

// Lost goes on with what looks like a line. A message may have ended in the
// gap: the next reply tells.
func (s *mailStream) Lost(side int, n uint64) {
	if s.inner != nil {
		s.inner.Lost(side, n)
		return
	}
	w := &s.side[side]
	w.long, w.gap = false, true
	s.asked = mailQueue{}
}

// End is for what a connection turned into; counters are in the record.
func (s *mailStream) End() {
	if s.inner != nil {
		s.inner.End()
	}
}

// mailVerb is a command that matters.
type mailVerb uint8

const (
	mailNoop mailVerb = iota
	mailOther
	mailHello
	mailFrom
	mailTo
	mailData
	mailChunk
	mailTLS
	mailAuth
	mailPass // POP3: the second half of USER
	mailFetch
	mailList
)

// mailQueue holds the commands of a client that still wait for a reply. What
// is over its bound is forgotten, oldest first.
type mailQueue struct {
	verbs [16]mailVerb
	head  uint8
	count uint8
}

func (q *mailQueue) push(v mailVerb) {
	if int(q.count) == len(q.verbs) {
		q.pop()
	}
	q.verbs[(q.head+q.count)%uint8(len(q.verbs))] = v
	q.count++
}

func (q *mailQueue) pop() mailVerb {
	if q.count == 0 {
		return mailNoop
	}
	v := q.verbs[q.head]
	q.head, q.count = (q.head+1)%uint8(len(q.verbs)), q.count-1
	return v
}

// word is the first word of a line.
func word(line []byte) []byte {
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		return line[:i]
	}
	return line
}

// other is the opposite side.
func (s *mailStream) other(w *mailSide) *mailSide {
	if w == &s.side[0] {
		return &s.side[1]
	}
	return &s.side[0]
}
