package org

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// Device is what somebody signs in from.
type Device struct {
	Addr  string // address without port; used to slow down guessing, not stored
	Agent string // User-Agent
}

// Errors of signing in. The first is the same for a wrong password, an unknown
// address and a person who may not sign in.
var (
	ErrSignIn   = fault.New(fault.Invalid, "org.signin.wrong")
	ErrCode     = fault.New(fault.Invalid, "org.signin.code")
	ErrStep     = fault.New(fault.Conflict, "org.signin.again") // the step after the password expired or was used up
	ErrWait     = fault.New(fault.Busy, "org.signin.wait")
	ErrLink     = fault.New(fault.NotFound, "org.link.gone") // unknown, used, expired: the same
	ErrDemoOnly = fault.New(fault.Refused, "org.link.demo_only")
)

// freeFromAddress is how many sign-ins may fail from one address in a row
// before it too has to wait; an office shares one.
const freeFromAddress = 100

// keyOf returns the key under which tries are counted. Only a digest is
// stored, so the table is no list of addresses.
func keyOf(kind, value string) string {
	return hex.EncodeToString(storedForm("attempt " + kind + "\x00" + value)[:16])
}

// addressKey counts an IPv6 network of 64 bits as one: its owner has all of it.
func addressKey(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64) // 64 is always in range
		return keyOf("addr", p.String())
	}
	return keyOf("addr", a.String())
}

// fail counts one more try.
func (a attempt) fail(now time.Time, free int) attempt {
	a.failures++
	a.next = now.Add(wait(a.failures - free + freeTries))
	return a
}

// device returns a label that a person recognises: "Firefox, Windows".
func (d Device) label() string {
	agent := d.Agent
	browser, system := "", ""
	for _, b := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}} {
		if strings.Contains(agent, b[0]) {
			browser = b[1]
			break
		}
	}
	for _, o := range [][2]string{{"Windows", "Windows"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}} {
		if strings.Contains(agent, o[0]) {
			system = o[1]
			break
		}
	}
	switch {
	case browser != "" && system != "":
		return browser + ", " + system
	case browser+system != "":
		return browser + system
	}
	s := []rune(line(agent))
	return string(s[:min(len(s), 60)])
}
