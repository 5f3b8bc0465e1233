package page

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"noroshi/internal/base/text"
)

// Source is the pages of one noun.
type Source struct {
	Noun string // prefix of the page names
	FS   fs.FS  // has web/*.html
}

// Set is all pages, parsed. It is safe for use by many goroutines.
type Set struct {
	words  *text.Catalog
	clock  func() time.Time
	master *template.Template // never executed, so that it can be cloned
	names  []string
	assets map[string]Asset
	css    string
	js     string
	icon   string
	// free holds the drawers that wait for work; made is how many exist. Their
	// number is bounded: drawing is work for a processor, not waiting.
	free chan *drawer
	mu   sync.Mutex
	made int
}

// New parses the pages of all sources and the package's own components. It
// fails on a template that html/template cannot make safe, on inline style or
// script, on a literal word key the catalog lacks, and on a define outside
// the noun's own prefix.
func New(words *text.Catalog, sources ...Source) (*Set, error) {
	s := &Set{words: words, clock: time.Now, free: make(chan *drawer, 2*runtime.GOMAXPROCS(0))}
	if err := s.loadAssets(); err != nil {
		return nil, err
	}
	s.master = template.New("").Funcs((&drawer{set: s}).funcs())
	for _, src := range append([]Source{{"page", web}}, sources...) {
		if err := s.parse(src); err != nil {
			return nil, err
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	d, err := s.draw()
	if err != nil {
		return nil, err
	}
	s.free <- d
	return s, nil
}

// SetClock makes the pages of shells without Now tell the time of clock. It
// is for use before the first Render.
func (s *Set) SetClock(clock func() time.Time) { s.clock = clock }

// Words returns the catalog the pages speak from.
func (s *Set) Words() *text.Catalog { return s.words }

// Has reports whether the set has a page of this name.
func (s *Set) Has(name string) bool { return slices.Contains(s.names, name) }

func (s *Set) parse(src Source) error {
	files, err := fs.Glob(src.FS, "web/*.html")
	if err != nil {
		return fmt.Errorf("pages of %s: %w", src.Noun, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("pages of %s: no web/*.html", src.Noun)
	}
	for _, f := range files {
		raw, err := fs.ReadFile(src.FS, f)
		if err != nil {
			return fmt.Errorf("pages of %s: %w", src.Noun, err)
		}
		if err := inline(string(raw)); err != nil {
			return fmt.Errorf("pages of %s: %s: %w", src.Noun, f, err)
		}
		before := defined(s.master)
		name := src.Noun + "/" + strings.TrimSuffix(path.Base(f), ".html")
		if slices.Contains(before, name) {
			return fmt.Errorf("pages of %s: %s: the name %s is taken", src.Noun, f, name)
		}
		if _, err := s.master.New(name).Parse(string(raw)); err != nil {
			return fmt.Errorf("pages of %s: %s: %w", src.Noun, f, err)
		}
		for _, d := range defined(s.master) {
			if !slices.Contains(before, d) && !strings.HasPrefix(d, src.Noun+"/") {
				return fmt.Errorf("pages of %s: %s: define %q must begin with %q", src.Noun, f, d, src.Noun+"/")
			}
		}
	}
	s.names = defined(s.master)
	return nil
}

func defined(t *template.Template) []string {
	var names []string
	for _, d := range t.Templates() {
		if d.Name() != "" && d.Tree != nil {
			names = append(names, d.Name())
		}
	}
	slices.Sort(names)
	return names
}

// draw makes a drawer and has html/template escape every page of it, so that
// a page that cannot be made safe fails at start and not under a reader.
func (s *Set) draw() (*drawer, error) {
	t, err := s.master.Clone()
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	d := &drawer{set: s, tmpl: t}
	t.Funcs(d.funcs())
	d.begin(Shell{})
	for _, name := range s.names {
		var bad *template.Error
		// Without data most pages fail to execute, which is no matter here.
		if err := t.ExecuteTemplate(io.Discard, name, nil); errors.As(err, &bad) {
			return nil, fmt.Errorf("page %s: %w", name, bad)
		}
	}
	s.mu.Lock()
	s.made++
	s.mu.Unlock()
	return d, nil
}

// take returns a drawer: one that waits, a new one while there are few, or
// the next one that comes free.
func (s *Set) take() (*drawer, error) {
	select {
	case d := <-s.free:
		return d, nil
	default:
	}
	s.mu.Lock()
	full := s.made >= cap(s.free)
	s.mu.Unlock()
	if full {
		return <-s.free, nil
	}
	return s.draw()
}

func (s *Set) give(d *drawer) {
	d.end()
	select {
	case s.free <- d:
	default: // two goroutines made the last drawer at once: drop this one
		s.mu.Lock()
		s.made--
		s.mu.Unlock()
	}
}

// Render draws the page name with its data inside the shell and writes it as
// a whole. The error is of the template or of w; in the former case nothing
// was written.
func (s *Set) Render(w io.Writer, name string, shell Shell, data any) error {
	d, err := s.take()
	if err != nil {
		return err
	}
	defer s.give(d)
	d.begin(shell)
	body, err := d.html(name, data)
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	if d.title == "" {
		return fmt.Errorf("page %s: BUG: neither shell nor page gives a title", name)
	}
	var out bytes.Buffer
	if err := d.tmpl.ExecuteTemplate(&out, d.layout(), frame{d.shell, d.title, body, d.faultSummary(), s}); err != nil {
		return fmt.Errorf("page %s: shell: %w", name, err)
	}
	_, err = out.WriteTo(w)
	return err
}

// Fragment draws one named template without a shell, for pages that reload
// a part of themselves.
func (s *Set) Fragment(w io.Writer, name string, shell Shell, data any) error {
	d, err := s.take()
	if err != nil {
		return err
	}
	defer s.give(d)
	d.begin(shell)
	body, err := d.html(name, data)
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	_, err = io.WriteString(w, string(body))
	return err
}

// frame is the dot of the shell templates.
type frame struct {
	Shell
	PageTitle string
	Body      template.HTML
	Summary   *Summary
	set       *Set
}

// Stylesheet returns the fingerprinted address of the stylesheet.
func (f frame) Stylesheet() string { return f.set.css }

// Script returns the fingerprinted address of the script, or nothing for a
// page that has none.
func (f frame) Script() string {
	if f.Layout == Link {
		return ""
	}
	return f.set.js
}

// Mark returns the fingerprinted address of the icon.
func (f frame) Mark() string { return f.set.icon }
