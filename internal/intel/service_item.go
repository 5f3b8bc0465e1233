package intel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/incident"
	"noroshi/internal/org"
	"noroshi/internal/sighting"
)

// tagOwner is whose key the tags of indicators are made with: one for the whole
// hub, because the same indicator has to be found in items of all.
const tagOwner = "intel"

func itemObject(id string) string { return "intel_item/" + id }

var errClosed = fault.New(fault.Refused, "intel.item.closed")

// Add keeps an item as a draft of one's own organisation. Indicators and CVE
// ids that stand in its text are found. Fault: ErrItem with places.
func (s *Service) Add(ctx context.Context, n NewItem) (Item, error) {
	return s.add(ctx, n, ByHand, Step{}, nil)
}

// AddFile is Add of what stands in a file: JSON of a NewItem, a MISP event, a
// STIX 2.1 bundle, a list in CSV, or plain text of which the first line is the
// title. The file is kept as it is; its name, digest and what was left out of
// it stand in the item's provenance. Faults: Usage with the place in the file,
// ErrItem.
func (s *Service) AddFile(ctx context.Context, name string, raw []byte, n NewItem) (Item, error) {
	got, err := readItem(name, raw, n)
	if err != nil {
		if !Access.May(ctx, "intel.add") {
			return s.add(ctx, n, FromFile, Step{}, nil) // refuses, and records it
		}
		return Item{}, err
	}
	sum := sha256.Sum256(raw)
	return s.add(ctx, got.item, FromFile, Step{Ref: clip(name), SHA: hex.EncodeToString(sum[:]), Kind: got.kind, Left: got.left}, raw)
}

// AddFromSelection is Add of what selected communications showed: ref names the
// run, and provenance by which power they were selected (a value of
// [sighting.Provenances]). That label stands in the item's provenance, which no
// edit changes, and its mark starts no wider than AMBER+STRICT. Faults: ErrItem.
func (s *Service) AddFromSelection(ctx context.Context, ref, provenance string, n NewItem) (Item, error) {
	if !slices.Contains(sighting.Provenances, provenance) {
		return Item{}, fault.New(fault.Invalid, ErrItem.Code, "n", 1)
	}
	if n.TLP == "" {
		n.TLP = incident.AmberStrict
	}
	return s.add(ctx, n, FromSelection, Step{Ref: clip(ref), Kind: provenance}, nil)
}

// AddFromReport is Add with the indicators of an incident report that was sent
// to one's organisation, if its reporter agreed to share them; nobody's name is
// in it, and its label is at least as narrow as the report's. The report is
// opened for a purpose, which its reporter sees, and its reporter is told what
// became of it. Faults: those of opening it, ErrConsent.
func (s *Service) AddFromReport(ctx context.Context, report, purpose string, n NewItem) (Item, error) {
	if !Access.May(ctx, "intel.add") || s.Incidents == nil || s.Keys == nil {
		return s.add(ctx, n, FromReport, Step{}, nil) // refuses, and records it
	}
	id := incident.ID(report)
	v, err := s.Incidents.Open(ctx, id, 0, purpose)
	if err != nil {
		return Item{}, err
	}
	names := []string{v.Names[v.Case.Org]}
	if s.Orgs != nil {
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			o, err := s.Orgs.Load(ctx, tx, org.ID(v.Case.Org))
			names = append(names, o.Name.JA, o.Name.EN, o.Kana, string(o.Number))
			return err
		})
		if err != nil {
			return Item{}, fmt.Errorf("item from a report: %w", err)
		}
	}
	found, note, err := ofReport(v.Report, names)
	if err != nil {
		return Item{}, s.Ledger.Refuse(ctx, "intel.add", "incident/"+report, fault.Of(err))
	}
	if s.Registered != nil { // what the reporter registered is the victim's, not the attacker's
		err := s.DB.Read(ctx, func(tx *db.Tx) error {
			own, err := s.Registered(ctx, tx, hosts(found), v.Case.Org)
			found = slices.DeleteFunc(found, func(x Indicator) bool { return own[x.Host()] })
			return err
		})
		if err != nil {
			return Item{}, fmt.Errorf("item from a report: %w", err)
		}
	}
	n.Indicators = append(n.Indicators, found...)
	if n.Text == "" {
		n.Text = note
	}
	if t, ok := parseTLP(string(n.TLP)); n.TLP == "" || ok && width(t) > width(v.Report.TLP) {
		n.TLP = v.Report.TLP
	}
	it, err := s.add(ctx, n, FromReport, Step{Ref: report + "/" + strconv.Itoa(v.Report.Version)}, nil)
	if err != nil {
		return it, err
	}
	if _, err := s.Incidents.Give(ctx, id, s.words.Printer("ja", nil).T("intel.item.used")+"\n"+s.words.Printer("en", nil).T("intel.item.used"), ""); err != nil {
		return it, errors.Join(err, s.drop(ctx, it.ID)) // without telling its reporter there is no item
	}
	return it, nil
}

// drop takes away a draft that must not stay.
func (s *Service) drop(ctx context.Context, id string) error {
	_, err := s.do(ctx, &ledger.Act{Verb: "intel.withdraw", Object: itemObject(id)}, func(tx *db.Tx, who gate.Identity) error {
		it, err := loadOwnItem(ctx, tx, id, who)
		if err == nil && it.State != ItemDraft {
			err = ErrPublished
		}
		if err != nil {
			return err
		}
		return dropItem(ctx, tx, id)
	})
	return err
}

func hosts(list []Indicator) (out []string) {
	for _, x := range list {
		if h := x.Host(); h != "" {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *Service) add(ctx context.Context, n NewItem, origin Origin, from Step, file []byte) (it Item, err error) {
	act := &ledger.Act{Verb: "intel.add"}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil || origin == FromReport && s.Incidents == nil {
			return errClosed
		}
		if it, err = s.normal(ctx, tx, n, who); err != nil {
			return err
		}
		from.At, from.What = s.now(), origin
		it.ID, it.Org, it.Origin, it.CreatedAt, it.Provenance = newID(), who.Org, origin, s.now(), []Step{from}
		it.Entry, it.person, it.Mine = act.Entry, who.Person, true
		c, tags, err := s.sealAndTag(ctx, tx, &it)
		if err != nil {
			return err
		}
		act.Object, act.Secret, act.Public = itemObject(it.ID), n, it.public()
		if len(file) > 0 {
			if err := putItemFile(ctx, tx, it.ID, from.Ref, c.Seal(s.bodies.pack(file), itemObject(it.ID)+"/file")); err != nil {
				return fmt.Errorf("item: %w", err)
			}
		}
		return insertItem(ctx, tx, &it, tags)
	})
	return it, err
}

// public is what of an item stays in clear in the ledger.
func (it *Item) public() map[string]any {
	return map[string]any{"tlp": string(it.TLP), "clearance": it.Clearance, "grade": it.Grade.String(), "origin": string(it.Origin), "indicators": len(it.Indicators),
		"to": len(it.To), "version": it.Version, "revision": it.Revision}
}

// normal checks an item, and what only the hub knows: who it names, and what is
// somebody's own here.
func (s *Service) normal(ctx context.Context, tx *db.Tx, n NewItem, who gate.Identity) (Item, error) {
	it, err := n.normal(who.Clearance, s.now())
	if err != nil {
		return it, err
	}
	if s.Orgs != nil {
		var bad []fault.Place
		for i, o := range it.To {
			if _, err := s.Orgs.Load(ctx, tx, org.ID(o)); errors.Is(err, org.ErrOrgGone) {
				bad = append(bad, fault.Place{At: "to/" + strconv.Itoa(i), Code: "intel.item.nobody"})
			} else if err != nil {
				return it, err
			}
		}
		if len(bad) > 0 {
			return it, ErrItem.At(bad...)
		}
	}
	if s.Registered != nil && who.Is(string(org.Office)) { // what operators registered is the office's to know
		own, err := s.Registered(ctx, tx, hosts(it.Indicators), "")
		if err != nil {
			return it, err
		}
		for i := range it.Indicators {
			if x := &it.Indicators[i]; own[x.Host()] && !slices.Contains(x.Warnings, WarnOwn) {
				x.Warnings = append(x.Warnings, WarnOwn)
			}
		}
	}
	return it, nil
}

func (s *Service) sealAndTag(ctx context.Context, tx *db.Tx, it *Item) (*key.Cipher, []string, error) {
	c, err := s.Keys.Make(ctx, tx, it.Org)
	if err != nil {
		return nil, nil, fmt.Errorf("item: %w", err)
	}
	if it.sealed, err = it.seal(c); err != nil {
		return nil, nil, err
	}
	t, err := s.Keys.Make(ctx, tx, tagOwner)
	if err != nil {
		return nil, nil, fmt.Errorf("item: %w", err)
	}
	return c, it.tags(t), nil
}

// tags are by what an item is found: its indicators and vulnerabilities.
func (it *Item) tags(c *key.Cipher) (out []string) {
	for _, x := range it.Indicators {
		out = append(out, c.Tag("intel/indicator", x.Value))
	}
	for _, v := range it.Vulnerabilities {
		out = append(out, c.Tag("intel/vulnerability", v))
	}
	return out
}

// sealedItem is the secret part with the vulnerabilities, which are tags in
// clear nowhere.
type sealedItem struct {
	itemSecret
	Vulnerabilities []string `json:"vulnerabilities,omitempty"`
}

func (it *Item) seal(c *key.Cipher) ([]byte, error) {
	return c.SealJSON(sealedItem{itemSecret{it.Title, it.Summary, it.Text, it.English, it.Indicators, it.Source, it.SourceRef, it.Provenance, it.Why}, it.Vulnerabilities}, itemObject(it.ID))
}

// unsealWhole decrypts an item.
func (s *Service) unsealWhole(ctx context.Context, tx *db.Tx, it *Item) error {
	c, err := s.Keys.For(ctx, tx, it.Org)
	if err != nil {
		return fmt.Errorf("item %s: %w", it.ID, err)
	}
	var sec sealedItem
	if err := c.OpenJSON(it.sealed, itemObject(it.ID), &sec); err != nil {
		return err
	}
	it.Title, it.Summary, it.Text, it.English, it.Indicators, it.Source, it.SourceRef = sec.Title, sec.Summary, sec.Text, sec.English, sec.Indicators, sec.Source, sec.SourceRef
	it.Provenance, it.Why, it.Vulnerabilities = sec.Provenance, sec.Why, sec.Vulnerabilities
	return nil
}

// unseal decrypts an item and takes out what its reader may not know.
func (s *Service) unseal(ctx context.Context, tx *db.Tx, it *Item, who gate.Identity) (err error) {
	if err := s.unsealWhole(ctx, tx, it); err != nil {
		return err
	}
	if it.ReplacedBy != "" {
		if _, err := loadItem(ctx, tx, it.ReplacedBy, who); errors.Is(err, ErrNoItem) {
			it.ReplacedBy = ""
		} else if err != nil {
			return err
		}
	}
	if it.Mine = it.Org == who.Org; it.Mine {
		it.To, err = loadItemTo(ctx, tx, it.ID)
		return err
	}
	it.Entry, it.Revision = "", 0
	if !desk(who) { // whoever gave it to us is not everyone's to know
		it.Source, it.SourceRef, it.Provenance, it.Replaces = "", "", nil, ""
	}
	for i := range it.Indicators { // what an operator registered is not the reader's to know
		it.Indicators[i].Warnings = slices.DeleteFunc(it.Indicators[i].Warnings, func(w Warning) bool { return w == WarnOwn })
	}
	return nil
}

// desk reports whether somebody deals with the items of all.
func desk(who gate.Identity) bool {
	return strings.Contains(openTo(who.Kinds), "|"+string(incident.Amber)+"|")
}

// readItems is read, for which a hub without keys has no items.
func (s *Service) readItems(ctx context.Context, fn func(tx *db.Tx, who gate.Identity) error) error {
	return s.read(ctx, "intel.items", func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil {
			return errClosed
		}
		return fn(tx, who)
	})
}

// Item returns an item that its label and clearance let the reader know.
// Fault: ErrNoItem.
func (s *Service) Item(ctx context.Context, id string) (it Item, err error) {
	err = s.readItems(ctx, func(tx *db.Tx, who gate.Identity) error {
		if it, err = loadItem(ctx, tx, id, who); err != nil {
			return err
		}
		return s.unseal(ctx, tx, &it, who)
	})
	return it, err
}

// Items lists the items that the reader may know, the newest first, and the
// cursor of the next page. Those that a later version replaced are left out
// unless asked for.
func (s *Service) Items(ctx context.Context, f ItemFilter) (out []Item, next string, err error) {
	var before string
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	limit := db.Limit(f.Limit)
	f.Limit = limit + 1
	err = s.readItems(ctx, func(tx *db.Tx, who gate.Identity) error {
		tags, none, err := s.sought(ctx, tx, f)
		if err != nil || none {
			return err
		}
		if out, err = loadItems(ctx, tx, f, before, tags, who); err != nil {
			return err
		}
		out, next = db.Page(out, limit, func(last *Item) string { return db.Cursor(last.ID) })
		for i := range out {
			if err := s.unseal(ctx, tx, &out[i], who); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// sought returns the tags that a filter asks for; none when nothing can have
// them.
func (s *Service) sought(ctx context.Context, tx *db.Tx, f ItemFilter) (tags []string, none bool, err error) {
	if f.Indicator == "" && f.Vulnerability == "" {
		return nil, false, nil
	}
	c, err := s.Keys.For(ctx, tx, tagOwner)
	if errors.Is(err, db.ErrNoRows) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if f.Indicator != "" {
		x, ok := indicatorOf(f.Indicator)
		if !ok {
			return nil, true, nil
		}
		tags = append(tags, c.Tag("intel/indicator", x.Value))
	}
	if f.Vulnerability != "" {
		tags = append(tags, c.Tag("intel/vulnerability", strings.ToUpper(strings.TrimSpace(f.Vulnerability))))
	}
	return tags, false, nil
}

// ItemFile returns the file that an item of one's own organisation was read
// from, as it was. Fault: ErrNoItem.
func (s *Service) ItemFile(ctx context.Context, id string) (name string, raw []byte, err error) {
	err = s.readItems(ctx, func(tx *db.Tx, who gate.Identity) error {
		it, err := loadItem(ctx, tx, id, who)
		if err == nil && it.Org != who.Org {
			err = ErrNoItem
		}
		if err != nil {
			return err
		}
		var sealed []byte
		if name, sealed, err = loadItemFile(ctx, tx, id); err != nil {
			return err
		}
		c, err := s.Keys.For(ctx, tx, it.Org)
		if err != nil {
			return fmt.Errorf("item %s: %w", id, err)
		}
		if raw, err = c.Open(sealed, itemObject(id)+"/file"); err != nil {
			return fmt.Errorf("item %s: %w", id, err)
		}
		raw, err = s.bodies.plain(raw)
		return err
	})
	return name, raw, err
}

// Recipients turns what a person wrote, a line for each, into ids of
// organisations they may know of: an id, a number, or a name of which there is
// one. Fault: ErrItem with places to/0 ….
func (s *Service) Recipients(ctx context.Context, lines []string) (ids []string, err error) {
	var bad []fault.Place
	for i, line := range lines {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if uuid.Validate(line) == nil || s.Orgs == nil {
			ids = append(ids, line)
			continue
		}
		list, _, err := s.Orgs.List(ctx, org.Filter{Text: line, Limit: 10})
		if err != nil {
			return nil, err
		}
		exact := slices.IndexFunc(list, func(o org.Org) bool { return o.Name.JA == line || o.Name.EN == line || string(o.Number) == line })
		switch {
		case exact >= 0:
			ids = append(ids, string(list[exact].ID))
		case len(list) == 1:
			ids = append(ids, string(list[0].ID))
		default:
			bad = append(bad, fault.Place{At: "to/" + strconv.Itoa(i), Code: "intel.item.nobody"})
		}
	}
	if len(bad) > 0 {
		return nil, ErrItem.At(bad...)
	}
	return ids, nil
}
