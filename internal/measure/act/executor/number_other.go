//go:build !unix

package executor

// numberOf knows of no numbers here.
func numberOf(string) uint64 { return 0 }
