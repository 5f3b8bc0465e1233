// Package deid de-identifies selected records: keyed pseudonyms for mail
// addresses, account names and the like, prefix-preserving addresses
// (Crypto-PAn), and a vault from which re-identification is possible only with
// a key that several holders keep together (Act 42 of 2025 art 24).
//
// Who holds what:
//
//   - Key is the secret of one approval. It is sealed with a passphrase at
//     rest, or split into shares (Split, Join) and then destroyed. Only it
//     opens a vault.
//   - Public is the part of the key a run may have: it seals, and opens nothing.
//   - Working is what a run needs to make pseudonyms: one way from the key,
//     or random for a single run. It says nothing about what a vault holds.
//   - A vault keeps pseudonym → value, each entry sealed to Public. A run
//     cannot read what it sealed before: the key of an entry is gone once the
//     entry is written. Without the Key a vault is noise, so destroying the
//     key (all shares but need-1) erases every value in it.
//
// Pseudonyms need a vault because a keyed hash cannot be turned back; an
// address of Crypto-PAn can, by whoever holds the address key.
//
// What is reserved does not stay recognisable in a Crypto-PAn address: keeping
// 10.0.0.0/8 or multicast as they are would make two addresses share one image
// and break both the prefixes and the way back. The direction of a record is
// decided before, on the real addresses; the text form "p:net:…" keeps anyone
// from taking an image for an address.
//
// Wiping overwrites the keys this package holds. Copies inside the standard
// library's cipher values and on a swapped page are out of its reach.
package deid
