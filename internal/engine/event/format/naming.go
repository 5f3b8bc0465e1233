package format

// Mapping is the user's own naming.
type Mapping struct{}
