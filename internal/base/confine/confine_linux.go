package confine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// To leaves the process the capabilities of the set and no others, in every thread
// and for good: bounding, ambient and inheritable sets are emptied, and programs it
// starts gain nothing. It returns ErrLacks when the process lacks one of them,
// ErrThreads in a program built with cgo, and ErrPowerful when it holds more
// afterwards, in which case it must not go on. Ids of user and group are not
// changed.
func To(keep Set) error {
	if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); e == unix.ENOTSUP {
		return ErrThreads
	} else if e != 0 {
		return fmt.Errorf("confine: no new privileges: %w", e)
	}
	// A process without CAP_SETPCAP cannot shrink the bounding set; with no new
	// privileges and no set to raise from, that set gives nothing.
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if keep.has(c) {
			continue
		}
		if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c, 0, 0, 0, 0); e != 0 && e != unix.EPERM && e != unix.EINVAL {
			return fmt.Errorf("confine: bounding set: %w", e)
		}
	}
	if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0); e != 0 && e != unix.EINVAL {
		return fmt.Errorf("confine: ambient set: %w", e)
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	data[0].Effective, data[0].Permitted = uint32(keep), uint32(keep)
	_, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&data[0])), 0)
	if e == unix.EPERM {
		return ErrLacks
	} else if e != 0 {
		return fmt.Errorf("confine: capabilities: %w", e)
	}
	return held(keep)
}

// held looks at what every thread holds.
func held(keep Set) error {
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) == 0 {
		return fmt.Errorf("confine: cannot see the process's own capabilities: %w", ErrPowerful)
	}
	for _, name := range tasks {
		holds, err := heldIn(name)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) { // the thread ended
			continue
		} else if err != nil {
			return fmt.Errorf("confine: cannot see the process's own capabilities: %w", err)
		}
		if holds&^uint64(keep) != 0 {
			return ErrPowerful
		}
	}
	return nil
}

// heldIn returns the effective, permitted, inheritable and ambient sets of a
// thread, together.
func heldIn(name string) (held uint64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		key, value, _ := strings.Cut(s.Text(), ":")
		switch key {
		case "CapEff", "CapPrm", "CapInh", "CapAmb":
			n, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			if err != nil {
				return 0, err
			}
			held |= n
		}
	}
	return held, s.Err()
}

func (s Set) has(c uintptr) bool { return c < 32 && s>>c&1 == 1 }
