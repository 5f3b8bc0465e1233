package intel

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/incident"
)

// What of a MISP event is read (MISP core format, draft-dulaunoy): its title,
// date, tags of handling and grade, and the attributes, loose and in objects.
// Numbers are sometimes written as texts, so they are read as either.
type (
	mispEvent struct {
		Info      string     `json:"info"`
		UUID      string     `json:"uuid"`
		Orgc      mispOrg    `json:"Orgc"`
		Tag       []mispTag  `json:"Tag"`
		Attribute []mispAttr `json:"Attribute"`
		Object    []mispObj  `json:"Object"`
	}
	mispOrg struct {
		Name string `json:"name"`
	}
	mispTag struct {
		Name string `json:"name"`
	}
	mispAttr struct {
		Type    string    `json:"type"`
		Value   any       `json:"value"`
		Comment string    `json:"comment"`
		ToIDs   any       `json:"to_ids"`
		Deleted any       `json:"deleted"`
		Tag     []mispTag `json:"Tag"`
	}
	mispObj struct {
		Name      string     `json:"name"`
		Deleted   any        `json:"deleted"`
		Attribute []mispAttr `json:"Attribute"`
	}
)

// mispTypes are the types of attributes that hold something to look for, and
// which parts of a value that has several: 1 the first, 2 the second, 3 both.
var mispTypes = map[string]int{"ip-src": 1, "ip-dst": 1, "ip-src|port": 1, "ip-dst|port": 1, "domain": 1, "hostname": 1, "hostname|port": 1, "domain|ip": 3, "url": 1, "uri": 1,
	"email": 1, "email-src": 1, "email-dst": 1, "md5": 1, "sha1": 1, "sha256": 1, "sha512": 1, "filename|md5": 2, "filename|sha1": 2, "filename|sha256": 2,
	"filename|sha512": 2, "malware-sample": 2, "x509-fingerprint-sha1": 1, "x509-fingerprint-sha256": 1, "x509-fingerprint-md5": 1}

// maxEvents bounds the events of one file.
const maxEvents = 100

// misp reads an event, alone, in a list or in the answer of a search.
func (r *reading) misp(raw []byte) error {
	events, err := mispEvents(raw, 0)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fault.New(fault.Usage, "intel.item.file_kind")
	}
	var titles, sources []string
	for i := range events {
		e := &events[i]
		if s := strings.TrimSpace(e.Info); s != "" {
			titles = append(titles, s)
		}
		if s := strings.TrimSpace(e.Orgc.Name); s != "" {
			sources = append(sources, s)
		}
		if len(events) == 1 {
			r.item.SourceRef = clip(e.UUID)
		}
		r.mispTags(e.Tag)
		flagged := e.flagged()
		for j := range e.Attribute {
			r.mispAttribute(&e.Attribute[j], flagged)
		}
		for j := range e.Object {
			o := &e.Object[j]
			if yes(o.Deleted, false) {
				r.skip("deleted")
				continue
			}
			for k := range o.Attribute {
				r.mispAttribute(&o.Attribute[k], flagged)
			}
		}
	}
	if len(titles) > 0 {
		r.item.Title = shorten(titles[0], maxItemTitle)
		r.item.Text = strings.Join(titles[1:], "\n")
	}
	if len(sources) > 0 {
		r.item.Source = shorten(sources[0], maxItemTitle)
	}
	return nil
}

// mispEvents goes down to the events: {"response": [{"Event": …}]}.
func mispEvents(raw []byte, depth int) (out []mispEvent, err error) {
	var list []json.RawMessage
	if depth > 4 {
		return nil, fault.New(fault.Usage, "intel.item.file_kind")
	}
	if len(raw) > 0 && raw[0] == '[' {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, kindFault(err)
		}
		if len(list) > maxEvents {
			return nil, fault.New(fault.Usage, "intel.item.many", "max", maxEvents)
		}
		for _, v := range list {
			got, err := mispEvents(v, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, got...)
		}
		return out, nil
	}
	var in struct {
		Event    json.RawMessage `json:"Event"`
		Response json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, kindFault(err)
	}
	for _, v := range []json.RawMessage{in.Event, in.Response} {
		if v != nil {
			return mispEvents(v, depth+1)
		}
	}
	var e mispEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, kindFault(err)
	}
	if e.Info == "" && len(e.Attribute)+len(e.Object) == 0 {
		return nil, nil
	}
	return []mispEvent{e}, nil
}

// flagged reports whether the writer of an event says of anything that it is for
// detection. Some never do; then nothing follows from it.
func (e *mispEvent) flagged() bool {
	meant := func(list []mispAttr) bool {
		return slices.ContainsFunc(list, func(a mispAttr) bool { return yes(a.ToIDs, false) })
	}
	return meant(e.Attribute) || slices.ContainsFunc(e.Object, func(o mispObj) bool { return meant(o.Attribute) })
}

// mispAttribute takes an attribute. What its writer does not mean for detection
// (to_ids), though they do mean others, is background and is counted only.
func (r *reading) mispAttribute(a *mispAttr, flagged bool) {
	r.mispTags(a.Tag)
	value, _ := a.Value.(string)
	what := strings.ToLower(strings.TrimSpace(a.Type))
	parts := mispTypes[what]
	switch {
	case yes(a.Deleted, false):
		r.skip("deleted")
	case what == "vulnerability":
		r.vulnerability(what, value)
	case parts == 0 || value == "":
		r.skip(what)
	case flagged && !yes(a.ToIDs, true):
		r.skip("to_ids=false")
	default:
		first, second := value, ""
		if strings.Contains(what, "|") || what == "malware-sample" {
			first, second, _ = strings.Cut(value, "|")
		}
		if parts&1 != 0 {
			r.add(what, first, a.Comment)
		}
		if parts&2 != 0 {
			r.add(what, second, a.Comment)
		}
	}
}

// mispTags reads the tags of handling and grade (taxonomies tlp and
// admiralty-scale).
func (r *reading) mispTags(tags []mispTag) {
	for _, t := range tags {
		name := strings.ToLower(strings.TrimSpace(t.Name))
		if level, ok := strings.CutPrefix(name, "tlp:"); ok {
			if tlp, ok := parseTLP(level); ok {
				r.narrow(tlp)
			}
			continue
		}
		scale, value, _ := strings.Cut(name, "=")
		value = strings.Trim(value, `"`)
		switch {
		case scale == "admiralty-scale:source-reliability" && len(value) == 1 && strings.Contains("abcdef", value):
			if r.item.Grade.Reliability = strings.ToUpper(value); r.item.Grade.Credibility == 0 {
				r.item.Grade.Credibility = 6
			}
		case scale == "admiralty-scale:information-credibility" && len(value) == 1 && strings.Contains("123456", value):
			if r.item.Grade.Credibility = int(value[0] - '0'); r.item.Grade.Reliability == "" {
				r.item.Grade.Reliability = "F"
			}
		}
	}
}

// yes reads a truth that is written as one, as a number or as a text.
func yes(v any, otherwise bool) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b
		}
	}
	return otherwise
}

// shorten keeps at most n characters of somebody else's words.
func shorten(s string, n int) string {
	if c := []rune(s); len(c) > n {
		return string(c[:n-1]) + "…"
	}
	return s
}

// parseTLP reads a label in any of its spellings; white is what TLP 1.0 called
// clear.
func parseTLP(s string) (incident.TLP, bool) {
	s = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "TLP:")
	switch s {
	case "WHITE", "CLEAR":
		return incident.Clear, true
	case "AMBER_STRICT", "AMBER-STRICT", "AMBER STRICT":
		return incident.AmberStrict, true
	}
	for _, t := range incident.TLPs {
		if string(t) == s {
			return t, true
		}
	}
	return "", false
}

// day reads a time as these formats write it; zero when it is none.
func day(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Microsecond)
		}
	}
	return time.Time{}
}
