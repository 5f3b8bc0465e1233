package httpd

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/text"
)

// Names of the cookies that remember a choice. They identify nobody.
const (
	langCookie  = "noroshi_lang"
	themeCookie = "noroshi_theme"
)

const choiceAge = 400 * 24 * time.Hour // what browsers grant at most

// chosen reports whether the person chose the language of this request, so
// that the setting of their account does not overrule it.
func chosen(req *http.Request) bool {
	if isAPI(req) {
		return req.Header.Get("Accept-Language") != ""
	}
	if _, ok := text.ParseLang(query(req, "lang")); ok {
		return true
	}
	_, err := req.Cookie(langCookie)
	return err == nil
}

// language returns the language of a request: ?lang=, the cookie, what the
// client accepts; Japanese when none is known. The API knows only the last:
// a program says what it wants each time.
func (r *Router) language(w http.ResponseWriter, req *http.Request) text.Lang {
	if !isAPI(req) {
		if l, ok := text.ParseLang(query(req, "lang")); ok {
			http.SetCookie(w, r.cookie(langCookie, string(l), choiceAge))
			return l
		}
		if c, err := req.Cookie(langCookie); err == nil {
			if l, ok := text.ParseLang(c.Value); ok {
				return l
			}
		}
	}
	return accepted(req.Header.Get("Accept-Language"))
}

// accepted picks the language of an Accept-Language field (RFC 9110, 12.5.4):
// the highest quality wins, the first of equals.
func accepted(field string) text.Lang {
	best, lang := 0.0, text.JA
	for i, part := range strings.Split(field, ",") {
		if i == 32 {
			break
		}
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if s, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(s, 64); err != nil {
				continue
			}
		}
		if l, ok := text.ParseLang(strings.TrimSpace(tag)); ok && q > best {
			best, lang = q, l
		}
	}
	return lang
}

func isAPI(req *http.Request) bool { return strings.HasPrefix(req.URL.Path, "/api/") }

// query returns a query parameter without keeping the rest; a broken query
// has no parameters.
func query(req *http.Request, name string) string {
	if req.URL.RawQuery == "" {
		return ""
	}
	q, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return ""
	}
	return q.Get(name)
}

// cookie returns a cookie that only this site's own requests carry and no
// script reads. An age of 0 lasts until the browser closes, a negative one
// deletes.
func (r *Router) cookie(name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, Secure: r.opt.Secure, SameSite: http.SameSiteLaxMode}
	switch {
	case age > 0:
		c.MaxAge = int(age / time.Second)
	case age < 0:
		c.MaxAge = -1
	}
	return c
}

// LocalPath returns s when it is a path on this site that is safe to go to
// after sign-in, and "/" otherwise: no other host, no scheme, no backslash
// that a browser would take for a slash, no control characters.
func LocalPath(s string) string {
	if len(s) > 2000 || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\") {
		return "/"
	}
	for _, c := range s {
		if c < 0x20 || c == 0x7f {
			return "/"
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	return s
}

func signInPath(next string) string {
	if next = LocalPath(next); next == "/" {
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(next)
}
