package hunt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// TestEventText: a text is written as encoding/json writes it, whatever it holds.
func TestEventText(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 7))
	letters := []string{"a", `"`, `\`, "\n", "\x00", "\x1f", "\x7f", "<", "&", "語", "\u2028", "\u2029", "\xff", "\xe3\x81", "😀", "\b", "\f", "\r", "\t"}
	for range 20_000 {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(letters[rng.IntN(len(letters))])
		}
		s := b.String()
		if want, err := json.Marshal(strings.ToValidUTF8(eachByte(s), "\uFFFD")); err != nil || string(appendText(nil, s)) != string(want) {
			t.Fatalf("%q: %s, want %s", s, appendText(nil, s), want)
		}
		if got := appendText(nil, []byte(s)); !json.Valid(got) {
			t.Fatalf("%q: %s", s, got)
		}
	}
}

// eachByte puts a letter between bytes that are none, so that each is replaced
// by one of its own, as appendText does.
func eachByte(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			b.WriteString("\uFFFD")
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// TestEventFields: kinds of values, and lists of fields that stand several times.
func TestEventFields(t *testing.T) {
	names := event.NewNames()
	var out strings.Builder
	w := &rowWriter{w: &out, names: names}
	row := event.Row{Source: "a\"b", Record: 7}
	for range 2 {
		out.Reset()
		row.Reset()
		row.Record = 7
		for _, f := range []struct {
			name, value string
			kind        event.Kind
		}{{"EventID", "4688", event.Number}, {"x", "1", event.Number}, {"s", "t", event.Text}, {"x", "0x1", event.Number}, {"x", "-2.5e3", event.Number}, {"b", "TRUE", event.Bool},
			{"n", "", event.Null}, {"e", "", event.Text}, {"z", "007", event.Number}} {
			row.AddString(names.ID(f.name), f.kind, f.value)
		}
		if err := w.write(&row); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"source":"a\"b","record":7,"time":"","channel":"","provider":"","event_id":4688,"fields":{"EventID":4688,"x":[1,"0x1",-2.5e3],"s":"t","b":true,"n":null,"e":"","z":"007"}}` + "\n"
	if out.String() != want {
		t.Errorf("%s, want %s", out.String(), want)
	}
}

// TestEventsAreReadAgain: what this command writes is a log of which a scan finds
// what it finds in the logs themselves.
func TestEventsAreReadAgain(t *testing.T) {
	logs := map[string]string{
		"windows.jsonl": `{"Channel":"Security","EventID":4688,"Computer":"pc1","TimeCreated":"2026-01-02T03:04:05.678Z","NewProcessName":"C:\\x\\cmd.exe","CommandLine":"cmd /c \"é\" \u0007 end "}` + "\n",
		"dns.log":       `{"_path":"dns","ts":1767323045.5,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":5,"id.resp_h":"10.0.0.2","id.resp_p":53,"query":"evil.example","answers":["1.2.3.4","5.6.7.8"]}` + "\n",
		"trail.json":    `{"Records":[{"eventVersion":"1.08","eventTime":"2026-01-02T03:04:05Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"x","eventID":"e","userIdentity":{"userName":"bob","type":"IAMUser"}}]}`,
	}
	rules := rulesText(t, `title: a
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: '\cmd.exe', CommandLine|endswith: 'end '}, condition: s}
---
title: b
logsource: {product: zeek, service: dns}
detection: {s: {answers: 5.6.7.8}, condition: s}
---
title: c
logsource: {product: aws, service: cloudtrail}
detection: {s: {userIdentity.userName: bob}, condition: s}
`)
	dir := t.TempDir()
	for name, text := range logs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scan := func(path string) (found []string) {
		s := &Scan{Paths: []string{path}, Rules: rules, Workers: 1}
		if _, err := s.Run(t.Context(), func(d *Detection) error {
			found = append(found, fmt.Sprint(d.Rule.Title, d.Time, d.Record, d.Host, d.Why))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(found)
		return found
	}
	var events bytes.Buffer
	if _, err := eachEvent(t.Context(), []string{dir}, nil, Reading{}, func(int64) {}, &rowWriter{w: &events}); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(again, events.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	want, got := scan(dir), scan(again)
	if len(want) != 3 || !slices.Equal(want, got) {
		t.Errorf("%q\nagain: %q\n%s", want, got, &events)
	}
}
