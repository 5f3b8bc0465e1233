package version

import "testing"

// Registers write ranges and lists where one version is asked for. Reading one
// number out of them would call equipment safe that is not.
func TestSeveralVersionsAreNone(t *testing.T) {
	for _, v := range []string{"7.2-7.4", "7.2 - 7.4", "8.0 - 9.9", "7.2/7.4", "1.8.0-1.8.5", "7.0.12 / 7.2.4", "9.6~9.9", "v7.2-7.4"} {
		if _, ok := Compare(Generic, v, "7.3"); ok {
			t.Errorf("%q is read as one version", v)
		}
	}
	for _, v := range []string{"13.1-49.15", "4.15.0-213.224", "1.36.1-r2", "10.0.4.35-34sv", "2024-11-01", "1.1.1n-0+deb11u3", "7.2.4-1.el8", "1.2-3", "5.1-p2.1", "12.2 - SP1", "2.0~rc1", "5.10.0~20240101"} {
		if _, ok := Compare(Generic, v, "1.0"); !ok {
			t.Errorf("%q is not read", v)
		}
	}
	// Hundreds of hyphens cost no time.
	long := ""
	for len(long) < MaxLen {
		long += "1.2-"
	}
	Compare(Generic, long[:MaxLen], "1.0")
}
