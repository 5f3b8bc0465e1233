package feed

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/engine/product/version"
)

func TestVersionText(t *testing.T) {
	to := func(v string) meant { return meant{ranges: []version.Range{{To: v}}, fixed: v} }
	upTo := func(v string) meant { return meant{ranges: []version.Range{{To: v, ToIncluded: true}}} }
	from := func(v string) meant { return meant{ranges: []version.Range{{From: v}}} }
	between := func(a, b string) meant { return meant{ranges: []version.Range{{From: a, To: b, ToIncluded: true}}} }
	half := func(a, b string) meant { return meant{ranges: []version.Range{{From: a, To: b}}, fixed: b} }
	these := func(v ...string) meant { return meant{versions: v} }
	for in, want := range map[string]meant{
		"10.0 未満": to("10.0"), "10.0 より前のバージョン": to("10.0"), "１０．０ 未満": to("10.0"), "< 2.5": to("2.5"), "before 4.2": to("4.2"), "prior to 4.2": to("4.2"), "Ver.1.2.3 未満": to("1.2.3"),
		"10.0 以前": upTo("10.0"), "10.0 およびそれ以前": upTo("10.0"), "10.0 およびそれ以前のバージョン": upTo("10.0"), "2.1 以下": upTo("2.1"), "2.1 まで": upTo("2.1"), "v1.41 and earlier": upTo("1.41"), "8.0.21 and prior": upTo("8.0.21"),
		"7.6.0.3 and all previous versions": upTo("7.6.0.3"), "<= 3.1": upTo("3.1"), "through 6.2": upTo("6.2"),
		"バージョン2.0.25.0およびそれ以前": upTo("2.0.25.0"), "Version 4.50 およびそれ以前 ": upTo("4.50"), "ファームウェア Ver.1.07 以前": upTo("1.07"), "ファームウェアバージョン 1.2 未満": to("1.2"),
		"10.0 以降": from("10.0"), "10.0 以上": from("10.0"), ">= 1.0": from("1.0"), "3.0 and later": from("3.0"),
		"10.0 から 10.5": between("10.0", "10.5"), "10.0 から 10.5 まで": between("10.0", "10.5"), "2.0.1 through 2.0.4": between("2.0.1", "2.0.4"), "12.1.1 - 12.1.3": between("12.1.1", "12.1.3"), "12.1-12.4": between("12.1", "12.4"), "1.0～1.5": between("1.0", "1.5"), "3.0 以上 3.5 以下": between("3.0", "3.5"),
		"10.0 以上 10.5 未満": half("10.0", "10.5"), "10.0 以降 10.5 より前": half("10.0", "10.5"), "10.0 から 10.5 より前": half("10.0", "10.5"), ">= 3.0.0, < 3.0.9.1": half("3.0.0", "3.0.9.1"), "from 4.0 before 4.2": half("4.0", "4.2"),
		"10.0": these("10.0"), "15.2(4)M3": these("15.2(4)M3"), `8.4\(11\)`: these("8.4(11)"), "21.4R3-S2": these("21.4R3-S2"), "10.1.6-h3": these("10.1.6-h3"), "v2.3.0": these("2.3.0"), "11.3.1 MSR3-3": these("11.3.1 MSR3-3"), "= 1.2.3": these("1.2.3"),
		"11.4, 11.5, 12.0": these("11.4", "11.5", "12.0"), "8.5, 9.0 and 9.1": these("8.5", "9.0", "9.1"), "1.0 および 1.1": these("1.0", "1.1"),
		"6.x": {ranges: []version.Range{{From: "6", To: "7"}}}, "5.4.*": {ranges: []version.Range{{From: "5.4", To: "5.5"}}}, "21.9*": {ranges: []version.Range{{From: "21.9", To: "21.10"}}},
		"すべてのバージョン": {all: true}, "全バージョン": {all: true}, "All versions": {all: true}, "*": {all: true},
		"> 1.0, <= 2.0": {ranges: []version.Range{{From: "1.0", FromExcluded: true, To: "2.0", ToIncluded: true}}},
	} {
		got, ok := versionText(in)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(meant{})); !ok || d != "" {
			t.Errorf("%q: %v %s", in, ok, d)
		}
	}
	// What is not sure is not understood: it stays to be read.
	for _, in := range []string{"", "n/a", "2024 年以前に出荷した機器", "spring release", "QCS8550 and others", "Android kernel", "< 1.0, < 2.0", ">= , 2", "see the advisory", "9.0.1; Embedded: 8u151", "stable < 3.1.1"} {
		if m, ok := versionText(in); ok {
			t.Errorf("%q is taken for %+v", in, m)
		}
	}
}

func TestSuccessor(t *testing.T) {
	for in, want := range map[string]string{"5.4": "5.5", "9": "10", "21.9": "21.10", "1.099": "1.100", "0": "1"} {
		if got, ok := successor(in); !ok || got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func FuzzVersionText(f *testing.F) {
	for _, s := range []string{"10.0 未満", ">= 1.0, < 2", "1.0 through 2.0", "6.x", "a, b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := versionText(s)
		if ok != (m.all || len(m.ranges)+len(m.versions) > 0) {
			t.Errorf("%q: %v, %+v", s, ok, m)
		}
	})
}
