package dissect

import (
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// say shows what two sides say one after the other and returns the record.
func say(begin func(record.Facts) Stream, full bool, said ...utterance) *record.Record {
	c := &talk{proto: 6, said: said}
	p := newPlaying(c, record.NewNaming([32]byte{1}, full))
	p.rec.SrcPort, p.rec.DstPort = 50000, 80
	if begin != nil {
		p.stream, p.know = begin(p.facts), true
	}
	for i, u := range said {
		if u.lost > 0 {
			p.lost(u.side, u.lost)
		}
		p.data(u.side, int64(i), u.b)
	}
	if p.stream != nil {
		p.stream.End()
	}
	return &p.rec
}

// short is what is told of requests, one to a line.
func short(r *record.Record) string {
	var out []string
	for _, h := range r.HTTP {
		out = append(out, fmt.Sprintf("%s %s:%d %s %d %s %d,%d", h.Method, h.Host, h.Port, h.Path, h.Status, h.Type, h.Body[0], h.Body[1]))
	}
	return strings.Join(out, "\n")
}

func TestHTTPMessages(t *testing.T) {
	for _, c := range []struct {
		what string
		said []utterance
		want string
	}{
		{"pipelined, with lengths", []utterance{out("GET /a HTTP/1.1\r\nHost: h.test:8080\r\n\r\nPOST /login HTTP/1.1\r\nHost: h.test\r\nContent-Length: 5\r\n\r\nabcdeHEAD /b HTTP/1.1\r\nHost: h.test\r\n\r\n"),
			in("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/html; charset=x\r\n\r\nabcdHTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")},
			"GET h.test:8080 /a 200 html 0,4\nPOST h.test:0 /login 302  5,0\nHEAD h.test:0 /b 200  0,0"},
		{"chunks, extensions, trailers", []utterance{out("GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
			in("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 7\r\n\r\n3;a=b\r\nabc\r\n1A\r\n" + strings.Repeat("x", 26) + "\r\n0\r\nExpires: never\r\n\r\nHTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n")},
			"GET :0 / 200  0,29\nGET :0 /2 304  0,0"},
		{"interim answers", []utterance{out("PUT /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), in("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), out("abc"), in("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")},
			"PUT :0 /x 201  3,0"},
		{"up to the end", []utterance{out("GET /x HTTP/1.0\r\n\r\n"), in("HTTP/1.0 200 OK\r\nContent-Type: image/png\r\n\r\nabc"), in("HTTP/1.1 500 no\r\n")},
			"GET :0 /x 200 image 0,20"},
		{"through a proxy", []utterance{out("GET http://user:pass@h.test:81/p?q HTTP/1.1\r\nHost: front.test\r\n\r\n")}, "GET h.test:81 /p?{x} 0  0,0"},
		{"a request without a path", []utterance{out("GET http://h.test HTTP/1.1\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: [::1]:8\r\n\r\n")}, "GET h.test:0 / 0  0,0\nOPTIONS " + record.NewNaming([32]byte{1}, false).Host([]byte("::1")).String() + ":8 * 0  0,0"},
		{"answers without requests", []utterance{in("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")}, " :0  200  0,1\n :0  404  0,0"},
		{"HTTP/0.9", []utterance{out("GET /old\r\n"), in("<html>hello"), in("\n</html>")}, "GET :0 /old 0  0,19"},
		{"a tunnel", []utterance{out("CONNECT h.test:443 HTTP/1.1\r\nHost: other\r\n\r\n"), in("HTTP/1.1 200 Connection established\r\n\r\n"), out("GET /inner HTTP/1.1\r\nHost: in.test\r\n\r\n"), in("HTTP/1.1 204 x\r\n\r\n")},
			"CONNECT h.test:443  200  0,0\nGET in.test:0 /inner 204  0,0"},
		{"a tunnel refused", []utterance{out("CONNECT h.test:25 HTTP/1.1\r\n\r\n"), in("HTTP/1.1 403 no\r\nContent-Length: 2\r\n\r\nno"), out("GET /after HTTP/1.1\r\n\r\n"), in("HTTP/1.1 200 ok\r\nContent-Length: 0\r\n\r\n")},
			"CONNECT h.test:25  403  0,2\nGET :0 /after 200  0,0"},
		{"a web socket", []utterance{out("GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), in("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"), out("GET /no HTTP/1.1\r\n\r\n")}, "GET :0 /chat 101  0,0"},
		{"lengths that contradict", []utterance{out("POST /a HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nGET /b HTTP/1.1\r\n\r\n")}, "POST :0 /a 0  0,0\nGET :0 /b 0  0,0"},
		{"a length below zero", []utterance{out("GET / HTTP/1.1\r\n\r\n"), in("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n")}, "GET :0 / 200  0,22"},
		{"a chunk of 2^64", []utterance{out("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nGET /b HTTP/1.1\r\n\r\n")}, "POST :0 / 0  0,0\nGET :0 /b 0  0,0"},
		{"a folded coding", []utterance{out("POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n1\r\na\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n")}, "POST :0 / 0  1,0\nGET :0 /b 0  0,0"},
		{"a line too long", []utterance{out("GET /" + strings.Repeat("a", 20000) + " HTTP/1.1\r\nHost: h.test\r\n\r\n")}, "GET h.test:0 /{x} 0  0,0"},
		{"a gap among answers", []utterance{out("GET /a HTTP/1.1\r\n\r\n"), in("HTTP/1.1 200 OK\r\nX: y"), {side: record.In, lost: 50, b: []byte("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n")}}, "GET :0 /a 200  0,0\n :0  404  0,0"},
		{"bare line ends", []utterance{out("GET /a HTTP/1.1\nHost: h.test\n\n\r\nGET /b HTTP/1.1\n\n")}, "GET h.test:0 /a 0  0,0\nGET :0 /b 0  0,0"},
		{"turned around", []utterance{in("GET /a HTTP/1.1\r\n\r\n"), out("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")}, "GET :0 /a 200  0,2"},
	} {
		r := say(newHTTP, false, c.said...)
		// Made-up words of the template are beside the point here.
		got := strings.NewReplacer("/{x} ", "/x ", "/{x}?", "/p?", "/old ", "/x ").Replace(short(r))
		want := strings.NewReplacer("/{x} ", "/x ", "/a ", "/x ", "/b ", "/x ", "/2 ", "/x ", "/old ", "/x ", "/inner ", "/x ", "/after ", "/x ").Replace(c.want)
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.what, got, want)
		}
	}
}

// Requests of which no answer is seen must not grow without bound, and what is
// over the record's bound does not disturb the rest.
func TestHTTPManyRequests(t *testing.T) {
	many := strings.Repeat("GET / HTTP/1.1\r\n\r\n", 100)
	r := say(newHTTP, false, out(many), in(strings.Repeat("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 100)))
	if len(r.HTTP) != record.MaxHTTP || r.Cut != 100-record.MaxHTTP {
		t.Errorf("%d requests, %d cut", len(r.HTTP), r.Cut)
	}
	var said []utterance
	for range 100 {
		said = append(said, out("GET / HTTP/1.1\r\n\r\n"), in("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"))
	}
	r = say(newHTTP, false, said...)
	for i, h := range r.HTTP {
		if h.Status != 200 || h.Body[record.In] != 3 {
			t.Errorf("%d: %+v", i, h)
		}
	}
	if r.Cut != 100-record.MaxHTTP {
		t.Errorf("%d cut", r.Cut)
	}
}

// Tunnels inside tunnels end somewhere: each would cost a level of the stack.
func TestTunnelsInTunnels(t *testing.T) {
	levels := func(s Stream) (n int) {
		for {
			switch within := s.(type) {
			case *httpStream:
				s = within.inner
			case *socksStream:
				s = within.inner
			case *tunnel:
				s = within.begun
			default:
				return n
			}
			n++
		}
	}
	for what, c := range map[string]struct{ ask, answer string }{
		"CONNECT": {"CONNECT h:80 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 ok\r\n\r\n"}, "SOCKS": {"\x05\x01\x00\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50", "\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"},
	} {
		p := newPlaying(&talk{proto: 6}, record.NewNaming([32]byte{1}, false))
		for range 50 {
			p.data(record.Out, 1, []byte(c.ask))
			p.data(record.In, 1, []byte(c.answer))
		}
		if n := levels(p.stream); n < 3 || n > 2*maxNesting+1 {
			t.Errorf("%s: %d levels", what, n)
		}
	}
}

func TestMedia(t *testing.T) {
	for in, want := range map[string]record.Media{"text/html": record.HTML, "TEXT/HTML;charset=utf-8": record.HTML, "application/vnd.api+json": record.JSON,
		"image/svg+xml": record.Image, "application/atom+xml": record.XML, "application/x-msdownload": record.Executable, "x": record.OtherMedia, "": record.NoMedia,
		"application/octet-stream": record.Binary, "text/plain": record.Text} {
		if got := media([]byte(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func BenchmarkHTTP(b *testing.B) {
	ask := []byte("GET /index.html?x=1 HTTP/1.1\r\nHost: www.example.co.jp\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36\r\nAccept: */*\r\nAccept-Language: ja\r\nCookie: a=b; c=d\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: x\r\nContent-Type: text/html\r\nContent-Length: 100000\r\nConnection: keep-alive\r\n\r\n")
	r, f := httpFacts(false)
	s := newHTTP(f)
	b.ReportAllocs()
	b.SetBytes(int64(len(ask) + len(answer)))
	for b.Loop() {
		r.HTTP = r.HTTP[:0]
		s.Data(record.Out, 1, ask)
		s.Data(record.In, 2, answer)
	}
	if len(r.HTTP) != 1 || r.HTTP[0].Status != 200 {
		b.Fatalf("%+v", r.HTTP)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
