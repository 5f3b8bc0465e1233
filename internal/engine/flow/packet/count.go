package packet

import "noroshi/internal/engine/flow/capture"

// Counter counts packets, bytes and the layers packets contain. A layer counts
// once in a packet, wherever it is: in a tunnel, and in the packet that an ICMP
// error quotes. What the parts of a fragmented packet carry counts once, with
// the part that completes it, as nobody could read it before.
type Counter struct {
	Packets int64
	Bytes   int64 // on the wire
	Layers  [LayerCount]int64
	Faults  [Faults]int64 // [None] counts packets decoded to their end
	Parts   Reassembly

	sets [256]struct { // counts of sets of layers not yet in Layers
		set Layers
		n   int64
	}
}

// Add counts a batch.
func (c *Counter) Add(batch []capture.Packet) {
	var h Headers
	for i := range batch {
		p := &batch[i]
		c.Packets++
		c.Bytes += int64(p.Orig)
		c.Faults[Decode(p, &h)]++
		c.count(c.Parts.Layers(&h))
	}
}

// count adds one packet's layers. Few sets of layers make up most traffic, so
// sets are counted first.
func (c *Counter) count(set Layers) {
	slot := &c.sets[uint64(set)*0x9e3779b97f4a7c15>>56]
	if slot.set != set {
		c.settle(slot.set, slot.n)
		slot.set, slot.n = set, 0
	}
	slot.n++
}

func (c *Counter) settle(set Layers, n int64) {
	if n > 0 {
		set.Each(func(i int) { c.Layers[i] += n })
	}
}

// Settle brings Layers up to date with what was added.
func (c *Counter) Settle() {
	for i := range c.sets {
		c.settle(c.sets[i].set, c.sets[i].n)
		c.sets[i].n = 0
	}
}
