// Package cacao reads and writes security playbooks of CACAO 2.0: an order of ours
// as a playbook whose steps are OpenC2 commands, and a playbook of others as text.
//
// What comes in is shown: its steps in their order, the conditions between them,
// what each would do. A step for equipment that we have becomes a proposal (see
// openc2); every other one, a shell command above all, is text and stays text.
// Nothing here runs, fetches, resolves or fills in anything. Signatures are
// counted and not checked, and a playbook of others proves nothing.
//
// Graphs are whatever somebody wrote: cycles, steps that are not there and steps
// that nothing leads to are said, and the walk ends.
package cacao

import "embed"

// Words are the sentences of the commands and of what cannot be read.
//
//go:embed text
var Words embed.FS
