package incident

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

const (
	maxProfiles     = 500
	maxProfileBytes = 1 << 20
	maxOfficial     = 20 << 20
)

func badProfiles(places []fault.Place) error {
	return fault.New(fault.Usage, "incident.profile.bad", "n", len(places)).At(places...)
}

func unknownProfile(id string, ps *Profiles) error {
	return fault.New(fault.Usage, "incident.profile.unknown", "id", id, "known", strings.Join(ps.IDs(), " "))
}

// profileLoader reads folders of profiles and collects every problem.
type profileLoader struct {
	profiles []*Profile
	ids      map[string]string // id to file, within one folder
	problems []fault.Place
	file     string // being read
}

func (l *profileLoader) say(code string, pairs ...any) {
	f := fault.New(fault.Usage, code, pairs...)
	l.problems = append(l.problems, fault.Place{At: l.file, Code: f.Code, Args: f.Args})
}

func (l *profileLoader) folder(dir fs.FS) {
	l.file = "."
	names, err := fs.Glob(dir, "*.toml")
	if err != nil || len(names) > maxProfiles {
		l.say("incident.profile.too_many", "n", len(names), "limit", maxProfiles)
		return
	}
	for _, name := range names {
		l.file = name
		l.one(dir, name)
	}
}

func (l *profileLoader) one(dir fs.FS, name string) {
	raw, err := readLimited(dir, name, maxProfileBytes)
	if err != nil {
		l.say("incident.profile.unreadable", "detail", err.Error())
		return
	}
	p := &Profile{}
	meta, err := toml.Decode(string(raw), p)
	var at toml.ParseError
	switch {
	case errors.As(err, &at):
		l.file = name + ":" + strconv.Itoa(at.Position.Line)
		l.say("incident.profile.syntax", "detail", at.Message)
		return
	case err != nil:
		l.say("incident.profile.syntax", "detail", err.Error())
		return
	}
	for _, key := range meta.Undecoded() {
		l.say("incident.profile.unknown_key", "key", key.String())
	}
	before := len(l.problems)
	l.check(p)
	if p.Official != nil && len(l.problems) == before {
		l.workbook(dir, p)
	}
	if other, twice := l.ids[p.ID]; twice {
		l.say("incident.profile.twice", "id", p.ID, "file", other)
		return
	}
	l.ids[p.ID] = name
	l.profiles = slices.DeleteFunc(l.profiles, func(q *Profile) bool { return q.ID == p.ID })
	l.profiles = append(l.profiles, p)
}

func readLimited(dir fs.FS, name string, limit int64) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = errors.New("over " + strconv.FormatInt(limit, 10) + " bytes")
	}
	return raw, err
}

func (l *profileLoader) workbook(dir fs.FS, p *Profile) {
	if !fs.ValidPath(p.Official.File) || path.Dir(p.Official.File) != "." {
		l.say("incident.profile.bad_value", "key", "official.file", "detail", p.Official.File)
		return
	}
	raw, err := readLimited(dir, p.Official.File, maxOfficial)
	if err != nil {
		l.say("incident.profile.no_workbook", "file", p.Official.File)
		return
	}
	p.official = raw
	if _, err := p.fillOfficial(func(CellMap) string { return "" }); err != nil {
		l.say("incident.profile.bad_workbook", "file", p.Official.File, "detail", err.Error())
	}
}

var (
	profileID   = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	cellName    = regexp.MustCompile(`^[A-Z]{1,3}[1-9][0-9]{0,6}$`)
	hole        = regexp.MustCompile(`\{([a-z0-9_.]+)\}`)
)

// reportMarks are what a composed text may take from the report itself.
var reportMarks = []FieldID{"report.id", "report.kind", "report.stage", "report.version", "report.class", "report.severity", "report.tlp"}

func (l *profileLoader) check(p *Profile) {
	d := Dictionary()
	bad := func(key, detail string) { l.say("incident.profile.bad_value", "key", key, "detail", detail) }
	both := func(key string, b text.Both) {
		if b.Empty() {
			l.say("incident.profile.both", "key", key)
		}
	}
	field := func(key string, id FieldID) *Field {
		f, ok := d.Get(id)
		if !ok {
			l.say("incident.profile.unknown_field", "key", key, "field", string(id))
		}
		return f
	}
	consent := func(key, id string) {
		if _, ok := d.Consent(id); id != "" && !ok {
			bad(key, id)
		}
	}
	composed := func(key, s string) {
		for _, m := range hole.FindAllStringSubmatch(s, -1) {
			if !slices.Contains(reportMarks, FieldID(m[1])) {
				field(key, FieldID(m[1]))
			}
		}
	}
	conditions := func(key string, cs []Condition) {
		for i := range cs {
			if f := field(key, cs[i].Field); f != nil {
				if err := cs[i].check(f); err != nil {
					bad(key+" "+string(f.ID), err.Error())
				}
			}
		}
	}

	if !profileID.MatchString(p.ID) {
		bad("id", p.ID)
	}
	if !countryForm.MatchString(p.Country) {
		bad("country", p.Country)
	}
	both("name", p.Name)
	both("basis", p.Basis)
	both("source", p.Source)
	if !slices.Contains(Statuses, p.Status) {
		bad("status", string(p.Status))
	}
	l.times(p, bad)
	consent("consent", p.Consent)
	for _, k := range p.Kinds {
		if !slices.Contains(Kinds, k) {
			bad("kinds", string(k))
		}
	}
	conditions("applies", p.Applies)
	if len(p.Recipients) == 0 {
		bad("recipients", "0")
	}
	for _, r := range p.Recipients {
		both("recipients.name", r.Name)
		consent("recipients.consent", r.Consent)
		if !slices.Contains(Roles, r.Role) {
			bad("recipients.role", string(r.Role))
		}
	}
	if len(p.Stages) == 0 {
		bad("stages", "0")
	}
	seen, rank := map[string]bool{}, 0
	for i := range p.Stages {
		s := &p.Stages[i]
		key := "stages." + s.ID
		if !profileID.MatchString(s.ID) || seen[s.ID] {
			bad("stages.id", s.ID)
		}
		seen[s.ID] = true
		if n := slices.Index(Stages, s.Report); n < rank {
			bad(key+".report", string(s.Report))
		} else {
			rank = n
		}
		both(key+".name", s.Name)
		l.deadlines(s, i, bad)
		for _, id := range s.Required {
			field(key+".required", id)
		}
		for _, r := range s.RequiredWhen {
			conditions(key+".required_when", r.When)
			for _, id := range r.Fields {
				field(key+".required_when", id)
			}
		}
		if s.DoneField != "" {
			if f := field(key+".done_field", s.DoneField); f != nil && f.Type != TypeInstant {
				bad(key+".done_field", string(s.DoneField))
			}
		}
	}
	if len(p.Layout) == 0 {
		bad("layout", "0")
	}
	for _, s := range p.Layout {
		both("layout.title", s.Title)
		for _, r := range s.Rows {
			both("layout.rows.label", r.Label)
			composed("layout.rows.text", r.Text)
		}
		for _, id := range s.Fields {
			field("layout.fields", id)
		}
		for _, g := range s.Groups {
			if !slices.ContainsFunc(d.Groups, func(x Group) bool { return x.ID == g }) {
				bad("layout.groups", g)
			}
		}
	}
	if p.Official == nil {
		return
	}
	both("official.name", p.Official.Name)
	for _, c := range p.Official.Cells {
		if !cellName.MatchString(c.Cell) || c.Sheet == "" {
			bad("official.cells", c.Sheet+"!"+c.Cell)
		}
		if (c.Field == "") == (c.Text == "") {
			bad("official.cells "+c.Cell, "field / text")
		} else if c.Field != "" {
			field("official.cells", c.Field)
		}
		composed("official.cells", c.Text)
	}
}

func (l *profileLoader) times(p *Profile, bad func(key, detail string)) {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil || p.Zone == "" || p.Zone == "Local" {
		bad("zone", p.Zone)
		zone = time.UTC
	}
	p.zone = zone
	if p.EffectiveFrom == "" {
		return
	}
	day, err := time.Parse(time.DateOnly, p.EffectiveFrom)
	if err != nil {
		bad("effective_from", p.EffectiveFrom)
		return
	}
	p.effective = civil(day, 0, zone)
}

func (l *profileLoader) deadlines(s *ProfileStage, i int, bad func(key, detail string)) {
	key := "stages." + s.ID + ".deadlines"
	if len(s.Deadlines) == 0 {
		bad(key, "0")
	}
	for _, d := range s.Deadlines {
		if _, ok := startFields[d.Start]; !ok || d.Start == StartPreviousStage && i == 0 {
			bad(key+".start", string(d.Start))
		}
		if err := d.Duration.check(); err != nil {
			bad(key, err.Error())
		}
		if d.Source.Empty() && d.Source != (text.Both{}) {
			l.say("incident.profile.both", "key", key+".source")
		}
		if d.House == nil {
			continue
		}
		_, counted := maxCount[d.House.Kind]
		if err := d.House.check(); err != nil || !counted || d.Kind != Promptly {
			bad(key+".house", string(d.House.Kind))
		}
	}
}
