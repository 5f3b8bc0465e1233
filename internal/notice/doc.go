// Package notice tells those concerned, and only them, in words they can act
// on, and hears back (通知). One notice has up to three linked versions: for
// management, for technicians, and for small firms in at most five numbered
// steps. Each recipient is told why it was told, sees nothing of any other
// recipient, and answers from delivered to done.
//
// Invariants: an answer is appended and never changed; a recipient's ids are
// random, so that neither their order nor their time tells how many there are;
// what a lower version says holds no value that only the technical version may
// hold (the tear-line check); a notice passed down the chain shows each firm
// its own part, and its sender counts in which small numbers are ranges; a
// link without an account is 128 random bits of which only a digest is kept.
// Into a closed network letters go by file, sealed and signed, and answers come
// back so: each once, in order, and only from the hub whose key was entered.
//
// Law: information is provided under Act 42 of 2025 articles 37 to 41 and 45;
// marks follow the Traffic Light Protocol 2.0 (FIRST). A buyer who asks a
// supplier for measures is reminded of the Antimonopoly Act and the law of
// subcontract payments.
//
// Tables: notice_notice, notice_recipient, notice_answer, notice_outbox,
// notice_link, notice_ticket, notice_found, notice_closed, notice_origin,
// notice_carried. Events out: notice.sent,
// notice.opened, notice.answered, notice.withdrawn, notice.relayed,
// notice.helped, notice.reminded, notice.drafted, notice.lettered. Events in: exposure.found,
// exposure.changed; its own and post.failed, for the channels.
package notice

import "embed"

// Words are the sentences of this noun.
//
//go:embed text
var Words embed.FS

// Migrations are the tables of this noun.
//
//go:embed migrations
var Migrations embed.FS
