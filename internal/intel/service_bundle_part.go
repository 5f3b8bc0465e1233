package intel

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
)

// PackInput says what a bundle is to carry. Without For and Answers it carries
// feeds alone.
type PackInput struct {
	For     string    // whose letters go along: an organisation; with Answers the hub they are for
	To      string    // age recipient (age1…) to whom the part is sealed; may be empty
	Answers bool      // answers go back, and no feeds
	Since   time.Time // feeds: only what was written since; zero is everything
}

// Packed is a part of a bundle before it is sealed.
type Packed struct {
	Lines   []byte // one JSON value a line
	Records int    // lines
	To      string // age recipient; empty: it goes open
}

// Unpacked is a part of a bundle that was verified and opened.
type Unpacked struct {
	Origin   string    // name of the hub that made it
	Key      string    // its public key, by which the bundle was verified
	Sequence int64     // number of the bundle
	MadeAt   time.Time // by the clock of the hub that made it
	Lines    []byte    // one JSON value a line
}

// PartTaken is what came of a part.
type PartTaken struct {
	Folder  string `json:"folder"`
	New     int    `json:"new"`
	Changed int    `json:"changed"` // withdrawn or corrected by it
	Same    int    `json:"same"`    // known before
}

// BundlePart is what another noun carries in a folder of its own. It asks its
// own table who may, and keeps its own acts.
type BundlePart interface {
	// Folder is the folder: a word of small letters, of no other part.
	Folder() string
	// May reports whether who acts may make it, or take it.
	May(ctx context.Context, taking bool) bool
	// Pack makes it in one act, in which it calls number once. Who may not is
	// refused, on record, before number is called.
	Pack(ctx context.Context, in PackInput, number func(context.Context, *db.Tx) (int64, error)) (Packed, error)
	// Take takes it whole or not at all, in one act, which done belongs to.
	// Taking it twice changes nothing more.
	Take(ctx context.Context, in Unpacked, done func(context.Context, *db.Tx) error) (PartTaken, error)
}

// Folders of the parts that a request can ask for.
const (
	LettersFolder = "notices"
	AnswersFolder = "answers"
)

// maxPart bounds a part, opened: 64 MiB.
const maxPart = 64 << 20

const sealedAge = "age"

// part finds the part that a request asks for; nil when it asks for none.
func (s *Service) part(in *PackInput) (BundlePart, error) {
	if in.For == "" && !in.Answers {
		if in.To != "" {
			return nil, fault.New(fault.Usage, "intel.bundle.to_alone")
		}
		return nil, nil
	}
	folder := LettersFolder
	if in.Answers {
		folder = AnswersFolder
	}
	if in.To != "" {
		if _, err := age.ParseX25519Recipient(in.To); err != nil {
			return nil, fault.New(fault.Usage, "intel.bundle.to").Because(err)
		}
	}
	i := slices.IndexFunc(s.Parts, func(p BundlePart) bool { return p.Folder() == folder })
	if i < 0 {
		return nil, fault.New(fault.Usage, "intel.bundle.no_part")
	}
	return s.Parts[i], nil
}

func (s *Service) mayTakePart(ctx context.Context) bool {
	return slices.ContainsFunc(s.Parts, func(p BundlePart) bool { return p.May(ctx, true) })
}

// foundPart is a part with its file in a bundle.
type foundPart struct {
	BundlePart
	file BundleFile
}

// partsOf finds the parts of a bundle; files that nobody here reads are named
// as left out.
func (s *Service) partsOf(m *Manifest, out *Bundled) (list []foundPart, err error) {
	for _, f := range m.Files {
		folder, _, _ := strings.Cut(f.Name, "/")
		if folder == "feeds" {
			continue
		}
		i := slices.IndexFunc(s.Parts, func(p BundlePart) bool { return p.Folder() == folder })
		if i < 0 {
			out.Left = append(out.Left, f.Name)
			continue
		}
		if f.Size > 2*maxPart || f.Sealed != "" && f.Sealed != sealedAge || slices.ContainsFunc(list, func(p foundPart) bool { return p.Folder() == folder }) {
			return nil, broken("part " + f.Name)
		}
		list = append(list, foundPart{s.Parts[i], f})
	}
	return list, nil
}

// open reads a part, with the identity when it is sealed.
func (p foundPart) open(m *Manifest, dir, key, identity string) (u Unpacked, err error) {
	u = Unpacked{Origin: m.Origin, Key: key, Sequence: m.Sequence, MadeAt: m.MadeAt}
	file, err := os.Open(placeOf(dir, p.file.Name))
	if err != nil {
		return u, err
	}
	defer file.Close()
	in := io.Reader(file)
	if p.file.Sealed == sealedAge {
		if identity == "" {
			return u, fault.New(fault.Usage, "intel.bundle.sealed")
		}
		id, err := age.ParseX25519Identity(identity)
		if err != nil { // the cause would hold the secret
			return u, fault.New(fault.Usage, "intel.bundle.identity")
		}
		if in, err = age.Decrypt(file, id); err != nil {
			return u, fault.New(fault.Invalid, "intel.bundle.other_identity").Because(err)
		}
	}
	if u.Lines, err = io.ReadAll(io.LimitReader(in, maxPart+1)); err != nil {
		return u, ErrBundle.Because(err)
	}
	if len(u.Lines) > maxPart {
		return u, broken("part is too large")
	}
	return u, nil
}

// write writes a part to its file, sealed when it is for somebody.
func (p *Packed) write(folder, dir string) (f BundleFile, err error) {
	f = BundleFile{Name: folder + "/" + folder + ".jsonl", Records: p.Records}
	body := p.Lines
	if len(body) > maxPart {
		return f, fault.New(fault.TooLarge, "intel.bundle.large", "mb", maxPart>>20)
	}
	if p.To != "" {
		to, err := age.ParseX25519Recipient(p.To)
		if err != nil {
			return f, fault.New(fault.Usage, "intel.bundle.to").Because(err)
		}
		var b bytes.Buffer
		w, err := age.Encrypt(&b, to)
		if err != nil {
			return f, err
		}
		if _, err := w.Write(body); err != nil {
			return f, err
		}
		if err := w.Close(); err != nil {
			return f, err
		}
		f.Sealed, body = sealedAge, b.Bytes()
	}
	sum := sha256.Sum256(body)
	f.Size, f.SHA256 = int64(len(body)), hex.EncodeToString(sum[:])
	return f, os.WriteFile(placeOf(dir, f.Name), body, 0o600)
}

const identityHead = "AGE-SECRET-KEY-1"

// splitIdentity takes an age identity off a body that begins with one, on a
// line by itself: an address would be written to logs.
func splitIdentity(body io.Reader) (string, io.Reader, error) {
	r := bufio.NewReaderSize(body, 4096)
	head, _ := r.Peek(len(identityHead)) // shorter: it is no bundle either
	if string(head) != identityHead {
		return "", r, nil
	}
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", nil, fault.New(fault.Usage, "intel.bundle.identity")
	}
	return strings.TrimSpace(string(line)), r, nil
}
