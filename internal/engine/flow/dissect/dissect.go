// Package dissect reads the facts of an application protocol out of the bytes
// of a communication and writes them into its record. It sees payload and
// keeps none: what a dissector learns goes into record.Facts as numbers,
// hashes and bounded names, and the bytes stay in the window of the caller,
// who overwrites them.
package dissect

// Window is how many bytes of one direction a Stream may leave for later: the
// caller shows them again with what follows. A dissector that needs more than
// this gives up.
const Window = 32 << 10

// Done is what Data returns when the direction has nothing more to tell: the
// caller shows no more of it and only counts.
const Done = -1

// A Stream follows one TCP connection. Data gets the contiguous bytes of one
// direction (record.Out or record.In) that are not consumed yet, at the time in
// ns of the newest of them, and returns how many it has done with. What it
// leaves is shown again in front of what follows. More than len(b) says that so
// many bytes are to be passed over unseen: a body, a message. After a gap in
// the stream Lost is called; the next Data begins behind it, and what was left
// is not shown again. A gap within bytes that are passed over is passed over
// too: Lost is told only of what is missing beyond them. A record does not
// depend on how bytes are cut into calls.
type Stream interface {
	Data(side int, at int64, b []byte) int
	Lost(side int, bytes uint64)
	// End tells that the connection is over, or that its record is written out
	// before it is: counters still open are settled. More Data may follow into
	// the emptied record.
	End()
}
