package csaf

import "strings"

// Untested returns the numbers of the tests of an edition of CSAF, "2.0" or
// "2.1", that [Validate] does not run: they ask the network, a dictionary of a
// language, or a registry that we do not carry.
func Untested(version string) []string {
	if version == "2.0" {
		return untested(in20)
	}
	return untested(in21)
}

func untested(in edition) []string {
	if in == in20 {
		return strings.Fields("6.3.6 6.3.7 6.3.8")
	}
	return strings.Fields(`6.1.60.2 6.1.60.3 6.2.33 6.2.39.1 6.2.42 6.2.44 6.2.45 6.2.53
		6.2.54.1 6.2.54.2 6.2.54.3 6.2.54.4 6.3.6 6.3.7 6.3.8 6.3.13 6.3.16 6.3.17
		6.3.20 6.3.21.2`)
}
