package httpd

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

func TestErrorPagesInBothLanguages(t *testing.T) {
	h := newHub(t)
	errs := map[string]error{
		"held":  fault.New(fault.Refused, "gate.role", "verb", "x.y"),
		"lost":  fault.New(fault.NotFound, "gate.role", "verb", "incident/42"),
		"form":  ErrChanged,
		"bug":   fmt.Errorf("disk /secret/path is on fire"),
		"rate":  fault.New(fault.Busy, "httpd.rate", "wait", 90*time.Second),
		"token": ErrCredential,
	}
	h.Page("GET /fail/{what}", func(q *Request) error { return errs[q.Path("what")] }, Public)
	for _, tc := range []struct {
		what   string
		status int
		ja, en string
	}{
		{"held", 403, "この操作は記録しました", "this attempt was recorded"},
		{"lost", 404, "または、見られないものです", "or it is not open to you"},
		{"form", 409, "ほかの人が先に直しました", "Someone else changed this first"},
		{"bug", 500, "処理できませんでした", "This could not be done"},
		{"rate", 429, "1分30秒たってから", "try again in 1 min 30 s"},
		{"token", 401, "サインインする", "Sign in"},
	} {
		for _, lang := range text.Langs {
			res := h.ask("GET", "/fail/"+tc.what, "", "Accept-Language", string(lang)+", fr;q=0.5", "Accept", "text/html")
			body, want := read(t, res), tc.ja
			if lang == text.EN {
				want = tc.en
			}
			if res.StatusCode != tc.status || !strings.Contains(body, want) || res.Header.Get("Content-Language") != string(lang) {
				t.Errorf("%s in %s: %d, want %d with %q:\n%s", tc.what, lang, res.StatusCode, tc.status, want, body)
			}
			if !strings.Contains(body, res.Header.Get("X-Request-Id")) {
				t.Errorf("%s: the page does not name the request", tc.what)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "incident/42") || strings.Contains(body, `lang="`+string(lang)+`"`) == false {
				t.Errorf("%s in %s tells too much or too little:\n%s", tc.what, lang, body)
			}
		}
	}
	if res := h.ask("GET", "/fail/held", "", "Accept", "text/html"); !strings.Contains(read(t, res), "<code>gate.role</code>") {
		t.Error("a refusal does not name its rule")
	}
}

// What is not there and what is not yours look alike, to the byte.
func TestNotFoundAndNotAllowedAreAlike(t *testing.T) {
	h := newHub(t)
	h.Page("GET /case/{id}", func(q *Request) error { return fault.New(fault.NotFound, "gate.role", "verb", q.Path("id")) })
	bodies := map[string]bool{}
	for _, target := range []string{"/case/1", "/case/2", "/caze/1"} {
		res := h.ask("GET", target, "", "session", "sakura")
		s := read(t, res)
		s = strings.ReplaceAll(s, res.Header.Get("X-Request-Id"), "ID")
		s = strings.ReplaceAll(s, target, "PATH")
		bodies[s] = true
		if res.StatusCode != 404 {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
	}
	if len(bodies) != 1 {
		t.Errorf("%d different pages: %v", len(bodies), bodies)
	}
}

func TestStrangersGoToSignIn(t *testing.T) {
	h := newHub(t)
	h.Page("GET /report/{id}", func(q *Request) error { return q.JSON(q.Who.Person) })
	h.Page("POST /report/{id}", func(q *Request) error { return q.Redirect("/report/1") })
	h.Page("GET /open", func(q *Request) error { return q.JSON(q.Signed) }, Public)
	res := h.ask("GET", "/report/7?tab=a&b=c", "")
	if got, want := res.Header.Get("Location"), "/sign-in?next=%2Freport%2F7%3Ftab%3Da%26b%3Dc"; res.StatusCode != 303 || got != want {
		t.Errorf("%d to %q, want %q", res.StatusCode, got, want)
	}
	if res := h.ask("GET", "/report/7", "", "session", "ended"); res.StatusCode != 303 {
		t.Errorf("ended session: %d", res.StatusCode)
	}
	if res := h.ask("POST", "/report/7", ""); res.StatusCode != 401 || !strings.Contains(read(t, res), `href="/sign-in"`) {
		t.Errorf("post: %d", res.StatusCode)
	}
	if res := h.ask("GET", "/report/7", "", "session", "sakura"); read(t, res) != "\"p1\"\n" {
		t.Error("a session does not reach the page")
	}
	if res := h.ask("POST", "/report/7", "", "session", "sakura"); res.StatusCode != 303 || res.Header.Get("Location") != "/report/1" {
		t.Errorf("redirect after post: %d %v", res.StatusCode, res.Header)
	}
	if res := h.ask("GET", "/open", ""); read(t, res) != "false\n" {
		t.Error("a public page is closed")
	}
}

func TestCrossOriginFormsAreRefused(t *testing.T) {
	h := newHub(t, func(o *Options) { o.BaseURL = "https://hub.example" })
	done := 0
	h.Page("POST /act", func(q *Request) error { done++; return q.Redirect("/") })
	for _, tc := range []struct {
		name   string
		pairs  []string
		status int
	}{
		{"own page", []string{"Sec-Fetch-Site", "same-origin"}, 303},
		{"no browser", nil, 303},
		{"typed address", []string{"Sec-Fetch-Site", "none"}, 303},
		{"our name behind a proxy", []string{"Origin", "https://hub.example", "Sec-Fetch-Site", "cross-site"}, 303},
		{"other site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"sibling", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"old browser, other site", []string{"Origin", "https://evil.example"}, 403},
		{"null origin", []string{"Origin", "null"}, 403},
	} {
		before := done
		res := h.ask("POST", "/act", "a=b", append([]string{"session", "sakura", "Content-Type", "application/x-www-form-urlencoded"}, tc.pairs...)...)
		if res.StatusCode != tc.status || (done > before) != (tc.status == 303) {
			t.Errorf("%s: %d, want %d; acted: %v", tc.name, res.StatusCode, tc.status, done > before)
		}
	}
}

func form(t *testing.T, fields map[string]string, files map[string][]byte) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, content := range files {
		p, err := w.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestForms(t *testing.T) {
	h := newHub(t)
	var got string
	h.Page("POST /form", func(q *Request) error {
		got = fmt.Sprint(q.Form("name"), "|", q.Raw("name"), "|", q.Forms()["zone"], "|", q.Next("/else"))
		if f := q.File("file"); f != nil {
			raw, err := io.ReadAll(f.Reader())
			if err != nil {
				return err
			}
			got += fmt.Sprintf("|%s %d %d", f.Name, f.Size, len(raw))
		}
		return q.Redirect("/done")
	}, Public, MaxBody(4<<20))
	const encoded = "application/x-www-form-urlencoded"
	multi, multiType := form(t, map[string]string{"name": " 佐倉 ", "next": "/a?b"}, map[string][]byte{`C:\x\..\list.xlsx`: []byte("abc")})
	big, bigType := form(t, map[string]string{"name": "n"}, map[string][]byte{"big.csv": bytes.Repeat([]byte("x"), 3<<20)})
	over, overType := form(t, nil, map[string][]byte{"over.csv": bytes.Repeat([]byte("x"), 5<<20)})
	wide, wideType := form(t, map[string]string{"name": strings.Repeat("x", 2<<20)}, nil)
	none, noneType := form(t, nil, map[string][]byte{"": nil})
	for _, tc := range []struct {
		name, body, ct string
		status         int
		got            string
	}{
		{"fields", "name=+a+&zone=x&zone=y&next=//evil.example", encoded, 303, "a| a |[x y]|/else"},
		{"file", multi, multiType, 303, "佐倉| 佐倉 |[]|/a?b|list.xlsx 3 3"},
		{"file on disk", big, bigType, 303, "n|n|[]|/else|big.csv 3145728 3145728"},
		{"no file chosen", none, noneType, 303, "||[]|/else"},
		{"body over the limit", over, overType, 413, ""},
		{"fields over the limit", wide, wideType, 413, ""},
		{"encoded over the limit", "a=" + strings.Repeat("x", 2<<20), encoded, 413, ""},
		{"too many fields", strings.Repeat("a=b&", maxFields+1), encoded, 400, ""},
		{"bad escape", "a=%zz", encoded, 400, ""},
		{"not UTF-8", "a=%ff", encoded, 400, ""},
		{"null byte", "a=%00", encoded, 400, ""},
		{"cut", multi[:len(multi)/2], multiType, 408, ""},
		{"no boundary", multi, "multipart/form-data", 400, ""},
		{"other type", "{}", "text/plain", 415, ""},
	} {
		got = ""
		res := h.ask("POST", "/form", tc.body, "Content-Type", tc.ct)
		if res.StatusCode != tc.status || got != tc.got {
			t.Errorf("%s: %d %q, want %d %q", tc.name, res.StatusCode, got, tc.status, tc.got)
		}
	}
}

func TestUnknownLengthIsBoundedToo(t *testing.T) {
	h := newHub(t)
	h.things()
	h.Page("POST /form", func(q *Request) error { return q.Redirect("/") }, Public, MaxBody(1000))
	for target, ct := range map[string]string{"/form": "application/x-www-form-urlencoded", "/api/v1/things": "application/json"} {
		req := newStream(t, target, `{"name":"`+strings.Repeat("x", DefaultBody+10)+`"}`)
		req.Header.Set("Content-Type", ct)
		req.Header.Set("Authorization", "Bearer good")
		res := h.send(req)
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d %s", target, res.StatusCode, read(t, res))
		}
	}
}

func TestMistakesInAFormKeepTheStatus(t *testing.T) {
	h := newHub(t)
	h.Page("POST /form", func(q *Request) error {
		err := ErrInput.At(fault.Place{At: "name", Code: "httpd.field.missing"})
		return q.Render("httpd/error", q.Shell("x").Fail(err, q.Forms()), errorPage{Title: "x"})
	}, Public)
	res := h.ask("POST", "/form", "name=", "Content-Type", "application/x-www-form-urlencoded")
	if body := read(t, res); res.StatusCode != 422 || !strings.Contains(body, "ここを書いてください") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if !strings.Contains(h.log.String(), `"code":"httpd.input"`) {
		t.Errorf("log: %s", h.log)
	}
}

func TestLanguageAndTheme(t *testing.T) {
	h := newHub(t)
	h.Page("GET /x", func(q *Request) error { return q.JSON([]string{string(q.Lang), q.Shell("x").Theme}) }, Public)
	for _, tc := range []struct{ target, accept, cookie, want string }{
		{"/x", "", "", "ja"},
		{"/x", "fr, en-GB;q=0.8, ja;q=0.7", "", "en"},
		{"/x", "en;q=0.1, ja;q=0.2", "", "ja"},
		{"/x", "en;q=x", "", "ja"},
		{"/x?lang=en", "ja", "", "en"},
		{"/x?lang=xx", "en", "", "en"},
		{"/x", "ja", "noroshi_lang=en", "en"},
		{"/x?lang=ja", "en", "noroshi_lang=en", "ja"},
	} {
		pairs := []string{"Accept-Language", tc.accept}
		if tc.cookie != "" {
			pairs = append(pairs, "Cookie", tc.cookie)
		}
		if got, want := read(t, h.ask("GET", tc.target, "", pairs...)), `["`+tc.want+`",""]`+"\n"; got != want {
			t.Errorf("%+v: %s", tc, got)
		}
	}
	if res := h.ask("GET", "/x?lang=en", ""); !strings.Contains(res.Header.Get("Set-Cookie"), "noroshi_lang=en") {
		t.Errorf("%v", res.Header)
	}
	const encoded = "application/x-www-form-urlencoded"
	if res := h.ask("POST", "/theme", "theme=dark&next=/x?a=b", "Content-Type", encoded); res.Header.Get("Location") != "/x?a=b" || !strings.Contains(res.Header.Get("Set-Cookie"), "noroshi_theme=dark") {
		t.Errorf("%v", res.Header)
	}
	if res := h.ask("POST", "/theme", "theme=pink&next=https://evil.example", "Content-Type", encoded); res.Header.Get("Location") != "/" || !strings.Contains(res.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("%v", res.Header)
	}
	if got := read(t, h.ask("GET", "/x", "", "Cookie", "noroshi_theme=dark")); got != `["ja","dark"]`+"\n" {
		t.Error(got)
	}
}

func TestSessionCookie(t *testing.T) {
	for secure, want := range map[bool]string{
		true:  "__Host-noroshi=abc; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax",
		false: "noroshi=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
	} {
		h := newHub(t, func(o *Options) { o.Secure = secure })
		h.Page("POST /in", func(q *Request) error { q.SignIn("abc", time.Minute); return q.Redirect("/") }, Public)
		h.Page("POST /out", func(q *Request) error { q.SignOut(); return q.Redirect("/") }, Public)
		if got := h.ask("POST", "/in", "").Header.Get("Set-Cookie"); got != want {
			t.Errorf("secure %v: %s", secure, got)
		}
		if got := h.ask("POST", "/out", "").Header.Get("Set-Cookie"); !strings.Contains(got, "Max-Age=0") {
			t.Errorf("sign out: %s", got)
		}
	}
	h := newHub(t, func(o *Options) { o.Secure = true })
	h.Page("GET /x", func(q *Request) error { return q.JSON(q.Signed) }, Public)
	if got := read(t, h.ask("GET", "/x", "", "Cookie", "noroshi=sakura")); got != "false\n" {
		t.Error("over TLS the unprotected cookie counts")
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{
		"/a/b?c=d#e": "/a/b?c=d#e", "/": "/", "": "/", "a": "/", "//evil.example": "/", `/\evil.example`: "/", `\\evil`: "/", "https://evil.example": "/",
		"javascript:alert(1)": "/", "/a\nb": "/", "/a\x00": "/", "/%2f%2fevil.example": "/", "/ok//x": "/ok//x", "/" + strings.Repeat("a", 3000): "/",
	} {
		if got := LocalPath(in); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", in, got, want)
		}
	}
	h := newHub(t)
	h.Page("POST /go", func(q *Request) error { return q.Redirect("https://evil.example/") }, Public)
	if res := h.ask("POST", "/go", ""); res.StatusCode != 500 || res.Header.Get("Location") != "" {
		t.Errorf("a redirect to elsewhere: %d %v", res.StatusCode, res.Header)
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "//a", `/\a`, "/a?b#c", "/%2f%2f", "/a b", "/\u2028", "/;@evil"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := LocalPath(s)
		if !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\x00\t") {
			t.Errorf("LocalPath(%q) = %q", s, got)
		}
	})
}

func TestDownloadNames(t *testing.T) {
	h := newHub(t)
	h.Page("GET /file", func(q *Request) error {
		return q.Download("届出 \"1\";\r\nx.csv", "text/csv; charset=utf-8", strings.NewReader("a,b"))
	}, Public)
	res := h.ask("GET", "/file", "")
	if got, want := res.Header.Get("Content-Disposition"), `attachment; filename="__ _1_;__x.csv"; filename*=UTF-8''%E5%B1%8A%E5%87%BA%20%221%22%3B%0D%0Ax.csv`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	h := newHub(t)
	for _, a := range h.opt.Pages.Assets() {
		res := h.ask("GET", a.Path, "")
		if body := read(t, res); res.Header.Get("Cache-Control") != Immutable || body != string(a.Body) || res.Header.Get("Content-Type") != a.Type {
			t.Errorf("%s: %v", a.Path, res.Header)
		}
		if res := h.ask("GET", a.Path, "", "Accept-Encoding", "gzip"); res.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not compressed", a.Path)
		}
	}
	if res := h.ask("GET", page.AssetPath+"none.css", ""); res.StatusCode != 404 || res.Header.Get("Cache-Control") != Fresh {
		t.Errorf("absent asset: %d %v", res.StatusCode, res.Header)
	}
}

func FuzzForm(f *testing.F) {
	f.Add("a=b&c=%20", "application/x-www-form-urlencoded")
	f.Add("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n", "multipart/form-data; boundary=x")
	f.Add("--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nb\r\n--x--\r\n", "multipart/form-data; boundary=x")
	f.Add("--x\r\n", "multipart/form-data; boundary=x")
	f.Add("a", "multipart/form-data")
	cat, err := text.Load(Words, page.Words, gate.Words, cli.Words)
	if err != nil {
		f.Fatal(err)
	}
	r := New(Options{Words: cat})
	r.Page("POST /f", func(q *Request) error {
		for _, list := range q.Forms() {
			for _, s := range list {
				if !utf8.ValidString(s) {
					return fmt.Errorf("not text: %q", s)
				}
			}
		}
		for _, p := range q.Files() {
			if n, err := io.Copy(io.Discard, p.Reader()); err != nil || n != p.Size {
				return fmt.Errorf("file of %d bytes gives %d: %v", p.Size, n, err)
			}
		}
		return q.JSON(1)
	}, Public)
	f.Fuzz(func(t *testing.T, body, ct string) {
		req := httptest.NewRequest("POST", "/f", strings.NewReader(body))
		req.Header.Set("Content-Type", ct)
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code == 500 {
			t.Errorf("%q of %q: %s", body, ct, w.Body)
		}
	})
}

func FuzzAcceptLanguage(f *testing.F) {
	for _, s := range []string{"", "ja", "en-GB,en;q=0.9,ja;q=0.8", "*", "en;q=", ";;;,,,", "en;q=NaN", "en;q=Inf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if l := accepted(s); l != text.JA && l != text.EN {
			t.Errorf("%q: %q", s, l)
		}
	})
}
