package version

import "testing"

// Orders that other tools got wrong, by the public issue that tells of it.
func TestIssues(t *testing.T) {
	for _, c := range []struct {
		issue string
		s     Scheme
		a, b  string // a stands below b
	}{
		{"nvdtools 16: compared as text", Generic, "3.0.0", "16.0.0"},
		{"nvdtools 21: only the first part compared", Generic, "10.21", "10.23"},
		{"grype 2844: patch numbers compared as text", Generic, "4.2.8p9", "4.2.8p15"},
		{"grype 2844: OpenSSL letters", Generic, "1.1.1k", "1.1.1p"},
		{"grype 3037: capital V", Generic, "V1500-SP2", "V1500-SP3"},
		{"grype 3037: capital V against none", Generic, "V1.2.3", "1.2.4"},
		{"grype 1526: a maker's patch taken for a pre-release", Maven, "2.414.2", "2.414.2-cb-5"},
		{"dependency-track 2803: a letter at the end", Generic, "2.8.75", "2.8.123e"},
		{"dependency-track 5078: the epoch taken for the version", Generic, "2.8.9", "7:5.1.6-deb12u1"},
		{"dependency-track 5078: the epoch taken for the version", Generic, "7:5.1.6-deb12u1", "6.0"},
		{"dependency-track 6139: numbers of two digits", SemVer, "11.5.48", "11.5.50"},
		{"dependency-track 5923: preview bounds", SemVer, "8.0.0-preview.1.23110.8", "8.0.1"},
		{"DependencyCheck 1386: numbers of two digits in the fourth place", Generic, "8.0.0.6", "8.0.0.51"},
		{"winget-cli 2116: a letter at the end", Generic, "8.0.4", "8.0.4a"},
		{"cve-bin-tool 3430: a letter against a number", Generic, "1.1a", "1.19"},
		{"cve-bin-tool 3430: OpenSSL letters against the next release", Generic, "1.1.1w", "1.1.2"},
		{"wazuh 37337: mixed forms", Generic, "2.0.3_417.9.3", "18.6"},
		{"wazuh 37337: mixed forms", Generic, "4.0_beta", "4.0"},
		{"dependency-track 4087: a release candidate of Python taken for later", PEP440, "24.7.0rc1", "24.7.0"},
		{"dependency-track 3808: revisions compared as text", Alpine, "1.36.1-r2", "1.36.1-r18"},
		{"dependency-track 3808: revisions compared as text", Generic, "1.36.1-r2", "1.36.1-r18"},
		{"trivy 245: a release candidate of Alpine", Alpine, "1.2.3_rc1-r0", "1.2.3-r0"},
		{"trivy 985: a v on one side", SemVer, "v0.21.1", "1.15.4"},
		{"trivy 1886: the epoch taken for the version", Generic, "3.2", "1:5.0.20-1+bionic"},
		{"trivy 108: a platform taken for a pre-release", Gem, "1.7.1", "1.10.9-java"},
		{"gpt4all 2772: rc numbers", Generic, "2.0.99-rc2", "2.0.99-rc10"},
		{"dependency-track 511: the update attribute left out", Java, Join("1.8.0", "update_191"), Join("1.8.0", "update_202")},
		{"wazuh 8434: the update attribute left out", Generic, Join("2016", "cumulative_update_21"), Join("2016", "cumulative_update_22")},
		{"grype 2170: the epoch lost", RPM, "1:1.32.10-4.el8", "1:1.40.16-15.el8_9"},
		{"grype 419: builds of OpenJDK", RPM, "1:1.8.0.292.b10-1.el7_9", "1:1.8.0.302.b08-0.el7_9"},
		{"grype 419: builds of OpenJDK", RPM, "1:1.8.0.51-1.b16.el7_1", "1:1.8.0.302.b08-0.el7_9"},
		{"grype 316: the release of a later distribution", RPM, "1.5.4-2.el7", "0:1.5.4-2.el7_9"},
		{"fleet 49485: packages with an epoch", RPM, "1:9.0.62-11.el9_2.3", "1:9.0.117-2.el9_8"},
	} {
		t.Run(c.issue, func(t *testing.T) { check(t, c.s, c.a, c.b, -1) })
	}
	t.Run("trivy 1496: a platform taken for a pre-release", func(t *testing.T) { check(t, Gem, "1.12.5", "1.12.5-arm64-darwin", 0) })
	t.Run("nvdtools 205: leading zeros", func(t *testing.T) { check(t, Generic, "2023.02.13", "2023.2.13", 0) })
}
