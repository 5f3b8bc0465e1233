package sieve

// window holds payload that waits for what comes before or behind it. Its memory
// comes from a pool and is overwritten when it goes back.
type window struct {
	b     []byte // cap is one of windowSizes
	class uint8
}

// windowSizes are the sizes of windows in bytes. The largest holds what an IP
// packet can.
var windowSizes = [...]int{2 << 10, 16 << 10, 64 << 10}

// maxHeld is how much of one flow may wait to be read.
const maxHeld = 64 << 10

// pool is the memory for windows, bounded in bytes. What is free is zero.
type pool struct {
	free  [len(windowSizes)][]*window
	all   []*window
	made  int64 // bytes, in use or free
	limit int64
}

// get returns a window for n bytes, or nil when n is too many or the memory is
// used up.
func (p *pool) get(n int) *window {
	for c := range windowSizes {
		if windowSizes[c] < n {
			continue
		}
		if k := len(p.free[c]); k > 0 {
			w := p.free[c][k-1]
			p.free[c] = p.free[c][:k-1]
			return w
		}
		if p.made+int64(windowSizes[c]) <= p.limit {
			p.made += int64(windowSizes[c])
			w := &window{b: make([]byte, 0, windowSizes[c]), class: uint8(c)}
			p.all = append(p.all, w)
			return w
		}
	}
	return nil
}

// put overwrites a window and takes it back.
func (p *pool) put(w *window) {
	clear(w.b)
	w.b = w.b[:0]
	p.free[w.class] = append(p.free[w.class], w)
}

// append adds bytes to a window, which may be nil or have to grow; nil means that
// there is no room, and the window is gone.
func (p *pool) append(w *window, b []byte) *window {
	n := len(b)
	if w != nil {
		n += len(w.b)
	}
	if w == nil || n > cap(w.b) {
		bigger := p.get(n)
		if w != nil {
			if bigger != nil {
				bigger.b = append(bigger.b, w.b...)
			}
			p.put(w)
		}
		if w = bigger; w == nil {
			return nil
		}
	}
	w.b = append(w.b, b...)
	return w
}

// cut removes the first n bytes and overwrites what is free then.
func (w *window) cut(n int) {
	rest := copy(w.b, w.b[n:])
	clear(w.b[rest:])
	w.b = w.b[:rest]
}

// wipe overwrites everything, in use or not.
func (p *pool) wipe() {
	for _, w := range p.all {
		clear(w.b[:cap(w.b)])
	}
}
