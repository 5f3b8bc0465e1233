package geo

import _ "embed"

// The lists of nine countries (CN, DE, IR, JP, KP, KR, RU, TW, US) as the five
// regional registries delegated them, made by gen from ipverse/rir-ip, which is
// CC0-1.0. The file holds its date and source.
//
//go:generate go run ./gen -zip ../../../../shared/data/geoip/rir-ip-sample.zip -edition "ipverse/rir-ip 6745bab5f398" -date 2026-02-01 -licence CC0-1.0 -out domestic.geo
//go:embed domestic.geo
var domestic []byte

// Embedded returns the table that comes with the program, for a home country
// of the nine it lists. Each call reads it anew, which takes milliseconds.
//
// It is sure of addresses on one of the nine lists. An address on none of them
// that IANA has given to a registry is Elsewhere: the list of the home country
// is complete, so on the day of the data the address was nobody's at home, and
// it counts as foreign unless Options.Strict says that such addresses are
// unknown. Space that IANA has not given out is unknown.
//
// What can be wrong is what changed hands since: against registry data four
// and a half months younger, 24,064 of 3.5 thousand million IPv4 addresses
// called foreign had become Japan's (0.0007 %; of IPv6 networks 0.0015 %), and
// 142,080 of 189 million called domestic had left it. And a delegation says
// which country an address was given to, not where the machine stands.
func Embedded() (*Table, error) { return Decode(domestic) }
