package feed

import (
	"encoding/json"
	"slices"
	"strings"

	"noroshi/internal/engine/jsonscan"
)

// What one record may hold of each list. Sources stay far below; a hostile file
// does not make a record grow beyond a few times what was read of it.
const (
	mostReferences = 500
	mostFurther    = 16 << 10
	mostText       = 64 << 10
)

// further gathers the members of a record that have no field of their own.
type further struct {
	b    []byte
	had  []string // names in b: two parties can use one name
	left []string // names of members that did not fit
}

// add keeps a member as it stands. Empty ones say nothing.
func (f *further) add(key string, v jsonscan.Value) {
	switch string(v) {
	case "", "null", `""`, "[]", "{}":
		return
	}
	if len(f.b)+len(key)+len(v) > mostFurther || slices.Contains(f.had, key) {
		if len(f.left) < 20 && len(key) <= 100 {
			f.left = append(f.left, key)
		}
		return
	}
	f.had = append(f.had, key)
	name, _ := json.Marshal(key)
	if len(f.b) == 0 {
		f.b = append(f.b, '{')
	} else {
		f.b = append(f.b, ',')
	}
	f.b = append(append(append(f.b, name...), ':'), v...)
}

// text keeps a text under a name.
func (f *further) text(key, s string) {
	if v, err := json.Marshal(s); err == nil && s != "" {
		f.add(key, v)
	}
}

// json returns what was gathered as an object, nil when there is nothing. The
// names of members that did not fit stand in "_left_out".
func (f *further) json() json.RawMessage {
	if len(f.left) > 0 {
		names, _ := json.Marshal(f.left)
		f.left = nil
		if len(f.b) == 0 {
			f.b = append(f.b, '{')
		} else {
			f.b = append(f.b, ',')
		}
		f.b = append(append(f.b, `"_left_out":`...), names...)
	}
	if len(f.b) == 0 {
		return nil
	}
	return append(f.b, '}')
}

// describe sets the description of a language, by its main subtag.
func (r *Record) describe(lang, text string) {
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	if lang, _, _ = strings.Cut(lang, "_"); lang == "" {
		lang = "en"
	}
	if lang == "eng" {
		lang = "en"
	}
	text = strings.TrimSpace(text)
	// Readers have Japanese and English; other translations of the same are left.
	if text == "" || lang != "en" && lang != "ja" || r.Description[lang] != "" {
		return
	}
	if r.Description == nil {
		r.Description = make(map[string]string, 1)
	}
	if len(text) > mostText {
		text = strings.ToValidUTF8(text[:mostText], "") + "…"
	}
	r.Description[lang] = text
}

// refer adds a web address once.
func (r *Record) refer(url string) {
	url = strings.TrimSpace(url)
	if len(r.References) >= mostReferences || len(url) > 2000 || !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "ftp://") {
		return
	}
	if !slices.Contains(r.References, url) {
		r.References = append(r.References, url)
	}
}

// weak adds a CWE id once; sources also write NVD-CWE-noinfo and the like there.
func (r *Record) weak(id string) {
	n, ok := strings.CutPrefix(id, "CWE-")
	if !ok || n == "" || len(n) > 6 || strings.Trim(n, "0123456789") != "" || len(r.Weaknesses) >= 100 || slices.Contains(r.Weaknesses, id) {
		return
	}
	r.Weaknesses = append(r.Weaknesses, id)
}

// score adds a CVSS vector once.
func (r *Record) score(s Score) {
	if s.Vector == "" || len(s.Vector) > 400 || s.Score < 0 || s.Score > 10 || len(r.Scores) >= 50 || slices.Contains(r.Scores, s) {
		return
	}
	r.Scores = append(r.Scores, s)
}

// also adds another id of the vulnerability once.
func (r *Record) also(id string) {
	if id == r.ID || !plainID(id) || len(r.Aliases) >= 100 || slices.Contains(r.Aliases, id) {
		return
	}
	r.Aliases = append(r.Aliases, id)
}
