//go:build !linux

package ring

import "noroshi/internal/engine/flow/capture"

// Ring reads one interface, on Linux only.
type Ring struct{}

// Open returns ErrSystem.
func Open(string, Options) (*Ring, error) { return nil, ErrSystem }

// Link returns how the packets begin.
func (*Ring) Link() capture.Link { return 0 }

// Next returns ErrSystem.
func (*Ring) Next([]capture.Packet) (int, error) { return 0, ErrSystem }

// Stats returns ErrSystem.
func (*Ring) Stats() (Stats, error) { return Stats{}, ErrSystem }

// Close does nothing.
func (*Ring) Close() error { return nil }

// Confine returns ErrSystem.
func Confine() error { return ErrSystem }
