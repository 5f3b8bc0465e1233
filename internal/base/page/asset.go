package page

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// AssetPath is the folder the fingerprinted files are served under.
const AssetPath = "/-/assets/"

// Asset is one static file. Its address holds a digest of its content, so it
// may be kept by browsers for ever.
type Asset struct {
	Path string // AssetPath and name with digest
	Type string // media type
	Body []byte
}

var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func (s *Set) loadAssets() error {
	s.assets = map[string]Asset{}
	files, err := fs.ReadDir(assets, "assets")
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	for _, f := range files {
		body, err := fs.ReadFile(assets, "assets/"+f.Name())
		if err != nil {
			return fmt.Errorf("assets: %w", err)
		}
		ext := path.Ext(f.Name())
		sum := sha256.Sum256(body)
		a := Asset{
			Path: AssetPath + strings.TrimSuffix(f.Name(), ext) + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + ext,
			Type: assetTypes[ext],
			Body: body,
		}
		if a.Type == "" {
			return fmt.Errorf("assets: %s: no media type known for %q", f.Name(), ext)
		}
		s.assets[a.Path] = a
		switch ext {
		case ".css":
			s.css = a.Path
		case ".js":
			s.js = a.Path
		case ".svg":
			s.icon = a.Path
		}
	}
	return nil
}

// Asset returns the static file of an address, and whether there is one.
func (s *Set) Asset(address string) (Asset, bool) {
	a, ok := s.assets[address]
	return a, ok
}

// Assets returns all static files, in order of address.
func (s *Set) Assets() []Asset {
	var all []Asset
	for _, a := range s.assets {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b Asset) int { return strings.Compare(a.Path, b.Path) })
	return all
}
