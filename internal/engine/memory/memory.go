// Package memory tells the processor and the system what memory will be used
// next. Whatever it is told changes how long things take and nothing else; where
// neither listens, it says nothing.
package memory

import "unsafe"

// line is what the processor fetches at once, in bytes.
const line = 64

// Soon asks the processor to fetch what p points to, which may be anything, nil
// too. It returns at once: who asks for several things before looking at the first
// waits for all of them together.
func Soon[T any](p *T) { fetch(unsafe.Pointer(p), (unsafe.Sizeof(*p)+line-1)/line) }

// Begins is Soon for the first n bytes.
func Begins[T any](p *T, n uintptr) { fetch(unsafe.Pointer(p), (n+line-1)/line) }

// Large asks the system to keep a table in large pages (madvise(2),
// MADV_HUGEPAGE), of which the processor knows the places of far more at a time.
// It is for tables that live long and are looked into all over, and is to be called
// before they are filled. What stands beside them within the same large page
// comes along.
func Large[T any](s []T) {
	if len(s) > 0 {
		large(uintptr(unsafe.Pointer(unsafe.SliceData(s))), uintptr(len(s))*unsafe.Sizeof(s[0]))
	}
}
