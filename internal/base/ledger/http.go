package ledger

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"noroshi/internal/engine/tlog"
)

// Files serves the log as c2sp.org/tlog-tiles below the handler's root:
// checkpoint and hash tiles to everybody, entry bundles to those mayRead lets. The
// checkpoint bears the cosignatures it has; cosigned is the newest that has one.
// A partial tile that a wider one superseded is cut from that one, so that a
// client with an older checkpoint can finish.
func (l *Ledger) Files(mayRead func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch {
		case name == tlog.CheckpointPath:
			w.Header().Set("Cache-Control", "no-cache")
			signed, err := os.ReadFile(filepath.Join(l.Dir, name))
			if err != nil {
				absent(w)
				return
			}
			l.serveCheckpoint(w, r, signed)
		case name == "cosigned":
			w.Header().Set("Cache-Control", "no-cache")
			msg, err := l.Newest(r.Context())
			if err != nil {
				absent(w)
				return
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write(msg)
		case name == "ledger.vkey":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte(l.VKey + "\n"))
		default:
			tile, err := tlog.ParseTile(name)
			if err != nil {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			if tile.Level == tlog.EntriesLevel {
				if !mayRead(r) {
					w.Header().Set("WWW-Authenticate", "Bearer")
					http.Error(w, "entry bundles need the credential of an auditor", http.StatusUnauthorized)
					return
				}
				w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
			}
			l.serveTile(w, tile)
		}
	})
}

func (l *Ledger) serve(w http.ResponseWriter, media, name string, cut int) bool {
	data, err := os.ReadFile(filepath.Join(l.Dir, filepath.FromSlash(name)))
	if err != nil || cut > len(data) {
		absent(w)
		return false
	}
	if cut > 0 {
		data = data[:cut]
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data)
	return true
}

func absent(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "not in the log, or not yet", http.StatusNotFound)
}

func (l *Ledger) serveTile(w http.ResponseWriter, want tlog.Tile) {
	const media = "application/octet-stream"
	have, ok := l.widest(want)
	switch {
	case !ok || have.Width == want.Width:
		l.serve(w, media, want.Path(), 0)
	case want.Level == tlog.EntriesLevel:
		data, err := os.ReadFile(filepath.Join(l.Dir, filepath.FromSlash(have.Path())))
		if err != nil {
			l.serve(w, media, want.Path(), 0)
			return
		}
		l.serve(w, media, have.Path(), cutBundle(data, want.Width))
	default:
		l.serve(w, media, have.Path(), want.Width*tlog.HashSize)
	}
}

// widest returns the full tile in the place of a partial one, or the partial
// one that is there now.
func (l *Ledger) widest(t tlog.Tile) (tlog.Tile, bool) {
	full := t
	full.Width = 256
	if t.Width == full.Width {
		return t, true
	}
	if _, err := os.Stat(filepath.Join(l.Dir, filepath.FromSlash(full.Path()))); err == nil {
		return full, true
	}
	found, err := os.ReadDir(filepath.Join(l.Dir, filepath.FromSlash(full.Path()+".p")))
	if err != nil {
		return t, false
	}
	best := 0
	for _, e := range found {
		if n, err := strconv.Atoi(e.Name()); err == nil && n >= t.Width && n < full.Width {
			best = max(best, n)
		}
	}
	t.Width = best
	return t, best > 0
}

// cutBundle returns the length of a bundle's first n entries.
func cutBundle(data []byte, n int) int {
	pos := 0
	for range n {
		if pos+2 > len(data) {
			return len(data) + 1 // serve answers that it is not there
		}
		pos += 2 + int(data[pos])<<8 + int(data[pos+1])
	}
	return pos
}
