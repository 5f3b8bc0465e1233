// Package page draws the console: the shell round every page, the components
// pages are made of, and the stylesheet and script they share. It knows no
// noun, no route and no session: nouns bring templates and data, base/httpd
// brings requests.
//
// A noun keeps its pages in web/*.html. The file web/tasks.html of the noun
// incident is the page "incident/tasks": the content of <main>, nothing else.
// Set.Render puts the shell round it. Every page is drawn into memory first,
// so an error never sends half a page.
//
// What must hold, and is tested: no inline style and no inline script (the
// content-security policy is style-src 'self'; script-src 'self'); every
// literal word key is in the catalog with the arguments its sentence wants;
// pages work without script; Japanese and English are equals.
package page

import "embed"

// Words are the sentences of the shell and of the components.
//
//go:embed text
var Words embed.FS

//go:embed web
var web embed.FS

//go:embed assets
var assets embed.FS
