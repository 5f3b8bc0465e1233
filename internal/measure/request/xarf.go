package request

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"crypto/sha256"
	"encoding/hex"
)

// party is an organisation in a report (XARF 4, contact_info).
type party struct {
	Org     string `json:"org"`
	Contact string `json:"contact"`
	Domain  string `json:"domain"`
}

// piece is one piece of evidence in a report (XARF 4, evidence_item).
type piece struct {
	ContentType string `json:"content_type"`
	Description string `json:"description,omitempty"`
	Payload     string `json:"payload"`
	Hash        string `json:"hash"`
	Size        int    `json:"size"`
}

// report is an abuse report as a machine reads it (XARF 4): the fields of all
// reports, then those of the types that are written here. A destination is none of
// them: it would be the victim.
type report struct {
	Version    string   `json:"xarf_version"`
	ID         string   `json:"report_id"` // UUIDv4
	Timestamp  string   `json:"timestamp"`
	Reporter   party    `json:"reporter"`
	Sender     party    `json:"sender"`
	Source     string   `json:"source_identifier"`
	SourcePort int      `json:"source_port,omitempty"`
	Category   string   `json:"category"`
	Type       string   `json:"type"`
	Evidence   []piece  `json:"evidence,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	Says       string   `json:"description,omitempty"` // at most 1,000 characters

	URL                string `json:"url,omitempty"`
	Domain             string `json:"domain,omitempty"`
	FraudType          string `json:"fraud_type,omitempty"`
	Protocol           string `json:"protocol,omitempty"`
	FirstSeen          string `json:"first_seen,omitempty"`
	LastSeen           string `json:"last_seen,omitempty"`
	Command            string `json:"c2_server,omitempty"`
	CompromiseEvidence string `json:"compromise_evidence,omitempty"`
	CompromiseMethod   string `json:"compromise_method,omitempty"`
	ThreatType         string `json:"threat_type,omitempty"`
}

// types are the types of reports by what a machine does. A type that needs what a
// draft lacks gives way to one that needs nothing.
var types = map[Harm][2]string{
	Phishing: {"content", "phishing"}, Malware: {"content", "malware"}, Fraud: {"content", "fraud"},
	Command: {"infrastructure", "botnet"}, TakenOut: {"infrastructure", "compromised_server"},
	Flood: {"connection", "ddos"}, Login: {"connection", "login_attack"}, Scan: {"connection", "port_scan"},
}

// xarf writes the report of a draft, for abuse desks and providers. Times are UTC.
func xarf(d *Draft, id string, from party, now time.Time) ([]byte, error) {
	s := &d.Subject
	first, last := d.seen(now)
	r := report{Version: "4.2.0", ID: id, Timestamp: stamp(first), Reporter: from, Sender: from, Source: cmp.Or(s.Address, s.At()), SourcePort: s.Port, Says: cut(s.Does, 1000),
		Tags: []string{"tlp:" + strings.ToLower(d.TLP)}}
	kind := types[s.Harm]
	switch {
	case kind[0] == "content" && s.URL != "":
		r.URL, r.Domain = s.URL, dotted(s.Name)
		if s.Harm == Fraud {
			r.FraudType = "other"
		}
	case kind[0] == "connection" && s.Protocol != "" && (s.Port > 0 || !isAddress(r.Source)):
		r.Protocol, r.FirstSeen, r.LastSeen = s.Protocol, stamp(first), stamp(last)
	case s.Harm == Command:
		r.Command, r.CompromiseEvidence = s.At(), cut(s.Does, 1000)
	case s.Harm == TakenOut:
		r.CompromiseMethod = "unknown"
	default:
		kind, r.ThreatType = [2]string{"reputation", "threat_intelligence"}, string(s.Harm)
		r.URL = s.URL
	}
	r.Category, r.Type = kind[0], kind[1]
	for _, e := range d.Evidence {
		body := e.Says + "\n" + span(e) + "\n"
		if e.Digest != "" {
			body += "SHA-256 " + e.Digest + "\n"
		}
		if e.Lines != "" {
			body += "\n" + e.Lines + "\n"
		}
		sum := sha256.Sum256([]byte(body))
		r.Evidence = append(r.Evidence, piece{"text/plain", cut(e.Says, 500), base64.StdEncoding.EncodeToString([]byte(body)), "sha256:" + hex.EncodeToString(sum[:]), len(body)})
	}
	return json.MarshalIndent(r, "", "  ")
}

// seen is the time that the evidence of a draft covers.
func (d *Draft) seen(now time.Time) (first, last time.Time) {
	for _, e := range d.Evidence {
		if first.IsZero() || e.From.Before(first) {
			first = e.From
		}
		if e.Until.After(last) {
			last = e.Until
		}
	}
	if first.IsZero() {
		return now, now
	}
	return first, last
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// span is when something was seen, in UTC.
func span(e Evidence) string {
	const form = "2006-01-02 15:04:05"
	if e.Until.Equal(e.From) {
		return e.From.UTC().Format(form) + " UTC"
	}
	return e.From.UTC().Format(form) + " – " + e.Until.UTC().Format(form) + " UTC"
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// dotted returns a name that a report may carry as a domain: with a top level of
// letters.
func dotted(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || strings.ContainsFunc(name[i+1:], func(r rune) bool { return r < 'a' || r > 'z' }) || len(name)-i < 3 || strings.ContainsRune(name, '_') {
		return ""
	}
	return name
}

// cut shortens a text to so many characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
