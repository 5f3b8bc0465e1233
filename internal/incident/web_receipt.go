package incident

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/page"
	"noroshi/internal/engine/tlog"
)

// ---- the receipt ----

type receiptView struct {
	Head     page.Head
	Number   string
	Stamps   []page.Stamp
	Away     []awayRow
	Lanes    *page.Lanes
	Steps    []receiptStep
	Proof    page.Proof
	ProofAt  string // address of the file with the proof
	Consents []page.Evidence
	Forms    []formRow
	Ours     bool
	ID       ID
	Resting  []string
}

type receiptStep struct{ What, Say string }

func (v *screen) receipt() error {
	full, err := v.s.Open(v.Context(), v.Path("id"), 0, "")
	if err != nil {
		return err
	}
	if !full.Mine {
		return ErrNone
	}
	c, r := full.Case, full.Report
	last := full.Versions[len(full.Versions)-1]
	d := receiptView{ID: c.ID, Number: c.Number, Stamps: v.stamps(full), Lanes: v.lanes(full.Result, recognised(r)), Resting: v.resting(full.Result),
		Forms: v.formRows(full.Result, "/reports/"+c.ID+"/forms/", "")}
	d.Ours = slices.ContainsFunc(d.Forms, func(f formRow) bool { return f.Ours })
	d.Away = v.away(full.Deliveries, full.Result, "/reports/"+c.ID+"/forms/")
	d.Head = page.Head{Crumbs: []page.Crumb{v.home(), {Text: c.Number, Href: "/reports/" + c.ID}, {Text: v.T("incident.web.receipt")}},
		H1: v.T("incident.web.receipt.h1", "stage", v.numbered(last.Stage, last.Version)), Lead: v.T("incident.web.receipt.lead", "at", v.Time(last.At))}
	d.Head.Acts = []page.Act{{Text: v.T("incident.web.calendar"), Href: "/reports/" + c.ID + "/clocks.ics", Icon: "calendar", Kind: "small"}}
	d.Steps = v.nextSteps(full)
	for _, x := range Dictionary().Consents {
		if v.wantsConsent(x.ID, full.Result, r) {
			say := page.Evidence{Icon: "cross", Fact: v.both(x.Label), Note: v.T("incident.web.agreed.no")}
			if r.Consent(x.ID) {
				say.Icon, say.Note = "check", v.T("incident.web.agreed.yes")
			}
			d.Consents = append(d.Consents, say)
		}
	}
	if d.Proof, err = v.proofOf(c, last); err != nil {
		return err
	}
	d.ProofAt = "/reports/" + c.ID + "/proof/" + last.Entry
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Live, shell.Handling = "reports", "/live/incident", v.handling(c.TLP, "")
	return v.Render("incident/receipt", shell, d)
}

// proofOf shows the ledger entry of a version.
func (v *screen) proofOf(c Case, x Version) (page.Proof, error) {
	rcpt, err := v.s.Ledger.Receipt(v.Context(), x.Entry)
	if err != nil {
		return page.Proof{}, err
	}
	leaf := tlog.LeafHash([]byte(rcpt.Leaf))
	return page.Proof{Say: v.T("incident.web.proof.say", "at", v.Time(rcpt.At)), Leaf: hex.EncodeToString(leaf[:]), Signers: v.T("incident.web.proof.entry", "entry", x.Entry),
		Command: "noroshi ledger verify " + proofName(c.Number, x.Version) + " --key ledger.vkey"}, nil
}

func proofName(number string, version int) string {
	return number + "-" + strconv.Itoa(version) + ".proof.json"
}

// proof is the file that proves an act of a case: the receipt, and once the
// entry is in the log, its proof.
func (v *screen) proof() error {
	all, err := v.s.Receipts(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p Proof) bool { return p.Receipt.Entry == v.Path("entry") })
	if i < 0 {
		return ErrNone
	}
	p := all[i]
	raw, err := json.MarshalIndent(struct {
		Entry   string    `json:"entry"`
		At      time.Time `json:"at"`
		Leaf    string    `json:"leaf"`
		Salt    string    `json:"salt,omitempty"`
		Promise string    `json:"promise"`
		Proof   string    `json:"proof,omitempty"`
	}{p.Receipt.Entry, p.Receipt.At, p.Receipt.Leaf, p.Receipt.Salt, p.Promise, p.Proof}, "", "  ")
	if err != nil {
		return err
	}
	name := "acknowledgement-" + p.Receipt.Entry + ".proof.json"
	if p.What == "submitted" {
		full, err := v.s.Open(v.Context(), v.Path("id"), p.Version, "")
		if err != nil {
			return err
		}
		name = proofName(full.Case.Number, p.Version)
	}
	return v.Download(name, "application/json", bytes.NewReader(append(raw, '\n')))
}

// nextSteps says what to do after a submission: the next deadline, the forms
// to be handed in by hand, the traces to keep, the follow-up.
func (v *screen) nextSteps(full View) (out []receiptStep) {
	for _, p := range v.ordered(full.Result) {
		c := p.next()
		if c.Due == nil || c.State != ClockRunning && c.State != ClockSoon && c.State != ClockLate {
			continue
		}
		out = append(out, receiptStep{v.T("incident.web.step.due", "at", v.endOf(*c.Due), "stage", c.StageName), v.T("incident.web.step.due.say", "to", v.to(p), "left", v.Left(*c.Due, v.now))})
		break
	}
	var outside []string
	for _, a := range v.away(full.Deliveries, full.Result, "") {
		if !slices.Contains(outside, a.Form) {
			outside = append(outside, a.Form)
		}
	}
	if len(outside) > 0 {
		out = append(out, receiptStep{v.T("incident.web.step.outside"), strings.Join(outside, v.T("incident.web.comma"))})
	}
	out = append(out, receiptStep{v.T("incident.web.step.logs"), v.T("incident.web.step.logs.say")})
	if full.Case.State == Open {
		out = append(out, receiptStep{v.T("incident.web.step.next"), v.T("incident.web.step.next.say")})
	}
	return out
}
