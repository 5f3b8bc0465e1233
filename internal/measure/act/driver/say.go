package driver

import "strconv"

// Ported are the protocols whose header has a destination port, by their IANA
// number.
var Ported = map[uint8]string{6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}

// Packets says which packets a rule is about, as a person reads it in a refusal.
func (r Rule) Packets() string {
	s := ""
	if r.From.IsValid() {
		s += r.From.String() + " → "
	}
	if r.To.IsValid() {
		s += r.To.String()
	} else {
		s += "*"
	}
	if r.Proto != 0 {
		name := Ported[r.Proto]
		if name == "" {
			name = "protocol " + strconv.Itoa(int(r.Proto))
		}
		s += " " + name
	}
	if r.Port != 0 {
		s += " " + strconv.Itoa(int(r.Port))
	}
	return s
}
