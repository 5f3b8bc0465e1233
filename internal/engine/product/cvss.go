package product

import (
	"fmt"
	"strings"

	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
)

// Severity is the qualitative rating of a CVSS score (CVSS 3.1 §5, CVSS 4.0
// §6): none, low, medium, high or critical. CVSS 2.0 has no scale of its own;
// NVD's is used: low, medium, high.
type Severity string

// The severities.
const (
	SeverityNone     Severity = "none"
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)

// CVSS is a scored vector. Scores are 0.0 to 10.0 in steps of 0.1.
type CVSS struct {
	Version  string   // 2.0, 3.0, 3.1, 4.0
	Vector   string   // as read
	Base     float64  // base score; of CVSS 4.0 the score of the metrics given
	Temporal float64  // base where the vector has no temporal metrics; of CVSS 4.0 the same as Base
	Overall  float64  // with the environmental metrics, as far as given
	Severity Severity // of Base
}

// maxVector is longer than any vector of any version.
const maxVector = 512

// ParseCVSS reads a vector string of CVSS 2.0 (with or without the parentheses
// or the "CVSS2#" in front), 3.0, 3.1 or 4.0 and scores it. The error says
// which version was read and what is wrong.
func ParseCVSS(vector string) (CVSS, error) {
	s := strings.TrimSpace(vector)
	if len(s) > maxVector {
		return CVSS{}, fmt.Errorf("CVSS: a vector of %d characters; the longest has %d", len(s), maxVector)
	}
	switch {
	case strings.HasPrefix(s, "CVSS:4.0/"):
		return cvss4(s)
	case strings.HasPrefix(s, "CVSS:3.1/"):
		v, err := gocvss31.ParseVector(s)
		if err != nil {
			return CVSS{}, fmt.Errorf("CVSS 3.1 %q: %w", s, err)
		}
		return scored("3.1", s, v.BaseScore(), v.TemporalScore(), v.EnvironmentalScore()), nil
	case strings.HasPrefix(s, "CVSS:3.0/"):
		v, err := gocvss30.ParseVector(s)
		if err != nil {
			return CVSS{}, fmt.Errorf("CVSS 3.0 %q: %w", s, err)
		}
		return scored("3.0", s, v.BaseScore(), v.TemporalScore(), v.EnvironmentalScore()), nil
	case strings.HasPrefix(s, "CVSS:"):
		return CVSS{}, fmt.Errorf("CVSS %q: the version is none of 2.0, 3.0, 3.1, 4.0", s)
	}
	bare := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(s, "("), ")"), "CVSS2#")
	c, err := cvss2(bare)
	if err != nil {
		return CVSS{}, err
	}
	switch {
	case c.Base < 4:
		c.Severity = SeverityLow
	case c.Base < 7:
		c.Severity = SeverityMedium
	default:
		c.Severity = SeverityHigh
	}
	return c, nil
}

func scored(version, vector string, base, temporal, overall float64) CVSS {
	return CVSS{Version: version, Vector: vector, Base: base, Temporal: temporal, Overall: overall, Severity: SeverityOf(base)}
}

// SeverityOf rates a score of CVSS 3.x or 4.0.
func SeverityOf(score float64) Severity {
	switch {
	case score <= 0:
		return SeverityNone
	case score < 4:
		return SeverityLow
	case score < 7:
		return SeverityMedium
	case score < 9:
		return SeverityHigh
	}
	return SeverityCritical
}
