package exposure

import "noroshi/internal/base/text"

// Say writes the reason as a sentence.
func (r Reason) Say(p text.Printer) string {
	switch r.Code {
	case "likely", "devices", "dependents":
		return p.T("exposure.because."+r.Code, "n", r.N)
	}
	return p.T("exposure.because." + r.Code)
}

// Say writes the verdict with its certainty.
func (e *Exposure) Say(p text.Printer) string {
	if e.Verdict == "affected" && e.Certainty != "exact" {
		return p.T("exposure.certainty." + e.Certainty)
	}
	return p.T("exposure.verdict." + e.Verdict)
}

// What writes to what the exposure is: the id of the vulnerability, or that
// support ends.
func (e *Exposure) What(p text.Printer) string {
	if e.Vulnerability == SupportEnd {
		return p.T("exposure.support_end")
	}
	return e.Vulnerability
}
