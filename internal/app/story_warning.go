package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/exposure"
	"noroshi/internal/intel"
	"noroshi/internal/notice"
	"noroshi/internal/org"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// alarm is the second half of the story: a public fact reaches those whom it
// concerns, and what they do comes back.
type alarm struct {
	*story
	before map[string]int // letters of each organisation before the notice
	notice notice.Notice
	letter map[string]notice.ID // of those told, by the id of the plan
	link   string               // of the firm without an account
	secret vendor.Case
	asked  map[string]vendor.Request // by the maker's id of the plan
	room   situation.ID
	tasks  []situation.Task
}

// Who is told in the story, and of what device.
const (
	gateway  = "NetScaler Application Delivery Controller"
	repaired = "14.1-47.46" // version in which lastExploited is mended
)

var told3 = []string{"power", "water", "rail"}

// warningScenes go on where the incident ends: the feeds, the exposures they
// make, and what people decide of them; then the notice, the maker, the room.
func (s *story) warningScenes() []scene {
	a := &alarm{story: s}
	at := func(hours, minutes int) time.Duration {
		return 7*day + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	}
	return []scene{
		{"asset", at(6, 30), a.stocked},
		{"intel", at(7, 0), a.half},
		{"intel", at(7, 20), a.arrived},
		{"exposure", at(7, 30), a.concerned},
		{"exposure", at(8, 0), a.judged},
		{"exposure", at(9, 0), a.exploited},
		{"notice", at(9, 1), a.drafted},
		{"notice", at(9, 20), a.checked},
		{"notice", at(9, 35), a.sentOut},
		{"notice", at(9, 50), a.read},
		{"notice", at(10, 10), a.answered},
		{"notice", at(10, 40), a.helped},
		{"notice", at(11, 0), a.relayed},
		{"notice", at(11, 30), a.tapped},
		{"notice", at(13, 0), a.board},
		{"vendor", at(14, 0), a.request},
		{"vendor", at(18, 0), a.planned},
		{"vendor", at(26, 0), a.released},
		{"vendor", at(28, 5), a.everybodyTold},
		{"situation", at(29, 0), a.opened},
		{"situation", at(30, 0), a.worked},
		{"situation", at(31, 0), a.reported},
	}
}

// acting is somebody of a member with a role, the reporters and the analyst
// first.
func (s *story) acting(id string, role gate.Role) (context.Context, error) {
	p, err := s.by[id].with(role, 0)
	return p.ctx, err
}

// named is the name of a member in the language of the story.
func (s *story) named(id string) string { return s.by[id].Org.In(s.say.Lang) }

// both picks words in the language of the story.
func (s *story) words(ja, en string) string { return text.Both{JA: ja, EN: en}.In(s.say.Lang) }

// stocked enters what the operators have at the edge of their networks. One of
// them has repaired the gateway already.
func (a *alarm) stocked() (string, error) {
	list := []struct{ who, key, kind, maker, name, version, zone, quantity string }{
		{"power", "P-8001", "load_balancer", "Citrix", gateway, "13.1-51.15", "internet", "2"},
		{"power", "P-8002", "web_server", "Apache", "HTTP Server", "2.4.57", "internal", "1"},
		{"power", "P-8003", "vpn", "灯ネットワークス", "EdgeGate", "7.2.3", "internet", "1"},
		{"water", "W-8001", "load_balancer", "Citrix", gateway, "14.1-43.50", "internet", "1"},
		{"rail", "R-8001", "load_balancer", "Citrix", gateway, "14.1-43.50", "internet", "1"},
		{"starlight", "S-8001", "load_balancer", "Citrix", gateway, repaired, "internet", "1"},
	}
	orgs := map[string]bool{}
	for _, x := range list {
		p, err := a.by[x.who].with(gate.OperatorReporter, 0)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(a.Products, func(p productPlan) bool { return p.Product == x.name })
		if i < 0 {
			return "", must(false, "no product %s", x.name)
		}
		d := &asset.Draft{}
		for f, v := range map[asset.Field]string{asset.FieldKey: x.key, asset.FieldKind: x.kind, asset.FieldMaker: x.maker, asset.FieldProduct: x.name, asset.FieldVersion: x.version,
			asset.FieldCPE: a.Products[i].cpe(x.version), asset.FieldQuantity: x.quantity, asset.FieldZone: x.zone, asset.FieldService: a.by[x.who].Service.In(a.say.Lang), asset.FieldOperatedBy: asset.Own, asset.FieldSite: a.by[x.who].Sites[0], asset.FieldIntroduced: "2025-04-01"} {
			d.Values[f] = v
		}
		if _, err := a.h.Assets.Add(p.ctx, d, "", ""); err != nil {
			return "", err
		}
		orgs[x.who] = true
	}
	power, err := a.acting("power", gate.OperatorViewer)
	if err != nil {
		return "", err
	}
	o, err := a.h.Assets.Overview(power, "")
	if err != nil {
		return "", err
	}
	return a.say.T("app.story.stocked", "n", len(list), "orgs", len(orgs)), must(o.Register.Items == storyPieces+3, "%d pieces", o.Register.Items)
}

// half takes the first half of a file: it is told where the file ends, and
// nothing changes.
func (a *alarm) half() (string, error) {
	raw, err := fs.ReadFile(demoFeeds, "data/demo/feeds/nvd.json")
	if err != nil {
		return "", err
	}
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	_, refused := a.h.Intel.Receive(analyst, intel.Request{}, "nvd.json", bytes.NewReader(raw[:len(raw)/2]), int64(len(raw)))
	if err := must(fault.Of(refused) != nil, "half a file was taken: %v", refused); err != nil {
		return "", err
	}
	said := a.why(refused)
	a.more = append(a.more, said[max(0, strings.LastIndex(said, "nvd.json")):]) // without the folder it was staged in
	p, err := a.operator()
	if err != nil {
		return "", err
	}
	found, _, err := a.h.Intel.Find(p.ctx, intel.Search{Text: "CVE-"})
	if err != nil {
		return "", err
	}
	clerk, err := a.acting("office", gate.OfficeClerk)
	if err != nil {
		return "", err
	}
	feeds, err := a.h.Intel.Feeds(clerk)
	if err != nil {
		return "", err
	}
	some := slices.ContainsFunc(feeds, func(f intel.Health) bool { return f.Records > 0 || f.Imports > 0 })
	return a.say.T("app.story.feed_half"), must(len(found) == 0 && !some, "%d vulnerabilities, feeds %+v", len(found), feeds)
}

// arrived takes the whole files; the same file again changes nothing.
func (a *alarm) arrived() (string, error) {
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	catalogue, err := catalogueBefore(lastExploited)
	if err != nil {
		return "", err
	}
	records := 0
	for _, name := range []string{"nvd.json", "eol.json", "kev.json"} {
		raw := catalogue
		if name != "kev.json" {
			if raw, err = fs.ReadFile(demoFeeds, "data/demo/feeds/"+name); err != nil {
				return "", err
			}
		}
		got, err := a.h.Intel.Receive(analyst, intel.Request{}, name, bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return "", err
		}
		again, err := a.h.Intel.Receive(analyst, intel.Request{}, name, bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return "", err
		}
		records += int(got.Counts.Records)
		a.note("app.story.feed", "name", name, "n", int(got.Counts.Records), "kind", string(got.Kind))
		if err := must(got.Counts.Records > 0 && again.Same, "%s: %+v, again %+v", name, got.Counts, again); err != nil {
			return "", err
		}
	}
	p, err := a.operator()
	if err != nil {
		return "", err
	}
	v, statements, err := a.h.Intel.Show(p.ctx, lastExploited)
	if err != nil {
		return "", err
	}
	return a.say.T("app.story.feed_taken", "files", 3, "records", records), must(len(statements) > 0 && v.Exploited == nil, "%d statements, %+v", len(statements), v.Exploited)
}

// exposed is the one exposure of a member to a vulnerability, as it sees it.
func (a *alarm) exposed(id, vulnerability string) (e exposure.Exposure, err error) {
	ctx, err := a.acting(id, gate.OperatorReporter)
	if err != nil {
		return e, err
	}
	got, err := a.h.Exposures.List(ctx, exposure.Filter{Vulnerability: vulnerability, All: true})
	if err != nil {
		return e, err
	}
	if err := must(len(got.Rows) == 1, "%s has %d exposures to %s", id, len(got.Rows), vulnerability); err != nil {
		return e, err
	}
	return a.h.Exposures.Get(ctx, got.Rows[0].ID)
}

// concerned finds the equipment of the few, each with why; whoever has the
// repaired version sees nothing.
func (a *alarm) concerned() (string, error) {
	if err := a.settle(a.ctx); err != nil {
		return "", err
	}
	e, err := a.exposed("power", lastExploited)
	if err != nil {
		return "", err
	}
	ctx, err := a.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	pieces, err := a.h.Exposures.Equipment(ctx, &e)
	if err != nil {
		return "", err
	}
	proven := false
	for _, l := range e.Detail.Lines {
		for _, g := range l.Because {
			if g.Source == "" || g.To == "" || len(l.Items) == 0 {
				continue
			}
			proven = true
			a.note("app.story.concerned_why", "key", pieces[l.Items[0]].Key, "version", l.Version, "from", g.From, "to", g.To, "source", g.Source)
		}
	}
	rival, err := a.acting("starlight", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	none, err := a.h.Exposures.List(rival, exposure.Filter{All: true})
	if err != nil {
		return "", err
	}
	_, gone := a.h.Exposures.Get(rival, e.ID)
	return a.say.T("app.story.concerned", "org", a.named("power"), "product", e.Product, "n", e.Devices, "id", lastExploited, "rival", a.named("starlight")),
		must(proven && e.Verdict == "affected" && e.Devices >= 2 && len(none.Rows) == 0 && errors.Is(gone, exposure.ErrNone), "%+v; the other operator sees %d, %v", e, len(none.Rows), gone)
}

// judged is a verdict of the operator on another exposure: the office sees that
// it was given, and the words stay the operator's.
func (a *alarm) judged() (string, error) {
	ctx, err := a.acting("power", gate.OperatorReporter)
	if err != nil {
		return "", err
	}
	const other = "CVE-2024-38475"
	e, err := a.exposed("power", other)
	if err != nil {
		return "", err
	}
	why := a.words("書換の機能を使っていません。設定は運用台帳にあります。", "The rewriting feature is not used; the operations log has the settings.")
	if _, err := a.h.Exposures.Judge(ctx, exposure.NewJudgement{Exposures: []exposure.ID{e.ID}, Justification: product.CodeNotInExecutePath, Words: why}); err != nil {
		return "", err
	}
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	seen, err := a.h.Exposures.Get(analyst, e.ID)
	if err != nil {
		return "", err
	}
	mine, err := a.exposed("power", other)
	if err != nil {
		return "", err
	}
	a.more = append(a.more, why)
	hidden := seen.Judgement == nil || seen.Judgement.Words == ""
	return a.say.T("app.story.verdict", "org", a.named("power"), "id", other),
		must(seen.State == exposure.Judged && hidden && mine.Judgement != nil && mine.Judgement.Words == why, "the office sees %+v", seen)
}

// exploited takes the catalogue with its new entry: in one round those exposed
// stand where something has to be done now.
func (a *alarm) exploited() (string, error) {
	was, err := a.exposed("power", lastExploited)
	if err != nil {
		return "", err
	}
	if err := a.rest(); err != nil {
		return "", err
	}
	raw, err := fs.ReadFile(demoFeeds, "data/demo/feeds/kev.json")
	if err != nil {
		return "", err
	}
	analyst, err := a.acting("office", gate.OfficeAnalyst)
	if err != nil {
		return "", err
	}
	if _, err := a.h.Intel.Receive(analyst, intel.Request{}, "kev.json", bytes.NewReader(raw), int64(len(raw))); err != nil {
		return "", err
	}
	began := time.Now()
	if err := a.h.Bus.Settle(a.ctx); err != nil {
		return "", err
	}
	took := time.Since(began)
	for _, id := range told3 {
		e, err := a.exposed(id, lastExploited)
		if err != nil {
			return "", err
		}
		if err := must(e.Priority == exposure.Act && e.Exploited && was.Priority < exposure.Act, "%s: from %s to %s", id, was.Priority, e.Priority); err != nil {
			return "", err
		}
		if id == "power" {
			for _, r := range e.Reasons {
				a.more = append(a.more, r.Say(a.say))
			}
		}
	}
	all, err := a.h.Exposures.Where(analyst, lastExploited, exposure.Filter{})
	if err != nil {
		return "", err
	}
	if err := must(took < 5*time.Second && len(all.Rows) == len(told3), "%s; %d exposed", took, len(all.Rows)); err != nil {
		return "", err
	}
	return a.say.T("app.story.exploited", "id", lastExploited, "n", len(all.Rows), "from", a.say.T("exposure.priority."+was.Priority.String()), "to", a.say.T("exposure.priority."+exposure.Act.String())), nil
}

// rest ends what is under way, and notes how many letters everybody has.
func (a *alarm) rest() error {
	if err := a.settle(a.ctx); err != nil {
		return err
	}
	n, err := a.inboxes()
	a.before = n
	return err
}

// inboxes counts the letters of everybody who can have some.
func (a *alarm) inboxes() (map[string]int, error) {
	n := map[string]int{}
	for _, m := range a.all {
		var role gate.Role
		switch {
		case m.Is(org.Operator):
			role = gate.OperatorReporter
		case m.Is(org.Maker):
			role = gate.MakerContact
		case m.Is(org.Contractor):
			role = gate.Maintainer
		case m.Is(org.Supplier):
			role = gate.SupplierContact
		case m.Is(org.Ministry):
			role = gate.MinistryClerk
		default:
			continue
		}
		ctx, err := a.acting(m.orgPlan.ID, role)
		if err != nil {
			return nil, err
		}
		list, _, err := a.h.Notices.Inbox(ctx, notice.Filter{Limit: 100})
		if err != nil {
			return nil, err
		}
		n[m.orgPlan.ID] = len(list)
	}
	return n, nil
}

// silent reports whether none of the words stands in a text.
func silent(text string, words ...string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return w != "" && strings.Contains(text, w) })
}
