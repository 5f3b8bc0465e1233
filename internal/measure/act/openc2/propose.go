package openc2

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// no is what we have no equipment for.
func no(code string, pairs ...any) *fault.Error { return fault.New(fault.Unmet, code, pairs...) }

// propose says what the command would be as an order of ours.
func (s *Seen) propose(c command, now time.Time) *fault.Error {
	switch {
	case c.actuator != "" && c.actuator != "slpf" && c.actuator != "x-noroshi":
		return no("openc2.no.actuator", "actuator", cut(c.actuator))
	case c.action == "query" && c.kind == "features":
		return queried(c)
	case c.action == "allow":
		return no("openc2.no.allow")
	case c.action == "delete" && c.kind == "slpf:rule_number":
		return no("openc2.no.delete")
	case c.action != "deny":
		return no("openc2.no.action", "action", c.action)
	}
	o, bad := s.options(c, now)
	if bad != nil {
		return bad
	}
	var list []Proposal
	switch c.kind {
	case "ipv4_net", "ipv6_net":
		list, bad = net(c, o)
	case "ipv4_connection", "ipv6_connection":
		list, bad = connection(c, o)
	case "domain_name", "idn_domain_name":
		list, bad = domain(c, o)
	default:
		bad = no("openc2.no.target", "target", cut(c.kind))
	}
	if bad != nil {
		return bad
	}
	for i := range list {
		list[i].Hours = o.hours
	}
	s.Proposals = list
	return nil
}

// options are a deny's arguments, read.
type options struct {
	hours     int
	direction string // both, ingress, egress
	kind      driver.Kind
	below     bool
	answer    driver.Answer
}

// options reads the arguments of the language, of SLPF and our own. One that we
// cannot keep is a reason to propose nothing: the command would not be what its
// sender meant.
func (s *Seen) options(c command, now time.Time) (o options, bad *fault.Error) {
	if bad = s.period(c.args, now, &o); bad != nil {
		return o, bad
	}
	o.direction = "both"
	for _, name := range slices.Sorted(maps.Keys(c.args)) {
		raw := c.args[name]
		switch name {
		case "start_time", "stop_time", "duration", "response_requested":
		case "slpf":
			bad = o.slpf(raw)
		case "x-noroshi":
			bad = o.ours(raw)
		default:
			bad = no("openc2.no.option", "option", cut(name))
		}
		if bad != nil {
			return o, bad
		}
	}
	// Which equipment: a group of that name, or our own word for it.
	for _, key := range []string{"named_group", "kind"} {
		var name string
		if json.Unmarshal(c.who[key], &name) == nil && slices.Contains(driver.Kinds, driver.Kind(name)) {
			o.kind = driver.Kind(name)
		}
	}
	return o, nil
}

// period reads start_time, stop_time and duration, in milliseconds: two of the
// three at most (language specification, section 3.3.1.4).
func (s *Seen) period(args map[string]json.RawMessage, now time.Time, o *options) *fault.Error {
	const most = 1 << 47 // milliseconds: the year 6429
	given := map[string]int64{}
	for _, name := range []string{"start_time", "stop_time", "duration"} {
		if raw := args[name]; raw != nil {
			var n int64
			if json.Unmarshal(raw, &n) != nil || n < 0 || n > most {
				return wrong("openc2.bad.time", "field", name)
			}
			given[name] = n
		}
	}
	if len(given) == 3 {
		return wrong("openc2.bad.three")
	}
	from := now.UnixMilli()
	if start, ok := given["start_time"]; ok {
		from, s.From = start, time.UnixMilli(start).UTC()
	}
	until, ends := given["stop_time"]
	if d, ok := given["duration"]; ok && !ends {
		until, ends = from+d, true
	} else if ok {
		from = until - d
		s.From = time.UnixMilli(from).UTC()
	}
	if !ends {
		return nil
	}
	s.Until = time.UnixMilli(until).UTC()
	begin := max(from, now.UnixMilli())
	if until <= begin {
		return no("openc2.no.past")
	}
	const hour = int64(time.Hour / time.Millisecond)
	o.hours = int(min((until-begin+hour-1)/hour, 1_000_000))
	return nil
}

func (o *options) slpf(raw json.RawMessage) *fault.Error {
	m, bad := object("slpf", raw, "drop_process", "persistent", "direction", "insert_rule")
	if bad != nil {
		return bad
	}
	text := func(name string, allowed string) (s string, bad *fault.Error) {
		if json.Unmarshal(m[name], &s) != nil || !slices.Contains(strings.Fields(allowed), s) {
			return "", wrong("openc2.bad.choice", "field", name, "allowed", allowed)
		}
		return s, nil
	}
	if m["direction"] != nil {
		if o.direction, bad = text("direction", "both ingress egress"); bad != nil {
			return bad
		}
	}
	if m["drop_process"] != nil {
		if how, bad := text("drop_process", "none reject false_ack"); bad != nil {
			return bad
		} else if how != "none" {
			return no("openc2.no.reject", "option", how)
		}
	}
	if m["insert_rule"] != nil {
		return no("openc2.no.option", "option", "insert_rule")
	}
	var persistent bool
	if m["persistent"] != nil && json.Unmarshal(m["persistent"], &persistent) != nil {
		return wrong("openc2.bad.choice", "field", "persistent", "allowed", "true false")
	}
	return nil // what an order holds back stays until the order ends
}

func (o *options) ours(raw json.RawMessage) *fault.Error {
	m, bad := object("x-noroshi", raw, "below", "answer")
	if bad != nil {
		return bad
	}
	if m["below"] != nil && json.Unmarshal(m["below"], &o.below) != nil {
		return wrong("openc2.bad.choice", "field", "below", "allowed", "true false")
	}
	if m["answer"] != nil && (json.Unmarshal(m["answer"], &o.answer) != nil || !slices.Contains([]driver.Answer{driver.NoDomain, driver.NoData, driver.Walled}, o.answer)) {
		return wrong("openc2.bad.choice", "field", "answer", "allowed", "nxdomain nodata walled")
	}
	return nil
}

// packets is the equipment that holds packets back: a firewall, unless another
// was named.
func (o options) packets() driver.Kind {
	if o.kind == driver.FlowSpec || o.kind == driver.Blackhole {
		return o.kind
	}
	return driver.Filter
}

// net is a range that packets must not come from nor go to, unless one direction
// is named (SLPF, section 2.3.1.3).
func net(c command, o options) (list []Proposal, bad *fault.Error) {
	p, bad := prefix(c.kind, c.target, c.kind == "ipv6_net")
	if bad != nil {
		return nil, bad
	}
	one := Proposal{Kind: o.packets(), Targets: []string{p.String()}}
	if o.direction != "ingress" {
		list = append(list, one)
	}
	if o.direction != "egress" && one.Kind == driver.Filter {
		one.Sources = true
		list = append(list, one)
	}
	if len(list) == 0 {
		return nil, no("openc2.no.option", "option", "direction")
	}
	return list, nil
}

// connection is a five-tuple; what it leaves open is any.
func connection(c command, o options) ([]Proposal, *fault.Error) {
	m, bad := object(c.kind, c.target, "src_addr", "src_port", "dst_addr", "dst_port", "protocol")
	if bad != nil {
		return nil, bad
	}
	if len(m) == 0 {
		return nil, wrong("openc2.bad.object", "field", c.kind)
	}
	six := c.kind == "ipv6_connection"
	var ends [2]string
	for i, name := range []string{"dst_addr", "src_addr"} {
		if m[name] != nil {
			p, bad := prefix(name, m[name], six)
			if bad != nil {
				return nil, bad
			}
			ends[i] = p.String()
		}
	}
	out := Proposal{Kind: o.packets()}
	if m["protocol"] != nil {
		var name string
		number := protocols[six]
		if json.Unmarshal(m["protocol"], &name) != nil || number[name] == 0 {
			return nil, wrong("openc2.bad.choice", "field", "protocol", "allowed", "icmp tcp udp sctp")
		}
		out.Protocol = number[name]
	}
	for _, name := range []string{"src_port", "dst_port"} {
		var n uint16
		if m[name] != nil && json.Unmarshal(m[name], &n) != nil {
			return nil, wrong("openc2.bad.port", "field", name)
		}
		out.Port = int(n) // dst_port comes last
	}
	switch {
	case m["src_port"] != nil:
		return nil, no("openc2.no.source_port")
	case m["dst_port"] != nil && (out.Port == 0 || out.Protocol == 0 || out.Protocol == protocols[six]["icmp"]):
		return nil, no("openc2.no.protocol")
	case o.direction != "both":
		return nil, no("openc2.no.option", "option", "direction")
	case out.Kind != driver.Filter && ends[0] == "", ends[0] == "" && ends[1] == "":
		return nil, no("openc2.no.target", "target", c.kind)
	case ends[0] != "":
		out.Targets, out.Other = ends[:1], ends[1]
	default:
		out.Targets, out.Sources = ends[1:], true
	}
	return []Proposal{out}, nil
}

// protocols of the language (section 3.4.2.10), in IPv4 and IPv6.
var protocols = map[bool]map[string]int{
	false: {"icmp": 1, "tcp": 6, "udp": 17, "sctp": 132}, true: {"icmp": 58, "tcp": 6, "udp": 17, "sctp": 132},
}

// prefix reads an address range. Host bits are nobody's to guess.
func prefix(field string, raw json.RawMessage, six bool) (p netip.Prefix, bad *fault.Error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return p, wrong("openc2.bad.net", "field", field)
	}
	p, err := netip.ParsePrefix(text)
	if a, e := netip.ParseAddr(text); err != nil && e == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Is4() == six || p.Addr().Is4In6() || p != p.Masked() {
		return p, wrong("openc2.bad.net", "field", field)
	}
	return p, nil
}

// domain is a name that one's own resolver answers for, or one's own proxy refuses.
func domain(c command, o options) ([]Proposal, *fault.Error) {
	var text string
	if json.Unmarshal(c.target, &text) != nil {
		return nil, wrong("openc2.bad.name")
	}
	name, err := names.Parse(text)
	if err != nil {
		return nil, wrong("openc2.bad.name")
	}
	if o.direction != "both" {
		return nil, no("openc2.no.option", "option", "direction")
	}
	p := Proposal{Kind: driver.Sinkhole, Targets: []string{name}, Below: o.below, Answer: o.answer}
	if o.kind == driver.Proxy {
		p.Kind, p.Answer = driver.Proxy, ""
	}
	return []Proposal{p}, nil
}

// queried checks a query for features.
func queried(c command) *fault.Error {
	var list []string
	if json.Unmarshal(c.target, &list) != nil || len(list) > 10 {
		return wrong("openc2.bad.features")
	}
	for _, f := range list {
		if !slices.Contains([]string{"versions", "profiles", "pairs", "rate_limit"}, f) {
			return wrong("openc2.bad.features")
		}
	}
	for name := range c.args {
		if name != "response_requested" {
			return no("openc2.no.option", "option", cut(name))
		}
	}
	return nil
}

// features answers a query for features: what we read, not what we carry out.
func features(c command) map[string]any {
	all := map[string]any{"versions": []string{"1.0"}, "profiles": []string{"slpf"}, "rate_limit": 0,
		"pairs": map[string][]string{"query": {"features"}, "deny": {"ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection", "domain_name", "idn_domain_name"}}}
	var list []string
	_ = json.Unmarshal(c.target, &list) // was read already
	out := map[string]any{}
	for _, f := range list {
		out[f] = all[f]
	}
	return out
}

// Merge joins proposals that differ in nothing but their targets into one each, in
// the order they came.
func Merge(list []Proposal) (out []Proposal) {
	type shape struct {
		kind           driver.Kind
		below, sources bool
		answer         driver.Answer
		other          string
		protocol, port int
		hours          int
	}
	at := map[shape]int{}
	for _, p := range list {
		s := shape{p.Kind, p.Below, p.Sources, p.Answer, p.Other, p.Protocol, p.Port, p.Hours}
		i, ok := at[s]
		if !ok {
			i = len(out)
			at[s] = i
			p.Targets = slices.Clone(p.Targets)
			out = append(out, p)
			continue
		}
		out[i].Targets = append(out[i].Targets, p.Targets...)
	}
	for i := range out {
		slices.Sort(out[i].Targets)
		out[i].Targets = slices.Compact(out[i].Targets)
	}
	return out
}
