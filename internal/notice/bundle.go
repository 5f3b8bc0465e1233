package notice

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Letters go into a closed network in a bundle, and answers come back in one
// (noroshi/internal/intel, BundlePart). Each is one head and then one value a
// line. A letter on the closed hub is from "file:ORIGIN", an owner that nobody
// signs in for: it has a key, no people and no board.

// ClosedNetwork is an organisation whose people read no hub but their own,
// behind a network without a way out. The hub's admin says so.
type ClosedNetwork struct {
	Org    string    `json:"org"`
	Name   string    `json:"name"`
	Number string    `json:"number"`       // corporate number, by which the closed hub finds it
	Key    string    `json:"key"`          // public key of its hub (ledger.vkey): signs its answers
	To     string    `json:"to,omitempty"` // age recipient that its letters are sealed to
	At     time.Time `json:"at"`           // when it was entered
}

// ClosedInput is what the hub's admin enters of a closed network.
type ClosedInput struct {
	Key string `json:"key" maxLength:"400" doc:"Public key of the closed hub: what stands in its ledger.vkey"`
	To  string `json:"to,omitempty" maxLength:"200" doc:"age recipient (age1...) its letters are sealed to; empty: given with each bundle"`
}

// Digest is what a bundle says of a file of evidence, which itself stays.
type Digest struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

const (
	lettersFormat = "noroshi-letters/1"
	answersFormat = "noroshi-answers/1"
	filePrefix    = "file:"
	maxCarried    = 5000 // letters of one bundle, the last changed first
	maxAhead      = 48 * time.Hour
)

// byFile is put behind the name of a sender whose letter came in a file.
var byFile = text.Both{JA: "（ファイルで）", EN: " (by file)"}

// letterHead begins a file of letters.
type letterHead struct {
	Format string    `json:"format"`
	Number string    `json:"number"` // of the organisation they are for
	Sender text.Both `json:"sender"` // name of who wrote them
}

// carriedLetter is a letter as its recipient may see it.
type carriedLetter struct {
	ID         ID          `json:"id"`
	Notice     ID          `json:"notice"`
	Number     string      `json:"number"`
	Stage      Stage       `json:"stage"`
	SentAt     time.Time   `json:"sent_at"`
	EndedAt    time.Time   `json:"ended_at,omitzero"`
	EndedWhy   string      `json:"ended_why,omitempty"`
	ReplacedBy ID          `json:"replaced_by,omitempty"` // notice of the correction, when it is in the file too
	Content    Content     `json:"content"`
	Kinds      []Kind      `json:"versions"`
	Why        []text.Both `json:"why"`
	Devices    int         `json:"devices,omitempty"`
}

// answerHead begins a file of answers.
type answerHead struct {
	Format string `json:"format"`
	To     string `json:"to"` // name of the hub whose letters are answered
}

// carriedAnswers are the answers to one letter.
type carriedAnswers struct {
	Letter   ID              `json:"letter"`
	OpenedAt time.Time       `json:"opened_at,omitzero"`
	Files    []Digest        `json:"files,omitempty"` // all of the letter
	Answers  []carriedAnswer `json:"answers"`
}

// carriedAnswer is one answer. Place counts all answers to the letter from 1,
// so that one that is missing is seen.
type carriedAnswer struct {
	Place   int       `json:"place"`
	ID      string    `json:"id"`
	State   State     `json:"state"`
	At      time.Time `json:"at"`
	Note    string    `json:"note,omitempty"`
	Date    string    `json:"date,omitempty"`
	Interim string    `json:"interim,omitempty"`
}

// answerID is the id of an answer that came by file: it sorts by when the
// answer was given, and is the same however often the file is taken.
func answerID(letter ID, a *carriedAnswer) string {
	sum := sha256.Sum256([]byte("noroshi answer by file\x00" + letter + "\x00" + a.ID))
	var id uuid.UUID
	ms := a.At.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	id[6], id[7] = 0x70|byte(a.Place>>8)&0x0f, byte(a.Place) // RFC 9562 section 5.7
	copy(id[8:], sum[:8])
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// maxLine bounds one line of a part, in bytes.
const maxLine = 4 << 20

// brokenLine says at which line a part cannot be used. The file was signed by
// the key that was given, so whoever made it has to look.
func brokenLine(n int, why error) error {
	return fault.New(fault.Invalid, "notice.bundle.line", "n", n).Because(why)
}

// eachLine reads the head of a part and then calls each with every line after
// it, counted from 2.
func eachLine(lines []byte, head any, each func(n int, raw []byte) error) error {
	s := bufio.NewScanner(bytes.NewReader(lines))
	s.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for s.Scan() {
		n++
		if n > maxCarried+1 {
			return brokenLine(n, errors.New("too many lines"))
		}
		if n == 1 {
			if err := strictly(s.Bytes(), head); err != nil {
				return brokenLine(n, err)
			}
			continue
		}
		if err := each(n, s.Bytes()); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return brokenLine(n+1, err)
	}
	if n == 0 {
		return brokenLine(1, errors.New("empty"))
	}
	return nil
}

// strictly decodes one value. A key nobody knows is from a later version, of
// which part would be lost: it is refused.
func strictly(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value")
	}
	return nil
}

// letterLines reads a file of letters and holds each against the rules that
// hold for everybody who writes one.
func (r *RuleSet) letterLines(lines []byte, now time.Time) (head letterHead, out []carriedLetter, err error) {
	seen := map[ID]bool{}
	err = eachLine(lines, &head, func(n int, raw []byte) error {
		var l carriedLetter
		if err := strictly(raw, &l); err != nil {
			return brokenLine(n, err)
		}
		c, err := r.Normal(l.Content, now.Add(maxAhead))
		if err != nil {
			return brokenLine(n, err)
		}
		var p problems
		why := p.why("/why", l.Why)
		known := l.Stage == Sent || l.Stage == Withdrawn || l.Stage == Corrected
		if len(p) > 0 || !known || uuid.Validate(l.ID) != nil || uuid.Validate(l.Notice) != nil || l.ReplacedBy != "" && uuid.Validate(l.ReplacedBy) != nil ||
			l.Number == "" || len(l.Number) != 11 || noticeNumber(l.Number) != l.Number || l.SentAt.IsZero() || l.SentAt.After(now.Add(maxAhead)) || l.EndedAt.After(now.Add(maxAhead)) ||
			(l.Stage == Sent) != l.EndedAt.IsZero() || len([]rune(l.EndedWhy)) > maxWords || l.Devices < 0 || len(versionsOf(&c, l.Kinds)) == 0 || len(l.Kinds) == 0 || seen[l.ID] || seen[l.Notice] {
			return brokenLine(n, fmt.Errorf("letter %.40s", l.ID))
		}
		seen[l.ID], seen[l.Notice] = true, true
		l.Kinds = versionsOf(&c, l.Kinds)
		l.Content, l.Why = c.Only(l.Kinds), why
		out = append(out, l)
		return nil
	})
	if err == nil && (head.Format != lettersFormat || head.Sender.JA == "" || len([]rune(head.Sender.JA+head.Sender.EN)) > 2*maxTitle) {
		err = brokenLine(1, errors.New("head"))
	}
	return head, out, err
}

// answerLines reads a file of answers; what they say is held against the rules
// where they are recorded.
func answerLines(lines []byte) (head answerHead, out []carriedAnswers, err error) {
	seen := map[ID]bool{}
	err = eachLine(lines, &head, func(n int, raw []byte) error {
		var l carriedAnswers
		if err := strictly(raw, &l); err != nil {
			return brokenLine(n, err)
		}
		if len(l.Answers) == 0 || len(l.Answers) > maxAnswers || len(l.Files) > maxEvidence || seen[l.Letter] {
			return brokenLine(n, errors.New("answers"))
		}
		for i, a := range l.Answers {
			if a.Place < 1 || a.Place > maxAnswers || i > 0 && a.Place != l.Answers[i-1].Place+1 || uuid.Validate(a.ID) != nil || a.At.IsZero() {
				return brokenLine(n, errors.New("order of answers"))
			}
		}
		for _, f := range l.Files {
			if len(f.SHA256) != 64 || strings.Trim(f.SHA256, "0123456789abcdef") != "" || f.Size < 0 || len([]rune(f.Name)) > 255 {
				return brokenLine(n, errors.New("digest"))
			}
		}
		seen[l.Letter] = true
		out = append(out, l)
		return nil
	})
	if err == nil && head.Format != answersFormat {
		err = brokenLine(1, errors.New("head"))
	}
	return head, out, err
}
