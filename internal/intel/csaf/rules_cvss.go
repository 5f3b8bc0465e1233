package csaf

import (
	"math"
	"strconv"
	"strings"
)

// The tests of scores: CVSS objects against the schema, the vector and what
// the vector gives.

func scoreTwice(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		seen := map[string]bool{}
		for _, c := range d.cvssObjects(v) {
			version := c.str("version")
			if version == "" {
				version = c.name
			}
			for _, id := range c.products {
				key := id + "\x00" + version + "\x00" + c.source
				if seen[key] {
					t(c.at, "value", clip(id))
				}
				seen[key] = true
			}
		}
	}
}

// everyCVSS calls each for every CVSS object whose version is known.
func everyCVSS(d *document, each func(c cvssObject, version *cvssVersion)) {
	for _, v := range d.vulnerabilities() {
		for _, c := range d.cvssObjects(v) {
			if version := cvssOf(c.name, c.value); version != nil {
				each(c, version)
			}
		}
	}
}

func cvssInvalid(d *document, t tell) {
	everyCVSS(d, func(c cvssObject, version *cvssVersion) {
		version.shape.check(c.value, c.at, func(f found) {
			if !f.extra {
				t(f.at, "value", problemValue(f))
			}
		})
		for _, name := range version.dropped {
			if c.get(name) != nil {
				t(c.at+"/"+name, "value", name)
			}
		}
		if s := c.str("vectorString"); s != "" && version.shape.fields["vectorString"].pattern.MatchString(s) {
			if _, ok := version.scores(c.value); !ok {
				t(c.at+"/vectorString", "value", clip(s))
			}
		}
		// 4.0 ties score and severity together in its schema.
		if f, ok := c.float("baseScore"); ok && version == v4 && c.str("baseSeverity") != "" && rating(f) != c.str("baseSeverity") {
			t(c.at+"/baseSeverity", "value", c.str("baseSeverity"))
		}
	})
}

// problemValue says in one word what the check of a shape found.
func problemValue(f found) string {
	for _, k := range []string{"name", "value", "want"} {
		if s, ok := f.args[k].(string); ok {
			return s
		}
	}
	return ""
}

func cvssComputation(d *document, t tell) {
	everyCVSS(d, func(c cvssObject, version *cvssVersion) {
		want, ok := version.scores(c.value)
		if !ok {
			return
		}
		// Properties may add an environment to the vector, or only repeat it.
		plain, _ := version.scores(&value{kind: object, keys: []string{"vectorString"}, items: []value{*c.get("vectorString")}})
		if got, ok := c.float("baseScore"); ok && plain != nil && math.Abs(got-plain["baseScore"]) < 1e-6 {
			want["baseScore"] = plain["baseScore"]
		}
		for _, name := range version.numbers {
			if got, ok := c.float(name); ok && math.Abs(got-want[name]) > 1e-6 {
				t(c.at+"/"+name, "value", strconv.FormatFloat(want[name], 'f', 1, 64))
			}
		}
		for _, name := range version.ratings {
			if got := c.str(name); got != "" && got != rating(want[strings.Replace(name, "Severity", "Score", 1)]) {
				t(c.at+"/"+name, "value", rating(want[strings.Replace(name, "Severity", "Score", 1)]))
			}
		}
	})
}

func cvssContradicts(d *document, t tell) {
	everyCVSS(d, func(c cvssObject, version *cvssVersion) {
		letters, ok := version.letters(c.str("vectorString"))
		if !ok {
			return
		}
		for _, m := range version.metrics {
			word := c.str(m.property)
			letter, known := m.letters[word]
			if word == "" || !known {
				continue
			}
			// What the vector leaves out it does not contradict.
			if stands := letters[m.code]; stands != "" && letter != stands {
				t(c.at+"/"+m.property, "value", word)
			}
		}
	})
}

func severityBesideCVSS(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		scored := map[string]bool{}
		for _, c := range d.cvssObjects(v) {
			for _, id := range c.products {
				scored[id+"\x00"+c.source] = true
			}
		}
		for _, m := range v.each("metrics") {
			if m.get("content", "qualitative_severity_rating") == nil {
				continue
			}
			for _, id := range m.strs("products") {
				if scored[id+"\x00"+m.str("source")] {
					t(m.at+"/content/qualitative_severity_rating", "value", clip(id))
				}
			}
		}
	}
}

func severityUsed(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		for _, m := range v.each("metrics") {
			if m.get("content", "qualitative_severity_rating") != nil {
				t(m.at + "/content/qualitative_severity_rating")
			}
		}
	}
}

func severityByIssuer(d *document, t tell) {
	own := canonicalURL(d)
	for _, v := range d.vulnerabilities() {
		for _, m := range v.each("metrics") {
			source := m.get("source")
			if m.get("content", "qualitative_severity_rating") != nil && (source == nil || source.text == own) {
				t(m.at + "/content/qualitative_severity_rating")
			}
		}
	}
}

// cvssForFixed asks that what is fixed scores 0: by the vector's own
// environment (CSAF 2.0 §6.2.19).
func cvssForFixed(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		fixed := map[string]bool{}
		for _, list := range []string{"first_fixed", "fixed"} {
			for _, id := range v.strs("product_status", list) {
				fixed[id] = true
			}
		}
		for _, c := range d.cvssObjects(v) {
			version := cvssOf(c.name, c.value)
			if version == nil {
				continue
			}
			zero := false
			if s, ok := version.scores(c.value); ok {
				overall := s["environmentalScore"]
				if version == v4 {
					overall = s["baseScore"]
				}
				zero = overall == 0
			}
			if f, ok := c.float("environmentalScore"); ok && f == 0 {
				zero = true
			}
			if f, ok := c.float("baseScore"); ok && f == 0 {
				zero = true
			}
			zero = zero || propertiesZero(c, version)
			for _, id := range c.products {
				if fixed[id] && !zero {
					t(c.at, "value", clip(id))
				}
			}
		}
	}
}

func propertiesZero(c cvssObject, version *cvssVersion) bool {
	is := func(word string, names ...string) bool {
		for _, n := range names {
			if c.str(n) != word {
				return false
			}
		}
		return true
	}
	switch version {
	case v2:
		return is("NONE", "targetDistribution")
	case v4:
		return is("NONE", "modifiedVulnAvailabilityImpact", "modifiedVulnConfidentialityImpact", "modifiedVulnIntegrityImpact") &&
			is("NEGLIGIBLE", "modifiedSubAvailabilityImpact", "modifiedSubConfidentialityImpact", "modifiedSubIntegrityImpact")
	}
	return is("NONE", "modifiedAvailabilityImpact", "modifiedConfidentialityImpact", "modifiedIntegrityImpact")
}

func onlyCVSS2(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		other := map[string]bool{}
		for _, c := range d.cvssObjects(v) {
			if c.name != "cvss_v2" {
				for _, id := range c.products {
					other[id] = true
				}
			}
		}
		for _, m := range v.each("metrics") {
			content := m.get("content")
			if content != nil && len(content.keys) > 0 && (content.get("cvss_v2") == nil || len(content.keys) > 1) {
				for _, id := range m.strs("products") {
					other[id] = true
				}
			}
		}
		for _, c := range d.cvssObjects(v) {
			if c.name != "cvss_v2" {
				continue
			}
			for _, id := range c.products {
				if !other[id] {
					t(c.at, "value", clip(id))
					break
				}
			}
		}
	}
}

func cvss30Used(d *document, t tell) {
	everyCVSS(d, func(c cvssObject, version *cvssVersion) {
		if version == v30 {
			t(c.at + "/version")
		}
	})
}

func cvss4Missing(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		covered := map[string]bool{}
		for _, m := range v.each("metrics") {
			content := m.in("content")
			if content.value == nil {
				continue
			}
			any := false
			for _, k := range content.keys {
				any = any || strings.HasPrefix(k, "cvss_v")
			}
			if any {
				for _, id := range m.strs("products") {
					covered[id] = covered[id] || content.get("cvss_v4") != nil
				}
			}
		}
		for _, m := range v.each("metrics") {
			for _, id := range m.each("products") {
				if has, ok := covered[id.text]; ok && !has {
					t(m.at+"/content", "value", clip(id.text))
					break
				}
			}
		}
		for _, list := range []string{"first_affected", "known_affected", "last_affected"} {
			for _, id := range v.in("product_status").each(list) {
				if _, ok := covered[id.text]; !ok {
					t(id.at, "value", clip(id.text))
				}
			}
		}
	}
}
