package request

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
)

// All that the rules allow is walked: nothing is sent that was not checked, by
// another person, with leave, while it is fresh; what is over stays over.
func TestEverythingTheRulesAllow(t *testing.T) {
	type world struct {
		at      State
		checked bool // since it was last changed
		gone    bool
	}
	seen, moves := map[world]bool{}, 0
	var walk func(w world)
	walk = func(w world) {
		if seen[w] {
			return
		}
		seen[w] = true
		for _, r := range Rules {
			for bits := range 8 {
				f := Facts{Gone: w.gone, Two: bits&1 > 0, Fresh: bits&2 > 0, Leave: bits&4 > 0}
				to, err := move(w.at, r.Act, r.By, &f)
				if err != nil {
					continue
				}
				moves++
				next := world{to, w.checked, w.gone}
				switch {
				case w.at == Closed:
					t.Fatalf("%s leads on from closed", r.Act)
				case to == Sending && (!w.checked || !f.Two || !f.Fresh || !f.Leave):
					t.Fatalf("%+v is sent with %+v", w, f)
				case (to == Acknowledged || to == Acted || to == Refused || to == NoAnswer) && !w.gone:
					t.Fatalf("%+v has an answer to nothing: %s", w, r.Act)
				case to == Sent && w.at != Sending && w.at != Undelivered:
					t.Fatalf("%+v is sent without an intent", w)
				}
				switch r.Act {
				case "check":
					next.checked = true
				case "change", "follow", "send":
					next.checked = false
				case "sent":
					next.gone = true
				}
				walk(next)
			}
		}
	}
	walk(world{at: Drafted})
	for _, s := range States {
		if !slices.ContainsFunc(Rules, func(r Rule) bool { return r.To == s }) {
			t.Errorf("nothing leads to %s", s)
		}
	}
	t.Logf("%d worlds, %d moves", len(seen), moves)
	if len(seen) < 12 {
		t.Errorf("%d worlds", len(seen))
	}
}

func TestWhatGivesAVictimAwayIsInNoMail(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		edit     func(d *Draft)
		at, code string
	}{
		"in the text":        {func(d *Draft) { d.Subject.Does = "山田電機の客を狙う。" }, "subject.does", "request.bad.victim"},
		"full width":         {func(d *Draft) { d.Asked = "See ＹＡＭＡＤＡ．example please" }, "asked", "request.bad.victim"},
		"defanged":           {func(d *Draft) { d.Evidence[0].Says = "mail from yamada[.]example" }, "evidence[0].says", "request.bad.victim"},
		"with a joint":       {func(d *Draft) { d.Asked = "For ya\u200bma\u00adda.example" }, "asked", "request.bad.victim"},
		"in the address":     {func(d *Draft) { d.Subject.URL = "https://bad.example/yamada.example/" }, "subject.url", "request.bad.victim"},
		"in the name":        {func(d *Draft) { d.Subject.Name = "yamada.example.bad.example" }, "subject.name", "request.bad.victim"},
		"in a log line":      {func(d *Draft) { d.Evidence[0].Lines = "GET / Host: YAMADA.EXAMPLE" }, "evidence[0].lines", "request.bad.victim"},
		"a person in a line": {func(d *Draft) { d.Evidence[0].Lines = "to=<taro@firm.example>" }, "evidence[0].lines", "request.bad.person"},
		"a person in a URL":  {func(d *Draft) { d.Subject.URL = "https://bad.example/?m=taro%40firm.example" }, "subject.url", "request.bad.person"},
		"an inner address":   {func(d *Draft) { d.Evidence[0].Lines = "10.20.3.4:5555 -> 198.51.100.7:443" }, "evidence[0].lines", "request.bad.private"},
		"an inner IPv6":      {func(d *Draft) { d.Evidence[0].Says = "from fd00::12" }, "evidence[0].says", "request.bad.private"},
		"nothing is hidden":  {func(d *Draft) { d.Victim.Hide = nil }, "victim.hide", "request.bad.hide"},
		"one letter":         {func(d *Draft) { d.Victim.Hide = []string{"a"} }, "victim.hide", "request.bad.short"},
	} {
		d := phishing(now)
		d.Subject.URL = "https://login.bad.example/"
		x.edit(&d)
		if _, err := d.Normal(now); !placed(err, x.at, x.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := phishing(now)
	d.Subject.Does = "It poses as 山田電機."
	d.Victim.Released = true
	if _, err := d.Normal(now); err != nil {
		t.Errorf("released: %v", err)
	}
}

func TestAMistakeNamesItsPlace(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for name, x := range map[string]struct {
		edit     func(d *Draft)
		at, code string
	}{
		"no machine":      {func(d *Draft) { d.Subject = Subject{Does: "x"} }, "subject.address", "request.bad.machine"},
		"an address":      {func(d *Draft) { d.Subject.Address = "198.51.100.999" }, "subject.address", "request.bad.address"},
		"a zone":          {func(d *Draft) { d.Subject.Address = "fe80::1%eth0" }, "subject.address", "request.bad.address"},
		"a URL":           {func(d *Draft) { d.Subject.URL = "ftp://x.example/" }, "subject.url", "request.bad.url"},
		"a user in a URL": {func(d *Draft) { d.Subject.URL = "https://a:b@x.example/" }, "subject.url", "request.bad.url"},
		"a mail":          {func(d *Draft) { d.To.Mail = "abuse" }, "to.mail", "request.bad.mail"},
		"a header":        {func(d *Draft) { d.To.Mail = "abuse@x.example\r\nBcc: y@z.example" }, "to.mail", "request.bad.mail"},
		"no provider":     {func(d *Draft) { d.To.Provider = "" }, "to.provider", "request.bad.empty"},
		"a wide TLP":      {func(d *Draft) { d.TLP = "TLP:AMBER" }, "tlp", "request.bad.tlp"},
		"the past":        {func(d *Draft) { d.By = now.Add(-time.Hour) }, "by", "request.bad.by"},
		"no time":         {func(d *Draft) { d.Evidence[0].From = time.Time{} }, "evidence[0].from", "request.bad.time"},
		"backwards":       {func(d *Draft) { d.Evidence[0].Until = d.Evidence[0].From.Add(-time.Hour) }, "evidence[0].until", "request.bad.period"},
		"a digest":        {func(d *Draft) { d.Evidence[0].Digest = "abc" }, "evidence[0].digest", "request.bad.digest"},
		"nothing asked":   {func(d *Draft) { d.Asked = " 　" }, "asked", "request.bad.empty"},
		"a step":          {func(d *Draft) { d.Case = "M-1" }, "step", "request.bad.step"},
		"a kind":          {func(d *Draft) { d.Kind = "x" }, "kind", "request.bad.choice"},
		"too much":        {func(d *Draft) { d.Evidence[0].Lines = strings.Repeat("x", maxLines+1) }, "evidence[0].lines", "request.bad.long"},
	} {
		d := phishing(now)
		x.edit(&d)
		if _, err := d.Normal(now); !placed(err, x.at, x.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	d, err := Draft{Kind: Takedown, To: Contact{Mail: " Abuse@Host.Example ", Provider: "ＨＯＳＴ"}, Subject: Subject{URL: "https://ログイン.example/", Does: "x"}, Asked: "y"}.Normal(now)
	if err == nil {
		t.Errorf("a URL that is not ASCII: %+v", d)
	}
	d, err = Draft{Kind: Takedown, To: Contact{Mail: " Abuse@Host.Example ", Provider: "ＨＯＳＴ"}, Subject: Subject{Name: "ログイン.Example.", Does: "x"}, Asked: "y"}.Normal(now)
	if err != nil || d.To.Mail != "Abuse@host.example" || d.To.Provider != "HOST" || !strings.HasPrefix(d.Subject.Name, "xn--") || d.TLP != "GREEN" || d.To.Lang != text.EN {
		t.Errorf("%+v %v", d, err)
	}
}

// The median and the percentile agree with a slow twin that sorts and counts.
func TestFiguresAgreeWithASlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 300 {
		now := start.Add(1000 * time.Hour)
		var list []tried
		var spans []time.Duration
		gone, answered, open := 0, 0, 0
		for i := range r.IntN(40) {
			x := tried{id: string(rune('a' + i)), kind: Kinds[r.IntN(len(Kinds))], state: Sent, sent: start.Add(time.Duration(r.IntN(100)) * time.Hour), provider: string(rune('p' + r.IntN(3)))}
			if r.IntN(2) == 0 {
				x.answered = x.sent.Add(time.Hour)
				answered++
			}
			switch r.IntN(3) {
			case 0:
				x.gone = x.sent.Add(time.Duration(r.IntN(500)) * time.Minute)
				spans = append(spans, x.gone.Sub(x.sent))
				gone++
			case 1:
				x.state = Closed
			default:
				open++
			}
			list = append(list, x)
		}
		total, kinds, _ := summed(list, now)
		f := total.figure()
		if f.Sent != len(list) || f.Answered != answered || f.Gone != gone || f.Open != open {
			t.Fatalf("%+v", f)
		}
		n := 0
		for _, k := range kinds {
			n += k.Sent
		}
		if n != len(list) {
			t.Fatalf("kinds sum to %d of %d", n, len(list))
		}
		if len(spans) == 0 {
			continue
		}
		below := func(d time.Duration) (n int) {
			for _, s := range spans {
				if s <= d {
					n++
				}
			}
			return n
		}
		if !slices.Contains(spans, f.Ninth) || below(f.Ninth)*100 < 90*len(spans) || below(f.Ninth-1)*100 >= 90*len(spans) {
			t.Fatalf("the 90th percentile of %v is not %v", spans, f.Ninth)
		}
		if lower, upper := below(f.Median), len(spans)-below(f.Median-1); lower*2 < len(spans) || upper*2 < len(spans) {
			t.Fatalf("the median of %v is not %v", spans, f.Median)
		}
	}
}
