//go:build linux

package main

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sharedData is where the shared test data are, from the top of the repository.
const sharedData = "../shared/data"

// logKind is one of the made-up logs that programs read.
type logKind string

// The logs. JSON is host logs of attack simulations, EVTX the fullest chunks of
// samples of attacks again and again.
const (
	hostLogs   logKind = "events.jsonl"
	fullChunks logKind = "events.evtx"
)

// hugeLog is how many bytes of logs are read.
const hugeLog = 128 << 20

// hunted is the logs that measures share, whole and with next to nothing in
// them. Like captures the files have no name of their own.
type hunted struct {
	*captured
	logs map[string]*logged
}

// logged is a log, and how many events and bytes it has.
type logged struct {
	*os.File
	events, bytes int
}

// log returns a log of at most so many bytes, which is made when it is first
// asked for.
func (h *hunted) log(kind logKind, size int) (*logged, error) {
	key := fmt.Sprint(kind, size)
	if l := h.logs[key]; l != nil {
		return l, nil
	}
	l := &logged{}
	f, err := unnamed(h.dir, func(w *bufio.Writer) (err error) {
		if kind == hostLogs {
			l.events, l.bytes, err = writeHostLogs(w, size)
		} else {
			l.events, l.bytes, err = writeChunks(w, size)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if h.logs == nil {
		h.logs = map[string]*logged{}
	}
	l.File = f
	h.logs[key] = l
	return l, nil
}

var errFull = errors.New("there is enough")

// writeHostLogs writes the lines of host logs, of one archive after the other,
// again from the first when there are no more.
func writeHostLogs(w io.Writer, size int) (events, bytes int, err error) {
	line := func(b []byte) error {
		if bytes > 0 && bytes+len(b) > size {
			return errFull
		}
		events, bytes = events+1, bytes+len(b)
		_, err := w.Write(b)
		return err
	}
	for err == nil {
		before := events
		err = filepath.WalkDir(filepath.Join(sharedData, "mordor/host/windows"), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return eachMember(file, func(name string, r io.Reader) error {
				if !strings.HasSuffix(name, ".json") {
					return nil
				}
				return eachLine(r, line)
			})
		})
		if err == nil && events == before {
			return 0, 0, errors.New("no events in the host logs")
		}
	}
	if errors.Is(err, errFull) {
		err = nil
	}
	return events, bytes, err
}

// eachLine calls fn with the lines that are objects.
func eachLine(r io.Reader, fn func([]byte) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 1<<20), 16<<20)
	for s.Scan() {
		b := bytes.TrimSpace(s.Bytes())
		if len(b) > 1 && b[0] == '{' && b[len(b)-1] == '}' {
			if err := fn(append(b[:len(b):len(b)], '\n')); err != nil {
				return err
			}
		}
	}
	return s.Err()
}

// eachMember visits the files of a .zip or .tar.gz.
func eachMember(file string, fn func(name string, r io.Reader) error) error {
	if !strings.HasSuffix(file, ".gz") {
		z, err := zip.OpenReader(file)
		if err != nil {
			return err
		}
		defer z.Close()
		for _, m := range z.File {
			r, err := m.Open()
			if err != nil {
				return err
			}
			if err := errors.Join(fn(m.Name, r), r.Close()); err != nil {
				return err
			}
		}
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		m, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(m.Name, t); err != nil {
			return err
		}
	}
}

// Parts of an EVTX file.
const (
	evtxHead  = 4096
	evtxChunk = 1 << 16
)

// writeChunks writes an EVTX file of the chunks of the samples of attacks that
// are full to seven eighths, again and again, each with its own numbers in its
// header.
func writeChunks(w io.Writer, size int) (events, bytes int, err error) {
	le := binary.LittleEndian
	var chunks [][]byte
	err = eachMember(filepath.Join(sharedData, "copyleft/evtx/evtx-attack-samples-dev.zip"), func(name string, r io.Reader) error {
		file, err := io.ReadAll(r)
		for at := evtxHead; strings.HasSuffix(name, ".evtx") && at+evtxChunk <= len(file); at += evtxChunk {
			c := file[at : at+evtxChunk]
			if free := le.Uint32(c[48:]); string(c[:8]) == "ElfChnk\x00" && free > evtxChunk/8*7 && free <= evtxChunk {
				chunks = append(chunks, c)
			}
		}
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	if len(chunks) == 0 {
		return 0, 0, errors.New("no full chunks in the samples")
	}
	n := max(size/evtxChunk, 1)
	head := make([]byte, evtxHead)
	copy(head, "ElfFile\x00")
	le.PutUint64(head[16:], uint64(n-1))
	le.PutUint32(head[32:], 128)
	le.PutUint32(head[36:], 3<<16|1)
	le.PutUint16(head[40:], evtxHead)
	le.PutUint16(head[42:], uint16(min(n, 1<<16-1)))
	le.PutUint32(head[124:], crc32.ChecksumIEEE(head[:120]))
	if _, err := w.Write(head); err != nil {
		return 0, 0, err
	}
	for i := range n {
		c := chunks[i%len(chunks)]
		records := int(le.Uint64(c[16:]) - le.Uint64(c[8:]) + 1)
		for _, at := range []int{8, 24} {
			le.PutUint64(c[at:], uint64(events+1))
			le.PutUint64(c[at+8:], uint64(events+records))
		}
		le.PutUint32(c[124:], crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:512]))
		if _, err := w.Write(c); err != nil {
			return 0, 0, err
		}
		events += records
	}
	return events, evtxHead + n*evtxChunk, nil
}

// writeRules writes the rules of rules/ below a folder, and returns where.
func writeRules(dir string) (string, error) {
	err := eachMember(filepath.Join(sharedData, "sigma/sigma-rules.zip"), func(name string, r io.Reader) error {
		if !strings.HasPrefix(name, "rules/") || !strings.HasSuffix(name, ".yml") || !filepath.IsLocal(name) {
			return nil
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
	return filepath.Join(dir, "rules"), err
}

func copyTo(name string, r io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close()) // no writing back while it is read
}
