// Package measure is the case of access and neutralisation
// (アクセス・無害化措置): what is known of a machine that does harm, whether the
// law lets somebody act against it, who was asked, what is planned, approved,
// done and looked at afterwards.
//
// Nothing here reaches another's machine. A step of a plan is a request to
// somebody, something in one's own network, or a record of what officers did
// with other means: what acts is outside, and what it may do stands here.
//
// Police and self-defence forces are separate chains of command on one case:
// each has its own assessment, plan, approval, officers and log, and sees of the
// other that it is there, how far it is, and in which hours it acts.
//
// Invariants: nobody acts without the commission's approval of this very plan, or
// a declared emergency; an emergency waives that approval and nothing else, and
// ends in a review or in an alarm; a machine that is not believed to be in Japan
// is acted on only after the Foreign Minister was consulted, and never by a
// prefecture; who asks does not act, and no step is one person's. They are data:
// Rules, Guards and Invariants, and a search walks all that they allow.
//
// Law: Police Duties Execution Act art 6-2, Self-Defense Forces Act art 81-3 (Act
// 43 of 2025). Numbers that no source gives are rows of data/rules.toml.
//
// Tables: measure_case, measure_chain, measure_officer, measure_person,
// measure_act, measure_step, measure_switch. Events out: see Happened. Events
// in: none.
package measure

import "embed"

// Words are the sentences of this noun; Migrations its tables; Web its pages.
var (
	//go:embed text
	Words embed.FS
	//go:embed migrations
	Migrations embed.FS
	//go:embed web
	Web embed.FS
)
