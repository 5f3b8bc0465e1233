//go:build !linux

package memory

func large(uintptr, uintptr) {}
