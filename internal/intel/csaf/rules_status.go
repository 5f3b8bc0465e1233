package csaf

// The tests of product status, remediations and flags.

// statusGroups are the groups that contradict each other (CSAF 2.0 §3.2.3.9,
// 2.1 §3.2.4.12).
var statusGroups = map[string]string{
	"first_affected": "affected", "known_affected": "affected", "last_affected": "affected",
	"known_not_affected": "not_affected",
	"first_fixed":        "fixed", "fixed": "fixed",
	"under_investigation": "under_investigation",
	"unknown":             "unknown",
	"recommended":         "recommended",
}

// statuses returns the groups each product of a vulnerability is in.
func statuses(v place) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, list := range statusNames {
		for _, id := range v.strs("product_status", list) {
			if out[id] == nil {
				out[id] = map[string]bool{}
			}
			out[id][statusGroups[list]] = true
		}
	}
	return out
}

func statusContradicts(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		first := map[string]string{}
		for _, list := range statusNames {
			group := statusGroups[list]
			if group == "recommended" || group == "unknown" && !d.is21 {
				continue
			}
			for _, id := range v.in("product_status").each(list) {
				if g, ok := first[id.text]; ok && g != group {
					t(id.at, "value", clip(id.text))
				} else {
					first[id.text] = group
				}
			}
		}
	}
}

func remediationLoose(d *document, t tell) { loose(d, t, "remediations") }

func flagLoose(d *document, t tell) { loose(d, t, "flags") }

func loose(d *document, t tell, list string) {
	for _, v := range d.vulnerabilities() {
		for _, r := range v.each(list) {
			if r.get("product_ids") == nil && r.get("group_ids") == nil {
				t(r.at)
			}
		}
	}
}

func flagTwice(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		seen := map[string]bool{}
		for _, f := range v.each("flags") {
			for id, at := range d.concerned(f) {
				if seen[id] {
					t(at, "value", clip(id))
				}
				seen[id] = true
			}
		}
	}
}

// together says which categories of remediation may stand beside each other
// for one product (CSAF 2.1 §3.2.4.14.1); all others contradict.
var together = map[[2]string]bool{
	{"workaround", "mitigation"}: true, {"workaround", "vendor_fix"}: true, {"workaround", "fix_planned"}: true,
	{"workaround", "no_fix_planned"}: true, {"mitigation", "vendor_fix"}: true, {"mitigation", "fix_planned"}: true,
	{"mitigation", "no_fix_planned"}: true,
}

func remediationsContradict(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		had := map[string]map[string]bool{}
		for _, r := range v.each("remediations") {
			c := r.str("category")
			for id, at := range d.concerned(r) {
				for other := range had[id] {
					if c != other && !together[[2]string{c, other}] && !together[[2]string{other, c}] {
						t(at, "value", clip(id))
						break
					}
				}
				if had[id] == nil {
					had[id] = map[string]bool{}
				}
				had[id][c] = true
			}
		}
	}
}

// remediationFor says how a category of remediation goes with a status group:
// P prohibited, D discouraged, else allowed (CSAF 2.1 table 3). In the order
// affected, not affected, fixed, under investigation, unknown.
var remediationFor = map[string]string{
	"workaround": "-PPDD", "mitigation": "-PPDD", "vendor_fix": "-PPDD", "optional_patch": "P-D--",
	"none_available": "-PP--", "fix_planned": "-DPDD", "no_fix_planned": "-DP--",
}

var remediationGroups = []string{"affected", "not_affected", "fixed", "under_investigation", "unknown"}

func remediationStatus(d *document, t tell)      { remediationBeside(d, t, 'P') }
func remediationDiscouraged(d *document, t tell) { remediationBeside(d, t, 'D') }

func remediationBeside(d *document, t tell, mark byte) {
	for _, v := range d.vulnerabilities() {
		status := statuses(v)
		for _, r := range v.each("remediations") {
			row := remediationFor[r.str("category")]
			for id, at := range d.concerned(r) {
				// A product that is recommended may have any remediation.
				if row == "" || status[id]["recommended"] && len(status[id]) == 1 {
					continue
				}
				for i, g := range remediationGroups {
					if status[id][g] && row[i] == mark {
						t(at, "value", clip(id))
					}
				}
			}
		}
	}
}

func remediationMissing(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		have := map[string]bool{}
		for _, r := range v.each("remediations") {
			for id := range d.concerned(r) {
				have[id] = true
			}
		}
		for _, list := range []string{"first_affected", "known_affected", "last_affected", "under_investigation"} {
			for _, id := range v.in("product_status").each(list) {
				if !have[id.text] {
					t(id.at, "value", clip(id.text))
				}
			}
		}
	}
}

func scoreMissing(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		have := map[string]bool{}
		for _, list := range []string{"scores", "metrics"} {
			for _, s := range v.each(list) {
				for _, id := range s.strs("products") {
					have[id] = true
				}
			}
		}
		for _, list := range []string{"first_affected", "known_affected", "last_affected"} {
			for _, id := range v.in("product_status").each(list) {
				if !have[id.text] {
					t(id.at, "value", clip(id.text))
				}
			}
		}
	}
}

func cveTwice(d *document, t tell) {
	seen := map[string]bool{}
	for _, v := range d.vulnerabilities() {
		if cve := v.str("cve"); cve != "" {
			if seen[cve] {
				t(v.at+"/cve", "value", cve)
			}
			seen[cve] = true
		}
	}
}

func involvementTwice(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		seen := map[string]bool{}
		for _, i := range v.each("involvements") {
			key := i.str("date")
			if at, ok := moment(key); ok {
				key = at.UTC().String()
			}
			key += " " + i.str("party")
			if d.is21 {
				// In 2.1 an involvement can be of some products only.
				key += canonicalOr(i.get("product_ids")) + canonicalOr(i.get("group_ids"))
			}
			if seen[key] {
				t(i.at, "value", i.str("party"))
			}
			seen[key] = true
		}
	}
}

func canonicalOr(v *value) string {
	if v == nil {
		return ""
	}
	return canonical(v)
}

func involvementDate(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		for _, i := range v.each("involvements") {
			if i.get("date") == nil {
				t(i.at)
			}
		}
	}
}

func cveInIDs(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		for _, i := range v.each("ids") {
			if cvePattern.MatchString(i.str("text")) {
				t(i.at+"/text", "value", i.str("text"))
			}
		}
	}
}

func cveMissing(d *document, t tell) {
	for _, v := range d.vulnerabilities() {
		if v.get("cve") == nil {
			t(v.at)
		}
	}
}
