package app

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// productPlan is one product of the demo.
type productPlan struct {
	Kind     asset.Kind
	Maker    string
	Product  string
	Models   []string
	Versions []string // from old to new
	Ends     []string // month in which support of the version ends
	CPE      string   // part:vendor:product; an application where no part is said
	Rare     bool     // few have it; these stand last
	Zones    []asset.Zone
	Cloud    bool
	Share    int
}

// piece is one line of an equipment list.
type piece struct {
	key, model, version, ends, by, site string
	productPlan
	zone       asset.Zone
	quantity   int
	address    string
	domain     string
	connects   []string
	introduced time.Time
}

var (
	oldest  = time.Date(2017, 4, 1, 0, 0, 0, 0, text.JST)
	before  = time.Date(2026, 9, 30, 0, 0, 0, 0, text.JST) // the last day before the Act applied
	regions = []string{"青ヶ浜リージョン", "星見リージョン"}
)

// equip invents a member's equipment: every product that is not rare at least
// once, the rest by its share. Contractors run some of it.
func (c *country) equip(m *member, n int) {
	var drawn []productPlan
	for _, p := range c.Products {
		drawn = append(drawn, slices.Repeat([]productPlan{p}, p.Share)...)
	}
	contractors := c.contractors(m)
	nth := map[asset.Zone][]string{} // keys of what stands in a zone
	for i := range n {
		p := pick(c.rnd, drawn)
		if i < len(c.Products) && !c.Products[i].Rare {
			p = c.Products[i]
		}
		x := piece{key: fmt.Sprintf("%s-%04d", strings.ToUpper(m.orgPlan.ID[:1]), i+1), productPlan: p, quantity: 1, zone: p.Zones[i%len(p.Zones)]}
		if len(p.Models) > 0 {
			x.model = pick(c.rnd, p.Models)
		}
		c.dateOf(&x)
		if c.rnd.IntN(6) == 0 {
			x.quantity = 2 + c.rnd.IntN(7)
		}
		x.site = pick(c.rnd, m.Sites)
		if p.Cloud {
			x.site = pick(c.rnd, regions)
		}
		host := 1 + i%250
		switch x.zone {
		case asset.ZoneInternet:
			x.address = fmt.Sprintf("203.0.113.%d", host) // TEST-NET-3, RFC 5737
			x.domain = fmt.Sprintf("%s%d.%s", strings.ReplaceAll(string(p.Kind), "_", "-"), i+1, m.Domain)
		case asset.ZoneDMZ:
			x.address = fmt.Sprintf("198.51.100.%d", host)
		case asset.ZoneInternal:
			x.address = fmt.Sprintf("10.20.%d.%d", i/250, host)
		case asset.ZoneOT:
			x.address = fmt.Sprintf("10.90.%d.%d", i/250, host)
		}
		x.connects = c.reaches(x.zone, nth)
		nth[x.zone] = append(nth[x.zone], x.key)
		x.by = asset.Own
		if len(contractors) > 0 && c.rnd.IntN(3) == 0 {
			x.by = pick(c.rnd, contractors)
		}
		if c.rnd.IntN(25) == 0 {
			x.zone = "" // nobody said
		}
		m.pieces = append(m.pieces, x)
	}
}

// dateOf gives a piece its age, its version and the end of its support. Some
// lists do not know the version.
func (c *country) dateOf(x *piece) {
	days := int(before.Sub(oldest).Hours() / 24)
	x.introduced = oldest.AddDate(0, 0, c.rnd.IntN(days))
	if c.rnd.IntN(40) == 0 { // since the Act applies
		x.introduced = before.AddDate(0, 0, 1+c.rnd.IntN(30))
	}
	if len(x.Versions) == 0 || c.rnd.IntN(12) == 0 {
		return
	}
	i := c.rnd.IntN(len(x.Versions))
	x.version = x.Versions[i]
	if i < len(x.Ends) {
		x.ends = x.Ends[i] + "-28"
	}
}

// reaches lists what a piece in a zone connects to, among what is there so far.
func (c *country) reaches(z asset.Zone, nth map[asset.Zone][]string) (out []string) {
	to := map[asset.Zone][]asset.Zone{
		asset.ZoneInternet: {asset.ZoneDMZ, asset.ZoneInternal}, asset.ZoneDMZ: {asset.ZoneInternal},
		asset.ZoneInternal: {asset.ZoneInternal, asset.ZoneOT}, asset.ZoneOT: {asset.ZoneOT},
	}
	for _, t := range to[z] {
		if have := nth[t]; len(have) > 0 && c.rnd.IntN(2) == 0 {
			out = append(out, pick(c.rnd, have))
		}
	}
	return out
}

// contractors returns the corporate numbers of those that operate for a member.
func (c *country) contractors(m *member) (out []string) {
	for _, t := range c.Ties {
		if t.Kind == org.ContractorTie && !t.Declared && slices.Contains(t.Customers, m.orgPlan.ID) && c.by[t.Other] != nil {
			out = append(out, string(c.by[t.Other].Number))
		}
	}
	return out
}

// headers are those of an equipment list as people in Japan write them.
var headers = []string{"識別子", "種別", "メーカー", "製品名", "型番", "版", "CPE", "数量", "重要な役務", "区画", "アドレス", "ドメイン", "接続先", "運用者", "設置場所", "導入日", "サポート終了日"}

var englishHeaders = []string{"id", "kind", "maker", "product", "model", "version", "cpe", "quantity", "service", "zone", "addresses", "domains", "connects_to", "operated_by", "site", "introduced_at", "support_ends_at"}

// list writes the member's equipment as the CSV file it would send.
func (m *member) list() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := headers
	if m.English {
		head = englishHeaders
	}
	_ = w.Write(head) // into memory: never fails
	for _, x := range m.pieces {
		_ = w.Write(x.row(m))
	}
	w.Flush()
	return b.Bytes()
}

// cpe is the CPE 2.3 name of a version of the product; empty when it has none.
func (p productPlan) cpe(version string) string {
	if p.CPE == "" {
		return ""
	}
	name := p.CPE
	if strings.Count(name, ":") == 1 {
		name = "a:" + name
	}
	return fmt.Sprintf("cpe:2.3:%s:%s:*:*:*:*:*:*:*", name, version)
}

func (x piece) row(m *member) []string {
	cpe := ""
	if x.version != "" {
		cpe = x.cpe(x.version)
	}
	return []string{x.key, string(x.Kind), x.Maker, x.Product, x.model, x.version, cpe, strconv.Itoa(x.quantity), m.Service.In(m.lang()), string(x.zone),
		x.address, x.domain, strings.Join(x.connects, "; "), x.by, x.site, x.introduced.Format("2006-01-02"), x.ends}
}
