package selection

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector/sieve"
)

// Ended is why a run ended.
type Ended string

// The ends of a run.
const (
	EndInput      Ended = "end_of_input"
	EndCap        Ended = "cap_reached"
	EndPeriod     Ended = "period_over"   // a packet from after the period
	EndBefore     Ended = "before_period" // a packet from before it, after others within
	EndWithdrawn  Ended = "withdrawn"     // the approval was taken back in mid-run
	EndExpired    Ended = "expired"
	EndStopped    Ended = "stopped"       // somebody stopped the program
	EndUnreadable Ended = "unreadable"    // a source broke off, or is no capture
	EndOutput     Ended = "output_failed" // what was selected could not be written, and was destroyed
)

var allEnds = []Ended{EndInput, EndCap, EndPeriod, EndBefore, EndWithdrawn, EndExpired, EndStopped, EndUnreadable, EndOutput}

// Dropped is what was not selected and is gone, by why.
type Dropped struct {
	Domestic   sieve.Amount `json:"domestic"`
	Direction  sieve.Amount `json:"direction"`
	Unknown    sieve.Amount `json:"unknown"`
	Unselected sieve.Amount `json:"unselected"`
	Malformed  sieve.Amount `json:"malformed"`
	Cap        sieve.Amount `json:"cap"`
}

// Sum is all of it.
func (d *Dropped) Sum() sieve.Amount {
	return d.Domestic.Plus(d.Direction).Plus(d.Unknown).Plus(d.Unselected).Plus(d.Malformed).Plus(d.Cap)
}

// Chosen is what one selector, or all of them, selected.
type Chosen struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	Records uint64 `json:"records"`
}

// Selected is what was kept.
type Selected struct {
	Chosen
	BySelector map[string]Chosen `json:"by_selector"` // by public id
}

// Hashes are SHA-256, in hex: of the order's file, of the list and the prefixes as
// they lie beside the statement, of the program that ran, and of what it wrote; of
// the journal as it was when the run began. Digest is that of the order's canonical
// form, which its signature covers; at a hub, where an order is no file, it stands
// in Order. Guard is the program's own table of prefixes, where another one was used
// that could add to what is domestic and take nothing away. Program is empty where it could not be read, Vault and Journal without
// one.
type Hashes struct {
	Order     string `json:"order"`
	Digest    string `json:"order_digest,omitempty"`
	Selectors string `json:"selectors"`
	Prefixes  string `json:"prefixes"`
	Program   string `json:"program"`
	Output    string `json:"output"`
	Guard     string `json:"guard,omitempty"`
	Vault     string `json:"vault,omitempty"`
	Journal   string `json:"journal,omitempty"`
}

// Input is what the sources were like: how many, and what they had that could not
// be handed on as packets, and so is not in Seen.
type Input struct {
	Sources   int   `json:"sources"`
	Lost      int64 `json:"lost,omitempty"`      // packets that the capturing system dropped
	Truncated int64 `json:"truncated,omitempty"` // cut off by the end of the input
	Oversize  int64 `json:"oversize,omitempty"`  // longer than any packet
	Damaged   int64 `json:"damaged,omitempty"`   // lengths that contradict each other
}

// Destruction is how long what was not selected stayed in memory, in
// microseconds: the longest a batch of packets did, the longest any payload of an
// undecided communication did, and 99 of 100 of those.
type Destruction struct {
	Batch   int64 `json:"batch_us"`
	Longest int64 `json:"longest_us"`
	P99     int64 `json:"p99_us"`
}

// Statement is what a run says of itself when it ends. Seen = Dropped + Selected,
// in packets and in bytes on the wire. It is signed by who carried out the run.
type Statement struct {
	Form        string              `json:"form"`
	Run         string              `json:"run"`
	Order       string              `json:"order"` // id of the approval
	Kind        approval.Kind       `json:"kind"`
	Authority   string              `json:"authority"` // name of the key that signed the order
	Directions  []geo.Class         `json:"directions"`
	Link        string              `json:"link"`
	BegunAt     time.Time           `json:"begun_at"`
	EndedAt     time.Time           `json:"ended_at"`
	Ended       Ended               `json:"ended"`
	First       time.Time           `json:"first_packet,omitzero"` // earliest and latest time of what was seen
	Last        time.Time           `json:"last_packet,omitzero"`
	Seen        sieve.Amount        `json:"seen"`
	Dropped     Dropped             `json:"dropped"`
	TunnelPort  sieve.Amount        `json:"tunnel_port,omitzero"` // of Dropped.Unknown: only because a port is a tunnel's, perhaps by chance
	Selected    Selected            `json:"selected"`
	Before      approval.Quantity   `json:"used_before"` // of the cap, by other runs
	RetainUntil time.Time           `json:"retain_until"`
	Fields      []string            `json:"fields"`
	Addresses   string              `json:"addresses"`
	Pseudonyms  string              `json:"pseudonyms"` // id of the key they can be opened with; "forgotten" without
	DestroyedAt time.Time           `json:"destroyed_at"`
	Stay        Destruction         `json:"stay"`
	Input       Input               `json:"input"`
	MadeUp      map[string][]string `json:"made_up,omitempty"`    // networks declared domestic or foreign for a trial
	PrefixesOf  time.Time           `json:"prefixes_of,omitzero"` // day of the table that said what is domestic, where it tells
	Strict      bool                `json:"strict,omitempty"`     // an address on no list of prefixes was unknown
	Overridden  int                 `json:"overridden,omitempty"` // selectors of the list that meet a warning and were taken nevertheless
	Executor    string              `json:"executor"`             // verifier of the key that signed
	ExecutorKey string              `json:"executor_key"`         // "given", or "run": made for this run and forgotten
	Hashes      Hashes              `json:"hashes"`
	Signature   string              `json:"signature"`
}

// Taken is what counts against the cap: what passed the check of direction.
func (s *Statement) Taken() sieve.Amount {
	return s.Dropped.Unselected.Plus(sieve.Amount{Packets: s.Selected.Packets, Bytes: s.Selected.Bytes})
}

// forgot reports whether there are records whose pseudonyms nobody can open.
func (s *Statement) forgot() bool {
	return s.Pseudonyms == "forgotten" && s.Selected.Records > 0 && (s.Addresses == "pseudonym" || slices.Contains(s.Fields, "name"))
}

// staleTable is from when on a table of prefixes is called old.
const staleTable = 180 * 24 * time.Hour

// StatementForm is the first line of what is signed.
const StatementForm = "noroshi selection statement v1"

// maxStatement bounds a statement's file: a selector takes 120 bytes of it.
const maxStatement = 1 << 30

// Faults of statements and their keys.
var (
	ErrStatement = fault.New(fault.Invalid, "selection.statement") // not one, or not as it was written
	ErrKey       = fault.New(fault.Usage, "selection.key")         // not a key for signing
	ErrVerifier  = fault.New(fault.Usage, "selection.verifier")    // not a key for verifying
)

// encode is the statement as it stands in its file.
func (s *Statement) encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		panic("BUG: selection: a statement that JSON cannot hold: " + err.Error())
	}
	return b.Bytes()
}

// text is what is signed: the statement's form, its run and the SHA-256 of its file
// with an empty signature.
func (s Statement) text() string {
	s.Signature = ""
	sum := sha256.Sum256(s.encode())
	return StatementForm + "\n" + s.Run + "\n" + hex.EncodeToString(sum[:]) + "\n"
}

// Executor is the key of who carries out runs.
type Executor struct {
	signer   note.Signer
	verifier string
	given    bool
}

// NewExecutor makes a key for one run; nothing keeps it.
func NewExecutor(run string) (*Executor, error) {
	secret, verifier, err := note.GenerateKey(rand.Reader, keyName(run))
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	return &Executor{signer, verifier, false}, err
}

// keyName is a name as notes allow it: without spaces and plus signs.
func keyName(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '+' || r > '~' {
			return '-'
		}
		return r
	}, s)
}

// ReadExecutor reads a key as "selection key" writes it. ErrKey.
func ReadExecutor(secret []byte) (*Executor, error) {
	text := strings.TrimSpace(string(secret))
	signer, err := note.NewSigner(text)
	if err != nil {
		return nil, ErrKey.Because(err)
	}
	verifier, err := verifierOf(text)
	if err != nil {
		return nil, ErrKey.Because(err)
	}
	return &Executor{signer, verifier, true}, nil
}

// verifierOf derives the verifier of a signer's key of x/mod/sumdb/note:
// PRIVATE+KEY+name+hash+base64 of 1 and the 32 bytes of an Ed25519 seed.
func verifierOf(secret string) (string, error) {
	part := strings.SplitN(secret, "+", 5)
	if len(part) != 5 {
		return "", ErrKey
	}
	raw, err := base64.StdEncoding.DecodeString(part[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return "", ErrKey
	}
	defer clear(raw)
	public := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(part[2], public)
}

// Verifier is the public half, as notes write it.
func (e *Executor) Verifier() string { return e.verifier }

// ReadVerifier reads the public half of a key. ErrVerifier.
func ReadVerifier(raw []byte) (note.Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, ErrVerifier.Because(err)
	}
	return v, nil
}

// sign completes the statement.
func (e *Executor) sign(s *Statement) error {
	s.Executor, s.ExecutorKey, s.Signature = e.verifier, "run", ""
	if e.given {
		s.ExecutorKey = "given"
	}
	signed, err := note.Sign(&note.Note{Text: s.text()}, e.signer)
	s.Signature = string(signed)
	return err
}

// ReadStatement reads a statement's file and checks the signature by the key that
// it names; whose key that is says Verify. ErrStatement for any byte that the
// program would not have written there.
func ReadStatement(raw []byte) (Statement, error) {
	var s Statement
	if len(raw) > maxStatement {
		return s, ErrStatement
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, ErrStatement.Because(err)
	}
	if _, err := d.Token(); err != io.EOF || s.Form != StatementForm || !bytes.Equal(s.encode(), raw) {
		return s, ErrStatement
	}
	v, err := note.NewVerifier(s.Executor)
	if err != nil {
		return s, ErrStatement.Because(err)
	}
	n, err := note.Open([]byte(s.Signature), note.VerifierList(v))
	if err != nil || n.Text != s.text() || s.Signature != onlySignature(n) {
		return s, ErrStatement.Because(err)
	}
	return s, nil
}

// onlySignature is the one way to write a note with one signature: a second one, or
// bits of base 64 that mean nothing, would be an edit that nobody sees.
func onlySignature(n *note.Note) string {
	one := n.Sigs[0]
	raw, err := base64.StdEncoding.Strict().DecodeString(one.Base64)
	if err != nil {
		return ""
	}
	return n.Text + "\n— " + one.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// madeUp says which networks a table takes for domestic or foreign that no
// registry gives out; nil for none.
func (p *Prefixes) madeUp() map[string][]string {
	list := func(all []netip.Prefix) (out []string) {
		for _, q := range all {
			out = append(out, q.String())
		}
		return out
	}
	m := map[string][]string{}
	if len(p.own) > 0 {
		m["domestic"] = list(p.own)
	}
	if len(p.away) > 0 {
		m["foreign"] = list(p.away)
	}
	if len(m) == 0 {
		return nil
	}
	return m
}
