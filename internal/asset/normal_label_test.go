package asset

import (
	"slices"
	"testing"
)

func TestLabel(t *testing.T) {
	for _, c := range [][3]string{
		{"fortinet", "fortios", "Fortinet FortiOS"},
		{"ivanti", "connect secure", "Ivanti Connect Secure"},
		{"microsoft", "windows server 2019", "Microsoft Windows Server 2019"},
		{"akari", "edgegate", "Akari Edgegate"},
		{"openbsd", "OpenSSH", "Openbsd OpenSSH"},
		{"", "", " "},
	} {
		if got := Names().Label(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestSpellings(t *testing.T) {
	got := Names().Spellings("シトリックス", "NetScaler ADC")
	if got[0] != [2]string{"シトリックス", "NetScaler ADC"} || !slices.Contains(got, [2]string{"Citrix", "NetScaler Application Delivery Controller"}) {
		t.Errorf("%q", got)
	}
	if got := Names().Spellings("灯ネットワークス", "EdgeGate"); len(got) != 1 {
		t.Errorf("a maker nobody knows has spellings: %q", got)
	}
}

func TestRuns(t *testing.T) {
	for _, c := range [][3]string{
		{"フォーティネット", "FortiGate 100F", "FortiOS"}, {"Fortinet", "フォーティゲート", "FortiOS"}, {"Fortinet", "FortiOS", ""}, {"Fortinet", "FortiWeb 400", ""},
		{"Palo Alto", "PA-440", "PAN-OS"}, {"シスコ", "Catalyst 9300", "IOS XE"}, {"Cisco", "ASA 5506-X", "Adaptive Security Appliance Software"}, {"Juniper", "SRX340", "Junos"},
		{"灯ネットワークス", "FortiGate", ""},
	} {
		if got := Names().Runs(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s runs %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
