package request

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
)

// Order is what a carrier is ordered, as it is drafted.
type Order struct {
	What  string            `json:"what,omitempty" maxLength:"16000"` // what is done, to which traffic
	Cap   approval.Quantity `json:"cap,omitzero"`                     // of traffic it may touch; zero is no bound
	From  time.Time         `json:"from,omitzero"`
	Until time.Time         `json:"until,omitzero"`
}

// Instruction is what a carrier gets in writing, signed: what to do, how much and
// when, and which approval it rests on. It has no field for grounds, evidence or
// who is harmed. (That of the commission's approvals of selection,
// approval.Instruction, names a line and its directions; here nothing is handed
// over.)
type Instruction struct {
	Number    string            `json:"number"`
	Approval  string            `json:"approval,omitempty"` // of the oversight commission; empty in an emergency
	Emergency bool              `json:"emergency,omitempty"`
	Basis     string            `json:"legal_basis"`
	What      string            `json:"what"`
	Cap       approval.Quantity `json:"cap,omitzero"`
	From      time.Time         `json:"from"`
	Until     time.Time         `json:"until"`
	IssuedAt  time.Time         `json:"issued_at"`
}

// bases are the articles that orders rest on, as they are cited.
var bases = map[approval.Kind]string{approval.PolicePower: "警察官職務執行法 第6条の2", approval.DefencePower: "自衛隊法 第81条の3"}

// signed is an instruction as it stands in a file.
type signed struct {
	Instruction Instruction `json:"instruction"`
	Signature   string      `json:"signature"`
}

const orderHead = "noroshi carrier order v1"

// maxPaper bounds a paper that is opened, in bytes.
const maxPaper = 64 << 10

// ErrPaper is a paper that is none, or that no known authority signed.
var ErrPaper = fault.New(fault.Refused, "request.paper")

func (i Instruction) note() (string, error) {
	raw, err := json.Marshal(i)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return orderHead + "\n" + i.Number + "\n" + hex.EncodeToString(sum[:]) + "\n", nil
}

// Sign returns the instruction with the authority's signature (C2SP signed-note
// over its digest).
func (i Instruction) Sign(s note.Signer) ([]byte, error) {
	text, err := i.note()
	if err != nil {
		return nil, err
	}
	n, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(signed{i, string(n)}, "", "  ")
}

// OpenInstruction reads an instruction that one of the authorities signed. It is
// refused when a byte of it means nothing, or was changed. Fault: ErrPaper.
func OpenInstruction(paper []byte, authorities ...note.Verifier) (Instruction, error) {
	var p signed
	d := json.NewDecoder(bytes.NewReader(paper))
	d.DisallowUnknownFields()
	if len(paper) > maxPaper || d.Decode(&p) != nil {
		return Instruction{}, ErrPaper
	}
	again, err := json.Marshal(p)
	var compact bytes.Buffer
	if err != nil || json.Compact(&compact, paper) != nil || !bytes.Equal(compact.Bytes(), again) {
		return Instruction{}, ErrPaper
	}
	text, err := p.Instruction.note()
	if err != nil {
		return Instruction{}, ErrPaper
	}
	n, err := note.Open([]byte(p.Signature), note.VerifierList(authorities...))
	if err != nil || n.Text != text || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return Instruction{}, ErrPaper
	}
	// Bits of base 64 that mean nothing would make another paper of the same order.
	raw, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64)
	if err != nil || p.Signature != n.Text+"\n— "+n.Sigs[0].Name+" "+base64.StdEncoding.EncodeToString(raw)+"\n" {
		return Instruction{}, ErrPaper
	}
	return p.Instruction, nil
}

func (m *mistakes) order(o Order, now time.Time) Order {
	m.words("order.what", &o.What, maxWords, true)
	o.From, o.Until = o.From.UTC().Truncate(time.Second), o.Until.UTC().Truncate(time.Second)
	if o.From.IsZero() {
		o.From = now.UTC().Truncate(time.Second)
	}
	if !o.Until.After(o.From) || !o.Until.After(now) {
		m.add("order.until", "request.bad.period")
	}
	return o
}
