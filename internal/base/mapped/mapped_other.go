//go:build !linux

package mapped

import "os"

func mapFile(*os.File, int) ([]byte, error) { return nil, ErrUnfit }
func fetch([]byte)                          {}
func release([]byte)                        {}
func unmap([]byte) error                    { return nil }
