package incident

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/xuri/excelize/v2"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// The duties and paths the hub knows, each with its data file.
func TestBuiltinProfiles(t *testing.T) {
	want := strings.Fields(`jp-act42 jp-common-1 jp-common-2 jp-common-3 jp-ppc jp-police jp-jpcert jp-finance jp-telecom jp-telecom-nearmiss
		jp-precursor us-circia us-circia-payment eu-nis2 eu-dora au-soci-critical au-soci-other uk-csr-regulator uk-csr-customers uk-csr-response-plan`)
	got := Builtin().IDs()
	if slices.Compare(got, want) != 0 {
		t.Errorf("got %v", got)
	}
	for _, p := range Builtin().All {
		if !p.Verified && p.Note.Empty() {
			t.Errorf("%s: what is not verified needs a note", p.ID)
		}
		for _, s := range p.Stages {
			shown := map[FieldID]bool{}
			for _, k := range Kinds {
				for _, part := range Fill(NewReport(k), p, Facts{}, time.Unix(0, 0), sentences(t).Printer(text.JA, nil)).Parts {
					for _, l := range part.Lines {
						shown[l.Field] = true
					}
				}
			}
			for _, sec := range p.Layout {
				for _, r := range sec.Rows {
					for _, m := range hole.FindAllStringSubmatch(r.Text, -1) {
						shown[FieldID(m[1])] = true
					}
				}
			}
			for _, id := range s.Required {
				if !shown[id] {
					t.Errorf("%s %s requires %s and does not show it", p.ID, s.ID, id)
				}
			}
		}
	}
}

const extraProfile = `
id = "xx-test"
order = 5
country = "JP"
name = { ja = "試し", en = "Trial" }
basis = { ja = "なし", en = "None" }
status = "in_force"
zone = "Asia/Tokyo"
verified = true
source = { ja = "試験", en = "test" }
recipients = [{ role = "police", name = { ja = "署", en = "Station" } }]
[[stages]]
id = "one"
report = "first"
name = { ja = "一", en = "One" }
required = ["event.outline"]
deadlines = [{ start = "recognised", kind = "hours", n = 5 }]
[[layout]]
title = { ja = "表", en = "Table" }
fields = ["event.outline", "operator.name"]
`

// Adding a profile needs no Go code, and one of the folder replaces ours.
func TestExtraProfiles(t *testing.T) {
	other := strings.ReplaceAll(extraProfile, "xx-test", "jp-police")
	ps, err := LoadProfiles(fstest.MapFS{"a.toml": {Data: []byte(extraProfile)}, "b.toml": {Data: []byte(other)}, "readme.md": {Data: []byte("#")}})
	if err != nil {
		t.Fatal(err)
	}
	if ps.All[0].ID != "jp-police" || ps.All[1].ID != "xx-test" || len(ps.All) != len(Builtin().All)+1 {
		t.Errorf("%v", ps.IDs())
	}
	r := NewReport(Other)
	r.Values["event.recognised_at"] = KnownValue("2026-11-05T00:00:00+09:00")
	res := Check(r, &Profiles{All: ps.All[1:2]}, Facts{}, at(t, "2026-11-05T01:00:00+09:00"))
	if len(res.Missing) != 1 || res.Missing[0].Field != "event.outline" || !res.Missing[0].Wanted[0].By.Due.Equal(at(t, "2026-11-05T05:00:00+09:00")) {
		t.Errorf("%+v", res.Missing)
	}
}

func TestProfilesAreStrict(t *testing.T) {
	book := func(formula bool) []byte {
		f := excelize.NewFile()
		defer f.Close()
		_ = f.SetCellStr("Sheet1", "A1", "x")
		if formula {
			_ = f.SetCellFormula("Sheet1", "B2", "1+1")
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	official := "\n[official]\nfile = \"form.xlsx\"\nname = { ja = \"様式\", en = \"Form\" }\ncells = [{ sheet = \"%\", cell = \"B2\", field = \"event.outline\" }]\n"
	for name, c := range map[string]struct {
		from, to string // replacement in the good profile
		file     []byte
		want     string // code
		more     string // in the arguments
	}{
		"unknown key":            {`order = 5`, "order = 5\ncolour = 1", nil, "incident.profile.unknown_key", "colour"},
		"unknown key of a stage": {`id = "one"`, "id = \"one\"\nlimit = 1", nil, "incident.profile.unknown_key", "stages.limit"},
		"unknown field":          {`required = ["event.outline"]`, `required = ["event.outlien"]`, nil, "incident.profile.unknown_field", "event.outlien"},
		"unknown field in a row": {`fields = ["event.outline", "operator.name"]`, `rows = [{ label = { ja = "あ", en = "A" }, text = "{operator.nam}" }]`, nil, "incident.profile.unknown_field", "operator.nam"},
		"no English":             {`name = { ja = "試し", en = "Trial" }`, `name = { ja = "試し" }`, nil, "incident.profile.both", "name"},
		"no English source":      {`en = "test"`, `en = ""`, nil, "incident.profile.both", "source"},
		"half a source":          {`n = 5`, `n = 5, source = { en = "art 1" }`, nil, "incident.profile.both", "stages.one.deadlines.source"},
		"bad zone":               {`Asia/Tokyo`, `Asia/Edo`, nil, "incident.profile.bad_value", "zone"},
		"local zone":             {`Asia/Tokyo`, `Local`, nil, "incident.profile.bad_value", "zone"},
		"bad status":             {`"in_force"`, `"soon"`, nil, "incident.profile.bad_value", "status"},
		"bad day":                {`order = 5`, `effective_from = "2026-02-30"`, nil, "incident.profile.bad_value", "effective_from"},
		"bad role":               {`"police"`, `"postman"`, nil, "incident.profile.bad_value", "recipients.role"},
		"unknown consent":        {`order = 5`, `consent = "any"`, nil, "incident.profile.bad_value", "consent"},
		"no number":              {`n = 5`, `n = 0`, nil, "incident.profile.bad_value", "deadlines"},
		"a number for promptly":  {`kind = "hours"`, `kind = "promptly"`, nil, "incident.profile.bad_value", "deadlines"},
		"house beside a number":  {`n = 5`, `n = 5, house = { kind = "hours", n = 1 }`, nil, "incident.profile.bad_value", "house"},
		"nothing before":         {`start = "recognised"`, `start = "previous_stage"`, nil, "incident.profile.bad_value", "start"},
		"condition of no option": {`order = 5`, `applies = [{ field = "operator.sector", is = "circus" }]`, nil, "incident.profile.bad_value", "operator.sector"},
		"condition of two kinds": {`order = 5`, `applies = [{ field = "personal.involved", is = true, has = "x" }]`, nil, "incident.profile.bad_value", "personal.involved"},
		"a float condition":      {`order = 5`, `applies = [{ field = "personal.involved", is = 1.5 }]`, nil, "incident.profile.bad_value", "personal.involved"},
		"not TOML":               {`order = 5`, `order = = 5`, nil, "incident.profile.syntax", ""},
		"wrong type":             {`order = 5`, `order = "5"`, nil, "incident.profile.syntax", ""},
		"no workbook":            {``, strings.ReplaceAll(official, "%", "Sheet1"), nil, "incident.profile.no_workbook", "form.xlsx"},
		"no such sheet":          {``, strings.ReplaceAll(official, "%", "表"), book(false), "incident.profile.bad_workbook", "表"},
		"onto a formula":         {``, strings.ReplaceAll(official, "%", "Sheet1"), book(true), "incident.profile.bad_workbook", "formula"},
		"not a workbook":         {``, strings.ReplaceAll(official, "%", "Sheet1"), []byte("PK"), "incident.profile.bad_workbook", "workbook"},
		"outside the folder":     {``, strings.ReplaceAll(strings.ReplaceAll(official, "%", "Sheet1"), "form.xlsx", "../form.xlsx"), nil, "incident.profile.bad_value", "official.file"},
	} {
		t.Run(name, func(t *testing.T) {
			src := extraProfile + c.to
			if c.from != "" {
				src = strings.Replace(extraProfile, c.from, c.to, 1)
			}
			dir := fstest.MapFS{"x.toml": {Data: []byte(src)}}
			if c.file != nil {
				dir["form.xlsx"] = &fstest.MapFile{Data: c.file}
			}
			_, err := LoadProfiles(dir)
			f := fault.Of(err)
			if f == nil || f.Kind != fault.Usage {
				t.Fatalf("%v", err)
			}
			for _, p := range f.Places {
				args := ""
				for _, v := range p.Args {
					args += " " + v.(string)
				}
				if p.Code == c.want && strings.Contains(args, c.more) && strings.HasPrefix(p.At, "x.toml") {
					return
				}
			}
			t.Errorf("got %v", err)
		})
	}
}

// One fault tells all problems of all files.
func TestAllProblemsAreTold(t *testing.T) {
	bad := strings.NewReplacer("Asia/Tokyo", "Mars", `"in_force"`, `"x"`, "event.outline", "event.none").Replace(extraProfile)
	_, err := LoadProfiles(fstest.MapFS{"a.toml": {Data: []byte(bad)}, "b.toml": {Data: []byte("x = 1")}})
	if f := fault.Of(err); f == nil || len(f.Places) < 6 {
		t.Errorf("%v", err)
	}
	if _, err := Builtin().Only("jp-act42", "nope"); fault.KindOf(err) != fault.Usage {
		t.Errorf("unknown profile: %v", err)
	}
}

// A profile file is written by people outside: nothing in it may panic.
func FuzzProfile(f *testing.F) {
	f.Add(extraProfile)
	f.Add("id = \"a\"\n[[stages]]\n[[stages.deadlines]]\nkind=\"days\"\nn=99999999999")
	f.Fuzz(func(t *testing.T, src string) {
		l := &profileLoader{ids: map[string]string{}}
		l.folder(fstest.MapFS{"x.toml": {Data: []byte(src)}})
		if l.problems != nil {
			return
		}
		ps := &Profiles{All: l.profiles}
		r := NewReport(Other)
		r.Values["event.recognised_at"] = KnownValue("2026-11-05T00:00:00+09:00")
		Check(r, ps, Facts{}, time.Unix(1_800_000_000, 0))
	})
}
