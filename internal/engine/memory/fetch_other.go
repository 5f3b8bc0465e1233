//go:build !amd64 && !arm64

package memory

import "unsafe"

func fetch(unsafe.Pointer, uintptr) {}
