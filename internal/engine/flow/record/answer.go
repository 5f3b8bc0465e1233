package record

import "net/netip"

// maxAnswered bounds the different addresses that one record shows of names
// under one registered name.
const maxAnswered = 8

// Answer fills in the addresses of an answer. An address is 4 or 16 bytes that
// the answering side chose, so that one that reads as text is left out, as is one
// that no machine elsewhere can have; and of one registered name a record shows
// eight. With names kept full all of them are kept.
func (f Facts) Answer(d *DNS, addrs [MaxAddr]netip.Addr) {
	if f.Naming.Full() {
		d.Addrs = addrs
		return
	}
	d.Addrs = [MaxAddr]netip.Addr{}
	n, printed := 0, 0
	for _, a := range addrs {
		if !reachable(a) {
			continue
		}
		if a.Is4() && printed4(a.As4(), false) {
			printed++
		}
		d.Addrs[n] = a
		n++
	}
	if n == 0 {
		return
	}
	// Several in a row that are nothing but characters are no addresses.
	if n > 1 && printed == n || !f.few(d, n) {
		d.Addrs = [MaxAddr]netip.Addr{}
	}
}

// few reports whether the addresses of d, with those that the record shows of
// names under the same registered name, are not too many.
func (f Facts) few(d *DNS, n int) bool {
	var seen [maxAnswered]netip.Addr
	count := 0
	add := func(a netip.Addr) bool {
		for _, have := range seen[:count] {
			if have == a {
				return true
			}
		}
		if count == len(seen) {
			return false
		}
		seen[count] = a
		count++
		return true
	}
	for i := range f.DNS {
		q := &f.DNS[i]
		if q == d || q.Own != d.Own || !q.Addrs[0].IsValid() {
			continue
		}
		for _, a := range q.Addrs {
			if a.IsValid() && !add(a) {
				return false
			}
		}
	}
	for _, a := range d.Addrs[:n] {
		if !add(a) {
			return false
		}
	}
	return true
}

// reachable reports whether an address is one that a machine elsewhere may have
// (global unicast, RFC 4291 §2.4, and those of one's own network, RFC 1918 and
// RFC 4193) and does not read as text.
func reachable(a netip.Addr) bool {
	switch {
	case !a.IsValid() || !a.IsGlobalUnicast():
		return false
	case a.Is4():
		return !printed4(a.As4(), true)
	}
	b := a.As16()
	if b[0]&0xe0 != 0x20 && b[0]&0xfe != 0xfc {
		return false
	}
	all, low := 0, 0
	for i, c := range b {
		if c >= ' ' && c < 0x7f {
			all++
			if i >= 8 {
				low++
			}
		}
	}
	return all < 12 && low < 8
}

// printed4 reports whether all bytes of an address are characters, or with
// words set letters in lower case or blanks.
func printed4(b [4]byte, words bool) bool {
	for _, c := range b {
		if c < ' ' || c >= 0x7f || words && c != ' ' && !letter(c) {
			return false
		}
	}
	return true
}
