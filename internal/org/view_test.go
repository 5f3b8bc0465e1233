package org

import (
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

func TestSavedViewsAreTheirOwners(t *testing.T) {
	w := newWorld(t)
	o := w.org(1, Operator, "water")
	goro := w.member(o, "goro@example.jp", gate.OperatorViewer)
	hana := w.member(o, "hana@example.jp", gate.OperatorViewer)
	v, err := w.SaveView(goro.ctx, View{Path: "/assets", Name: " 夜勤 ", Query: "zone=internet&after=x&lang=en"})
	if err != nil || v.Name != "夜勤" || v.Query != "zone=internet" {
		t.Fatalf("%+v %v", v, err)
	}
	if _, err := w.SaveView(goro.ctx, View{Path: "/assets", Name: "夜勤", Query: "zone=ot"}); err != nil {
		t.Fatal(err)
	}
	list, err := w.Views(goro.ctx, "/assets")
	if err != nil || len(list) != 1 || list[0].Query != "zone=ot" {
		t.Errorf("the same name is replaced: %+v %v", list, err)
	}
	if other, err := w.Views(hana.ctx, ""); err != nil || len(other) != 0 {
		t.Errorf("a colleague sees %+v %v", other, err)
	}
	if err := w.DropView(hana.ctx, list[0].ID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a colleague drops it: %v", err)
	}
	for _, bad := range []View{{Path: "//evil.example", Name: "x"}, {Path: "/assets", Name: ""}, {Path: "/assets", Name: strings.Repeat("あ", 41)}, {Path: "/assets", Name: "x", Query: "%zz"}} {
		if _, err := w.SaveView(goro.ctx, bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for i := range maxViews - 1 {
		if _, err := w.SaveView(goro.ctx, View{Path: "/assets", Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.SaveView(goro.ctx, View{Path: "/assets", Name: "one more"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("over the bound: %v", err)
	}
	if err := w.DropView(goro.ctx, list[0].ID); err != nil {
		t.Error(err)
	}
}
