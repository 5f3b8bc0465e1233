//go:build amd64 || arm64

package memory

import "unsafe"

// fetch asks for so many lines, at least one.
//
//go:noescape
func fetch(p unsafe.Pointer, lines uintptr)
