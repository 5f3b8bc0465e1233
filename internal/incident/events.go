package incident

import (
	"context"

	"noroshi/internal/base/bus"
)

// Happened is what every event of this noun tells: which case, and who
// reported it. What is in it is for whoever may open it.
//
//	incident.reported        a first report is in
//	incident.followed_up     a follow-up or final report is in
//	incident.withdrawn       the reporter took it back
//	incident.acknowledged    a recipient stamped it
//	incident.asked           a recipient asked
//	incident.answered        the reporter answered
//	incident.feedback_given  a recipient told what came of it
//	incident.read            a recipient opened it
//	incident.supervised      supervision was asked for, agreed or refused
//	incident.attached        the reporter added a file to a report that is in
//	incident.kept            legal hold or retention changed
//	incident.purged          content was destroyed by schedule
type Happened struct {
	Case    ID     `json:"case"`
	Org     string `json:"org"` // reporter
	By      string `json:"by"`  // organisation that acted
	Kind    Kind   `json:"kind"`
	Stage   Stage  `json:"stage"`
	Version int    `json:"version"`
	TLP     TLP    `json:"tlp"`
}

// publish tells what happened to a case; orgs are those whose pages change.
func publish(ctx context.Context, tx *bus.Tx, what string, c Case, by string, orgs ...string) error {
	return bus.Publish(ctx, tx, "incident."+what, Happened{c.ID, c.Org, by, c.Kind, c.Stage, c.Version, c.TLP}, orgs...)
}
