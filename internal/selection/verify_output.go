package selection

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/engine/deid"
	flowrecord "noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// keptLine is a line of selected.jsonl, its members in the order they stand in.
// There is no other member, and none that could hold two directions.
type keptLine struct {
	Start       string    `json:"start"`
	End         string    `json:"end"`
	Src         string    `json:"src,omitempty"`
	Dst         string    `json:"dst,omitempty"`
	SrcPort     *uint16   `json:"sport,omitempty"`
	DstPort     *uint16   `json:"dport,omitempty"`
	Proto       *uint8    `json:"proto,omitempty"`
	Packets     uint64    `json:"pkts"`
	Bytes       uint64    `json:"bytes"`
	App         string    `json:"app,omitempty"`
	Flags       uint8     `json:"flags,omitempty"`
	VLAN        uint16    `json:"vlan,omitempty"`
	Tunnel      string    `json:"tunnel,omitempty"`
	Name        string    `json:"name,omitempty"`
	JA3         string    `json:"ja3,omitempty"`
	JA4         string    `json:"ja4,omitempty"`
	Direction   geo.Class `json:"direction"`
	Selector    string    `json:"selector"`
	Approval    string    `json:"approval"`
	RetainUntil string    `json:"retain_until"`
	Provenance  string    `json:"provenance"`
}

// maxKeptLine bounds a line, in bytes.
const maxKeptLine = 4096

// fields are the allowed fields that the line has.
func (l *keptLine) fields() (has []string) {
	for _, f := range [...]struct {
		name string
		ok   bool
	}{
		{"src", l.Src != ""}, {"dst", l.Dst != ""}, {"sport", l.SrcPort != nil}, {"dport", l.DstPort != nil}, {"proto", l.Proto != nil},
		{"app", l.App != ""}, {"flags", l.Flags != 0}, {"vlan", l.VLAN != 0}, {"tunnel", l.Tunnel != ""}, {"name", l.Name != ""},
		{"ja3", l.JA3 != ""}, {"ja4", l.JA4 != ""},
	} {
		if f.ok {
			has = append(has, f.name)
		}
	}
	return has
}

// readKept reads a line, and fails for any byte that the program would not have
// written there.
func readKept(line []byte) (l keptLine, ok bool) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if d.Decode(&l) != nil {
		return l, false
	}
	var again bytes.Buffer
	e := json.NewEncoder(&again)
	e.SetEscapeHTML(false)
	return l, e.Encode(&l) == nil && bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte{'\n'}), line)
}

// output reads the records again.
func (v *Verified) output(dir string) error {
	name := filepath.Join(dir, fileSelected)
	info, err := os.Lstat(name)
	if err != nil {
		v.wrong(fileSelected, "missing")
		return nil
	}
	if !info.Mode().IsRegular() { // a pipe or a device would never end
		v.wrong(fileSelected, "unreadable")
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		v.wrong(fileSelected, "unreadable")
		return nil
	}
	defer f.Close()
	sum := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(io.LimitReader(f, info.Size()), sum), 256<<10)
	c := newChecker(v)
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if errors.Is(err, bufio.ErrBufferFull) || err == nil && len(line) > maxKeptLine || err == io.EOF {
			v.wrong(fileSelected+":"+strconv.Itoa(n), "line")
			_, _ = io.Copy(io.Discard, in)
			break
		} else if err != nil {
			return err
		}
		if l, ok := readKept(line[:len(line)-1]); !ok {
			v.wrong(fileSelected+":"+strconv.Itoa(n), "line")
		} else {
			v.Records++
			c.check(n, &l)
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != v.Statement.Hashes.Output {
		v.wrong(fileSelected, "hash")
	}
	c.end()
	return nil
}

// checker checks records against order, list and prefixes.
type checker struct {
	v       *Verified
	retain  string
	known   map[string]selector.Selector // of the list, those that the statement names
	counted map[string]Chosen
}

func newChecker(v *Verified) *checker {
	c := &checker{v: v, retain: v.Statement.RetainUntil.UTC().Format(time.RFC3339), known: map[string]selector.Selector{}, counted: map[string]Chosen{}}
	set, named := v.list.set, v.Statement.Selected.BySelector
	for id := selector.ID(1); len(named) > 0 && int(id) <= set.Len(); id++ {
		if ref := set.Ref(id); named[ref] != (Chosen{}) {
			c.known[ref] = set.Info(id)
		}
	}
	return c
}

func (c *checker) check(n int, l *keptLine) {
	v, o := c.v, &c.v.order
	bad := func(ok bool, what string) {
		if !ok {
			v.wrong(fileSelected+":"+strconv.Itoa(n)+": "+what, "record")
		}
	}
	start, err1 := time.Parse(timeForm, l.Start)
	end, err2 := time.Parse(timeForm, l.End)
	bad(err1 == nil && !start.Before(o.From.Truncate(time.Microsecond)) && start.Before(o.Until), "start")
	bad(err2 == nil && !end.Before(start) && end.Before(o.Until), "end")
	bad(slices.Contains(v.Statement.Directions, l.Direction), "direction")
	bad(l.Approval == o.ID, "approval")
	bad(l.RetainUntil == c.retain, "retain_until")
	want := l.Direction.String()
	if o.Kind == approval.Agreement {
		want = string(approval.Agreement)
	}
	bad(l.Provenance == want, "provenance")
	for _, f := range l.fields() {
		bad(slices.Contains(o.Fields, f), f)
	}
	src, dst := c.addresses(l, bad)
	bad(l.Packets > 0 && l.Bytes > 0, "pkts")
	app, ok := flowrecord.ParseApp(l.App)
	bad(l.App == "" || ok && app.String() == l.App, "app")
	bad(l.Tunnel == "" || tunnelWord(l.Tunnel), "tunnel")
	bad(l.JA3 == "" || len(l.JA3) == 32 && lowHex(l.JA3), "ja3")
	if _, _, err := selector.Parse(selector.JA4, l.JA4); l.JA4 != "" && err != nil {
		bad(false, "ja4")
	}
	s, ok := c.known[l.Selector]
	bad(ok, "selector")
	if ok {
		bad(s.Expires == 0 || start.UnixNano() <= s.Expires, "selector")
		c.matches(l, s, src, dst, bad)
	}
	sum := c.counted[l.Selector]
	c.counted[l.Selector] = Chosen{sum.Packets + l.Packets, sum.Bytes + l.Bytes, sum.Records + 1}
}

// addresses checks how addresses are written and, where they are plain, computes
// the direction again.
func (c *checker) addresses(l *keptLine, bad func(bool, string)) (src, dst netip.Addr) {
	if c.v.order.Addresses == "pseudonym" {
		for field, text := range map[string]string{"src": l.Src, "dst": l.Dst} {
			if _, err := deid.ParseNetwork(text); text != "" && err != nil {
				bad(false, field)
			}
		}
		c.v.unchecked(uncheckedDirection)
		return src, dst
	}
	var err error
	if src, err = netip.ParseAddr(l.Src); l.Src != "" && (err != nil || src.String() != l.Src || src.Zone() != "") {
		bad(false, "src")
	}
	if dst, err = netip.ParseAddr(l.Dst); l.Dst != "" && (err != nil || dst.String() != l.Dst || dst.Zone() != "") {
		bad(false, "dst")
	}
	if !src.IsValid() || !dst.IsValid() {
		c.v.unchecked(uncheckedAddresses)
		return src, dst
	}
	bad(c.v.sides.Class(src, dst) == l.Direction, "direction")
	return src, dst
}

// matches checks, as far as the record shows it, that its selector finds it.
func (c *checker) matches(l *keptLine, s selector.Selector, src, dst netip.Addr, bad func(bool, string)) {
	named := s.Kind == selector.Domain || s.Kind == selector.Suffix || s.Kind == selector.URI
	bad(named || l.Name == "", "name") // a name stands only where a selector of names found it
	switch s.Kind {
	case selector.Address, selector.Prefix:
		if !src.IsValid() || !dst.IsValid() {
			return // said already
		}
		text := s.Value
		if s.Kind == selector.Address {
			a, _ := netip.ParseAddr(text)
			bad(a == src || a == dst, "selector")
			return
		}
		p, err := netip.ParsePrefix(text)
		bad(err == nil && (p.Contains(src) || p.Contains(dst)), "selector")
	case selector.Port:
		_, number, _ := strings.Cut(s.Value, "/")
		if l.SrcPort == nil || l.DstPort == nil {
			c.v.unchecked(uncheckedNames)
			return
		}
		bad(number == strconv.Itoa(int(*l.SrcPort)) || number == strconv.Itoa(int(*l.DstPort)), "selector")
	default:
		c.name(l, s, bad)
	}
}

// name checks that nothing of a name is in clear but what the selector names.
func (c *checker) name(l *keptLine, s selector.Selector, bad func(bool, string)) {
	c.v.unchecked(uncheckedNames)
	if l.Name == "" {
		return
	}
	keep := string(keptName(s))
	if keep != "" && l.Name == keep {
		return
	}
	hidden := strings.TrimSuffix(l.Name, "."+keep)
	p, err := deid.ParsePseudonym(hidden)
	bad(err == nil && p.Kind() == deid.Host && p.String() == hidden, "name")
}

// end compares the sums with the statement's.
func (c *checker) end() {
	s := &c.v.Statement
	var all Chosen
	for _, sum := range c.counted {
		all = Chosen{all.Packets + sum.Packets, all.Bytes + sum.Bytes, all.Records + sum.Records}
	}
	if all != s.Selected.Chosen {
		c.v.wrong(fileStatement+": selected", "count")
	}
	for ref, want := range s.Selected.BySelector {
		if c.counted[ref] != want {
			c.v.wrong(fileStatement+": by_selector "+printed(ref), "count")
		}
	}
}

func lowHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// tunnelWord reports whether a word is that of a kind of tunnel.
func tunnelWord(w string) bool {
	for t := flowrecord.NoTunnel + 1; t < flowrecord.NoTunnel+64; t++ {
		if t.String() == w {
			return w != "unknown"
		}
	}
	return false
}
