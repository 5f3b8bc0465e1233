// Package httpd is how the hub speaks HTTP, and knows no noun. It serves three
// things over one net/http mux: pages (server-rendered HTML with forms that
// work without script), a JSON API under /api/v1 whose OpenAPI 3.1 document is
// made from the code, and live pings as server-sent events.
//
// What holds for every answer: strict headers, a request id, bounded bodies,
// bounded concurrency, a log line without secrets, and errors in the reader's
// language: a page for people, an RFC 9457 problem document for programs.
// Nobody anonymous passes unless the route was registered as Public.
//
// Tables owned: httpd_idempotency.
package httpd

import "embed"

// Words are the sentences of this package.
//
//go:embed text
var Words embed.FS

// Migrations are the tables of this package.
//
//go:embed migrations
var Migrations embed.FS
