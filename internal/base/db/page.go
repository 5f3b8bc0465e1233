package db

import (
	"encoding/base64"
	"encoding/json"

	"noroshi/internal/base/fault"
)

// Page sizes of lists.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Above sorts after every id, in whatever order a database puts text: ids begin
// with a hexadecimal digit, and letters come after digits everywhere.
const Above = "zz"

// Limit returns a page size within bounds; 0 or less is the default.
func Limit(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}

// Cursor makes the opaque text of a keyset position: the sort values of the
// last row that was shown. Access rules are in the query, so a cursor that
// somebody makes up opens nothing.
func Cursor(keys ...any) string {
	raw, err := json.Marshal(keys)
	if err != nil {
		panic("BUG: cursor: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseCursor reads the keys of a cursor into the pointers given; an empty
// cursor leaves them alone and reports false.
func ParseCursor(s string, keys ...any) (bool, error) {
	if s == "" {
		return false, nil
	}
	bad := fault.New(fault.Usage, "db.cursor")
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) > 4096 {
		return false, bad
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) != len(keys) {
		return false, bad
	}
	for i, k := range keys {
		if json.Unmarshal(parts[i], k) != nil {
			return false, bad
		}
	}
	return true, nil
}
