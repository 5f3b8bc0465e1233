package notice

import (
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// sayPlace says what is wrong at one place.
func sayPlace(p text.Printer, pl fault.Place) string {
	var pairs []any
	for k, a := range pl.Args {
		pairs = append(pairs, k, a)
	}
	return p.T(pl.Code, pairs...)
}

// placeNames are the words for the parts of a notice; a longer path goes
// before the one that holds it.
var placeNames = [...]struct{ at, word string }{
	{"/title", "notice.web.title"},
	{"/about", "notice.web.about"},
	{"/severity", "notice.web.col.severity"},
	{"/clearance", "notice.web.clearance"},
	{"/answer_by", "notice.web.col.answer_by"},
	{"/fix_by", "notice.web.fix_by"},
	{"/known_at", "notice.web.known_at"},
	{"/attack_seen_at", "notice.web.attack_at"},
	{"/recipients", "notice.web.col.recipients"},
	{"/management/what", "notice.web.what"},
	{"/management/so_what", "notice.web.so_what"},
	{"/management/decide", "notice.web.decide.label"},
	{"/technical/details", "notice.web.details"},
	{"/technical/indicators", "notice.web.indicators"},
	{"/technical/checks", "notice.web.checks"},
	{"/small/title", "notice.web.small.title"},
	{"/small/helper", "notice.web.small.helper"},
	{"/small/note", "notice.web.small.note"},
}

// placeName names the part of a notice that a JSON pointer leads to, as its
// editor does: "For management: What happened".
func placeName(p text.Printer, at string) string {
	words := make([]string, 0, 2)
	for _, k := range Kinds {
		if at == "/"+string(k) || strings.HasPrefix(at, "/"+string(k)+"/") {
			words = append(words, p.T("notice.web.version."+string(k)))
		}
	}
	var step int
	if rest, ok := strings.CutPrefix(at, "/small/steps/"); ok {
		n, field, _ := strings.Cut(rest, "/")
		step, _ = strconv.Atoi(n)
		key := "notice.web.small.do"
		if strings.HasPrefix(field, "how") {
			key = "notice.web.small.how"
		}
		return words[0] + " " + p.T(key, "n", step+1)
	}
	for _, x := range placeNames {
		if at == x.at || strings.HasPrefix(at, x.at+"/") {
			words = append(words, p.T(x.word))
			break
		}
	}
	if len(words) == 0 {
		return p.T("notice.web.whole")
	}
	return strings.Join(words, " ")
}

// inWords names the places of a fault as people do, for a terminal.
func inWords(p text.Printer, err error) error {
	f := *fault.Of(err)
	if len(f.Places) == 0 {
		return err
	}
	places := make([]fault.Place, len(f.Places))
	for i, pl := range f.Places {
		places[i] = pl
		if strings.HasPrefix(pl.At, "/") {
			places[i].At = placeName(p, pl.At)
		}
	}
	f.Places = places
	return &f
}
