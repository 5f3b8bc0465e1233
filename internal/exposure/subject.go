package exposure

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"noroshi/internal/asset"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
)

// ident is a piece of equipment as far as a verdict depends on it.
type ident struct {
	name     string // CPE 2.3 formatted string
	pkg      string // PURL
	version  string
	text     string // maker and product with a tab between, when there is no name
	identity product.Identity
}

// variant is everything that equipment of one operator has in common when
// nothing tells it apart but its id.
type variant struct {
	ident
	zone      string
	edge      bool
	control   bool
	essential bool
	operated  string // by whom; empty: own staff, or not said
	ends      string // of support, 2026-03-31, as the register says
}

// subject is one entry of a register as matching keeps it.
type subject struct {
	item     string
	org      string
	revision int
	key      string // of its product: see [keysOf]
	quantity int
	variant
}

const subjectFormat = 1

// Flags of a stored subject.
const (
	flagEdge = 1 << iota
	flagControl
	flagEssential
)

// bytes writes what is sealed of a subject: format, quantity, and the variant.
// Subjects of one variant have the same bytes after the quantity.
func (s *subject) bytes() []byte {
	b := binary.AppendUvarint([]byte{subjectFormat}, uint64(s.quantity))
	flags := byte(0)
	for i, on := range []bool{s.edge, s.control, s.essential} {
		if on {
			flags |= 1 << i
		}
	}
	b = append(b, byte(s.identity), flags)
	for _, t := range []string{s.name, s.pkg, s.version, s.text, s.zone, s.operated, s.ends} {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	return b
}

var errSubject = errors.New("equipment: the stored subject cannot be read")

// splitSubject returns the quantity, and the bytes of the variant.
func splitSubject(b []byte) (quantity int, rest []byte, err error) {
	if len(b) < 2 || b[0] != subjectFormat {
		return 0, nil, errSubject
	}
	q, n := binary.Uvarint(b[1:])
	if n <= 0 || q > asset.MaxQuantity {
		return 0, nil, errSubject
	}
	return int(q), b[1+n:], nil
}

// parseVariant reads what follows the quantity.
func parseVariant(b []byte) (v variant, err error) {
	if len(b) < 2 || b[0] > byte(product.Proposed) {
		return v, errSubject
	}
	v.identity = product.Identity(b[0])
	v.edge, v.control, v.essential = b[1]&flagEdge != 0, b[1]&flagControl != 0, b[1]&flagEssential != 0
	b = b[2:]
	for _, t := range []*string{&v.name, &v.pkg, &v.version, &v.text, &v.zone, &v.operated, &v.ends} {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return v, errSubject
		}
		*t, b = string(b[w:w+int(n)]), b[w+int(n):]
	}
	if len(b) > 0 {
		return v, errSubject
	}
	return v, nil
}

// subject returns what the engine asks for.
func (d *ident) subject() product.Subject {
	s := d.plain()
	s.Spelled = spelled(&s, d.text)
	return s
}

// plain is the subject without what is said of it in words only.
func (d *ident) plain() product.Subject {
	s := product.Subject{Package: d.pkg, Text: strings.ReplaceAll(d.text, "\t", " "), Version: d.version, Identity: d.identity}
	if d.name != "" {
		s.Name, _ = cpe.ParseLenient(d.name) // it was read before it was stored
	}
	return s
}

// keys returns the product keys by which statements about an ident are found,
// its own first, and those of its words last.
func (d *ident) keys() []string {
	s := d.subject()
	keys := product.AskKeys(s.Name, s.Package)
	for _, text := range s.Spelled {
		if k := product.TextKey(text); k != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// ownKeys are the keys of its name and its package; none when it has neither.
func (d *ident) ownKeys() []string {
	s := d.plain()
	return product.AskKeys(s.Name, s.Package)
}

// textKey is the key of equipment that has no name yet: nothing is matched by
// it, but its support ends too.
func textKey(makerKey, wareKey string) string { return "text:" + makerKey + "/" + wareKey }

// edgeKinds usually face the internet.
var edgeKinds = []asset.Kind{
	asset.KindVPN, asset.KindFirewall, asset.KindRouter, asset.KindLoadBalancer, asset.KindRemoteAccess, asset.KindMail, asset.KindWebServer,
	asset.KindCloudIaaS, asset.KindCloudPaaS, asset.KindCloudSaaS,
}

var controlKinds = []asset.Kind{asset.KindOTController, asset.KindOTHMI, asset.KindOTHistorian}

// plainWidth writes full-width digits, letters, dots and blanks as plain ones:
// １０．２．３ is 10.2.3. Anything else stays: a wave dash between two versions
// must not become the tilde before a pre-release.
func plainWidth(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９', r >= 'Ａ' && r <= 'Ｚ', r >= 'ａ' && r <= 'ｚ', r == '．', r == '（', r == '）':
			return r - '０' + '0'
		case r == '\u3000':
			return ' '
		}
		return r
	}, s)
}

// subjectOf returns what matching keeps of an entry. name and pkg are the ones
// confirmed or proposed for its maker and product; the register's own go first.
func subjectOf(e *asset.Entry, named Named) subject {
	s := subject{item: string(e.ID), org: e.Org, revision: e.Revision, quantity: e.Quantity, variant: variant{
		ident:     ident{version: plainWidth(e.Sealed.Version), text: e.MakerName + "\t" + e.ProductName},
		zone:      string(e.Sealed.Zone),
		edge:      slices.Contains(edgeKinds, e.Kind),
		control:   e.Sealed.Zone == asset.ZoneOT || slices.Contains(controlKinds, e.Kind),
		essential: e.Service != "",
		ends:      e.SupportEnds.String(),
	}}
	if e.OperatedBy != asset.Own {
		s.operated = e.OperatedBy
	}
	if e.Sealed.CPE != "" {
		if n, err := cpe.ParseLenient(e.Sealed.CPE); err == nil {
			s.name = n.String()
		}
	}
	s.pkg = e.Sealed.PURL
	if keys := s.ownKeys(); len(keys) > 0 {
		s.key, s.text = keys[0], ""
		return s
	}
	s.name, s.pkg = "", ""
	if named.CPE != "" || named.PURL != "" {
		s.name, s.pkg, s.identity = named.CPE, named.PURL, named.Identity
		if keys := s.ownKeys(); len(keys) > 0 {
			s.key, s.text = keys[0], ""
			return s
		}
		s.name, s.pkg = "", ""
	}
	s.identity = product.Proposed
	s.key = textKey(e.MakerKey, e.ProductKey)
	return s
}
