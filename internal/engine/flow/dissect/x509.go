package dissect

import (
	"bytes"
	"crypto/sha256"
	"math"
	"math/bits"
	"time"

	"noroshi/internal/engine/flow/record"
)

// Tags of DER that a certificate is made of (X.690 §8).
const (
	derInteger     = 0x02
	derBits        = 0x03
	derOctets      = 0x04
	derObject      = 0x06
	derUTCTime     = 0x17
	derTime        = 0x18
	derSequence    = 0x30
	derSet         = 0x31
	derVersion     = 0xa0 // [0] of a certificate
	derExtensions  = 0xa3 // [3] of a certificate
	nameDNS        = 0x82 // [2] of GeneralName
	nameIP         = 0x87 // [7] of GeneralName
	maxDNSCompared = 1000 // names that are compared with the server name
)

// der takes one element off the front: its tag and what is in it. Lengths of
// up to four bytes are read, not only the shortest form: certificates of real
// servers are not always DER.
func der(b []byte) (tag byte, body, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	tag, n, at := b[0], int(b[1]), 2
	if n&0x80 != 0 {
		more := n & 0x7f
		if more == 0 || more > 4 || len(b) < 2+more {
			return 0, nil, nil, false
		}
		n = 0
		for _, c := range b[2 : 2+more] {
			n = n<<8 | int(c)
		}
		at += more
	}
	if n < 0 || n > len(b)-at {
		return 0, nil, nil, false
	}
	return tag, b[at : at+n], b[at+n:], true
}

// element takes one element of a tag off the front of *b; nil when another one
// is there. A body that is empty is not nil.
func element(b *[]byte, want byte) []byte {
	tag, body, rest, ok := der(*b)
	if !ok || tag != want {
		return nil
	}
	*b = rest
	return body
}

// readCertificate writes the facts of a certificate (RFC 5280 §4.1) into c, as
// far as it can be read, and whether name (a server name in lower case) is
// among its names. It is false when the certificate could not be read to the
// end of its public key.
func readCertificate(b, name []byte, naming *record.Naming, c *record.Certificate) bool {
	c.SHA256 = sha256.Sum256(b)
	outer := element(&b, derSequence)
	tbs := element(&outer, derSequence)
	if tbs == nil {
		return false
	}
	element(&tbs, derVersion)
	serial := element(&tbs, derInteger)
	algorithm := element(&tbs, derSequence)
	whole := tbs
	issuer := element(&tbs, derSequence)
	whole = whole[:len(whole)-len(tbs)]
	if serial == nil || algorithm == nil || issuer == nil {
		return false
	}
	c.Serial, c.Issuer = naming.Hash(serial), naming.Hash(whole)
	c.Signature = signatureDigest(algorithm)
	validity := element(&tbs, derSequence)
	c.NotBefore, c.Until = takeTime(&validity), takeTime(&validity)
	whole = tbs
	subject := element(&tbs, derSequence)
	whole = whole[:len(whole)-len(tbs)]
	if subject == nil {
		return false
	}
	c.Subject = naming.Hash(whole)
	c.SelfSigned = bytes.Equal(subject, issuer)
	key := element(&tbs, derSequence)
	if key == nil {
		return false
	}
	c.Key, c.Bits = publicKey(key)
	if !alternativeNames(tbs, name, c) {
		commonName(subject, name, c)
	}
	return true
}

// The object identifiers that are told apart, as they are encoded.
const (
	oidRSA        = "\x2a\x86\x48\x86\xf7\x0d\x01\x01" // 1.2.840.113549.1.1, and one more byte
	oidDSA        = "\x2a\x86\x48\xce\x38\x04"         // 1.2.840.10040.4, and one more byte
	oidECKey      = "\x2a\x86\x48\xce\x3d\x02\x01"
	oidECDSA      = "\x2a\x86\x48\xce\x3d\x04" // and the digest
	oidPrime      = "\x2a\x86\x48\xce\x3d\x03\x01"
	oidCurve      = "\x2b\x81\x04\x00"                 // SECG, and the curve
	oidBrainpool  = "\x2b\x24\x03\x03\x02\x08\x01\x01" // and the curve
	oidEd25519    = "\x2b\x65\x70"                     // 1.3.101.112
	oidDSASHA2    = "\x60\x86\x48\x01\x65\x03\x04\x03" // and the digest
	oidSHA2       = "\x60\x86\x48\x01\x65\x03\x04\x02" // and the digest
	oidOldSHA1    = "\x2b\x0e\x03\x02"                 // 1.3.14.3.2, and what is signed
	oidSubjectAlt = "\x55\x1d\x11"
	oidCommonName = "\x55\x04\x03"
)

// behind is the last byte of an identifier that begins with prefix and has one
// byte more; 0 when it is another one.
func behind(oid []byte, prefix string) byte {
	if len(oid) == len(prefix)+1 && string(oid[:len(prefix)]) == prefix {
		return oid[len(prefix)]
	}
	return 0
}

// signatureDigest finds the digest in an AlgorithmIdentifier (RFC 3279, RFC
// 4055, RFC 5758).
func signatureDigest(b []byte) record.SignKind {
	oid := element(&b, derObject)
	switch behind(oid, oidRSA) {
	case 4:
		return record.MD5
	case 5:
		return record.SHA1
	case 10:
		return pssDigest(b)
	case 11:
		return record.SHA256
	case 12:
		return record.SHA384
	case 13:
		return record.SHA512
	}
	if len(oid) == len(oidECDSA)+2 && string(oid[:len(oidECDSA)]) == oidECDSA && oid[len(oidECDSA)] == 3 {
		return sha2(oid[len(oidECDSA)+1], 2)
	}
	switch {
	case behind(oid, oidECDSA) == 1, behind(oid, oidDSA) == 3, behind(oid, oidOldSHA1) == 29, behind(oid, oidOldSHA1) == 27:
		return record.SHA1
	}
	if v := behind(oid, oidDSASHA2); v <= 4 { // the higher ones are of SHA-3 and ML-DSA
		return sha2(v, 2)
	}
	return record.OtherSign
}

// sha2 is the digest of a number where SHA-256 has first and the longer ones
// follow.
func sha2(v, first byte) record.SignKind {
	if v >= first && v < first+3 {
		return record.SHA256 + record.SignKind(v-first)
	}
	return record.OtherSign
}

// pssDigest finds the digest in the parameters of RSASSA-PSS; SHA-1 is meant
// when none is named (RFC 4055 §3.1).
func pssDigest(b []byte) record.SignKind {
	all := element(&b, derSequence)
	hash := element(&all, 0xa0)
	if hash == nil {
		return record.SHA1
	}
	algorithm := element(&hash, derSequence)
	oid := element(&algorithm, derObject)
	if behind(oid, oidOldSHA1) == 26 {
		return record.SHA1
	}
	return sha2(behind(oid, oidSHA2), 1)
}

// publicKey finds kind and size of a SubjectPublicKeyInfo (RFC 3279 §2.3, RFC
// 5480, RFC 8410).
func publicKey(b []byte) (record.KeyKind, uint16) {
	algorithm := element(&b, derSequence)
	oid := element(&algorithm, derObject)
	key := element(&b, derBits)
	if len(key) > 0 {
		key = key[1:] // how many bits of the last byte do not count
	}
	switch {
	case behind(oid, oidRSA) == 1, behind(oid, oidRSA) == 10:
		numbers := element(&key, derSequence)
		return record.RSA, bitsOf(element(&numbers, derInteger))
	case behind(oid, oidDSA) == 1:
		numbers := element(&algorithm, derSequence)
		return record.DSA, bitsOf(element(&numbers, derInteger))
	case string(oid) == oidECKey:
		return record.ECDSA, curveBits(element(&algorithm, derObject))
	case string(oid) == oidEd25519:
		return record.Ed25519, 256
	}
	return record.OtherKey, 0
}

// bitsOf is the length of a positive number.
func bitsOf(b []byte) uint16 {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 || len(b) > 1<<12 {
		return 0
	}
	return uint16(8*(len(b)-1) + bits.Len8(b[0]))
}

// curveBits is the size of a named curve's field; 0 for one that is not known.
func curveBits(oid []byte) uint16 {
	if behind(oid, oidPrime) == 7 {
		return 256
	}
	if behind(oid, oidPrime) == 1 {
		return 192
	}
	switch behind(oid, oidCurve) {
	case 10:
		return 256 // secp256k1
	case 33:
		return 224
	case 34:
		return 384
	case 35:
		return 521
	}
	switch behind(oid, oidBrainpool) {
	case 7, 8:
		return 256
	case 11, 12:
		return 384
	case 13, 14:
		return 512
	}
	return 0
}

// alternativeNames counts the names of the extension of that name (RFC 5280
// §4.2.1.6) and compares them; false when there is none of a host.
func alternativeNames(tbs, name []byte, c *record.Certificate) bool {
	for len(tbs) > 0 {
		tag, body, rest, ok := der(tbs)
		if !ok {
			return false
		}
		if tbs = rest; tag == derExtensions {
			tbs = body
			break
		}
	}
	list := element(&tbs, derSequence)
	for len(list) > 0 {
		one := element(&list, derSequence)
		if one == nil {
			return false
		}
		if string(element(&one, derObject)) != oidSubjectAlt {
			continue
		}
		element(&one, 0x01) // critical or not
		octets := element(&one, derOctets)
		return countNames(element(&octets, derSequence), name, c)
	}
	return false
}

func countNames(names, name []byte, c *record.Certificate) bool {
	hosts := 0
	for len(names) > 0 {
		tag, body, rest, ok := der(names)
		if !ok {
			break
		}
		names = rest
		if c.Names < math.MaxUint16 {
			c.Names++
		}
		if tag != nameDNS && tag != nameIP {
			continue
		}
		if hosts++; tag == nameDNS && hosts <= maxDNSCompared {
			compareName(body, name, c)
		}
	}
	return hosts > 0
}

// commonName compares the last common name of a subject, which stands for a
// host where no alternative name does (RFC 6125 §6.4.4).
func commonName(subject, name []byte, c *record.Certificate) {
	for len(subject) > 0 {
		set := element(&subject, derSet)
		if set == nil {
			return
		}
		one := element(&set, derSequence)
		if string(element(&one, derObject)) != oidCommonName {
			continue
		}
		if _, text, _, ok := der(one); ok {
			c.MatchesServerName = false
			compareName(text, name, c)
		}
	}
}

// compareName notes whether a name of a certificate is a wildcard and whether
// it covers the server name: a wildcard stands for one label (RFC 6125 §6.4.3).
func compareName(have, name []byte, c *record.Certificate) {
	wild := len(have) > 2 && have[0] == '*' && have[1] == '.'
	c.Wildcard = c.Wildcard || wild
	if len(name) == 0 || c.MatchesServerName {
		return
	}
	if wild {
		have = have[1:]
		dot := bytes.IndexByte(name, '.')
		if dot <= 0 {
			return
		}
		name = name[dot:]
	}
	c.MatchesServerName = equalFold(have, name)
}

// equalFold compares have with a name in lower case; letters of ASCII count as
// equal in both cases.
func equalFold(have, lower []byte) bool {
	if len(have) != len(lower) {
		return false
	}
	for i, c := range have {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// takeTime reads a UTCTime or a GeneralizedTime (RFC 5280 §4.1.2.5), with the
// older forms that leave seconds out or name a zone, in ns since 1970. A time
// outside of what an int64 can say is the nearest that it can; 0 is none.
func takeTime(b *[]byte) int64 {
	tag, body, rest, ok := der(*b)
	if !ok || tag != derUTCTime && tag != derTime {
		return 0
	}
	*b = rest
	digits := 0
	for digits < len(body) && '0' <= body[digits] && body[digits] <= '9' {
		digits++
	}
	year, at := 0, 2
	if tag == derTime {
		at = 4
	}
	if digits < at+8 {
		return 0
	}
	for _, c := range body[:at] {
		year = 10*year + int(c-'0')
	}
	if tag == derUTCTime {
		if year += 1900; year < 1950 {
			year += 100
		}
	}
	two := func(i int) int { return 10*int(body[i]-'0') + int(body[i+1]-'0') }
	month, day, hour, minute, second := two(at), two(at+2), two(at+4), two(at+6), 0
	if digits >= at+10 {
		second = two(at + 8)
	}
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 {
		return 0
	}
	when := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if zone := body[digits:]; len(zone) == 5 && (zone[0] == '+' || zone[0] == '-') && allDigits(zone[1:]) {
		digits++
		away := time.Duration(two(digits))*time.Hour + time.Duration(two(digits+2))*time.Minute
		if zone[0] == '+' {
			away = -away
		}
		when = when.Add(away)
	}
	switch {
	case when.Year() > 2261:
		return math.MaxInt64
	case when.Year() < 1678:
		return math.MinInt64
	}
	return when.UnixNano()
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
