package feed

// Under which terms the sources let their statements be used, in the words of
// SPDX where it has one. A source that does not say has none: empty.
const (
	LicenceNVD  = "public-domain"    // works of NIST: 17 U.S.C. 105; nvd.nist.gov/general/legal-disclaimer
	LicenceCVE  = "cve-tou"          // CVE terms of use: free with the notice; cve.org/Legal/TermsOfUse
	LicenceKEV  = "CC0-1.0"          // cisa.gov/sites/default/files/licenses/kev/license.txt
	LicenceADP  = "CC0-1.0"          // CISA Vulnrichment, LICENSE of its repository
	LicenceOSV  = "CC-BY-4.0"        // of most databases in it; google.github.io/osv.dev/data, "Data sources"
	LicenceEOL  = "MIT"              // endoflife.date, LICENSE of its repository
	LicenceJVN  = "jvn-tou"          // JVN iPedia: free with the source named; jvndb.jvn.jp/nav/jvndb.html
	LicenceEPSS = "epss-attribution" // free with attribution to FIRST; first.org/epss
)
