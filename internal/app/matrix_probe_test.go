package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// Laws that are more than one sentence.

// onlyHubThere: the hub's administrator, of an organisation that is there.
func onlyHubThere(c *citizen, x *thing) class {
	if !c.hub() {
		return refused
	}
	return either(!x.none)
}

// tieAnswer: the organisation a tie was declared to, through somebody who
// speaks for it; the tie must still wait.
func tieAnswer(c *citizen, x *thing) class {
	if !settles(c) {
		return refused
	}
	return either(c.isSent(x) && x.sub["state"] != "confirmed")
}

// tieEnd: either side. What waits for an answer is its customer's alone to
// take back.
func tieEnd(c *citizen, x *thing) class {
	if !settles(c) {
		return refused
	}
	if x.sub["state"] == "confirmed" {
		return either(c.isOwn(x) || c.isSent(x))
	}
	if c.isSent(x) {
		return anyOf // it may, or may not yet: both are its own to know
	}
	return either(c.isOwn(x))
}

// ownTokenOrHub: the holder, or the hub's administrator.
func ownTokenOrHub(c *citizen, x *thing) class {
	return either(!x.none && (x.person == c.name || c.hub()))
}

// ownFiles: the reporter's own list; a recipient is told to name a purpose,
// whatever it asks for.
func ownFiles(c *citizen, x *thing) class {
	if c.receives() {
		return through
	}
	return reading(c, x)
}

// formReading: a recipient gets the statute's form when that was sent to it.
func formReading(c *citizen, x *thing) class {
	if c.receives() && c.isSent(x) && !c.notified() {
		return anyOf // the form of another regime
	}
	return reading(c, x)
}

// reportProof: the reporter's proof of a submission; a recipient finds only
// those of its own stamps.
func reportProof(c *citizen, x *thing) class {
	if c.receives() {
		return hidden
	}
	return reading(c, x)
}

// requestReading: the ministry that asked for supervision.
func requestReading(c *citizen, x *thing) class {
	if got := deskReading(c, x); got != through {
		return got
	}
	return either(x.asked == c.org)
}

// formOf: a form is for those who may hand it in; others are refused, or find
// none, and learn nothing of the case by it.
func formOf(some func(c *citizen) bool, read func(c *citizen, x *thing) class) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		got := read(c, x)
		if !some(c) {
			return noForm
		}
		return got
	}
}

func delays(c *citizen) bool {
	return c.any(gate.PoliceOfficer, gate.OfficeClerk, gate.MinistrySuper)
}

// anyOf is where both being let through and not finding it is right.
const anyOf class = "let through or not there"

// noForm is where both refusing and not finding it is right.
const noForm class = "refused or not there"

// ---- what is sent, where it is more than a line ----

type rawBody string

func raw(s string) func(*nation, *citizen, *thing) any {
	return func(*nation, *citizen, *thing) any { return rawBody(s) }
}

type multi struct {
	body []byte
	kind string
}

func multipartOf(field, name, content string, pairs ...string) multi {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = w.WriteField(pairs[i], pairs[i+1])
	}
	p, _ := w.CreateFormFile(field, name)
	_, _ = p.Write([]byte(content))
	_ = w.Close()
	return multi{b.Bytes(), w.FormDataContentType()}
}

func upload(*nation, *citizen, *thing) any { return multipartOf("file", "a.txt", "a line of a log") }

// submission is a follow-up that continues no case: the same conflict for
// everybody who may submit at all.
func submission(n *nation, c *citizen, _ *thing) any {
	operator := c.org
	if c.kind != "operator" {
		operator = "wind"
	}
	r := n.firstReport(incident.DDoS, operator, "ZTsubmitted")
	r.Stage, r.Version = incident.Followup, 2
	b, err := json.Marshal(r)
	n.must(err)
	return string(b)
}

// asker is the body that has a conversation about a case.
func (n *nation) asker(x *thing) string { return string(n.orgs[x.asked].ID) }

func answerForm(n *nation, _ *citizen, x *thing) any {
	return url.Values{"with": {n.asker(x)}, "answer": {""}}
}

func answerBody(n *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"with":%q,"text":""}`, n.asker(x))
}

func clashForm(_ *nation, _ *citizen, x *thing) any {
	return url.Values{"choice": {x.sub["choice"]}, "side": {"kept"}}
}

// freeNumber is a corporate number that nobody has.
func (n *nation) freeNumber() string {
	number, err := org.CompleteNumber(fmt.Sprintf("9999%08d", 500+len(n.last)))
	n.must(err)
	return string(number)
}

var wildcard = regexp.MustCompile(`\{(\w+|\$)\}`)

// ask makes one attempt.
func (n *nation) ask(r httpd.Route, l law, c *citizen, x *thing) reply {
	n.t.Helper()
	method, pattern, _ := strings.Cut(r.Pattern, " ")
	first := true
	target := wildcard.ReplaceAllStringFunc(pattern, func(w string) string {
		name := w[1 : len(w)-1]
		if first && l.on != "" {
			first = false
			return x.id
		}
		switch name {
		case "$":
			return ""
		case "field":
			return "event.title"
		case "profile":
			return "jp-act42"
		case "format":
			return "json"
		case "form":
			return "jp-act42.json"
		case "version", "n":
			return "1"
		}
		if s := x.sub[name]; s != "" {
			return s
		}
		return strings.Repeat("0", 36)
	})
	if l.query != nil {
		if q := l.query(n, c, x); !strings.HasSuffix(q, "=") {
			target += q
		}
	}
	var b any
	if l.body != nil {
		b = l.body(n, c, x)
	}
	var head []string
	for _, h := range l.head {
		head = append(head, n.fill(h, c, x))
	}
	if r.API && method != "GET" && b == nil {
		b = ""
	}
	req := n.request(method, target, b)
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Add(head[i], head[i+1])
	}
	return n.send(c, req)
}

// request makes a request. Forms are url.Values, JSON is a string.
func (n *nation) request(method, target string, b any) *http.Request {
	var req *http.Request
	switch b := b.(type) {
	case nil:
		req = httptest.NewRequest(method, target, nil)
	case url.Values:
		req = httptest.NewRequest(method, target, strings.NewReader(b.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	case rawBody:
		req = httptest.NewRequest(method, target, strings.NewReader(string(b)))
		req.Header.Set("Content-Type", "application/octet-stream")
	case multi:
		req = httptest.NewRequest(method, target, bytes.NewReader(b.body))
		req.Header.Set("Content-Type", b.kind)
	case string:
		req = httptest.NewRequest(method, target, nil)
		if b != "" {
			req = httptest.NewRequest(method, target, strings.NewReader(b))
			req.Header.Set("Content-Type", "application/json")
		}
	default:
		n.t.Fatalf("body %T", b)
	}
	if !strings.HasPrefix(target, "/api/") {
		req.Header.Set("Accept", "text/html")
	}
	return req
}

// came says what an answer means.
func came(r reply) class {
	switch {
	case r.status == http.StatusUnauthorized, r.status == http.StatusSeeOther && strings.HasPrefix(r.to(), "/sign-in"):
		return signIn
	case r.status == http.StatusForbidden:
		return refused
	case r.status == http.StatusNotFound:
		return hidden
	case r.status == 400, r.status == 405, r.status == 413, r.status == 415, r.status >= 500:
		return class(fmt.Sprintf("a wrong probe or a defect: %d %.300s", r.status, r.body))
	}
	return through
}
