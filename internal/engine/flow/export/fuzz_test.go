package export

import (
	"encoding/binary"
	"testing"
)

// fuzzed decodes three datagrams, cut out of the input by two lengths, with
// small limits, and checks what must hold whatever they are.
func fuzzed(t *testing.T, data []byte) {
	d := NewDecoder(Limits{Exporters: 3, Templates: 4, Fields: 40, AllFields: 60, PendingBytes: 512, PendingSets: 4})
	rows := uint64(0)
	b := NewBatch(7, func(b *Batch) { rows += uint64(b.Len()) })
	for at := int64(0); len(data) > 2; at += 20 * second {
		n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
		_ = d.Decode(router, received+at, data[2:2+n], b)
		data = data[2+n:]
		if p := &d.waiting; p.used < 0 || p.used > len(p.octets) || len(p.entries) > 4 {
			t.Fatalf("%d of %d octets used by %d sets", p.used, len(p.octets), len(p.entries))
		}
	}
	b.Flush()
	told, fields := d.Stats().Gone.Records, 0
	for _, e := range d.Exporters() {
		told += e.Records
	}
	for _, e := range d.exporters {
		for _, x := range e.templates {
			fields += len(x.fields)
		}
	}
	if rows != told || fields != d.fields || fields > 60 {
		t.Fatalf("%d rows, told %d; %d fields, told %d", rows, told, fields, d.fields)
	}
}

// parts puts datagrams behind one another with their lengths.
func parts(all ...[]byte) (b []byte) {
	for _, m := range all {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
	}
	return b
}

func FuzzNetFlow5(f *testing.F) {
	m := make([]byte, head5+size5)
	m[1], m[3] = 5, 1
	f.Add(parts(m, m))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(t, data) })
}

func FuzzNetFlow9(f *testing.F) {
	def := newMessage(false, 0, secs, 9, 1).template(256, 0, usual).bytes()
	data := newMessage(false, 1, secs, 9, 1).set(256, make([]byte, 2*length(usual))).bytes()
	f.Add(parts(def, data))
	f.Add(parts(data, def))
	f.Add(parts(newMessage(false, 0, secs, 0, 1).template(400, 1, []field{ie(1, 0), ie(34, 4)}).set(400, []byte{0, 0, 0, 64}).bytes(), data))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(t, data) })
}

func FuzzIPFIX(f *testing.F) {
	varied := append([]field{ie(82, variable), {reverseElement, 1, 4}}, few...)
	def := newMessage(true, 0, secs, 0, 1).template(256, 0, varied).bytes()
	data := newMessage(true, 0, secs, 0, 1).set(256, append([]byte{3, 'e', 't', 'h', 0, 0, 0, 9}, fewRecord(1, 5)...)).bytes()
	f.Add(parts(def, data))
	f.Add(parts(data, def, newMessage(true, 1, secs, 0, 1).set(templateSet, []byte{1, 0, 0, 0}).bytes()))
	f.Add(parts(newMessage(true, 0, secs, 0, 1).template(400, 1, []field{ie(149, 4), ie(302, 1), ie(305, 4), ie(160, 8)}).set(400, make([]byte, 17)).bytes(), def, data))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(t, data) })
}

func FuzzSFlow(f *testing.F) {
	raw := append(words(1, 1500, 4), opaque(frame())...)
	flow := append(words(9, 5, 512, 1000, 0, 3, 4, 1), append(words(rawHeader), opaque(raw)...)...)
	f.Add(parts((&samples{}).add(1, flow).add(2, words(1, 2)).bytes(1)))
	f.Add(parts((&samples{}).add(3, append(words(9, 0, 5, 256, 1000, 0, 0, 1, 0, 2, 1), append(words(extendedGateway), opaque(make([]byte, 40))...)...)).bytes(1)))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzed(t, data) })
}
