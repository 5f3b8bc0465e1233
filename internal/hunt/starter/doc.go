// Package starter holds Noroshi's own Sigma rules, which a hunt uses when it is
// given no others: living off the land on Windows and Linux, stolen credentials,
// lateral movement, persistence, what comes before ransomware, remote management
// tools, edge devices, clouds, the wire and memory images.
//
// A rule is one file below rules/<platform>/<theme>, in the Sigma specification
// 2.1, with our custom attributes under noroshi: title_ja, description_ja,
// falsepositives_ja, and next and next_ja, which say what to look at after a
// hit. Beside it stands <name>.samples.json with events on which it must fire
// (positive) and near misses of honest administration on which no rule of ours
// may fire (negative). The samples are for tests and are not in the program.
package starter
