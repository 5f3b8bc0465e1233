// Package exposure puts what is known of vulnerabilities beside what stands in
// the registers (突合): who is exposed, by which equipment, why, and what to do
// first.
//
// A row is one operator, one vulnerability and one product, with the worst
// verdict of the equipment concerned. Rows follow both sides: a new statement
// finds the equipment, new or changed equipment finds the statements. A full
// rematch computes everything again and writes only what differs.
//
// The priority is a decision after SSVC (CERT/CC, deployer tree) with its
// reasons; EPSS and CVSS stand beside it and never decide alone. What a person
// decided ("not affected because …") is kept by vulnerability, product and
// reason, and holds for the next version and for new equipment of that product.
//
// Versions, zones and the equipment concerned are sealed with the operator's
// key; in clear stand counts, verdict, priority and state. A contractor sees
// rows computed from the equipment it operates, and nothing of the rest.
//
// Registered addresses and domains are found by keyed tags, one key per
// operator, when an indicator is asked for.
//
// Invariants: the digest of a group (operator and product) is the sum of its
// live rows' digests; a row is as a computation from nothing would make it,
// whichever events led there; a verdict of a person is never changed by the hub.
//
// Tables: exposure_org, exposure_sector, exposure_subject, exposure_key,
// exposure_group, exposure_row, exposure_part, exposure_verdict, exposure_past,
// exposure_name, exposure_run, exposure_sighting, exposure_place.
// Events in: asset.added, asset.changed, asset.removed, asset.imported,
// intel.stated, intel.exploited, sighting.recorded, sighting.withdrawn,
// org.changed, org.tied, exposure.due. Events out: exposure.found,
// exposure.changed, exposure.ended, exposure.judged, exposure.due.
//
// Article: Act 42 of 2025, arts. 39 and 40 (information for those concerned).
package exposure

import "embed"

// Words are this noun's sentences in Japanese and English, for text.Load.
//
//go:embed text
var Words embed.FS
