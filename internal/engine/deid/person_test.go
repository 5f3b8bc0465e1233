package deid

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// TestPersonsOnLabelledAddresses: testdata/mails.txt says of addresses written
// for this test whether a reader sees a person's name. At most one person in
// twenty may be missed and one office in ten taken for a person.
func TestPersonsOnLabelledAddresses(t *testing.T) {
	f, err := os.Open("testdata/mails.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := NewPersons()
	var persons, missed, offices, taken int
	for in := bufio.NewScanner(f); in.Scan(); {
		label, mail, ok := strings.Cut(in.Text(), " ")
		if !ok || label == "#" {
			continue
		}
		got := p.Mail([]byte(mail))
		switch {
		case label == "person":
			if persons++; !got {
				missed++
				t.Logf("missed: %s", mail)
			}
		case label == "office":
			if offices++; got {
				taken++
				t.Logf("taken: %s", mail)
			}
		default:
			t.Fatal(in.Text())
		}
	}
	if persons < 50 || offices < 50 || missed*20 > persons || taken*10 > offices {
		t.Errorf("%d of %d persons missed, %d of %d offices taken", missed, persons, taken, offices)
	}
}

func TestPersonsOfOddAddresses(t *testing.T) {
	p := NewPersons()
	for _, v := range []string{"", "@", "@example.jp", "yamada", "...@example.jp", strings.Repeat("a.", 5000) + "@example.jp", "\xff\xfe@example.jp"} {
		if p.Mail([]byte(v)) {
			t.Errorf("%.40q is taken for a person's", v)
		}
	}
	v := []byte("taro.yamada@example.co.jp")
	if n := testing.AllocsPerRun(100, func() { p.Mail(v) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
