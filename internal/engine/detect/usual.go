package detect

import (
	"strings"

	"noroshi/internal/engine/flow/record"
)

// usualNames are registered names, or the ends of them, that machines speak with on
// their own in a steady beat: updates, clocks, checks whether there is a
// network, messages that wait to be pushed, telemetry. Speaking with them is
// expected, not proven harmless: the score is halved, not taken away.
var usualNames = strings.Fields(`.microsoft.com .windowsupdate.com .windows.com .office.com .office365.com .live.com .msftconnecttest.com .msftncsi.com .azure.com .skype.com .msn.com .bing.com
.microsoftonline.com .office.net .digicert.com .verisign.com .globalsign.com .lencr.org .letsencrypt.org .sectigo.com .usertrust.com .entrust.net .symcd.com .symcb.com .comodoca.com .identrust.com .amazontrust.com
.apple.com .icloud.com .mzstatic.com .google.com .googleapis.com .gstatic.com .gvt1.com .gvt2.com .android.com .firefox.com .mozilla.com .mozilla.org .mozilla.net
.ubuntu.com .debian.org .centos.org .fedoraproject.org .redhat.com .suse.com .docker.com .docker.io .snapcraft.io .canonical.com .archlinux.org .kernel.org
.adobe.com .java.com .oracle.com .vmware.com .hp.com .dell.com .lenovo.com .epson.com .canon.com .cisco.com .fortinet.com .fortiguard.com .paloaltonetworks.com .sophos.com
.trendmicro.com .trendmicro.co.jp .symantec.com .mcafee.com .eset.com .kaspersky.com .avast.com .avg.com .crowdstrike.com .sentinelone.net .bitdefender.com .nict.jp .ntp.org .jst.mfeed.ad.jp`)

// usualSet holds the same for looking up by registered name.
var usualSet = func() map[string]struct{} {
	m := make(map[string]struct{}, len(usualNames))
	for _, u := range usualNames {
		m[registered(u[1:])] = struct{}{}
	}
	return m
}()

// isUsual reports whether a name is of a service that machines speak with on
// their own.
func isUsual(name string) bool {
	if name == "" {
		return false
	}
	_, ok := usualSet[registered(name)]
	return ok
}

// led is a registered name and an address that a DNS answer gave for it.
type led struct {
	At int64 // ns, of the first
}

// lead keeps that an answer gave an address for a name. Who answers for itself
// is no resolver. A list of addresses that is as long as a record holds may have
// gone on: others of the same network are taken for its rest.
func (d *Detector) lead(f *flow, q *record.DNS, at ip, name *called) {
	if at == f.dst {
		return
	}
	d.state.Leads = true
	if l, fresh := d.state.Led.at(mix(name.own, at.hash(d.state.Seed))); fresh {
		l.At = f.Start
	}
	if q.Addrs[record.MaxAddr-1].IsValid() {
		around := at.around()
		if l, fresh := d.state.Led.at(mix(name.own, around.hash(d.state.Seed))); fresh {
			l.At = f.Start
		}
	}
}

// around is the network of an address, /24 or /48, as an address that no machine
// has.
func (a ip) around() ip {
	if a.addr().Is4() {
		a[15] = 0
	} else {
		clear(a[6:])
	}
	a[0] ^= 0xff
	return a
}

// led reports whether a name belongs to an address as far as one can know: an
// answer of DNS gave it, or no answers were seen at all. A client says whatever
// name it likes.
func (d *Detector) led(name string, dst ip) bool {
	s := &d.state
	if !s.Leads {
		return true
	}
	h := hashText(registered(name), s.Seed)
	if s.Led.find(mix(h, dst.hash(s.Seed))) != nil {
		return true
	}
	around := dst.around()
	return s.Led.find(mix(h, around.hash(s.Seed))) != nil
}

// usual reports whether a name is of a usual service and belongs to the address:
// an answer of DNS led there, or so many machines go there that it is part of the
// house, who may have been told before what was seen began.
func (d *Detector) usual(name string, dst ip) bool {
	return isUsual(name) && (d.led(name, dst) || d.common(dst))
}

// common reports whether many of one's own machines speak with a place.
func (d *Detector) common(dst ip) bool {
	p := d.state.Outside.find(dst.hash(d.state.Seed))
	return p != nil && d.share(p.Homes) >= commonShare
}

// unasked says of a finding that it goes by the name of a usual service at an
// address that nobody was told for it.
func (d *Detector) unasked(f *Finding, dst ip) {
	if isUsual(f.Name) && !d.usual(f.Name, dst) {
		f.Parts = append(f.Parts, Part{"not_looked_up", 1})
		f.fact("not_looked_up", true)
	}
}
