package openc2

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
)

// Bounds of what is read.
const (
	MostBytes    = 16 << 20
	MostCommands = 20_000
	mostDepth    = 16
	mostShown    = 300 // characters of a command that are shown
)

// Proposal is what a person could ask for: the fields of an order, as `act` takes
// them.
type Proposal struct {
	Kind     driver.Kind   `json:"kind"`
	Targets  []string      `json:"targets"`
	Below    bool          `json:"below,omitempty"`
	Answer   driver.Answer `json:"answer,omitempty"`
	Sources  bool          `json:"sources,omitempty"` // targets are where packets come from
	Other    string        `json:"other,omitempty"`   // prefix at the other end
	Protocol int           `json:"protocol,omitempty"`
	Port     int           `json:"port,omitempty"`
	Hours    int           `json:"hours,omitempty"` // 0: the command says no end, and an order needs one
}

// Response is what a consumer of ours answers (language specification, section
// 3.3.2). It never says that something was done.
type Response struct {
	Status int            `json:"status"`
	Text   string         `json:"status_text,omitempty"`
	Result map[string]any `json:"results,omitempty"`
}

// Seen is one command that was read.
type Seen struct {
	At        string       `json:"at"` // JSON pointer in what was read
	ID        string       `json:"command_id,omitempty"`
	Says      string       `json:"says"`                // "deny ipv4_net 198.51.100.0/24", in its own words, shortened
	From      time.Time    `json:"from,omitzero"`       // when it wants to begin and to end
	Until     time.Time    `json:"until,omitzero"`      //
	Proposals []Proposal   `json:"proposals,omitempty"` // both directions are two
	Why       *fault.Error `json:"-"`                   // why nothing is proposed; nil otherwise
	Reason    string       `json:"reason,omitempty"`    // Why's code
	Response  *Response    `json:"response,omitempty"`  // nil: none was wanted
}

// Read reads a command, a message with a command in it, or a list of either. What
// is wrong with one command stands with it; a fault is returned where nothing can
// be read at all. Now is the reader's clock.
func Read(raw []byte, now time.Time) ([]Seen, error) {
	if len(raw) > MostBytes {
		return nil, fault.New(fault.TooLarge, "openc2.large", "mb", MostBytes>>20)
	}
	if err := Whole(raw, mostDepth); err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if raw = bytes.TrimLeft(raw, " \t\r\n"); raw[0] != '[' {
		return []Seen{Command("", raw, now)}, nil
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fault.New(fault.Usage, "openc2.json", "offset", len(raw)).Because(err)
	}
	if len(list) == 0 {
		return nil, fault.New(fault.Usage, "openc2.none")
	}
	if len(list) > MostCommands {
		return nil, fault.New(fault.TooLarge, "openc2.many", "n", len(list), "max", MostCommands)
	}
	seen := make([]Seen, 0, len(list))
	for i, one := range list {
		seen = append(seen, Command("/"+strconv.Itoa(i), one, now))
	}
	return seen, nil
}

// command is what a command's JSON holds.
type command struct {
	action   string
	kind     string // of its target
	target   json.RawMessage
	args     map[string]json.RawMessage
	actuator string
	who      map[string]json.RawMessage // the actuator's specifiers
	spec     json.RawMessage            // the same, as written
	id       string
	response string
}

// Command reads one command, bare or within a message, whose JSON is whole.
func Command(at string, raw []byte, now time.Time) Seen {
	s := Seen{At: at}
	c, err := parse(unwrap(raw))
	if err == nil {
		s.ID, s.Says = c.id, cut(c.action+" "+c.kind+" "+compact(c.target))
		if len(c.who) > 0 {
			s.Says = cut(s.Says + " → " + c.actuator + " " + compact(c.spec))
		}
		err = s.propose(c, now)
	} else {
		s.Says = cut(compact(raw))
	}
	s.Why = err
	s.answer(c)
	return s
}

// unwrap takes the command out of a message: the body of OpenC2 over HTTPS and
// MQTT, or the content of the abstract message. Anything else is a command.
func unwrap(raw []byte) []byte {
	inside := func(raw []byte, names ...string) []byte {
		for _, name := range names {
			var m map[string]json.RawMessage
			if json.Unmarshal(raw, &m) != nil || m[name] == nil {
				return nil
			}
			raw = m[name]
		}
		return raw
	}
	for _, found := range [][]byte{inside(raw, "body", "openc2", "request"), inside(raw, "content")} {
		if found != nil {
			return found
		}
	}
	return raw
}

func wrong(code string, pairs ...any) *fault.Error { return fault.New(fault.Invalid, code, pairs...) }

// object reads an object whose names are among known; extensions (names with a
// namespace: slpf, x-…) are the caller's to know.
func object(field string, raw json.RawMessage, known ...string) (map[string]json.RawMessage, *fault.Error) {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return nil, wrong("openc2.bad.object", "field", field)
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, name) && len(known) > 0 {
			return nil, wrong("openc2.bad.field", "field", cut(name))
		}
	}
	return m, nil
}

// parse checks the shape of a command (language specification, section 3.3.1).
func parse(raw []byte) (c command, bad *fault.Error) {
	m, bad := object("command", raw, "action", "target", "args", "actuator", "command_id")
	if bad != nil {
		return c, bad
	}
	if json.Unmarshal(m["action"], &c.action) != nil || !slices.Contains(actions, c.action) {
		return c, wrong("openc2.bad.action")
	}
	if m["command_id"] != nil && (json.Unmarshal(m["command_id"], &c.id) != nil || len(c.id) > 36 || strings.ContainsAny(c.id, " \t\r\n")) {
		c.id = ""
		return c, wrong("openc2.bad.id")
	}
	if c.kind, c.target, bad = choice("target", m["target"]); bad != nil {
		return c, bad
	}
	if m["args"] != nil {
		if c.args, bad = object("args", m["args"]); bad == nil && len(c.args) == 0 {
			bad = wrong("openc2.bad.object", "field", "args")
		}
		if bad != nil {
			return c, bad
		}
	}
	if raw := c.args["response_requested"]; raw != nil {
		if json.Unmarshal(raw, &c.response) != nil || !slices.Contains([]string{"none", "ack", "status", "complete"}, c.response) {
			return c, wrong("openc2.bad.response")
		}
	}
	if m["actuator"] != nil {
		if c.actuator, c.spec, bad = choice("actuator", m["actuator"]); bad != nil {
			return c, bad
		}
		if c.who, bad = object("actuator", c.spec); bad != nil {
			return c, bad
		}
	}
	return c, nil
}

// choice reads an object with exactly one name.
func choice(field string, raw json.RawMessage) (name string, value json.RawMessage, bad *fault.Error) {
	m, bad := object(field, raw)
	if bad != nil || len(m) != 1 {
		return "", nil, wrong("openc2.bad.one", "field", field)
	}
	for name, value = range m {
	}
	return name, value, nil
}

// actions of the language (section 3.3.1.1).
var actions = strings.Fields("scan locate query deny contain allow start stop restart cancel set update redirect create delete detonate restore copy investigate remediate")

func compact(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}

func cut(s string) string { return Line(s, mostShown) }

// Line is what somebody wrote, on one line, of at most so many characters.
func Line(s string, most int) string {
	return Plain(strings.Join(strings.Fields(strings.ToValidUTF8(s, "�")), " "), most)
}

// Plain is what somebody wrote, of at most so many characters, without what would
// steer a terminal or turn the direction of reading.
func Plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(s), "�"))
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// answer fills the response: never 200 but for what we can do.
func (s *Seen) answer(c command) {
	r := &Response{Status: 102, Text: "Proposed as an order, which a person has to ask for and another to approve"}
	switch {
	case s.Why == nil && c.action == "query":
		r = &Response{Status: 200, Result: features(c)}
	case s.Why == nil:
	case s.Why.Kind == fault.Invalid:
		r = &Response{Status: 400, Text: "Bad request: " + s.Why.Code}
	default:
		r = &Response{Status: 501, Text: texts[s.Why.Code]}
	}
	if s.Why != nil {
		s.Reason = s.Why.Code
	}
	switch {
	case c.response == "none":
		r = nil
	case c.response == "ack" && r.Status == 102:
		r.Text = ""
	}
	s.Response = r
}

// texts are the status texts the profile wants (SLPF, sections 2.3.1 to 2.3.5).
var texts = map[string]string{
	"openc2.no.target": "Target type not supported", "openc2.no.option": "Option not supported", "openc2.no.protocol": "Option not supported", "openc2.no.source_port": "Option not supported",
	"openc2.no.reject": "Option not supported", "openc2.no.allow": "Rule not updated", "openc2.no.delete": "Rule not updated", "openc2.no.action": "Command not supported", "openc2.no.actuator": "Command not supported", "openc2.no.past": "Option not supported",
}
