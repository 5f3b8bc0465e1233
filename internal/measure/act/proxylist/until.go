package proxylist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// A proxy reads a file, and goes on by it when this process is gone. So the file
// says when it ends: for HAProxy each name, for the others the whole list in a file
// beside it.

// ends are when a name ends, and what is below it: Unix seconds; 0 is not known,
// and holds nothing back.
type ends struct{ here, below int64 }

// unsaid is the end in a dry run, which shows the names alone.
const unsaid = -1

// never is the end of a list in which nothing is held: the last second of 9999.
const never = 253402300799

// untils are the ends of orders, by their ids.
type untils map[string]int64

// readUntils reads the ends that were known; a folder that is new has none.
func readUntils(file string) (u untils, err error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return untils{}, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &u)
	}
	if err != nil {
		return nil, fault.New(fault.Internal, "proxylist.until", "file", file).Because(err)
	}
	if u == nil {
		u = untils{}
	}
	return u, nil
}

// learn takes in the ends of rules, and reports whether one is new.
func (u untils) learn(rules []driver.Rule) (news bool) {
	last := ""
	for i := range rules {
		if r := &rules[i]; r.Order != last && !r.Until.IsZero() {
			last = r.Order
			if at := r.Until.Unix(); u[r.Order] != at {
				u[r.Order], news = at, true
			}
		}
	}
	return news
}

// of is until when some orders hold a name: the longest.
func (u untils) of(by []names.Claim) (e ends) {
	for _, c := range by {
		at := u[c.Order]
		if e.here = max(e.here, at); c.Below {
			e.below = max(e.below, at)
		}
	}
	return e
}

// keep writes the ends down.
func (u untils) keep(file string) error {
	raw, err := json.Marshal(u)
	if err != nil {
		return err
	}
	_, err = names.Replace(file, 0o600, func(w io.Writer) error { _, err := w.Write(raw); return err })
	return err
}

// written is what a list was written with: the orders in it, and the first end.
type written struct {
	orders map[string]bool
	first  int64
}

func (x *written) add(u untils, by []names.Claim) {
	for _, c := range by {
		if !x.orders[c.Order] {
			x.orders[c.Order], x.first = true, min(x.first, u[c.Order])
		}
	}
}

// Outlives says that a proxy goes by the list when this process is dead; HAProxy
// knows the end of each name.
func (l *list) Outlives() error {
	if l.Format == "haproxy" {
		return nil
	}
	return fault.New(fault.Unmet, "proxylist.outlives", "file", l.File+endUntil)
}

// prune forgets orders that are in no list any more.
func (u untils) prune(x *written) {
	maps.DeleteFunc(u, func(id string, _ int64) bool { return !x.orders[id] })
}

// line is the file beside the list: the second at which its first order ends.
func (x *written) line() string { return fmt.Sprintln(x.first) }

func (l *list) untilFile() string { return filepath.Join(l.Dir, "until.json") }
