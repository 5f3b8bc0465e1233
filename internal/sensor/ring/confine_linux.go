package ring

import (
	"errors"

	"noroshi/internal/base/confine"
)

// Confine leaves the process the capability CAP_NET_RAW and no other, for good; see
// [confine.To], whose errors it returns. ErrPermission when the process lacks it.
func Confine() error {
	err := confine.To(confine.NetRaw)
	if errors.Is(err, confine.ErrLacks) {
		return ErrPermission
	}
	return err
}
