package selection

import "golang.org/x/sys/unix"

// leaveNoDump keeps the system from writing this process's memory to a file when
// it crashes, and others from reading it (prctl(2), core(5)): packets that were
// not decided yet would be in there.
func leaveNoDump() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
