package httpd

import "net/http"

// policy is the content-security policy of every answer: no inline script or
// style, nothing from another host, never in a frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Fresh and Immutable are the two cache rules: what a person sees is stored
// nowhere; what is named by its own digest is stored for a year.
const (
	Fresh     = "no-store"
	Immutable = "public, max-age=31536000, immutable"
)

// strict sets the headers that every answer has. A handler may loosen only
// Cache-Control, for what is not personal.
func strict(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", Fresh)
	h.Add("Vary", "Cookie, Accept-Language, Authorization")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}
