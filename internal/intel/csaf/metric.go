package csaf

import (
	"regexp"
	"strings"

	cvss2 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss4 "github.com/pandatix/go-cvss/40"
)

// metric ties a property of a CVSS object to the metric of the vector it
// repeats: CODE property WORD=LETTER WORD=LETTER … with the letter of "not
// defined" last where there is one.
type metric struct {
	code, property string
	letters        map[string]string // word → letter
	absent         string            // letter when the vector leaves it out
}

// cvssVersion is what one version of CVSS says of its object.
type cvssVersion struct {
	version  string
	prefix   string
	metrics  []metric
	numbers  []string // properties that are scores
	ratings  []string // properties that are severities
	required []string
	dropped  []string // properties an earlier schema had by mistake (6.1.9 of CSAF 2.1)
	shape    *shape
}

func metricsOf(table string) (ms []metric) {
	for _, line := range strings.Split(strings.TrimSpace(table), "\n") {
		f := strings.Fields(line)
		m := metric{code: f[0], property: f[1], letters: map[string]string{}}
		for _, w := range f[2:] {
			word, letter, _ := strings.Cut(w, "=")
			m.letters[word] = letter
			if word == "NOT_DEFINED" {
				m.absent = letter
			}
		}
		ms = append(ms, m)
	}
	return ms
}

const cvss3Metrics = `
AV attackVector NETWORK=N ADJACENT_NETWORK=A LOCAL=L PHYSICAL=P
AC attackComplexity HIGH=H LOW=L
PR privilegesRequired HIGH=H LOW=L NONE=N
UI userInteraction NONE=N REQUIRED=R
S scope UNCHANGED=U CHANGED=C
C confidentialityImpact NONE=N LOW=L HIGH=H
I integrityImpact NONE=N LOW=L HIGH=H
A availabilityImpact NONE=N LOW=L HIGH=H
E exploitCodeMaturity UNPROVEN=U PROOF_OF_CONCEPT=P FUNCTIONAL=F HIGH=H NOT_DEFINED=X
RL remediationLevel OFFICIAL_FIX=O TEMPORARY_FIX=T WORKAROUND=W UNAVAILABLE=U NOT_DEFINED=X
RC reportConfidence UNKNOWN=U REASONABLE=R CONFIRMED=C NOT_DEFINED=X
CR confidentialityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=X
IR integrityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=X
AR availabilityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=X
MAV modifiedAttackVector NETWORK=N ADJACENT_NETWORK=A LOCAL=L PHYSICAL=P NOT_DEFINED=X
MAC modifiedAttackComplexity HIGH=H LOW=L NOT_DEFINED=X
MPR modifiedPrivilegesRequired HIGH=H LOW=L NONE=N NOT_DEFINED=X
MUI modifiedUserInteraction NONE=N REQUIRED=R NOT_DEFINED=X
MS modifiedScope UNCHANGED=U CHANGED=C NOT_DEFINED=X
MC modifiedConfidentialityImpact NONE=N LOW=L HIGH=H NOT_DEFINED=X
MI modifiedIntegrityImpact NONE=N LOW=L HIGH=H NOT_DEFINED=X
MA modifiedAvailabilityImpact NONE=N LOW=L HIGH=H NOT_DEFINED=X`

// The versions, from the schemas FIRST publishes with each.
var (
	v2 = cvssShape(cvssVersion{
		version: "2.0", required: []string{"version", "vectorString", "baseScore"},
		numbers: []string{"baseScore", "temporalScore", "environmentalScore"},
		metrics: metricsOf(`
AV accessVector NETWORK=N ADJACENT_NETWORK=A LOCAL=L
AC accessComplexity HIGH=H MEDIUM=M LOW=L
Au authentication MULTIPLE=M SINGLE=S NONE=N
C confidentialityImpact NONE=N PARTIAL=P COMPLETE=C
I integrityImpact NONE=N PARTIAL=P COMPLETE=C
A availabilityImpact NONE=N PARTIAL=P COMPLETE=C
E exploitability UNPROVEN=U PROOF_OF_CONCEPT=POC FUNCTIONAL=F HIGH=H NOT_DEFINED=ND
RL remediationLevel OFFICIAL_FIX=OF TEMPORARY_FIX=TF WORKAROUND=W UNAVAILABLE=U NOT_DEFINED=ND
RC reportConfidence UNCONFIRMED=UC UNCORROBORATED=UR CONFIRMED=C NOT_DEFINED=ND
CDP collateralDamagePotential NONE=N LOW=L LOW_MEDIUM=LM MEDIUM_HIGH=MH HIGH=H NOT_DEFINED=ND
TD targetDistribution NONE=N LOW=L MEDIUM=M HIGH=H NOT_DEFINED=ND
CR confidentialityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=ND
IR integrityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=ND
AR availabilityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=ND`),
	})
	v30 = cvssShape(cvss3Version("3.0"))
	v31 = cvssShape(cvss3Version("3.1"))
	v4  = cvssShape(cvssVersion{
		version: "4.0", prefix: "CVSS:4.0/", required: []string{"version", "vectorString", "baseScore", "baseSeverity"},
		numbers: []string{"baseScore"}, ratings: []string{"baseSeverity"},
		dropped: []string{"threatScore", "threatSeverity", "environmentalScore", "environmentalSeverity"},
		metrics: metricsOf(`
AV attackVector NETWORK=N ADJACENT=A LOCAL=L PHYSICAL=P
AC attackComplexity HIGH=H LOW=L
AT attackRequirements NONE=N PRESENT=P
PR privilegesRequired HIGH=H LOW=L NONE=N
UI userInteraction NONE=N PASSIVE=P ACTIVE=A
VC vulnConfidentialityImpact NONE=N LOW=L HIGH=H
VI vulnIntegrityImpact NONE=N LOW=L HIGH=H
VA vulnAvailabilityImpact NONE=N LOW=L HIGH=H
SC subConfidentialityImpact NONE=N LOW=L HIGH=H
SI subIntegrityImpact NONE=N LOW=L HIGH=H
SA subAvailabilityImpact NONE=N LOW=L HIGH=H
E exploitMaturity UNREPORTED=U PROOF_OF_CONCEPT=P ATTACKED=A NOT_DEFINED=X
CR confidentialityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=X
IR integrityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=X
AR availabilityRequirement LOW=L MEDIUM=M HIGH=H NOT_DEFINED=X
MAV modifiedAttackVector NETWORK=N ADJACENT=A LOCAL=L PHYSICAL=P NOT_DEFINED=X
MAC modifiedAttackComplexity HIGH=H LOW=L NOT_DEFINED=X
MAT modifiedAttackRequirements NONE=N PRESENT=P NOT_DEFINED=X
MPR modifiedPrivilegesRequired HIGH=H LOW=L NONE=N NOT_DEFINED=X
MUI modifiedUserInteraction NONE=N PASSIVE=P ACTIVE=A NOT_DEFINED=X
MVC modifiedVulnConfidentialityImpact NONE=N LOW=L HIGH=H NOT_DEFINED=X
MVI modifiedVulnIntegrityImpact NONE=N LOW=L HIGH=H NOT_DEFINED=X
MVA modifiedVulnAvailabilityImpact NONE=N LOW=L HIGH=H NOT_DEFINED=X
MSC modifiedSubConfidentialityImpact NEGLIGIBLE=N LOW=L HIGH=H NOT_DEFINED=X
MSI modifiedSubIntegrityImpact NEGLIGIBLE=N LOW=L HIGH=H SAFETY=S NOT_DEFINED=X
MSA modifiedSubAvailabilityImpact NEGLIGIBLE=N LOW=L HIGH=H SAFETY=S NOT_DEFINED=X
S Safety NEGLIGIBLE=N PRESENT=P NOT_DEFINED=X
AU Automatable NO=N YES=Y NOT_DEFINED=X
R Recovery AUTOMATIC=A USER=U IRRECOVERABLE=I NOT_DEFINED=X
V valueDensity DIFFUSE=D CONCENTRATED=C NOT_DEFINED=X
RE vulnerabilityResponseEffort LOW=L MODERATE=M HIGH=H NOT_DEFINED=X
U providerUrgency CLEAR=Clear GREEN=Green AMBER=Amber RED=Red NOT_DEFINED=X`),
	})
)

func cvss3Version(v string) cvssVersion {
	return cvssVersion{
		version: v, prefix: "CVSS:" + v + "/", required: []string{"version", "vectorString", "baseScore", "baseSeverity"},
		numbers: []string{"baseScore", "temporalScore", "environmentalScore"},
		ratings: []string{"baseSeverity", "temporalSeverity", "environmentalSeverity"},
		metrics: metricsOf(cvss3Metrics),
	}
}

// cvssShape adds the shape that follows from the tables.
func cvssShape(c cvssVersion) *cvssVersion {
	f := fields{"version": one(c.version)}
	var alt []string
	for _, m := range c.metrics {
		var words, letters []string
		for w, l := range m.letters {
			words, letters = append(words, w), append(letters, regexp.QuoteMeta(l))
		}
		f[m.property] = &shape{kind: text, enum: words}
		alt = append(alt, m.code+":("+strings.Join(letters, "|")+")")
	}
	vector := `^` + regexp.QuoteMeta(c.prefix) + `((` + strings.Join(alt, "|") + `)/)*(` + strings.Join(alt, "|") + `)$`
	f["vectorString"] = like(vector)
	for _, n := range c.numbers {
		f[n] = &shape{kind: number, max: 10}
	}
	for _, n := range c.ratings {
		f[n] = one("NONE LOW MEDIUM HIGH CRITICAL")
	}
	c.shape = &shape{kind: object, required: c.required, fields: f}
	return &c
}

// cvssOf returns the version of CVSS a member of a score or metric is of, by
// its name and, for version 3, what it says itself.
func cvssOf(name string, v *value) *cvssVersion {
	switch name {
	case "cvss_v2":
		return v2
	case "cvss_v3":
		if v.str("version") == "3.0" {
			return v30
		}
		return v31
	case "cvss_v4":
		return v4
	}
	return nil
}

// letters reads a vector into metric → letter. It is false when a metric is
// missing its value or stands there twice.
func (c *cvssVersion) letters(vector string) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(vector, c.prefix)
	if !ok || len(vector) > 512 {
		return nil, false
	}
	m := map[string]string{}
	for _, part := range strings.Split(rest, "/") {
		code, letter, ok := strings.Cut(part, ":")
		if _, double := m[code]; !ok || double {
			return nil, false
		}
		m[code] = letter
	}
	return m, true
}

// scores computes the scores of an object by property: from its vector, and
// from its properties where the vector leaves a metric out. It is false when
// a base metric is missing or the vector is of no known form.
func (c *cvssVersion) scores(v *value) (map[string]float64, bool) {
	m, ok := c.letters(v.str("vectorString"))
	if !ok {
		return nil, false
	}
	for _, x := range c.metrics {
		if letter := x.letters[v.str(x.property)]; letter != "" && m[x.code] == "" {
			m[x.code] = letter
		}
	}
	// The library wants the order of the specification; the schemas of 2.0
	// and 3.x allow any.
	ordered := make([]string, 0, len(m))
	for _, x := range c.metrics {
		if l, ok := m[x.code]; ok && l != x.absent {
			ordered = append(ordered, x.code+":"+l)
		}
	}
	plain := c.prefix + strings.Join(ordered, "/")
	switch c {
	case v2:
		// The groups of 2.0 stand whole or not at all.
		x, err := cvss2.ParseVector(wholeGroups(plain, m))
		if err != nil {
			return nil, false
		}
		return map[string]float64{"baseScore": x.BaseScore(), "temporalScore": x.TemporalScore(), "environmentalScore": x.EnvironmentalScore()}, true
	case v30:
		x, err := cvss30.ParseVector(plain)
		if err != nil {
			return nil, false
		}
		return map[string]float64{"baseScore": x.BaseScore(), "temporalScore": x.TemporalScore(), "environmentalScore": x.EnvironmentalScore()}, true
	case v31:
		x, err := cvss31.ParseVector(plain)
		if err != nil {
			return nil, false
		}
		return map[string]float64{"baseScore": x.BaseScore(), "temporalScore": x.TemporalScore(), "environmentalScore": x.EnvironmentalScore()}, true
	}
	x, err := cvss4.ParseVector(plain)
	if err != nil {
		return nil, false
	}
	// Nothing harmed is 0 (CVSS 4.0 §8), also when only the environment says so.
	harm := false
	for _, code := range []string{"VC", "VI", "VA", "SC", "SI", "SA"} {
		letter := m["M"+code]
		if letter == "" || letter == "X" {
			letter = m[code]
		}
		harm = harm || letter != "N"
	}
	if !harm {
		return map[string]float64{"baseScore": 0}, true
	}
	return map[string]float64{"baseScore": x.Score()}, true
}

func wholeGroups(plain string, m map[string]string) string {
	base, _, _ := strings.Cut(plain, "/E:")
	for _, cut := range []string{"/RL:", "/RC:", "/CDP:", "/TD:", "/CR:", "/IR:", "/AR:"} {
		base, _, _ = strings.Cut(base, cut)
	}
	or := func(code string) string {
		if l := m[code]; l != "" {
			return "/" + code + ":" + l
		}
		return "/" + code + ":ND"
	}
	return base + or("E") + or("RL") + or("RC") + or("CDP") + or("TD") + or("CR") + or("IR") + or("AR")
}

// rating is the qualitative scale of CVSS 3.x and 4.0.
func rating(score float64) string {
	switch {
	case score <= 0:
		return "NONE"
	case score < 4:
		return "LOW"
	case score < 7:
		return "MEDIUM"
	case score < 9:
		return "HIGH"
	}
	return "CRITICAL"
}
