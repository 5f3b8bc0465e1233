package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"
)

// hubCommands are what stories of a running hub have beside the program, which
// has no browser: "address" chooses where "noroshi serve" listens, "join FILE"
// opens the invitation whose link is in a file, and "api METHOD PATH [FILE]" asks
// the hub with the token in the file named token. The last two wait until the hub
// answers. "capture NAME FILE REGEXP" keeps what a group in it found in a file.
func hubCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){"address": address, "join": join, "api": api, "capture": capture}
}

// address takes a port below those that systems give to whoever asks for any:
// nobody gets it before the hub listens there.
func address(ts *testscript.TestScript, _ bool, _ []string) {
	for {
		at := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(10_000))
		l, err := net.Listen("tcp", at)
		if err != nil {
			continue
		}
		ts.Check(l.Close())
		ts.Setenv("NOROSHI_HUB_LISTEN", at)
		ts.Setenv("NOROSHI_HUB", "http://"+at)
		return
	}
}

// firstAnswer is how long a hub may take to start on a busy machine.
const firstAnswer = 60 * time.Second

// ask sends a request again until something listens there.
func ask(ts *testscript.TestScript, client *http.Client, request func() (*http.Request, error)) (int, string) {
	for end := time.Now().Add(firstAnswer); ; time.Sleep(50 * time.Millisecond) {
		r, err := request()
		ts.Check(err)
		got, err := client.Do(r)
		if err != nil {
			if time.Now().After(end) {
				ts.Fatalf("the hub does not answer: %v", err)
			}
			continue
		}
		body, err := io.ReadAll(got.Body)
		got.Body.Close()
		ts.Check(err)
		return got.StatusCode, string(body)
	}
}

var (
	invitation = regexp.MustCompile(`/welcome/\S+`)
	shared     = regexp.MustCompile(`<code>([A-Z2-7 ]+)</code>`)
	csrfField  = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
)

func join(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: join FILE")
	}
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	at := ts.Getenv("NOROSHI_HUB") + invitation.FindString(ts.ReadFile(args[0]))
	code, page := ask(ts, client, func() (*http.Request, error) { return http.NewRequest("GET", at, nil) })
	secret := shared.FindStringSubmatch(page)
	if code != 200 || secret == nil {
		ts.Fatalf("the invitation: %d %.300s", code, page)
	}
	now, err := totp.GenerateCode(strings.ReplaceAll(secret[1], " ", ""), time.Now())
	ts.Check(err)
	form := url.Values{"password": {"story of a hunt 4417"}, "password_again": {"story of a hunt 4417"}, "code": {now}}
	if m := csrfField.FindStringSubmatch(page); m != nil {
		form.Set("csrf", m[1])
	}
	code, page = ask(ts, client, func() (*http.Request, error) {
		r, err := http.NewRequest("POST", at, strings.NewReader(form.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return r, err
	})
	if code != 200 {
		ts.Fatalf("joining: %d %.600s", code, page)
	}
}

func api(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: api METHOD PATH [FILE]")
	}
	body := ""
	if len(args) == 3 {
		body = ts.ReadFile(args[2])
	}
	code, answer := ask(ts, &http.Client{Timeout: 20 * time.Second}, func() (*http.Request, error) {
		r, err := http.NewRequest(args[0], ts.Getenv("NOROSHI_HUB")+args[1], strings.NewReader(body))
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile("token")))
			r.Header.Set("Content-Type", "application/json")
		}
		return r, err
	})
	fmt.Fprint(ts.Stdout(), answer)
	if (code >= 400) != neg {
		ts.Fatalf("%s %s: %d %.600s", args[0], args[1], code, answer)
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture NAME FILE REGEXP")
	}
	found := regexp.MustCompile(args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("%s is not in %s", args[2], args[1])
	}
	ts.Setenv(args[0], found[1])
}
