package detect

import (
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"time"

	"noroshi/internal/engine/flow/record"
)

// Kind is what a finding says.
type Kind string

// The kinds.
const (
	Beacon           Kind = "beacon"
	LongConnection   Kind = "long_connection"
	HostScan         Kind = "host_scan"         // one port of many machines
	PortScan         Kind = "port_scan"         // many ports of one machine
	PasswordGuessing Kind = "password_guessing" // one account or many, against one service
	Flood            Kind = "flood"             // more than a machine usually gets, unanswered or from many
	ReflectionFlood  Kind = "reflection_flood"  // answers nobody asked for
	Reflector        Kind = "reflector"         // one's own machine amplifies for others
	SteppingStone    Kind = "stepping_stone"    // in from one side, on to another
	RemoteTool       Kind = "remote_tool"
	DataLeaving      Kind = "data_leaving"
	RareDestination  Kind = "rare_destination"
	NewFingerprint   Kind = "new_fingerprint"
	DNSTunnel        Kind = "dns_tunnel"
	GeneratedDomains Kind = "generated_domains"
	Indicator        Kind = "indicator"
)

// Kinds lists the kinds in the order in which they matter to a reader.
var Kinds = []Kind{Indicator, Beacon, DNSTunnel, GeneratedDomains, SteppingStone, DataLeaving, Reflector, ReflectionFlood, Flood,
	PasswordGuessing, PortScan, HostScan, RemoteTool, LongConnection, NewFingerprint, RareDestination}

// attack are the techniques that a kind is a sign of.
var attack = map[Kind][]string{
	Beacon: {"T1071.001", "T1573"}, LongConnection: {"T1071", "T1572"}, HostScan: {"T1046", "T1018"}, PortScan: {"T1046"},
	PasswordGuessing: {"T1110"}, Flood: {"T1498.001"}, ReflectionFlood: {"T1498.002"}, Reflector: {"T1498.002"},
	SteppingStone: {"T1090.001", "T1021"}, RemoteTool: {"T1219"}, DataLeaving: {"T1048", "T1041"}, RareDestination: {"T1071"},
	NewFingerprint: {"T1071.001"}, DNSTunnel: {"T1071.004", "T1572"}, GeneratedDomains: {"T1568.002"}, Indicator: {"T1071"},
}

// Part is one reason for a score that a person can check.
type Part struct {
	Key   string
	Score float64 // 0 to 1
}

// Fact is a number, a word or a row of them that a finding rests on. Value is
// float64, int64, bool, string, []float64, []int64 or []string.
type Fact struct {
	Key   string
	Value any
}

// Finding is something that deserves attention, or deserves to be known.
type Finding struct {
	Kind       Kind
	Score      float64 // 0 to 1; 0.5 is worth a look
	Attack     []string
	Src, Dst   netip.Addr
	Name       string // of the other end in bounded form, where it has one
	Port       uint16 // that was spoken to, 0 when many
	Proto      uint8
	App        record.App
	Start, End int64 // ns since 1970 UTC
	Parts      []Part
	Facts      []Fact
	Allowed    *Allow // by which entry it is expected; such findings are counted apart
}

// Other is the other end as a reader knows it: its name, or its address.
func (f *Finding) Other() string {
	if f.Name != "" {
		return f.Name
	}
	if f.Dst.IsValid() {
		return f.Dst.String()
	}
	return ""
}

// Fact returns a value by its key, nil without.
func (f *Finding) Fact(key string) any {
	for i := range f.Facts {
		if f.Facts[i].Key == key {
			return f.Facts[i].Value
		}
	}
	return nil
}

// Number returns a number by its key, 0 without.
func (f *Finding) Number(key string) float64 {
	switch v := f.Fact(key).(type) {
	case float64:
		return v
	case int64:
		return float64(v)
	}
	return 0
}

// part returns a part's score by its key.
func (f *Finding) part(key string) float64 {
	for _, p := range f.Parts {
		if p.Key == key {
			return p.Score
		}
	}
	return 0
}

// fact adds a fact. No fact is below zero: a sum of counts that somebody made up
// and that ran into the sign is the most there can be.
func (f *Finding) fact(key string, v any) {
	switch x := v.(type) {
	case int64:
		v = whole(x)
	case []int64:
		for i := range x {
			x[i] = whole(x[i])
		}
	}
	f.Facts = append(f.Facts, Fact{key, v})
}

func whole(n int64) int64 {
	if n < 0 {
		return math.MaxInt64
	}
	return n
}

// sampled says of a finding that its volumes are estimates from one of n packets.
func sampled(f *Finding, n uint32) {
	if n > 1 {
		f.fact("sampled", int64(n))
	}
}

// Evidence is the finding's numbers as a JSON object: its parts under "parts",
// rounded to three digits, then its facts.
func (f *Finding) Evidence() map[string]any {
	out := make(map[string]any, len(f.Facts)+4)
	parts := make(map[string]float64, len(f.Parts))
	for _, p := range f.Parts {
		parts[p.Key] = round(p.Score, 1000)
	}
	if len(parts) > 0 {
		out["parts"] = parts
	}
	for _, x := range f.Facts {
		if v, ok := x.Value.(float64); ok {
			x.Value = round(v, 1000)
		}
		out[x.Key] = x.Value
	}
	if f.Port != 0 {
		out["port"] = f.Port
	}
	if f.App != record.NoApp {
		out["app"] = f.App.String()
	}
	if f.Name != "" && f.Dst.IsValid() {
		out["address"] = f.Dst.String()
	}
	return out
}

// JSON is the finding as one object: {"kind","score","attack","src","dst",
// "start","end","evidence","text"}; times in RFC 3339 with microseconds.
func (f *Finding) JSON(text string) ([]byte, error) {
	src := ""
	if f.Src.IsValid() {
		src = f.Src.String()
	}
	return json.Marshal(struct {
		Kind     Kind           `json:"kind"`
		Score    float64        `json:"score"`
		Attack   []string       `json:"attack"`
		Src      string         `json:"src"`
		Dst      string         `json:"dst"`
		Start    string         `json:"start"`
		End      string         `json:"end"`
		Evidence map[string]any `json:"evidence"`
		Text     string         `json:"text,omitempty"`
		Allowed  string         `json:"allowed,omitempty"`
	}{f.Kind, round(f.Score, 1000), f.Attack, src, f.Other(), stamp(f.Start), stamp(f.End), f.Evidence(), text, f.reason()})
}

func (f *Finding) reason() string {
	if f.Allowed == nil {
		return ""
	}
	return f.Allowed.Reason
}

func stamp(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000Z07:00")
}

func round(v, to float64) float64 {
	if v != v || v > 1e15 || v < -1e15 {
		return 0
	}
	if v < 0 {
		return -round(-v, to)
	}
	return float64(int64(v*to+0.5)) / to
}

// rank puts the findings in the order in which they are shown: the score, the
// kind, the time, and at last the ends, so that equal input gives equal output.
func rank(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		switch {
		case round(a.Score, 1000) != round(b.Score, 1000):
			return order(b.Score, a.Score)
		case a.Kind != b.Kind:
			return slices.Index(Kinds, a.Kind) - slices.Index(Kinds, b.Kind)
		case a.Start != b.Start:
			return order(a.Start, b.Start)
		case a.Src != b.Src:
			return a.Src.Compare(b.Src)
		case a.Dst != b.Dst:
			return a.Dst.Compare(b.Dst)
		}
		return order(a.Port, b.Port)
	})
}

func order[T int64 | float64 | uint16 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
