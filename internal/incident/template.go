package incident

import "embed"

//go:embed data/template
var templateData embed.FS

// Template returns a complete example of a first report: what a reporter may
// copy, and what every applicable form has enough to be filled from. The
// company, its devices and its troubles are invented. It returns nil for what
// is no kind.
func Template(k Kind) *Report {
	raw, err := templateData.ReadFile("data/template/" + string(k) + ".json")
	if err != nil {
		return nil
	}
	r, err := DecodeReport(raw)
	if err != nil {
		panic("BUG: embedded template " + string(k) + ": " + err.Error())
	}
	return r
}
