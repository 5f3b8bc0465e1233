// Package channel is how an organisation wants to be told: by mail, by a
// webhook to a program of its own, and by a calendar of its deadlines. The
// portal's inbox is always one more. Each organisation sets its own channels,
// its quiet hours and the class from which each is used; only the highest class
// breaks quiet hours.
//
// A channel is used once its owner has proven it: by a code that came with a
// mail, or by an answer to a signed test. What is marked narrower than
// TLP:GREEN is never written into a mail: it says that there is something, how
// urgent it is and where to read it.
//
// Tables: notice_channel, notice_calendar. Letters go out through base/post.
// Events in: post.sent, post.failed.
package channel

import "embed"

// Migrations, Words and Web are the tables, sentences and pages of channels.
var (
	//go:embed migrations
	Migrations embed.FS
	//go:embed text
	Words embed.FS
	//go:embed web
	Web embed.FS
)
