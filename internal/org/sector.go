package org

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

//go:embed data
var sectorData embed.FS

// Sector is one of the kinds of business whose operators the law binds.
type Sector struct {
	ID        string    `toml:"id" json:"id"`
	Name      text.Both `toml:"name" json:"name"`
	Competent string    `toml:"competent" json:"competent"` // id of the role that receives its reports
}

// Competent is the role of a minister who is competent for sectors. It is a
// role, not an office: the ministry organisation that has the sector plays it.
type Competent struct {
	ID   string    `toml:"id" json:"id"`
	Name text.Both `toml:"name" json:"name"`
}

// Sectors is the list of sectors as data. It is immutable.
type Sectors struct {
	Source   string      `toml:"source"`
	Verified bool        `toml:"verified"` // compared with the official text
	Roles    []Competent `toml:"competent"`
	List     []Sector    `toml:"sector"`
}

// LoadSectors reads sectors.toml from a folder of an installation, or the
// built-in list of fifteen when fsys is nil. It fails on a sector that is
// given twice, lacks a name, or names a role that is not there.
func LoadSectors(fsys fs.FS) (*Sectors, error) {
	name := "sectors.toml"
	if fsys == nil {
		fsys, name = sectorData, "data/sectors.toml"
	}
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("load sectors: %w", err)
	}
	var s Sectors
	meta, err := toml.Decode(string(raw), &s)
	if err != nil {
		return nil, fmt.Errorf("load sectors: %w", err)
	}
	if u := meta.Undecoded(); len(u) > 0 {
		return nil, fmt.Errorf("load sectors: unknown key %s", u[0])
	}
	seen := map[string]bool{}
	for _, x := range s.List {
		if x.ID == "" || x.Name.Empty() || seen[x.ID] {
			return nil, fmt.Errorf("load sectors: %q needs an id of its own and a name in both languages", x.ID)
		}
		if !slices.ContainsFunc(s.Roles, func(c Competent) bool { return c.ID == x.Competent && !c.Name.Empty() }) {
			return nil, fmt.Errorf("load sectors: %s: no competent role %q", x.ID, x.Competent)
		}
		seen[x.ID] = true
	}
	if len(s.List) == 0 {
		return nil, fmt.Errorf("load sectors: none")
	}
	return &s, nil
}

// Find returns the sector with the id.
func (s *Sectors) Find(id string) (Sector, bool) {
	i := slices.IndexFunc(s.List, func(x Sector) bool { return x.ID == id })
	if i < 0 {
		return Sector{}, false
	}
	return s.List[i], true
}

// Role returns the role that is competent for the sector with the id.
func (s *Sectors) Role(id string) (Competent, bool) {
	x, ok := s.Find(id)
	if !ok {
		return Competent{}, false
	}
	i := slices.IndexFunc(s.Roles, func(c Competent) bool { return c.ID == x.Competent })
	return s.Roles[i], true
}

// Of returns the ids of the sectors that a competent role is responsible for.
func (s *Sectors) Of(role string) (ids []string) {
	for _, x := range s.List {
		if x.Competent == role {
			ids = append(ids, x.ID)
		}
	}
	return ids
}
