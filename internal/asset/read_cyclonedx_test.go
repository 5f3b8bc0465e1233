package asset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
)

const deviceBOM = `{
  "bomFormat": "CycloneDX", "specVersion": "1.6",
  "metadata": {"component": {"type": "application", "name": "設備一覧"}},
  "components": [
    {"type": "device", "manufacturer": {"name": "フォーティネット"}, "name": "FortiGate 60F",
     "components": [
       {"type": "firmware", "name": "FortiOS", "version": "7.4.3", "cpe": "cpe:2.3:o:fortinet:fortios:7.4.3:*:*:*:*:*:*:*"},
       {"type": "library", "name": "openssl", "version": "3.0.1", "purl": "pkg:generic/openssl@3.0.1"}],
     "properties": [{"name": "noroshi:zone", "value": "internet"}, {"name": "noroshi:quantity", "value": "2"},
       {"name": "noroshi:rack", "value": "A-3"}, {"name": "other:x", "value": "y"}]},
    {"type": "operating-system", "name": "Example OS", "version": "5", "cpe": "cpe:2.3:o:example_corp:example_os:5:*:*:*:*:*:*:*"},
    {"type": "device", "name": "Nameless"}
  ],
  "services": [{"name": "mail", "endpoints": ["https://mail.example.jp"]}]
}`

func TestCycloneDX(t *testing.T) {
	f, rows, err := readAll([]byte(deviceBOM))
	if err != nil {
		t.Fatal(err)
	}
	if f.Format != FormatCycloneDX || f.Version != "1.6" || f.Rows != 4 {
		t.Errorf("%+v", f)
	}
	if d := cmp.Diff([]string{"/ asset.import.cdx_services", "/ asset.import.cdx_skipped"}, spots(f.Notes)); d != "" {
		t.Error(d)
	}
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%s %s|%s|%s|%s|%d|%s|%v|%v", r.Place, r.Item.MakerName, r.Item.ProductName, r.Item.Sealed.Version,
			r.Item.Sealed.Zone, r.Item.Quantity, r.Item.Kind, r.Item.Further, spots(r.Problems)))
	}
	if d := cmp.Diff([]string{
		"/components/0/components/0 Fortinet|FortiOS|7.4.3||1|firewall|map[]|[]",
		"/components/0 Fortinet|FortiGate 60F||internet|2|firewall|map[rack:A-3]|[]",
		"/components/1 example corp|Example OS|5||1|other|map[]|[]",
		"/components/2 |Nameless|||1|other|map[]|[/components/2/manufacturer asset.maker_empty]",
	}, got); d != "" {
		t.Error(d)
	}
}

func TestCycloneDXThatCannotBeRead(t *testing.T) {
	nest := func(n int) string {
		return `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[` + strings.Repeat(`{"type":"device","components":[`, n) +
			strings.Repeat(`]}`, n) + `]}`
	}
	for name, c := range map[string]struct {
		in   string
		want string
		kind fault.Kind
	}{
		"not CycloneDX":     {`{"spdxVersion":"SPDX-2.3"}`, "asset.import.json_other", fault.Usage},
		"array":             {`[1,2]`, "asset.import.json_other", fault.Usage},
		"old":               {`{"bomFormat":"CycloneDX","specVersion":"1.3"}`, "asset.import.cdx_version", fault.Invalid},
		"nothing":           {`{"bomFormat":"CycloneDX","specVersion":"1.4","components":[]}`, "asset.import.cdx_empty", fault.Invalid},
		"nested components": {nest(17), "asset.import.cdx_deep", fault.TooLarge},
		"nested arrays":     {`{"x":` + strings.Repeat("[", 100_000), "asset.import.json_deep", fault.TooLarge},
		"nested objects":    {strings.Repeat(`{"a":`, 100_000), "asset.import.json_deep", fault.TooLarge},
		"cut":               {deviceBOM[:300], "asset.import.json_syntax", fault.Usage},
		"two documents":     {deviceBOM + "{}", "asset.import.json_syntax", fault.Usage},
		"broken":            {"{\n  \"bomFormat\": CycloneDX}", "asset.import.json_syntax", fault.Usage},
	} {
		_, _, err := readAll([]byte(c.in))
		f := fault.Of(err)
		if err == nil || f.Code != c.want || f.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
			continue
		}
		say(t, err)
		if name == "broken" && (f.Args["line"] != 2 || f.Args["col"] != 16) {
			t.Errorf("%v", f.Args)
		}
	}
	var many strings.Builder
	many.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.4","components":[{}`)
	many.WriteString(strings.Repeat(",{}", MaxRows))
	many.WriteString("]}")
	if _, _, err := readAll([]byte(many.String())); fault.Of(err).Code != "asset.import.rows_many" {
		t.Error(err)
	}
}

func FuzzReadCycloneDX(f *testing.F) {
	f.Add([]byte(deviceBOM))
	f.Add([]byte("\xef\xbb\xbf{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.4\",\"components\":[{\"type\":\"device\",\"name\":7,\"supplier\":[],\"properties\":{}}]}"))
	f.Fuzz(func(t *testing.T, raw []byte) { checkRead(t, append([]byte("{"), raw...)) })
}
