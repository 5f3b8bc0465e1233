package flow

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
)

// FuzzTable feeds packets made and spoilt at random, or of any bytes, to tables
// of different sizes. Packets are conserved, one worker is as good as three, and
// nothing is left.
func FuzzTable(f *testing.F) {
	for _, p := range append(web(request), acked(10)) {
		f.Add(uint64(1), []byte(p.build().Data), uint16(100))
	}
	f.Add(uint64(2), []byte{}, uint16(20))
	f.Add(uint64(110), []byte("0"), uint16(46)) // rows ended at other places with more workers once
	f.Fuzz(func(t *testing.T, seed uint64, b []byte, flows uint16) {
		packets := spoilt(seed, b)
		o := Options{Flows: int(flows), Buffered: int64(flows) << 8, Exports: true, Full: seed%2 == 0}
		var first []byte
		for _, workers := range []int{1, 3} {
			o.Workers = workers
			var in uint64
			var all []byte
			rows := uint64(0)
			tr := New(o, func(r *record.Record) error {
				in += r.Packets[0] + r.Packets[1]
				rows++
				all = record.AppendJSON(all, r)
				return nil
			})
			if err := tr.Add(packets); err != nil {
				t.Fatal(err)
			}
			if err := tr.Close(); err != nil {
				t.Fatal(err)
			}
			s := tr.Stats()
			if s.Exports == 0 && (in != s.Packets-s.NotIP-s.Unread || rows != s.Flows) || s.Live != 0 {
				t.Fatalf("%d packets in %d records: %+v", in, rows, s)
			}
			if workers == 1 {
				first = all
			} else if string(first) != string(all) {
				t.Fatalf("three workers say something else:\n%s\n%s", first, all)
			}
			for _, table := range tr.tables {
				for _, free := range table.pool.free {
					for _, w := range free {
						for _, c := range w.b[:cap(w.b)] {
							if c != 0 {
								t.Fatal("a window that is free holds something")
							}
						}
					}
				}
				held := int64(0)
				for class, free := range table.pool.free {
					held += int64(len(free) * windowSizes[class])
				}
				if held != table.pool.made {
					t.Fatalf("%d bytes of windows are free, of %d", held, table.pool.made)
				}
			}
		}
	})
}

// spoilt is b as a packet, and random ones, each changed in a place or two.
func spoilt(seed uint64, b []byte) []capture.Packet {
	rng := rand.New(rand.NewPCG(seed, uint64(len(b))))
	list := frames(append(random(rng, 40), talk("192.0.2.9", []uint16{80, 25, 22, 53}[seed%4], t0, said{int(seed>>3) & 1, string(b)}, said{1, string(b)})...))
	for i := range list {
		p := &list[i]
		switch rng.IntN(6) {
		case 0:
			p.Data[rng.IntN(len(p.Data))] ^= byte(1 << rng.IntN(8))
		case 1:
			p.Data = p.Data[:rng.IntN(len(p.Data)+1)]
		case 2:
			p.At += int64(rng.Uint64()) >> rng.IntN(60)
		case 3: // a fragment of something
			if len(p.Data) > 34 {
				binary.BigEndian.PutUint16(p.Data[20:], uint16(rng.IntN(4)<<13|rng.IntN(30)))
			}
		}
	}
	return append(list, capture.Packet{Data: b, At: t0, Orig: uint32(len(b)), Link: capture.LinkEthernet},
		capture.Packet{Data: b, At: t0, Orig: uint32(len(b)) * 2, Link: capture.LinkRaw})
}
