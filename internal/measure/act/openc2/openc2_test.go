package openc2

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

var now = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func one(t *testing.T, raw string) Seen {
	t.Helper()
	seen, err := Read([]byte(raw), now)
	if err != nil || len(seen) != 1 {
		t.Fatalf("%s: %v, %d", raw, err, len(seen))
	}
	return seen[0]
}

func TestWhatACommandWouldBe(t *testing.T) {
	stop := now.Add(90 * time.Minute).UnixMilli()
	for _, c := range []struct {
		raw  string
		want []Proposal
	}{
		{`{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"}}`, []Proposal{{Kind: driver.Filter, Targets: []string{"198.51.100.0/24"}}, {Kind: driver.Filter, Targets: []string{"198.51.100.0/24"}, Sources: true}}},
		{`{"action":"deny","target":{"ipv4_net":"198.51.100.7"},"args":{"slpf":{"direction":"egress","drop_process":"none"}}}`, []Proposal{{Kind: driver.Filter, Targets: []string{"198.51.100.7/32"}}}},
		{`{"action":"deny","target":{"ipv6_net":"2001:db8::/48"},"args":{"duration":3600001,"slpf":{"direction":"ingress"}},"actuator":{"slpf":{"hostname":"edge"}}}`,
			[]Proposal{{Kind: driver.Filter, Targets: []string{"2001:db8::/48"}, Sources: true, Hours: 2}}},
		{`{"action":"deny","target":{"ipv4_connection":{"protocol":"tcp","src_addr":"192.0.2.0/24","dst_addr":"198.51.100.7","dst_port":443}},"args":{"stop_time":` + fmt.Sprint(stop) + `}}`,
			[]Proposal{{Kind: driver.Filter, Targets: []string{"198.51.100.7/32"}, Other: "192.0.2.0/24", Protocol: 6, Port: 443, Hours: 2}}},
		{`{"action":"deny","target":{"ipv6_connection":{"protocol":"icmp","src_addr":"2001:db8::1"}}}`, []Proposal{{Kind: driver.Filter, Targets: []string{"2001:db8::1/128"}, Sources: true, Protocol: 58}}},
		{`{"action":"deny","target":{"ipv4_connection":{"dst_addr":"198.51.100.7/32"}},"actuator":{"slpf":{"named_group":"blackhole"}}}`, []Proposal{{Kind: driver.Blackhole, Targets: []string{"198.51.100.7/32"}}}},
		{`{"action":"deny","target":{"domain_name":"C2.Example.net."}}`, []Proposal{{Kind: driver.Sinkhole, Targets: []string{"c2.example.net"}}}},
		{`{"action":"deny","target":{"idn_domain_name":"例え.jp"},"actuator":{"x-noroshi":{"kind":"proxy"}},"args":{"x-noroshi":{"below":true}}}`, []Proposal{{Kind: driver.Proxy, Targets: []string{"xn--r8jz45g.jp"}, Below: true}}},
		{`{"headers":{"request_id":"d1"},"body":{"openc2":{"request":{"action":"deny","target":{"domain_name":"c2.example.net"},"args":{"x-noroshi":{"answer":"nodata"}}}}}}`,
			[]Proposal{{Kind: driver.Sinkhole, Targets: []string{"c2.example.net"}, Answer: driver.NoData}}},
		{`{"content_type":"application/openc2","content":{"action":"deny","target":{"domain_name":"c2.example.net"}}}`, []Proposal{{Kind: driver.Sinkhole, Targets: []string{"c2.example.net"}}}},
	} {
		s := one(t, c.raw)
		if s.Why != nil || !reflect.DeepEqual(s.Proposals, c.want) || s.Response == nil || s.Response.Status != 102 {
			t.Errorf("%s:\n got %+v %v %+v", c.raw, s.Proposals, s.Why, s.Response)
		}
	}
}

func TestWhatWeHaveNoEquipmentFor(t *testing.T) {
	deny := func(target, rest string) string { return `{"action":"deny","target":` + target + rest + `}` }
	net := `{"ipv4_net":"198.51.100.0/24"}`
	for raw, code := range map[string]string{
		deny(net, `,"actuator":{"x-acme":{}}`):                                                                  "openc2.no.actuator",
		deny(net, `,"args":{"x-acme":{}}`):                                                                      "openc2.no.option",
		deny(net, `,"args":{"slpf":{"insert_rule":7}}`):                                                         "openc2.no.option",
		deny(net, `,"args":{"slpf":{"drop_process":"reject"}}`):                                                 "openc2.no.reject",
		deny(net, `,"args":{"slpf":{"direction":"ingress"}},"actuator":{"slpf":{"named_group":"blackhole"}}`):   "openc2.no.option",
		deny(net, `,"args":{"stop_time":1000}`):                                                                 "openc2.no.past",
		deny(net, `,"args":{"duration":0}`):                                                                     "openc2.no.past",
		deny(`{"file":{"name":"x"}}`, ""):                                                                       "openc2.no.target",
		deny(`{"uri":"https://c2.example.net/x"}`, ""):                                                          "openc2.no.target",
		deny(`{"ipv4_connection":{"protocol":"tcp"}}`, ""):                                                      "openc2.no.target",
		deny(`{"ipv4_connection":{"src_addr":"192.0.2.1","src_port":53}}`, ""):                                  "openc2.no.source_port",
		deny(`{"ipv4_connection":{"dst_addr":"192.0.2.1","dst_port":53}}`, ""):                                  "openc2.no.protocol",
		deny(`{"ipv4_connection":{"src_addr":"192.0.2.1"}}`, `,"actuator":{"slpf":{"named_group":"flowspec"}}`): "openc2.no.target",
		deny(`{"domain_name":"c2.example.net"}`, `,"args":{"slpf":{"direction":"egress"}}`):                     "openc2.no.option",
		`{"action":"allow","target":` + net + `}`:                                                               "openc2.no.allow",
		`{"action":"delete","target":{"slpf:rule_number":7}}`:                                                   "openc2.no.delete",
		`{"action":"update","target":{"file":{"path":"\\\\host\\share","name":"rules"}}}`:                       "openc2.no.action",
		`{"action":"start","target":{"process":{"command_line":"rm -rf /"}}}`:                                   "openc2.no.action",
		`{"action":"query","target":{"features":[]},"args":{"duration":1}}`:                                     "openc2.no.option",
	} {
		s := one(t, raw)
		if s.Why == nil || s.Why.Code != code || s.Proposals != nil || s.Response.Status != 501 || s.Response.Text == "" {
			t.Errorf("%s: got %v %+v %v, want %s", raw, s.Why, s.Response, s.Proposals, code)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	for raw, code := range map[string]string{
		`{}`: "openc2.bad.action", `7`: "openc2.bad.object", `"deny"`: "openc2.bad.object", `null`: "openc2.bad.object",
		`{"action":"Deny","target":{"features":[]}}`: "openc2.bad.action", `{"action":"deny"}`: "openc2.bad.one",
		`{"action":"deny","target":{}}`: "openc2.bad.one", `{"action":"deny","target":{"ipv4_net":"1.2.3.4","ipv6_net":"::1"}}`: "openc2.bad.one",
		`{"action":"deny","target":{"ipv4_net":"1.2.3.4"},"Aim":{"ipv4_net":"5.6.7.8"}}`: "openc2.bad.field",
		`{"action":"deny","target":{"ipv4_net":"198.51.100.7/24"}}`:                      "openc2.bad.net", `{"action":"deny","target":{"ipv4_net":"2001:db8::/32"}}`: "openc2.bad.net",
		`{"action":"deny","target":{"ipv6_net":"::ffff:192.0.2.1"}}`: "openc2.bad.net", `{"action":"deny","target":{"ipv6_net":"fe80::1%eth0"}}`: "openc2.bad.net",
		`{"action":"deny","target":{"ipv4_net":7}}`: "openc2.bad.net", `{"action":"deny","target":{"domain_name":"*"}}`: "openc2.bad.name", `{"action":"deny","target":{"domain_name":["a.jp"]}}`: "openc2.bad.name",
		`{"action":"deny","target":{"ipv4_connection":{}}}`: "openc2.bad.object", `{"action":"deny","target":{"ipv4_connection":{"dst_adr":"192.0.2.1"}}}`: "openc2.bad.field",
		`{"action":"deny","target":{"ipv4_connection":{"dst_addr":"192.0.2.1","protocol":"gre"}}}`: "openc2.bad.choice", `{"action":"deny","target":{"ipv4_connection":{"dst_addr":"192.0.2.1","dst_port":65536}}}`: "openc2.bad.port",
		`{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{}}`: "openc2.bad.object", `{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"start_time":"2026-11-23"}}`: "openc2.bad.time",
		`{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"start_time":1,"stop_time":2,"duration":1}}`: "openc2.bad.three", `{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"duration":-1}}`: "openc2.bad.time",
		`{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"response_requested":"all"}}`: "openc2.bad.response", `{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"command_id":"a b"}`: "openc2.bad.id",
		`{"action":"deny","target":{"ipv4_net":"192.0.2.1"},"args":{"slpf":{"persistent":"no"}}}`: "openc2.bad.choice", `{"action":"deny","target":{"domain_name":"a.jp"},"args":{"x-noroshi":{"run":"id"}}}`: "openc2.bad.field",
		`{"action":"query","target":{"features":["secrets"]}}`: "openc2.bad.features",
	} {
		s := one(t, raw)
		if s.Why == nil || s.Why.Code != code || s.Proposals != nil || s.Response != nil && s.Response.Status != 400 {
			t.Errorf("%s: got %v %+v, want %s", raw, s.Why, s.Response, code)
		}
	}
	for raw, code := range map[string]string{
		``: "openc2.json", ` `: "openc2.json", `[]`: "openc2.none", `{`: "openc2.json", `{} {}`: "openc2.json", `{"action":"deny","action":"allow"}`: "openc2.json.twice", `[{"a":{"b":1,"b":2}}]`: "openc2.json.twice", `{"target":1,"Target":2}`: "openc2.json.twice", `{"steps":1,"ſtepſ":2}`: "openc2.json.twice",
		strings.Repeat("[", 17) + strings.Repeat("]", 17):                          "openc2.json.deep",
		"[" + strings.TrimSuffix(strings.Repeat("{},", MostCommands+1), ",") + "]": "openc2.many",
		strings.Repeat(" ", MostBytes+1):                                           "openc2.large",
	} {
		if _, err := Read([]byte(raw), now); fault.Of(err).Code != code {
			t.Errorf("%.40s: got %v, want %s", raw, err, code)
		}
	}
}

func TestOneWrongCommandLosesNoOther(t *testing.T) {
	seen, err := Read([]byte(`[{"action":"deny","target":{"domain_name":"a.example"}},{"action":"explode"},{"action":"deny","target":{"domain_name":"b.example"},"args":{"response_requested":"none"}}]`), now)
	if err != nil || len(seen) != 3 || seen[0].Why != nil || seen[1].Why == nil || seen[2].Why != nil || seen[2].Response != nil || seen[1].At != "/1" {
		t.Fatalf("%+v %v", seen, err)
	}
	merged := Merge(append(seen[0].Proposals, append(seen[2].Proposals, seen[0].Proposals...)...))
	if len(merged) != 1 || !slices.Equal(merged[0].Targets, []string{"a.example", "b.example"}) {
		t.Errorf("merged %+v", merged)
	}
}

func TestACommandIsShownWithWhomItIsFor(t *testing.T) {
	for raw, want := range map[string]string{
		`{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"},"actuator":{"slpf":{"hostname":"edge"}}}`: `deny ipv4_net "192.0.2.0/24" → slpf {"hostname":"edge"}`,
		`{"action":"deny","target":{"domain_name":"a.example\u001b[2J\u202e\n"},"actuator":{"slpf":{}}}`: `deny domain_name "a.example\u001b[2J\u202e\n"`,
		`{"action":"stop","target":{"process":{"name":"` + strings.Repeat("x", 400) + `"}}}`:             `stop process {"name":"` + strings.Repeat("x", mostShown-22) + "…",
	} {
		if s := one(t, raw); s.Says != want {
			t.Errorf("got %s, want %s", s.Says, want)
		}
	}
}

func TestFeatures(t *testing.T) {
	s := one(t, `{"action":"query","target":{"features":["versions","pairs"]}}`)
	if s.Response.Status != 200 || len(s.Response.Result) != 2 || s.Proposals != nil {
		t.Errorf("%+v", s.Response)
	}
	if s = one(t, `{"action":"query","target":{"features":[]}}`); s.Response.Status != 200 || len(s.Response.Result) != 0 {
		t.Errorf("a heartbeat: %+v", s.Response)
	}
}

// every is a rule of each kind.
func every() []driver.Rule {
	base := driver.Rule{Order: "01900000-0000-7000-8000-00000000000a", Until: now.Add(5 * time.Hour)}
	with := func(f func(*driver.Rule)) driver.Rule { r := base; f(&r); return r }
	p := netip.MustParsePrefix
	return []driver.Rule{
		with(func(r *driver.Rule) {
			r.Kind, r.Name, r.Below, r.Answer = driver.Sinkhole, "c2.example.net", true, driver.Walled
		}),
		with(func(r *driver.Rule) { r.Kind, r.Name = driver.Proxy, "c2.example.net" }),
		with(func(r *driver.Rule) { r.Kind, r.To = driver.Filter, p("198.51.100.7/32") }),
		with(func(r *driver.Rule) { r.Kind, r.From, r.Proto = driver.Filter, p("2001:db8::/48"), 58 }),
		with(func(r *driver.Rule) {
			r.Kind, r.To, r.From, r.Proto, r.Port = driver.FlowSpec, p("203.0.113.0/24"), p("198.51.100.0/24"), 17, 53
		}),
		with(func(r *driver.Rule) { r.Kind, r.To = driver.Blackhole, p("2001:db8::1/128") }),
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, every(), now); err != nil {
		t.Fatal(err)
	}
	seen, err := Read(b.Bytes(), now)
	if err != nil || len(seen) != len(every()) {
		t.Fatal(err, len(seen), b.String())
	}
	ids := map[string]bool{}
	for i, r := range every() {
		s := seen[i]
		ids[s.ID] = true
		if s.Why != nil || len(s.Proposals) != 1 || !s.Until.Equal(r.Until) || !s.From.Equal(now) {
			t.Fatalf("%+v: %+v %v", r, s, s.Why)
		}
		got := s.Proposals[0]
		want := Proposal{Kind: r.Kind, Below: r.Below, Answer: r.Answer, Protocol: int(r.Proto), Port: int(r.Port), Hours: 5}
		switch {
		case r.Name != "":
			want.Targets = []string{r.Name}
		case r.To.IsValid():
			want.Targets = []string{r.To.String()}
			if r.From.IsValid() {
				want.Other = r.From.String()
			}
		default:
			want.Targets, want.Sources = []string{r.From.String()}, true
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: got %+v, want %+v", r, got, want)
		}
	}
	if len(ids) != len(every()) || ids[""] {
		t.Errorf("ids %v", ids)
	}
	var again bytes.Buffer
	if _ = Write(&again, every(), now); again.String() != b.String() {
		t.Error("the same order is written in two ways")
	}
	gre := every()[2]
	gre.Proto = 47
	if _, err := Of(gre, now); fault.Of(err).Code != "openc2.write" {
		t.Errorf("a protocol without a name: %v", err)
	}
}

func TestEverySentenceIsSpoken(t *testing.T) { testkit.Said(t, "openc2", Words) }

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	_ = Write(&b, every(), now)
	f.Add(b.Bytes())
	f.Add([]byte(`{"headers":{},"body":{"openc2":{"request":{"action":"query","target":{"features":["versions"]}}}}}`))
	f.Add([]byte(`{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"},"args":{"start_time":1,"duration":140737488355328,"slpf":{"direction":"ingress"}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		seen, err := Read(raw, now)
		if err != nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatal("read what is no JSON")
		}
		for _, s := range seen {
			if (s.Why == nil) != (s.Reason == "") || s.Why != nil && len(s.Proposals) > 0 || len([]rune(s.Says)) > mostShown+1 || strings.ContainsAny(s.Says, "\x1b\n") {
				t.Fatalf("%+v", s)
			}
			for _, p := range s.Proposals {
				if len(p.Targets) != 1 || p.Hours < 0 || !slices.Contains(driver.Kinds, p.Kind) || p.Port != 0 && p.Protocol == 0 {
					t.Fatalf("%+v", p)
				}
			}
			if _, err := json.Marshal(s); err != nil {
				t.Fatal(err)
			}
		}
	})
}
