package approval

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Instruction is what the carrier of a link is given, in writing (P20): which
// approval it rests on, by which article, for which line, how long and how much.
// It has no field for grounds, selectors, targets or recipients.
type Instruction struct {
	Approval   ID        `json:"approval"`
	Kind       Kind      `json:"kind"`
	Basis      string    `json:"legal_basis"`
	Directions Ways      `json:"directions"`
	Link       string    `json:"link"`
	From       time.Time `json:"from"`
	Until      time.Time `json:"until"`
	Cap        Quantity  `json:"cap,omitzero"`
	IssuedAt   time.Time `json:"issued_at"`
}

// bases are the articles of Act 42 of 2025 that kinds rest on.
var bases = map[Kind]string{ForeignForeign: "令和7年法律第42号 第17条", ForeignDomestic: "令和7年法律第42号 第32条", DomesticForeign: "令和7年法律第42号 第33条",
	Agreement: "令和7年法律第42号 第11条から第16条まで", Reidentify: "令和7年法律第42号 第24条"}

func instructionOf(o Order) Instruction {
	return Instruction{Approval: o.ID, Kind: o.Kind, Basis: bases[o.Kind], Directions: o.Directions, Link: o.Link, From: o.From, Until: o.Until, Cap: o.Cap, IssuedAt: o.IssuedAt}
}

// instructedPaper is an instruction as it stands in a file.
type instructedPaper struct {
	Instruction Instruction `json:"instruction"`
	Signature   string      `json:"signature"`
}

const instructionHead = "noroshi selection instruction v1"

func (i Instruction) note() (string, error) {
	raw, err := json.Marshal(i)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return instructionHead + "\n" + i.Approval + "\n" + hex.EncodeToString(sum[:]) + "\n", nil
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
	return json.MarshalIndent(instructedPaper{i, string(n)}, "", "  ")
}

// OpenInstruction reads an instruction that one of the authorities signed.
// Faults: ErrForm, ErrUnsigned, ErrSignature.
func OpenInstruction(paper []byte, authorities ...note.Verifier) (Instruction, error) {
	var p instructedPaper
	if len(paper) > MaxOrder || strict(paper, &p) != nil {
		return Instruction{}, ErrForm
	}
	again, err := json.Marshal(p)
	var compact bytes.Buffer
	if err != nil || json.Compact(&compact, paper) != nil || !bytes.Equal(compact.Bytes(), again) {
		return Instruction{}, ErrForm
	}
	if p.Signature == "" {
		return Instruction{}, ErrUnsigned
	}
	text, err := p.Instruction.note()
	if err != nil {
		return Instruction{}, ErrForm
	}
	n, err := note.Open([]byte(p.Signature), note.VerifierList(authorities...))
	if err != nil || n.Text != text {
		return Instruction{}, ErrSignature
	}
	return p.Instruction, nil
}
