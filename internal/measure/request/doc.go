// Package request asks others to end what a machine does (外部への依頼): an abuse
// desk or a provider, the machine's administrator or owner, an authority of
// another State; and it gives a carrier an order, signed. It finds whom to ask,
// writes the mail in their language, has it read by two, sends it, and follows
// what becomes of it.
//
// Nothing here contacts the machine or looks at it: registries alone are asked who
// is responsible, those that are configured, and whether the machine is gone is
// what somebody says. A mail is shown byte for byte before it goes, one person
// writes it and another sends it; a small firm may say that one is enough.
//
// Invariants: what is sent is what was checked, by its digest; what gives a victim
// away is in no mail unless it was released; a request that is a step of a measure
// goes out only while that step may be carried out, by one of its two persons, and
// not a minute after; an intent has its outcome, or is shown as lacking it. Who was
// asked and who was harmed is for the organisation that asked, and for those who
// oversee what was asked under power.
//
// Formats: XARF 4 (xarf.org) in a feedback report (RFC 5965); RDAP (RFC 9082, 9083,
// 9224, 9537).
//
// Tables: measure_request, measure_request_past, measure_request_mail,
// measure_request_answer, measure_request_desk, measure_request_lookup. Events out:
// request.moved. Events in: post.sent, post.failed, measure.moved.
package request

import "embed"

// Words are the sentences of requests; Migrations their tables; Web their pages.
var (
	//go:embed text
	Words embed.FS
	//go:embed migrations
	Migrations embed.FS
	//go:embed web
	Web embed.FS
)
