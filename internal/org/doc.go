// Package org knows the organisations that take part, their people and how
// these sign in (機関・利用者).
//
// Invariants: a corporate number is stored only with a correct check digit; a
// person's roles fit the kinds of their organisation; no secret is stored in
// a form that would let a reader of the database sign in (passwords are
// argon2id digests, TOTP secrets are sealed by base/key, links, sessions and
// API tokens are kept as SHA-256 of 256 random bits); an operator never
// learns that another operator is registered, not even from an error.
//
// Law: the sectors are those of the Economic Security Promotion Act (令和4年
// 法律第43号) art 50(1); who reports to whom follows Act 42 of 2025 arts 4–5;
// corporate numbers follow 法人番号の指定等に関する省令 art 2.
//
// Tables: org_organisation, org_kind, org_sector, org_contact, org_tie,
// org_person, org_role, org_credential, org_code, org_ticket, org_session,
// org_token, org_attempt. Events out: org.registered, org.changed, org.tied,
// person.invited, person.joined, person.changed. Events in: none.
package org

import "embed"

// Words are the sentences of this noun.
//
//go:embed text
var Words embed.FS

// Migrations are the tables of this noun.
//
//go:embed migrations
var Migrations embed.FS
