package rpz

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/measure/act/names"
)

// fudge is how far the clocks of two machines may be apart, in seconds, as
// RFC 8945 §10 recommends.
const fudge = 300

// maxKeyFile bounds the file of a key.
const maxKeyFile = 4096

// key is a TSIG key, HMAC-SHA256.
type key struct {
	name   string // with the last dot
	wire   []byte
	secret []byte
}

// readKey reads a key, or says in a code what is wrong with its file.
func readKey(name, file string) (*key, string) {
	f, err := os.Open(file)
	if err != nil {
		return nil, "rpz.key_file"
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil || !info.Mode().IsRegular() || info.Size() > maxKeyFile:
		return nil, "rpz.key_file"
	case info.Mode().Perm()&0o077 != 0:
		return nil, "rpz.key_mode"
	}
	raw := make([]byte, info.Size())
	if _, err := f.ReadAt(raw, 0); err != nil {
		return nil, "rpz.key_file"
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(secret) < sha256.Size {
		return nil, "rpz.key_short"
	}
	label := strings.ToLower(strings.TrimSuffix(name, "."))
	if !names.Valid("x." + label) {
		return nil, "rpz.key_name"
	}
	return &key{name: label + ".", wire: wireName(label), secret: secret}, ""
}

// algorithm is the name of HMAC-SHA256 in a message (RFC 8945 §6).
var algorithm = wireName("hmac-sha256")

func (k *key) mac(parts ...[]byte) []byte {
	h := hmac.New(sha256.New, k.secret)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// Generate and Verify make the key what the library checks signatures with.
func (k *key) Generate(msg []byte, _ *dns.TSIG) ([]byte, error) { return k.mac(msg), nil }

// Verify reports whether a message was signed with the key; a cut signature is none.
func (k *key) Verify(msg []byte, t *dns.TSIG) error {
	if !k.is(t) {
		return dns.ErrSecret
	}
	mac, err := hex.DecodeString(t.MAC)
	if err != nil || !hmac.Equal(mac, k.mac(msg)) {
		return dns.ErrSig
	}
	return nil
}

// is reports whether a signature says that it is of this key.
func (k *key) is(t *dns.TSIG) bool {
	return strings.EqualFold(t.Hdr.Name, k.name) && strings.EqualFold(t.Algorithm, dns.HmacSHA256)
}

// signer signs the messages of one answer, each over the one before
// (RFC 8945 §5.3.1), beginning with the MAC of the question. For a question of
// our own there is none.
type signer struct {
	key   *key
	mac   []byte
	later bool // the first message of the answer is out
}

// tsigRoom is how many bytes a signature takes.
func (k *key) room() int {
	if k == nil {
		return 0
	}
	return len(k.wire) + 10 + len(algorithm) + 16 + sha256.Size + 6
}

// sign appends the signature to a message. A code of RFC 8945 §5.2 beyond 0 is
// said in it: bad keys and signatures cannot be answered under a signature, a
// bad time is, with our own.
func (s *signer) sign(msg []byte, code uint16) []byte {
	var at [8]byte // six bytes of time, two of fudge
	binary.BigEndian.PutUint64(at[:], uint64(time.Now().Unix())<<16|fudge)
	var other []byte
	if code == dns.RcodeBadTime {
		other = at[:6]
	}
	fields := binary.BigEndian.AppendUint16(nil, code)
	fields = append(binary.BigEndian.AppendUint16(fields, uint16(len(other))), other...)
	var mac []byte
	if code != dns.RcodeBadSig && code != dns.RcodeBadKey {
		var before []byte
		if s.mac != nil {
			before = append(binary.BigEndian.AppendUint16(nil, uint16(len(s.mac))), s.mac...)
		}
		if s.later {
			mac = s.key.mac(before, msg, at[:])
		} else {
			name := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(append([]byte{}, s.key.wire...), classAny), 0)
			mac = s.key.mac(before, msg, name, algorithm, at[:], fields)
		}
		s.mac, s.later = mac, true
	}
	id := msg[:2]
	msg = append(msg, s.key.wire...)
	msg = binary.BigEndian.AppendUint16(msg, typeTSIG)
	msg = binary.BigEndian.AppendUint16(msg, classAny)
	msg = binary.BigEndian.AppendUint32(msg, 0)
	msg = binary.BigEndian.AppendUint16(msg, uint16(len(algorithm)+16+len(mac)+len(other)))
	msg = append(append(msg, algorithm...), at[:]...)
	msg = append(binary.BigEndian.AppendUint16(msg, uint16(len(mac))), mac...)
	msg = append(append(msg, id...), fields...)
	binary.BigEndian.PutUint16(msg[10:], binary.BigEndian.Uint16(msg[10:])+1)
	return msg
}
