package hunt

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"noroshi/internal/base/text"
)

// ocsfSink writes a Detection Finding (class 2004 of OCSF 1.5) a line.
type ocsfSink struct {
	*json.Encoder
	p text.Printer
}

func (s *ocsfSink) close(*Report) error { return nil }

type ocsfFinding struct {
	ActivityID  int            `json:"activity_id"` // 1: created
	CategoryUID int            `json:"category_uid"`
	ClassUID    int            `json:"class_uid"`
	TypeUID     int            `json:"type_uid"`
	Time        int64          `json:"time"` // ms since 1970; 0 if the event has none
	Severity    string         `json:"severity,omitempty"`
	SeverityID  int            `json:"severity_id"`
	StatusID    int            `json:"status_id"` // 1: new
	IsAlert     bool           `json:"is_alert"`
	Message     string         `json:"message"`
	Metadata    ocsfMetadata   `json:"metadata"`
	Finding     ocsfInfo       `json:"finding_info"`
	Evidences   []ocsfEvidence `json:"evidences"`
	Resources   []ocsfResource `json:"resources,omitempty"`
}

type ocsfMetadata struct {
	Version string      `json:"version"`
	Product ocsfProduct `json:"product"`
}

type ocsfProduct struct {
	Name   string `json:"name"`
	Vendor string `json:"vendor_name"`
}

type ocsfInfo struct {
	UID      string       `json:"uid"`
	Title    string       `json:"title"`
	Desc     string       `json:"desc,omitempty"`
	First    int64        `json:"first_seen_time,omitempty"`
	Last     int64        `json:"last_seen_time,omitempty"`
	Analytic ocsfAnalytic `json:"analytic"`
	Attacks  []ocsfAttack `json:"attacks,omitempty"`
	Tags     []string     `json:"types,omitempty"`
}

type ocsfAnalytic struct {
	TypeID int    `json:"type_id"` // 1: rule
	UID    string `json:"uid,omitempty"`
	Name   string `json:"name"`
}

type ocsfAttack struct {
	Technique *ocsfNamed `json:"technique,omitempty"`
	Sub       *ocsfNamed `json:"sub_technique,omitempty"`
}

type ocsfNamed struct {
	UID string `json:"uid"`
}

type ocsfEvidence struct {
	Data any `json:"data"`
}

type ocsfResource struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (s *ocsfSink) take(d *Detection) error {
	s.SetEscapeHTML(false)
	r := d.Rule
	level, _ := severity(r.Level)
	f := ocsfFinding{ActivityID: 1, CategoryUID: 2, ClassUID: 2004, TypeUID: 200401, Time: d.Time / 1e6, Severity: r.Level.String(), SeverityID: level, StatusID: 1, IsAlert: true,
		Message: ruleTitle(s.p, r), Metadata: ocsfMetadata{"1.5.0", ocsfProduct{"Noroshi", "Noroshi"}},
		Finding: ocsfInfo{UID: findingID(d), Title: ruleTitle(s.p, r), Desc: ruleAbout(s.p, r), Analytic: ocsfAnalytic{1, r.ID, r.Title}, Tags: Tactics(r)}}
	if d.Correlated() {
		f.Finding.First, f.Finding.Last = d.Time/1e6, d.Last/1e6
	}
	for _, id := range Techniques(r) {
		a := ocsfAttack{Technique: &ocsfNamed{id}}
		if main, _, sub := strings.Cut(id, "."); sub {
			a = ocsfAttack{Technique: &ocsfNamed{main}, Sub: &ocsfNamed{id}}
		}
		f.Finding.Attacks = append(f.Finding.Attacks, a)
	}
	fields := map[string]any{} // one that is there several times is a list
	for _, x := range d.Event {
		switch have := fields[x.Name].(type) {
		case nil:
			fields[x.Name] = x.Value
		case string:
			fields[x.Name] = []string{have, x.Value}
		case []string:
			fields[x.Name] = append(have, x.Value)
		}
	}
	f.Evidences = []ocsfEvidence{{map[string]any{"source": d.Source, "record": d.Record, "why": d.Why, "fields": fields}}}
	if d.Host != "" {
		f.Resources = append(f.Resources, ocsfResource{d.Host, "host"})
	}
	if d.User != "" {
		f.Resources = append(f.Resources, ocsfResource{d.User, "account"})
	}
	return s.Encode(f)
}

// findingID names a detection so that the same run gives it the same name.
func findingID(d *Detection) string {
	return fmt.Sprintf("%s/%s/%d", d.Rule.Ref(), d.Source, d.Record)
}

// cefSink writes ArcSight's Common Event Format behind an RFC 5424 header, a
// line for each detection, for a SIEM that takes syslog.
type cefSink struct {
	w io.Writer
	p text.Printer
}

func (s *cefSink) close(*Report) error { return nil }

var (
	cefHead  = strings.NewReplacer(`\`, `\\`, `|`, `\|`, "\n", " ", "\r", " ")
	cefValue = strings.NewReplacer(`\`, `\\`, `=`, `\=`, "\n", `\n`, "\r", `\r`)
)

func (s *cefSink) take(d *Detection) error {
	level, grave := severity(d.Rule.Level)
	at := "-"
	if d.Time != 0 {
		at = time.Unix(0, d.Time).UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	// Facility 13 is log audit (RFC 5424 section 6.2.1); the graver the finding,
	// the lower the syslog severity.
	host := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, d.Host)
	if host == "" {
		host = "-"
	}
	_, err := fmt.Fprintf(s.w, "<%d>1 %s %s noroshi - hunt - CEF:0|Noroshi|hunt|1|%s|%s|%d|", 13*8+6-min(level, 4), at, cut(host, 255), cefHead.Replace(text.Printable(d.Rule.Ref())), cefHead.Replace(ruleTitle(s.p, d.Rule)), grave)
	if err != nil {
		return err
	}
	var ext []string
	put := func(k, v string) {
		if v != "" {
			ext = append(ext, k+"="+text.Printable(cefValue.Replace(v)))
		}
	}
	if d.Time != 0 {
		put("rt", fmt.Sprint(d.Time/1e6))
	}
	put("dhost", d.Host)
	put("duser", d.User)
	put("cs1Label", "attack")
	put("cs1", strings.Join(Techniques(d.Rule), " "))
	put("fname", d.Source)
	put("cn1Label", "record")
	put("cn1", fmt.Sprint(d.Record))
	put("msg", cut(strings.Join(whyTexts(s.p, d, maxWhys), "; "), 1023))
	_, err = fmt.Fprintln(s.w, strings.Join(ext, " "))
	return err
}
