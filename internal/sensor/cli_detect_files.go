package sensor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"noroshi/internal/base/fault"
)

// inFolders puts the files of a folder in its place, in the order of their
// names. Folders in it and hidden files are not read: passed counts them. within
// tells of each name whether it was found in a folder.
func inFolders(names []string) (all []string, within []bool, passed int64, err error) {
	for _, name := range names {
		is, err := os.Stat(name)
		if name == "-" || err != nil || !is.IsDir() { // what cannot be opened is said when it is
			all, within = append(all, name), append(within, false)
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, nil, 0, badFile(name, err)
		}
		for _, e := range entries {
			file := filepath.Join(name, e.Name())
			if is, err := os.Stat(file); err != nil || !is.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				passed++
				continue
			}
			all, within = append(all, file), append(within, true)
		}
	}
	return all, within, passed, nil
}

// ofAnotherKind reports whether a file is none that is read here.
func ofAnotherKind(err error) bool {
	f := fault.Of(err)
	return f != nil && (f.Code == "sensor.detect.unknown" || f.Code == "sensor.detect.records" || f.Code == "sensor.read.unknown")
}

// otherLog reports whether a file begins like a log in JSON that names no
// addresses: its lines are counted as those of logs that are not used.
func otherLog(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n\xef\xbb\xbf")
	return len(head) > 0 && head[0] == '{' && bytes.Contains(head, []byte(`"ts"`)) && !ownRecords(head)
}

// ownRecords reports whether a file begins like records of "flow read" and "flow
// listen" in JSON.
func ownRecords(head []byte) bool { return bytes.HasPrefix(head, []byte(`{"start":"`)) }

// ownTable reports whether a file begins like records as a table or in columns,
// which say less than is looked for.
func ownTable(head []byte) bool {
	return bytes.HasPrefix(head, []byte("start,end,src,")) || bytes.HasPrefix(head, []byte("PAR1"))
}
