package csaf

// Untested returns the numbers of the tests of an edition of CSAF, "2.0" or
// "2.1", that [Validate] does not run.
func Untested(version string) []string {
	if version == "2.0" {
		return untested(in20)
	}
	return untested(in21)
}

func untested(in edition) []string {
	return nil
}
