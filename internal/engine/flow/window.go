package flow

// window holds bytes of one direction that are not read yet. Its memory comes
// from a pool and is overwritten when it goes back.
type window struct {
	b     []byte // cap is one of windowSizes
	class uint8
	at    int64 // of the newest byte
}

// windowSizes are the sizes of windows in bytes: most of what waits is short.
var windowSizes = [...]int{1 << 10, 4 << 10, 32 << 10}

// pool is the memory for windows, bounded in bytes. What is free is zero.
type pool struct {
	free  [len(windowSizes)][]*window
	made  int64 // bytes, in use or free
	limit int64
}

// get returns a window for n bytes, or nil when n is too many or the memory is
// used up.
func (p *pool) get(n int) *window {
	class := 0
	for class < len(windowSizes) && windowSizes[class] < n {
		class++
	}
	for c := class; c < len(windowSizes); c++ {
		if k := len(p.free[c]); k > 0 {
			w := p.free[c][k-1]
			p.free[c] = p.free[c][:k-1]
			return w
		}
		if c == class && p.made+int64(windowSizes[c]) <= p.limit {
			p.made += int64(windowSizes[c])
			return &window{b: make([]byte, 0, windowSizes[c]), class: uint8(c)}
		}
	}
	return nil
}

// put overwrites a window and takes it back.
func (p *pool) put(w *window) {
	clear(w.b)
	w.b = w.b[:0]
	w.at = 0
	p.free[w.class] = append(p.free[w.class], w)
}

// grow returns a window that has what w has and room for n bytes in all, or
// nil; w is gone only if it succeeds.
func (p *pool) grow(w *window, n int) *window {
	if n <= cap(w.b) {
		return w
	}
	bigger := p.get(n)
	if bigger == nil {
		return nil
	}
	bigger.b = append(bigger.b, w.b...)
	bigger.at = w.at
	p.put(w)
	return bigger
}

// cut removes the first n bytes and overwrites what is free then.
func (w *window) cut(n int) {
	rest := copy(w.b, w.b[n:])
	clear(w.b[rest:])
	w.b = w.b[:rest]
}
