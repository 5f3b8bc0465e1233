package csaf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"noroshi/internal/base/fault"
)

// keyring holds the provider's keys, and whether a signature is asked for.
type keyring struct {
	list openpgp.EntityList
	must bool // every document has to be signed
	hash bool // and hashed
}

// keys fetches the keys the metadata announces. A key whose fingerprint is
// another than announced, or that is not pinned, does not count.
func (p *Provider) keys(ctx context.Context, res *Result) keyring {
	ring := keyring{must: res.Metadata.Trusted() || len(p.Pins) > 0, hash: res.Metadata.Trusted()}
	for _, k := range res.Metadata.Keys {
		raw, err := p.bytes(ctx, k.URL, maxKey)
		if err != nil {
			res.issue(k.URL, err)
			continue
		}
		list, err := ReadKeys(raw)
		if err != nil {
			res.issue(k.URL, err)
			continue
		}
		for _, e := range list {
			fp := fingerprint(e)
			switch {
			case k.Fingerprint != "" && fp != k.Fingerprint:
				res.issue(k.URL, fault.New(fault.Invalid, "csaf.key_other", "got", fp, "want", k.Fingerprint))
			case len(p.Pins) > 0 && !slices.ContainsFunc(p.Pins, func(pin string) bool { return strings.EqualFold(strings.ReplaceAll(pin, " ", ""), fp) }):
				res.issue(k.URL, fault.New(fault.Invalid, "csaf.key_not_pinned", "got", fp))
			default:
				ring.list = append(ring.list, e)
			}
		}
	}
	return ring
}

// ReadKeys reads OpenPGP public keys, armored or not. The error is a fault
// (csaf.key_unreadable).
func ReadKeys(raw []byte) (openpgp.EntityList, error) {
	read := openpgp.ReadKeyRing
	if bytes.Contains(raw, []byte("-----BEGIN PGP")) {
		read = openpgp.ReadArmoredKeyRing
	}
	list, err := read(bytes.NewReader(raw))
	if err != nil || len(list) == 0 {
		return nil, fault.New(fault.Invalid, "csaf.key_unreadable").Because(err)
	}
	return list, nil
}

func fingerprint(e *openpgp.Entity) string {
	return strings.ToUpper(hex.EncodeToString(e.PrimaryKey.Fingerprint))
}

// CheckSignature checks a detached OpenPGP signature, armored or not, against
// keys and returns the fingerprint of the key that made it. A key that has
// expired since counts when it had not when it signed; now may be zero. The
// error is a fault (csaf.signature).
func CheckSignature(keys openpgp.EntityList, doc, signature []byte, now time.Time) (string, error) {
	check := openpgp.CheckDetachedSignature
	if bytes.Contains(signature, []byte("-----BEGIN PGP")) {
		check = openpgp.CheckArmoredDetachedSignature
	}
	at := now
	try := func() (*openpgp.Entity, error) {
		return check(keys, bytes.NewReader(doc), bytes.NewReader(signature), &packet.Config{Time: func() time.Time { return at }})
	}
	if at.IsZero() {
		at = signedAt(signature)
	}
	signer, err := try()
	if err != nil {
		if made := signedAt(signature); !made.IsZero() && (now.IsZero() || made.Before(now)) {
			at = made
			signer, err = try()
		}
	}
	if err != nil || signer == nil {
		return "", fault.New(fault.Invalid, "csaf.signature").Because(err)
	}
	return fingerprint(signer), nil
}

// signedAt returns when a signature says it was made.
func signedAt(signature []byte) time.Time {
	raw := signature
	if bytes.Contains(raw, []byte("-----BEGIN PGP")) {
		var err error
		if raw, err = dearmor(raw); err != nil {
			return time.Time{}
		}
	}
	p, err := packet.NewReader(bytes.NewReader(raw)).Next()
	if s, ok := p.(*packet.Signature); ok && err == nil {
		return s.CreationTime
	}
	return time.Time{}
}

// fetch gets one document with its hash and signature and checks them. known is
// the hash of the document taken before, for lists without dates.
func (w *walk) fetch(ctx context.Context, e Entry, known string) (*Document, string, error) {
	kind, want, err := w.sum(ctx, e)
	if err != nil {
		return nil, "", err
	}
	if want != "" && want == known && e.Updated.IsZero() {
		return nil, "", errUnchanged
	}
	raw, err := w.bytes(ctx, e.URL, maxFetched)
	if err != nil {
		return nil, "", err
	}
	doc := &Document{Entry: e, Raw: raw, Hashed: kind}
	var h hash.Hash
	switch kind {
	case "sha512":
		h = sha512.New()
	case "sha256":
		h = sha256.New()
	default:
		if w.keys.hash {
			return nil, "", fault.New(fault.Invalid, "csaf.no_hash")
		}
		doc.Notes = append(doc.Notes, "csaf.note_no_hash")
	}
	if h != nil {
		h.Write(raw)
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			return nil, "", fault.New(fault.Invalid, "csaf.hash", "got", got, "want", want)
		}
	}
	if err := w.signature(ctx, doc); err != nil {
		return nil, "", err
	}
	if err := w.inspect(doc); err != nil {
		return nil, "", err
	}
	return doc, want, nil
}

// sum fetches the published hash, SHA-512 before SHA-256.
func (w *walk) sum(ctx context.Context, e Entry) (kind, sum string, err error) {
	for _, c := range []struct {
		kind, url string
		digits    int
	}{{"sha512", e.SHA512, 128}, {"sha256", e.SHA256, 64}} {
		if c.url == "" {
			continue
		}
		raw, err := w.bytes(ctx, e.beside(c.url), maxSum)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		word, _, _ := strings.Cut(strings.TrimSpace(string(raw)), " ")
		word = strings.ToLower(strings.TrimSpace(word))
		if _, err := hex.DecodeString(word); err != nil || len(word) != c.digits {
			return "", "", fault.New(fault.Invalid, "csaf.hash_form", "value", clip(word))
		}
		return c.kind, word, nil
	}
	return "", "", nil
}

func (w *walk) signature(ctx context.Context, doc *Document) error {
	var raw []byte
	if doc.Signature != "" {
		var err error
		if raw, err = w.bytes(ctx, doc.beside(doc.Signature), maxKey); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	switch {
	case raw == nil && w.keys.must:
		return fault.New(fault.Invalid, "csaf.no_signature")
	case raw == nil:
		doc.Notes = append(doc.Notes, "csaf.note_no_signature")
		return nil
	case len(w.keys.list) == 0 && w.keys.must:
		return fault.New(fault.Invalid, "csaf.no_keys")
	case len(w.keys.list) == 0:
		doc.Notes = append(doc.Notes, "csaf.note_no_keys")
		return nil
	}
	signer, err := CheckSignature(w.keys.list, doc.Raw, raw, w.Now)
	doc.Signer = signer
	return err
}

// inspect holds the document against the place it was found in.
func (w *walk) inspect(doc *Document) (err error) {
	w.heavy.Lock()
	defer w.heavy.Unlock()
	if doc.Head, err = readHead(doc.Raw); err != nil {
		return err
	}
	// A valid document under another's name would pass every check of hash and
	// signature, and hide the one that belongs there.
	name := path.Base(doc.URL)
	if name != FileName(doc.Head.ID) {
		return fault.New(fault.Invalid, "csaf.other_name", "got", clip(name), "want", FileName(doc.Head.ID))
	}
	if doc.ID != "" && !strings.EqualFold(doc.ID, doc.Head.ID) {
		return fault.New(fault.Invalid, "csaf.other_id", "got", clip(doc.Head.ID), "want", clip(doc.ID))
	}
	year := path.Base(path.Dir(doc.URL))
	if !doc.Head.Initial.IsZero() && year != doc.Head.Initial.Format("2006") {
		doc.Notes = append(doc.Notes, "csaf.note_year")
	}
	if doc.Label != "" && doc.Head.TLP != "" && doc.Label != doc.Head.TLP {
		doc.Notes = append(doc.Notes, "csaf.note_label")
	}
	if w.Strict {
		return Validate(doc.Raw).Err()
	}
	return nil
}
