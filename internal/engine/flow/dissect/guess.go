package dissect

import "noroshi/internal/engine/flow/record"

// Start finds the protocol of a TCP connection from the first bytes of one
// side and its ports, and begins to follow it. It returns nil and false when it
// cannot tell yet: ask again with the same bytes and what followed them, at
// most Window bytes. With true App is set to what content or ports say; where
// nothing here reads that, the Stream looks whether TLS begins later on.
func Start(side int, b []byte, f record.Facts) (s Stream, ok bool) {
	for i := range probes {
		p := &probes[i]
		switch p.match(side, b, f.Record) {
		case unsure:
			return nil, false
		case yes:
			f.App = p.app
			if p.begin == nil {
				return newClear(f), true // TLS may begin in the middle
			}
			return p.begin(f), true
		}
	}
	if side == record.In && len(b) < maxBanner {
		return nil, false // the side that asks may say it better
	}
	f.App = ByPort(f.Record)
	return newClear(f), true
}

// maxBanner is how many bytes the side that was spoken to may say that tell
// nothing before the ports decide.
const maxBanner = 512

// verdict is what the first bytes say of a protocol. It never turns back: with
// more bytes unsure becomes yes or no, and these stay.
type verdict uint8

const (
	no verdict = iota
	unsure
	yes
)

// probe is how a protocol on TCP is known and how it is begun; begin is nil
// where only its name is of interest, and the TLS it may go on with.
type probe struct {
	app   record.App
	match func(side int, b []byte, r *record.Record) verdict
	begin func(f record.Facts) Stream
}

// State is what the datagrams of one communication leave for the next ones. Its
// zero value is ready.
type State struct {
	tried    uint8 // datagrams that told nothing
	media    [2]mediaSeen
	dns      questions
	quic     *quicState
	dtls     dtlsState
	kerberos *kerberos
	cldap    *ldap
}

// maxTries is how many datagrams may tell nothing before the ports decide.
const maxTries = 4

// Datagram reads one UDP payload of a communication, seen from side, at the
// time in ns. What has to wait for another datagram (a question for its answer,
// a client hello over several packets) is kept in the State, which is the
// communication's own.
func Datagram(side int, at int64, b []byte, f record.Facts, st *State) {
	if len(b) == 0 {
		return
	}
	if f.App == record.NoApp {
		if st.tried == maxTries {
			return
		}
		if f.App = datagramApp(b, f.Record); f.App == record.NoApp && st.media[side].follows(b) {
			f.App = record.RTP
		}
		if f.App == record.NoApp {
			if st.tried++; st.tried == maxTries {
				f.App = ByPort(f.Record)
			}
			return
		}
	}
	switch f.App {
	case record.DNSApp, record.MDNS, record.LLMNR, record.NBNS:
		dnsMessage(&st.dns, at, b, len(b), f)
	case record.QUICApp:
		if st.quic == nil {
			st.quic = new(quicState)
		}
		st.quic.datagram(side, at, b, f)
	case record.TLSApp:
		st.dtls.datagram(side, at, b, f)
	case record.STUNApp, record.RTP: // WebRTC shares one pair of ports
		if isDTLS(b) {
			st.dtls.datagram(side, at, b, f)
		}
	case record.RDPApp, record.OpenVPN:
		st.dtls.inside(b, f)
	case record.KerberosApp:
		if st.kerberos == nil {
			st.kerberos = &kerberos{f: f}
		}
		st.kerberos.message(b)
	case record.CLDAP:
		if st.cldap == nil {
			st.cldap = &ldap{f: f}
		}
		st.cldap.message(b)
	case record.DNP3:
		dnp3Datagram(b, f)
	case record.SSDP:
		ssdpDatagram(side, at, b, f)
	}
}

// End tells that the communication is over, or that its record is written out
// before it is: what was waiting is settled and forgotten.
func (st *State) End() {
	if st.quic != nil {
		st.quic.end()
	}
	st.dtls.end()
	if st.kerberos != nil {
		st.kerberos.settle()
	}
	if st.cldap != nil {
		st.cldap.settle()
	}
	*st = State{}
}
