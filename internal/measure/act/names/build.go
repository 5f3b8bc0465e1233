package names

import (
	"encoding/binary"
	"slices"
	"strings"
)

// builder makes the blocks of the next set.
type builder struct {
	out    *Held
	seen   func(name string, before, after Effect)
	data   []byte // entries that have no block yet
	before []claim
	after  []claim
}

// merge writes the entries of a block and the changes that fall among them.
func (b *builder) merge(data []byte, changes []change) {
	for len(data) > 0 || len(changes) > 0 {
		if len(changes) == 0 {
			b.data = append(b.data, data...)
			break
		}
		name := changes[0].name
		var e entry
		if len(data) > 0 {
			rest := data
			e, rest = next(data)
			if string(e.name) < name {
				b.data, data = append(b.data, data[:len(data)-len(rest)]...), rest
				continue
			}
			if string(e.name) == name {
				data = rest
			} else {
				e = entry{}
			}
		}
		n := 1
		for n < len(changes) && changes[n].name == name {
			n++
		}
		b.entry(name, e, changes[:n])
		changes = changes[n:]
		if len(b.data) > 16*blockBytes {
			b.cut()
		}
	}
}

// entry writes what is left of a name's claims after changes of it.
func (b *builder) entry(name string, e entry, changes []change) {
	b.before = e.claims(b.before[:0])
	b.after = append(b.after[:0], b.before...)
	for _, c := range changes {
		i, has := slices.BinarySearchFunc(b.after, claim{order: c.order, word: c.word}, claim.compare)
		switch {
		case has && c.gone:
			b.after = slices.Delete(b.after, i, i+1)
		case !has && !c.gone:
			b.after = slices.Insert(b.after, i, claim{order: c.order, word: c.word})
		}
	}
	b.out.claims += len(b.after) - len(b.before)
	if len(b.before) > 0 {
		b.out.names--
	}
	if len(b.after) > 0 {
		b.out.names++
		b.data = append(append(b.data, byte(len(name))), name...)
		b.data = binary.AppendUvarint(b.data, uint64(len(b.after)))
		for _, c := range b.after {
			b.data = append(binary.AppendUvarint(b.data, uint64(c.order)), c.word)
		}
	}
	if was, is := effect(b.before), effect(b.after); b.seen != nil && was != is {
		b.seen(name, was, is)
	}
}

// cut makes blocks of about equal size of the entries that wait, so that one
// that is full becomes two that have room.
func (b *builder) cut() {
	pieces := (len(b.data) + blockBytes - 1) / blockBytes
	for data := b.data; len(data) > 0; pieces-- {
		size, rest := len(data)/max(pieces, 1), data
		for len(rest) > 0 && len(data)-len(rest) < size {
			_, rest = next(rest)
		}
		piece := slices.Clone(data[:len(data)-len(rest)])
		e, _ := next(piece)
		b.out.blocks = append(b.out.blocks, block{first: strings.Clone(string(e.name)), data: piece})
		data = rest
	}
	b.data = b.data[:0]
}
