//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"noroshi/internal/selection"
)

// The kinds of lists that are made up: addresses; names, half of them with all
// that is below; and addresses with payloadSelectors others, of every kind that
// is looked for in payload.
const (
	addresses = "addresses"
	names     = "names"
	anything  = "anything"
)

const payloadSelectors = 5_000

// listings are the lists that the measures share. Like the capture they have no
// name, and are made when they are first asked for.
type listings struct {
	c    *captured
	made map[string]*listing
}

// listing is a compiled list, and what compiling it took.
type listing struct {
	outcome
	file  *os.File
	size  float64 // MB
	taken int
}

func (l *listing) name() string { return nameOfOpen(l.file) }

// text is a list of so many lines.
func (l *listings) text(n int, kind string) (*os.File, error) {
	return unnamed(l.c.dir, func(w *bufio.Writer) error { listOf(w, n, kind); return nil })
}

func (l *listings) compiled(ctx context.Context, n int, kind string) (made *listing, err error) {
	key := fmt.Sprint(kind, n)
	if made := l.made[key]; made != nil {
		return made, nil
	}
	exe, err := l.c.noroshi(ctx)
	if err != nil {
		return nil, err
	}
	text, err := l.text(n, kind)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	err = l.c.inFolder(func(dir string) error {
		var told bytes.Buffer
		name := filepath.Join(dir, "list")
		cmd := exec.CommandContext(ctx, exe, "selector", "compile", "--json", "--from", nameOfOpen(text), "-o", name)
		cmd.Stdout = &told
		o, err := watched(cmd)
		if err != nil {
			return err
		}
		var facts selection.CompileFacts
		if err := json.Unmarshal(told.Bytes(), &facts); err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		f, err := os.Open(name)
		made = &listing{outcome: o, file: f, size: float64(info.Size()) / 1e6, taken: facts.Selectors}
		return err
	})
	if err != nil {
		return nil, err
	}
	l.made[key] = made
	return made, nil
}

// eachAddress makes up so many IPv4 addresses, none in networks that are not
// routed. The same number gives the same addresses; few come twice.
func eachAddress(n int, put func(a uint32)) {
	r := rand.New(rand.NewPCG(5, 6))
	for n > 0 {
		a := r.Uint32()
		switch first := a >> 24; {
		case first == 0, first == 10, first == 100, first == 127, first == 169, first == 172, first == 192, first == 198, first == 203, first > 223:
		default:
			put(a)
			n--
		}
	}
}

// listOf writes a list of so many lines. Some are servers that few of a mix
// speak with, so that something is selected.
func listOf(w *bufio.Writer, n int, kind string) {
	if kind == names {
		r := rand.New(rand.NewPCG(7, 8))
		for i := range n {
			fmt.Fprintf(w, "%s%x.host-%d.example\n", []string{"", "."}[i%2], r.Uint32(), r.IntN(1000))
		}
		return
	}
	if kind == anything {
		n -= payloadSelectors
		payloadOf(w)
	}
	for _, known := range newMix(1).servers[mixServers/2:][:10] {
		if known.addr.Is4() && !known.addr.IsPrivate() {
			fmt.Fprintln(w, known.addr)
			n--
		}
	}
	b := make([]byte, 0, 16)
	eachAddress(n, func(a uint32) {
		b = appendIP(b[:0], [4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
		_, _ = w.Write(append(b, '\n')) // Flush tells
	})
}

// payloadOf writes what is looked for in payload.
func payloadOf(w *bufio.Writer) {
	r := rand.New(rand.NewPCG(9, 10))
	for i := range payloadSelectors {
		switch {
		case i < 10:
			fmt.Fprintln(w, siteName(mixServers/2+i))
		case i%10 < 6:
			fmt.Fprintf(w, ".%x.bad-%d.example\n", r.Uint32(), i)
		case i%10 == 6:
			fmt.Fprintf(w, "t13d%02d%02dh2_%012x_%012x\n", 10+i%80, 10+i%70, r.Uint64()>>16, r.Uint64()>>16)
		case i%10 == 7:
			fmt.Fprintf(w, "%016x%016x%08x\n", r.Uint64(), r.Uint64(), r.Uint32()) // a certificate
		case i%10 == 8:
			fmt.Fprintf(w, "http://%x.bad-%d.example/gate/{x}\n", r.Uint32(), i)
		default:
			fmt.Fprintf(w, "hex:%016x%08x\n", r.Uint64(), r.Uint32())
		}
	}
}
