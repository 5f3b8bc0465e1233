package asset

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"noroshi/internal/base/text"
)

func printer(t testing.TB, lang text.Lang) text.Printer {
	t.Helper()
	c, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	return c.Printer(lang, nil)
}

func fine(*Item) Mark { return MarkFine }

func TestPictureResolvesLinks(t *testing.T) {
	items := []Item{
		piece(t, "id", "V-1", "maker", "Orvane", "product", "EdgeGate 410", "kind", "vpn", "zone", "dmz", "addresses", "203.0.113.10", "domains", "vpn.example.jp"),
		piece(t, "id", "F-1", "maker", "Minato", "product", "FW-70", "kind", "firewall", "zone", "internal", "addresses", "10.1.0.0/16", "connects_to", "v-1"),
		piece(t, "id", "C-1", "maker", "Kanagi", "product", "RTU 9", "kind", "ot_controller", "zone", "ot", "quantity", "4", "connects_to", "10.1.2.3; vpn.example.jp; 汐見原の保守拠点; FW-70"),
		piece(t, "maker", "Kanagi", "product", "Gauge", "kind", "other", "connects_to", "203.0.113.10"),
	}
	p := NewPicture(items, func(it *Item) Mark {
		if it.Key == "V-1" || it.Key == "F-1" {
			return MarkAct
		}
		return MarkFine
	})
	var got []string
	say := printer(t, text.JA)
	for _, l := range p.Links {
		s := fmt.Sprintf("%s-%s %d", p.Nodes[l.From].Label(say), p.Nodes[l.To].Label(say), l.Entries)
		if l.Hot {
			s += " hot"
		}
		got = append(got, s)
	}
	want := []string{"EdgeGate 410-FW-70 1 hot", "FW-70-RTU 9 2", "汐見原の保守拠点-RTU 9 1", "EdgeGate 410-RTU 9 1", "EdgeGate 410-Gauge 1"}
	if !slices.Equal(got, want) {
		t.Errorf("links\n got %q\nwant %q", got, want)
	}
	if n := len(p.Zones); n != 6 || p.Zones[5].Zone != "" || p.Zones[3].Devices != 4 {
		t.Errorf("zones %+v", p.Zones)
	}
	if p.Marks != (Marks{Act: 2, Fine: 5}) {
		t.Errorf("marks %+v", p.Marks)
	}
}

// However large and odd a register is, its picture can be read, keeps every
// device, and its drawing is well-formed and holds no style of its own.
func TestPictureIsBoundedAndWellFormed(t *testing.T) {
	say := printer(t, text.EN)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 300).Draw(t, "n")
		items := make([]Item, n)
		want := 0
		zones := append(Zones(), "")
		for i := range items {
			q := rapid.SampledFrom([]int{1, 1, 1, 2, 70}).Draw(t, "q")
			want += q
			p := rapid.StringN(0, 30, 90).Draw(t, "product")
			items[i] = Item{
				Key: strconv.Itoa(i), Kind: rapid.SampledFrom(Kinds()).Draw(t, "kind"), MakerKey: "m", ProductKey: p, ProductName: p, Product: p, Quantity: q,
				Sealed: Sealed{Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Connects: []string{strconv.Itoa(rapid.IntRange(0, 2*n).Draw(t, "to"))}},
			}
		}
		p := NewPicture(items, func(it *Item) Mark { return Mark(len(it.Key) % 3) })
		if len(p.Nodes) > 6*maxNodesPerZone+maxOutside || len(p.Links) > maxPictureLinks {
			t.Fatalf("%d nodes, %d links", len(p.Nodes), len(p.Links))
		}
		got := 0
		for _, nd := range p.Nodes {
			got += nd.Devices
			if !nd.Beyond && nd.Devices != nd.Marks.Act+nd.Marks.Attend+nd.Marks.Fine {
				t.Fatalf("%+v: the marks do not add up", nd)
			}
		}
		if got != want {
			t.Fatalf("%d devices drawn of %d", got, want)
		}
		l := p.Layout()
		for i, w := range l.Wires {
			for _, s := range w.Parts {
				if s.X1 != s.X2 && s.Y1 != s.Y2 {
					t.Fatalf("wire %d is not along or down: %+v", i, s)
				}
				if min(s.X1, s.X2) < 0 || max(s.X1, s.X2) > 100 || max(s.Y1, s.Y2) > l.Height {
					t.Fatalf("wire %d leaves the drawing of height %d: %+v", i, l.Height, s)
				}
			}
		}
		svg := p.SVG(say)
		if strings.Contains(svg, "style") && !strings.Contains(fmt.Sprint(p.Nodes), "style") || strings.Contains(svg, "[asset.") {
			t.Fatal("a style attribute, or a missing word")
		}
		if !strings.Contains(svg, `role="img" aria-label="Zone picture.`) {
			t.Fatal("no sentence")
		}
		dec := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
	})
}

func TestPictureEscapes(t *testing.T) {
	it := piece(t, "maker", "Orvane", "product", `<script>alert("x")</script>`, "zone", "dmz", "connects_to", `"><img src=x>`)
	p := NewPicture([]Item{it}, fine)
	if svg := p.SVG(printer(t, text.JA)); strings.Contains(svg, "<script") || strings.Contains(svg, "<img") {
		t.Error(svg)
	}
}

func BenchmarkPicture100k(b *testing.B) {
	items := manyItems(100_000)
	for b.Loop() {
		NewPicture(items, fine)
	}
}
