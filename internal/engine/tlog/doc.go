// Package tlog is a Merkle log as plain files: it appends entries, signs and
// reads checkpoints, makes and checks proofs, and verifies a whole folder
// from its files alone.
//
// The files are those of c2sp.org/tlog-tiles, so that any client of that
// format can audit what we publish:
//
//	checkpoint                  the signed tree head (c2sp.org/tlog-checkpoint)
//	tile/<L>/<N>[.p/<W>]        256 (or W) hashes of level L, RFC 6962 hashing
//	tile/entries/<N>[.p/<W>]    256 (or W) entries, each behind its length in
//	                            two bytes, big-endian
//
// The engine reads through [io/fs.FS], also from afar ([Fetch]), and returns
// what is to be written. It has no clock and opens no file, connection or
// database.
//
// # Publishing
//
// [Tree] is the state of a log between two appends. [Tree.Append] returns the
// next state and a [Batch]. The owner of the folder writes Batch.Files, then
// replaces the checkpoint, then removes Batch.Superseded. No file of a batch
// has the path of a published one, so a reader never sees a file change. If a
// write fails, the old Tree is still good. After a crash, the owner removes
// what [Extra] lists and [Restore] brings the Tree back: nothing that a
// checkpoint was published for is lost, and nothing else stays.
//
// Superseded partial tiles are removed although c2sp.org/tlog-tiles would
// keep them until the full tile exists: then a folder has exactly the files
// its checkpoint accounts for. Who makes proofs meanwhile uses [Tree.Reader],
// which holds the partial tiles of its size itself.
//
// # Trust
//
// [Verify] finds every difference between a folder and its checkpoint,
// including files that the checkpoint does not account for. It cannot find a
// folder that was replaced by an older, or another, complete history under
// the same key: for that keep an earlier checkpoint and give it to Verify, or
// ask [Consistent]. A [Proof] shows a single entry to somebody who may not see
// the others.
package tlog
