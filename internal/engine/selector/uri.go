package selector

import "bytes"

type templates struct{}

func hasVariable(b []byte) bool { return bytes.ContainsAny(b, "*{") }

func parseURI(text string) (parsed, error) { return parsed{}, bad(BadURI, URI, text) }

// URI returns the selector of a request, or 0.
func (s *Set) URI(host, path []byte) ID { return 0 }
