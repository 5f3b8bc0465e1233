package dissect

// staticFields is the static table of HPACK, from index 1 (RFC 7541 Appendix
// A). Values stand only where the field is read.
var staticFields = [61]struct {
	name, value string
	means       h2Name
}{
	{":authority", "", h2Authority}, {":method", "GET", h2Method}, {":method", "POST", h2Method}, {":path", "/", h2Path},
	{":path", "/index.html", h2Path}, {":scheme", "", 0}, {":scheme", "", 0}, {":status", "200", h2Status}, {":status", "204", h2Status},
	{":status", "206", h2Status}, {":status", "304", h2Status}, {":status", "400", h2Status}, {":status", "404", h2Status},
	{":status", "500", h2Status}, {"accept-charset", "", 0}, {"accept-encoding", "", 0}, {"accept-language", "", 0},
	{"accept-ranges", "", 0}, {"accept", "", 0}, {"access-control-allow-origin", "", 0}, {"age", "", 0}, {"allow", "", 0},
	{"authorization", "", 0}, {"cache-control", "", 0}, {"content-disposition", "", 0}, {"content-encoding", "", 0},
	{"content-language", "", 0}, {"content-length", "", 0}, {"content-location", "", 0}, {"content-range", "", 0},
	{"content-type", "", h2Type}, {"cookie", "", 0}, {"date", "", 0}, {"etag", "", 0}, {"expect", "", 0}, {"expires", "", 0},
	{"from", "", 0}, {"host", "", h2Host}, {"if-match", "", 0}, {"if-modified-since", "", 0}, {"if-none-match", "", 0},
	{"if-range", "", 0}, {"if-unmodified-since", "", 0}, {"last-modified", "", 0}, {"link", "", 0}, {"location", "", 0},
	{"max-forwards", "", 0}, {"proxy-authenticate", "", 0}, {"proxy-authorization", "", 0}, {"range", "", 0}, {"referer", "", 0},
	{"refresh", "", 0}, {"retry-after", "", 0}, {"server", "", h2Server}, {"set-cookie", "", 0}, {"strict-transport-security", "", 0},
	{"transfer-encoding", "", 0}, {"user-agent", "", h2Agent}, {"vary", "", 0}, {"via", "", 0}, {"www-authenticate", "", 0},
}

// h2NameOf finds a field that is read by its name, which is in lower case
// (RFC 9113 §8.2.1).
func h2NameOf(b []byte) h2Name {
	for i := range staticFields {
		if f := &staticFields[i]; f.means != h2Other && string(b) == f.name {
			return f.means
		}
	}
	return h2Other
}
