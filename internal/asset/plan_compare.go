package asset

import (
	"crypto/sha256"
	bin "encoding/binary" // binary is a function of ours
	"maps"
	"slices"
	"strings"
)

// Changes lists the fields in which two states of one piece of equipment
// differ, in the order of the columns, further fields last. Two spellings of
// one maker or product are no difference; neither is the order of a list.
func Changes(from, to *Item) []Change {
	var out []Change
	for f := Field(0); f < fieldCount; f++ {
		if plainValue(from, f) != plainValue(to, f) {
			out = append(out, Change{f.String(), from.Value(f), to.Value(f)})
		}
	}
	names := slices.Collect(maps.Keys(from.Further))
	for k := range to.Further {
		if _, ok := from.Further[k]; !ok {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	for _, k := range names {
		if from.Further[k] != to.Further[k] {
			out = append(out, Change{"further/" + k, from.Further[k], to.Further[k]})
		}
	}
	return out
}

// merge returns old with what the row says put over it.
func merge(old, row *Item, as assumed) Item {
	it := *old
	for f := Field(0); f < fieldCount; f++ {
		if !silent(row, f, as) && plainValue(old, f) != plainValue(row, f) {
			copyField(&it, row, f)
		}
	}
	for k, v := range row.Further {
		if it.Further[k] != v {
			it.Further = maps.Clone(it.Further)
			if it.Further == nil {
				it.Further = map[string]string{}
			}
			it.Further[k] = v
		}
	}
	return it
}

func addsNothing(row, old *Item, as assumed) bool {
	for f := Field(0); f < fieldCount; f++ {
		if !silent(row, f, as) && plainValue(old, f) != plainValue(row, f) {
			return false
		}
	}
	for k, v := range row.Further {
		if old.Further[k] != v {
			return false
		}
	}
	return true
}

// assumed tells which fields of a row's Item its list does not speak of.
type assumed struct{ kind, quantity bool }

// assume notes what New filled in because the list says nothing of it.
func (r *Row) assume(d *Draft) {
	r.KindAssumed = strings.TrimSpace(d.Values[FieldKind]) == ""
	r.QuantityAssumed = strings.TrimSpace(d.Values[FieldQuantity]) == ""
}

// silent reports whether a row says nothing about a field.
func silent(row *Item, f Field, as assumed) bool {
	switch f {
	case FieldKind:
		return as.kind || row.Kind == "" || row.Kind == KindOther
	case FieldQuantity:
		return as.quantity || row.Quantity == 0
	}
	return row.Value(f) == ""
}

// plainValue is a field as it is compared: names by their keys, lists as sets.
func plainValue(it *Item, f Field) string {
	switch f {
	case FieldMaker:
		return it.MakerKey
	case FieldProduct:
		return it.ProductKey
	case FieldAddresses:
		return plainSet(it.Sealed.Addresses)
	case FieldDomains:
		return plainSet(it.Sealed.Domains)
	case FieldConnects:
		return plainSet(it.Sealed.Connects)
	}
	return it.Value(f)
}

func plainSet(list []string) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0]
	}
	return joinList(slices.Sorted(slices.Values(list)))
}

func copyField(to, from *Item, f Field) {
	switch f {
	case FieldKey:
		to.Key = from.Key
	case FieldKind:
		to.Kind = from.Kind
	case FieldMaker:
		to.Maker, to.MakerName, to.MakerKey = from.Maker, from.MakerName, from.MakerKey
	case FieldProduct:
		to.Product, to.ProductName, to.ProductKey = from.Product, from.ProductName, from.ProductKey
	case FieldModel:
		to.Sealed.Model = from.Sealed.Model
	case FieldVersion:
		to.Sealed.Version = from.Sealed.Version
	case FieldCPE:
		to.Sealed.CPE = from.Sealed.CPE
	case FieldPURL:
		to.Sealed.PURL = from.Sealed.PURL
	case FieldQuantity:
		to.Quantity = from.Quantity
	case FieldService:
		to.Service = from.Service
	case FieldZone:
		to.Sealed.Zone = from.Sealed.Zone
	case FieldAddresses:
		to.Sealed.Addresses = from.Sealed.Addresses
	case FieldDomains:
		to.Sealed.Domains = from.Sealed.Domains
	case FieldConnects:
		to.Sealed.Connects = from.Sealed.Connects
	case FieldOperatedBy:
		to.OperatedBy = from.OperatedBy
	case FieldSite:
		to.Sealed.Site = from.Sealed.Site
	case FieldIntroduced:
		to.Introduced = from.Introduced
	case FieldChanged:
		to.Changed = from.Changed
	case FieldSupportEnds:
		to.SupportEnds = from.SupportEnds
	default:
		panic("BUG: asset: no such field")
	}
}

func withoutKey(it Item) *Item {
	it.Key = ""
	return &it
}

// digest stands for a text that would be too large to keep for every row.
type digest [16]byte

// digestOf hashes texts, each after its length, so that no text can imitate
// the border between two. It is keyless SHA-256, cut to 128 bits: a list made
// to collide would only deceive its own author.
func digestOf(parts ...string) digest {
	var room [512]byte
	b := room[:0]
	for _, s := range parts {
		b = append(bin.AppendUvarint(b, uint64(len(s))), s...)
	}
	sum := sha256.Sum256(b)
	return digest(sum[:16])
}

// looks is what rows without an id are recognised by.
func looks(it *Item) digest {
	return digestOf("looks", it.MakerKey, it.ProductKey, it.Sealed.Model, it.Sealed.Site, plainSet(it.Sealed.Addresses), plainSet(it.Sealed.Domains))
}

// content is everything an Item says: equal contents have equal digests.
func content(it *Item) digest {
	var room [fieldCount + 1]string
	parts := append(room[:0], "content")
	for f := Field(0); f < fieldCount; f++ {
		parts = append(parts, plainValue(it, f))
	}
	for _, k := range slices.Sorted(maps.Keys(it.Further)) {
		parts = append(parts, k, it.Further[k])
	}
	return digestOf(parts...)
}
