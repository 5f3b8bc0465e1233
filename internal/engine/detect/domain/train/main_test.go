package main

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"noroshi/internal/engine/detect/domain"
)

const dataDir = "../../../../../../shared/data"

func corpusOf(t *testing.T) *corpus {
	t.Helper()
	if _, err := os.Stat(dataDir); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") != "" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data here: %v", err)
	}
	c, err := read(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The committed model is what the command makes from the data, byte for byte.
// It takes twenty seconds of a core, so it runs where everything has to run.
func TestSameBytes(t *testing.T) {
	if os.Getenv("NOROSHI_TEST_ALL") == "" {
		t.Skip("learning again takes long: NOROSHI_TEST_ALL=1 does it")
	}
	c := corpusOf(t)
	m, err := train(c, "", folds)
	if err != nil {
		t.Fatal(err)
	}
	made, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("../model.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, kept) {
		t.Error("model.bin is not what the command makes: run it again")
	}
}

// False alarms on names that the model has not seen: at most one in two
// hundred of the popular and of the Japanese ones.
func TestFalseAlarms(t *testing.T) {
	c := corpusOf(t)
	for in, min := range map[group]int{popular: 4000, japanese: 500, other: 8000} {
		hit, n := 0, 0
		for _, l := range c.chosen {
			if part(l.label) < 8 || l.groups&in == 0 {
				continue
			}
			n++
			if domain.Score(l.label + ".com").Generated {
				hit++
			}
		}
		t.Logf("group %d: %d of %d (%.2f %%)", in, hit, n, percent(hit, n))
		if n < min || percent(hit, n) > 0.5 {
			t.Errorf("group %d: %d of %d", in, hit, n)
		}
	}
}

// A host all of whose popular names fail to resolve, as in an outage, is no
// finding: a hundred hosts with two hundred names each.
func TestOutage(t *testing.T) {
	c := corpusOf(t)
	var names []string
	for _, l := range c.chosen {
		if part(l.label) >= 8 && l.groups&(popular|japanese) != 0 {
			names = append(names, l.label+".com")
		}
	}
	w := domain.NewWatch(domain.Limits{})
	found := map[netip.Addr]bool{}
	for i := range 100 {
		source := netip.AddrFrom4([4]byte{10, 0, 1, byte(i)})
		for k := range 200 {
			if f, ok := domain.Observe(w, int64(k)*1e9, source, names[(i*7919+k*31)%len(names)], true); ok {
				found[source] = true
				t.Logf("%+v", f)
			}
		}
	}
	if len(found) > 1 {
		t.Errorf("%d of 100 hosts", len(found))
	}
}

// Each style makes labels, the same for the same seed.
func TestStyles(t *testing.T) {
	for _, s := range styles() {
		var first []string
		for range 2 {
			r := source(3)
			var got []string
			for range 50 {
				label := s.make(r)
				if len(label) < 4 || len(label) > 63 || !usable(label) {
					t.Errorf("%s: %q", s.name, label)
				}
				got = append(got, label)
			}
			if first != nil && !slices.Equal(first, got) {
				t.Errorf("%s: two series from one seed", s.name)
			}
			first = got
		}
		if slices.Sort(first); len(slices.Compact(first)) < 40 {
			t.Errorf("%s repeats itself", s.name)
		}
	}
}

func TestRomaji(t *testing.T) {
	for kana, want := range map[string]string{"さっぽろし": "sapporoshi", "とうきょう": "tokyo", "ちゅうおうく": "chuoku", "きょうとし": "kyotoshi", "べっぷし": "beppushi", "はっちょう": "hatcho"} {
		if got := romaji(kana); got != want {
			t.Errorf("%s: %s, want %s", kana, got, want)
		}
	}
}

// The short table of suffixes cuts real names as the full public suffix list
// does, but for a few.
func TestSuffixes(t *testing.T) {
	c := corpusOf(t)
	z, err := c.zip(fileLists)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range append([]string{"university_domains", "cisco_top20k"}, popularLists...) {
		f, err := z.Open("lists/" + list + "/list.json")
		if err != nil {
			t.Fatal(err)
		}
		var l struct{ List []string }
		if err := json.NewDecoder(f).Decode(&l); err != nil {
			t.Fatal(err)
		}
		same, n, jpSame, jp := 0, 0, 0, 0
		var other []string
		for _, name := range l.List {
			name = strings.Trim(strings.ToLower(name), ".")
			suffix, icann := publicsuffix.PublicSuffix(name)
			if !icann || suffix == name || strings.HasSuffix(name, ".arpa") {
				continue // a private suffix: whoever runs it answers for the name
			}
			full, err := publicsuffix.EffectiveTLDPlusOne(name)
			if err != nil {
				continue
			}
			cut := domain.Cut(name)
			ok := cut.OK && name[cut.From:] == full
			n++
			if strings.HasSuffix(name, ".jp") {
				jp++
				if ok {
					jpSame++
				}
			}
			if ok {
				same++
			} else if len(other) < 6 {
				other = append(other, name)
			}
		}
		t.Logf("%s: %.2f %% of %d as the full list, under jp %d of %d; not %v", list, percent(same, n), n, jpSame, jp, other)
		if percent(same, n) < 98 || percent(jpSame, jp) < 98 {
			t.Errorf("%s: %d of %d, under jp %d of %d", list, same, n, jpSame, jp)
		}
	}
}
