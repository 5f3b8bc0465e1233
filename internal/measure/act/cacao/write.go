package cacao

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/openc2"

	"github.com/google/uuid"
)

// mostWritten bounds the rules of a playbook that is written: it is read by people.
const mostWritten = 10_000

// Order is what a playbook is written of.
type Order struct {
	ID     string // UUIDv7
	Number string // as people say it
	Org    string // id of the organisation whose order it is
	Asked  time.Time
	From   time.Time // zero: at once
	Until  time.Time
	Rules  []driver.Rule
}

// names of CACAO identifiers are made of the order and of what is named, so that
// the same order is always the same playbook. They are shaped as version 4, which
// the specification wants of steps (section 10.10).
func (o Order) id(kind, of string) string {
	sum := sha256.Sum256([]byte("noroshi cacao\x00" + o.ID + "\x00" + kind + "\x00" + of))
	var u uuid.UUID
	copy(u[:], sum[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return kind + "--" + u.String()
}

const stamp = "2006-01-02T15:04:05.000Z"

// Write writes an order as a playbook: start, one action with the commands of each
// kind of equipment, end. An agent is our own equipment of that kind, without
// address: whoever takes the playbook over has equipment of their own.
func Write(w io.Writer, o Order) error {
	switch {
	case len(o.Rules) == 0:
		return fault.New(fault.Invalid, "cacao.empty")
	case len(o.Rules) > mostWritten:
		return fault.New(fault.TooLarge, "cacao.long", "n", len(o.Rules), "max", mostWritten)
	}
	workflow, agents := map[string]any{}, map[string]any{}
	end := o.id("end", "")
	workflow[end] = map[string]any{"type": "end"}
	next := end
	for i := len(driver.Kinds) - 1; i >= 0; i-- { // from the end: each step names the next
		kind := driver.Kinds[i]
		commands, err := o.commands(kind)
		if err != nil {
			return err
		}
		if commands == nil {
			continue
		}
		agent, action := o.id("group", string(kind)), o.id("action", string(kind))
		agents[agent] = map[string]any{"type": "group", "name": string(kind)}
		workflow[action] = map[string]any{"type": "action", "name": o.Number + ": " + string(kind), "agent": agent, "commands": commands, "on_completion": next}
		next = action
	}
	start := o.id("start", "")
	workflow[start] = map[string]any{"type": "start", "on_completion": next}
	asked := o.Asked.UTC().Format(stamp)
	book := map[string]any{
		"type": "playbook", "spec_version": "cacao-2.0", "id": o.id("playbook", ""), "name": o.Number, "playbook_types": []string{"mitigation"}, "playbook_activities": []string{"restrict-access"},
		"created_by": o.identity(), "created": asked, "modified": asked, "valid_until": o.Until.UTC().Format(stamp),
		"description":    strconv.Itoa(len(o.Rules)) + " rules of own-network order " + o.Number,
		"workflow_start": start, "workflow": workflow, "agent_definitions": agents,
	}
	if !o.From.IsZero() {
		book["valid_from"] = o.From.UTC().Format(stamp)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(book)
}

// identity is the organisation as CACAO wants creators: an identity of STIX 2.1.
func (o Order) identity() string {
	sum := sha256.Sum256([]byte("noroshi identity\x00" + o.Org))
	var u uuid.UUID
	copy(u[:], sum[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return "identity--" + u.String()
}

// commands are the order's rules of one kind, as OpenC2 over HTTP (section 5.9).
func (o Order) commands(kind driver.Kind) (list []any, err error) {
	for _, r := range o.Rules {
		if r.Kind != kind {
			continue
		}
		c, err := openc2.Of(r, o.From)
		if err != nil {
			return nil, err
		}
		body := map[string]any{
			"headers": map[string]any{"request_id": c.ID, "created": o.Asked.UnixMilli(), "from": o.identity()},
			"body":    map[string]any{"openc2": map[string]any{"request": c}},
		}
		raw, err := json.Marshal(body)
		if err != nil {
			panic("BUG: cacao: a command that JSON cannot hold: " + err.Error())
		}
		list = append(list, map[string]any{"type": "openc2-http", "command": "POST /.well-known/openc2 HTTP/1.1",
			"headers": map[string][]string{"Content-Type": {"application/openc2+json;version=1.0"}}, "content_b64": base64.StdEncoding.EncodeToString(raw)})
	}
	return list, nil
}
