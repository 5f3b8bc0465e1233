package openc2

import (
	"bufio"
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"

	"github.com/google/uuid"
)

// Out is a command as it is written.
type Out struct {
	Action   string         `json:"action"`
	Target   map[string]any `json:"target"`
	Args     map[string]any `json:"args"`
	Actuator map[string]any `json:"actuator"`
	ID       string         `json:"command_id"`
}

// Of is a rule as a command: deny, from an instant until the rule's end. Its id is
// made of the order and the rule, so that the same order is always the same
// commands. A fault names a rule that the language has no words for.
func Of(r driver.Rule, from time.Time) (Out, error) {
	args := map[string]any{"stop_time": r.Until.UnixMilli(), "response_requested": "complete"}
	if !from.IsZero() {
		args["start_time"] = from.UnixMilli()
	}
	order, err := uuid.Parse(r.Order)
	if err != nil {
		return Out{}, fault.New(fault.Invalid, "openc2.write", "rule", r.Order)
	}
	out := Out{Action: "deny", Args: args}
	if r.Kind == driver.Sinkhole || r.Kind == driver.Proxy {
		out.Target = map[string]any{"domain_name": r.Name}
		out.Actuator = map[string]any{"x-noroshi": map[string]any{"kind": r.Kind}}
		own := map[string]any{}
		if r.Below {
			own["below"] = true
		}
		if r.Answer != "" {
			own["answer"] = r.Answer
		}
		if len(own) > 0 {
			args["x-noroshi"] = own
		}
	} else {
		if out.Target, err = tuple(r); err != nil {
			return Out{}, err
		}
		out.Actuator = map[string]any{"slpf": map[string]any{"named_group": r.Kind}}
		args["slpf"] = map[string]any{"drop_process": "none", "persistent": false}
	}
	r.Until = time.Time{} // not of what is known of a rule
	raw, err := json.Marshal(r)
	if err != nil {
		panic("BUG: openc2: a rule that JSON cannot hold: " + err.Error())
	}
	out.ID = uuid.NewSHA1(order, raw).String()
	return out, nil
}

// tuple is what a rule for packets holds back, as a connection: a net alone would
// be both directions.
func tuple(r driver.Rule) (map[string]any, error) {
	conn, kind, six := map[string]any{}, "ipv4_connection", false
	for name, p := range map[string]netip.Prefix{"dst_addr": r.To, "src_addr": r.From} {
		if p.IsValid() {
			conn[name] = p.String()
			if p.Addr().Is6() {
				kind, six = "ipv6_connection", true
			}
		}
	}
	if r.Proto != 0 {
		for name, number := range protocols[six] {
			if number == int(r.Proto) {
				conn["protocol"] = name
			}
		}
	}
	if r.Port != 0 {
		conn["dst_port"] = r.Port
	}
	if len(conn) == 0 || r.Proto != 0 && conn["protocol"] == nil {
		return nil, fault.New(fault.Unmet, "openc2.write", "rule", r.To.String()+" protocol "+strconv.Itoa(int(r.Proto)))
	}
	return map[string]any{kind: conn}, nil
}

// Write writes rules as a JSON list of commands, one a line.
func Write(w io.Writer, rules []driver.Rule, from time.Time) error {
	b := bufio.NewWriter(w)
	b.WriteByte('[')
	for i, r := range rules {
		c, err := Of(r, from)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(c)
		if err != nil {
			panic("BUG: openc2: a command that JSON cannot hold: " + err.Error())
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(raw)
	}
	b.WriteString("\n]\n")
	return b.Flush()
}
