package asset

import "testing"

func TestLabel(t *testing.T) {
	for _, c := range [][3]string{
		{"fortinet", "fortios", "Fortinet FortiOS"},
		{"ivanti", "connect secure", "Ivanti Connect Secure"},
		{"microsoft", "windows server 2019", "Microsoft Windows Server 2019"},
		{"akari", "edgegate", "Akari Edgegate"},
		{"openbsd", "OpenSSH", "Openbsd OpenSSH"},
		{"", "", " "},
	} {
		if got := Names().Label(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
