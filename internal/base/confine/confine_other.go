//go:build !linux

package confine

// To returns ErrSystem.
func To(Set) error { return ErrSystem }
