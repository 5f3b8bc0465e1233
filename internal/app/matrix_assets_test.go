package app

import "noroshi/internal/base/gate"

// lists says who has a register to look into: an operator its own, a
// contractor what it runs for others.
func lists(c *citizen) bool { return c.operates() || c.any(gate.Maintainer) }

func newPreview(n *nation, _ *citizen, x *thing) *thing { return n.preview(x.org) }

const (
	item      = `{"maker":"試験","product":"箱"}`
	confirmed = `{"org":"@operator","ids":["@id"]}`
)

// confirms: equipment that is not in reach is not there.
var confirms = equipmentFor((*citizen).reports)

// removals: what an operator took out is not its contractor's to see.
func removals(c *citizen, _ *thing) class {
	if c.any(gate.Maintainer) {
		return hidden
	}
	return only((*citizen).operates)(c, nil)
}

// changesHere: whoever reads it and may change it; others who read it are
// refused.
func changesHere(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		got := equipmentFor((*citizen).operates)(c, x)
		if got == through && !some(c) {
			return refused
		}
		return got
	}
}

func runs(c *citizen) bool { return c.reports() || c.any(gate.Maintainer) }

func uploadList(*nation, *citizen, *thing) any {
	return multipartOf("file", "a.csv", "maker,product\nx,y\n")
}

// assetLaws are the routes of registers and statements.
var assetLaws = map[string]law{
	"GET /api/v1/assets":                           {may: only(lists)},
	"POST /api/v1/assets":                          {may: only((*citizen).reports), body: body(item)},
	"GET /api/v1/assets/{id}":                      {on: "asset", may: equipmentFor((*citizen).operates)},
	"GET /api/v1/assets/{id}/history":              {on: "asset", may: equipmentFor((*citizen).operates)},
	"PUT /api/v1/assets/{id}":                      {on: "asset", may: equipmentFor((*citizen).reports), body: body(item), head: ifMatch},
	"DELETE /api/v1/assets/{id}":                   {on: "asset", may: forOwn((*citizen).reports), head: ifMatch},
	"GET /api/v1/asset-overview":                   {may: only(lists)},
	"GET /api/v1/asset-picture":                    {may: only(lists)},
	"GET /api/v1/asset-removals":                   {may: removals},
	"POST /api/v1/asset-confirmations":             {on: "asset", may: confirms, body: body(confirmed)},
	"POST /api/v1/asset-imports":                   {may: only((*citizen).reports), body: raw("maker,product\nx,y\n")},
	"GET /api/v1/asset-imports/{token}":            {on: "import", may: forOwn((*citizen).reports)},
	"POST /api/v1/asset-imports/{token}/apply":     {on: "import", may: forOwn((*citizen).reports), fresh: newPreview},
	"GET /api/v1/asset-scope":                      {may: everybody, free: true},
	"PUT /api/v1/asset-scope":                      {may: only((*citizen).reports), body: body(`{"designated":"yes","used":"yes","affects":"yes"}`)},
	"GET /api/v1/statement-draft":                  {may: only((*citizen).operates)},
	"POST /api/v1/statements":                      {may: only((*citizen).reports), body: body(`{"revision":9999}`)},
	"GET /api/v1/statements":                       {may: only(func(c *citizen) bool { return c.operates() || c.notified() })},
	"GET /api/v1/statements/{id}":                  {on: "statement", may: statementReading},
	"GET /api/v1/statements/{id}/form":             {on: "statement", may: statementReading, query: query("?format=json")},
	"POST /api/v1/statements/{id}/acknowledgement": {on: "statement", may: forSent((*citizen).notified), body: body(`{}`)},
	"POST /api/v1/statements/{id}/questions":       {on: "statement", may: forSent((*citizen).notified), body: body(`{"text":""}`)},
	"POST /api/v1/statements/{id}/answers":         {on: "statement", may: forOwn((*citizen).reports), body: answerBody},

	"GET /live/assets":                   {may: everybody, free: true},
	"GET /assets":                        {may: only(lists)},
	"GET /assets/picture":                {may: only(lists)},
	"GET /assets/removed":                {may: removals},
	"POST /assets/bulk":                  {on: "asset", may: confirms, body: form("org", "@operator", "id", "@id")},
	"GET /assets/new":                    {may: only((*citizen).reports)},
	"POST /assets/new":                   {may: only((*citizen).reports), body: form("maker", "", "product", "")},
	"GET /assets/{id}":                   {on: "asset", may: equipmentFor((*citizen).operates)},
	"GET /assets/{id}/edit":              {on: "asset", may: equipmentFor((*citizen).operates)},
	"POST /assets/{id}/edit":             {on: "asset", may: changesHere(runs), body: form("revision", "9999", "maker", "x", "product", "y")},
	"POST /assets/{id}/confirm":          {on: "asset", may: changesHere(runs), body: form()},
	"GET /assets/{id}/remove":            {on: "asset", may: equipmentFor((*citizen).operates)},
	"POST /assets/{id}/remove":           {on: "asset", may: forOwn((*citizen).reports), body: form("revision", "9999")},
	"GET /assets/import":                 {may: only((*citizen).reports)},
	"GET /assets/sample.csv":             {may: only((*citizen).reports)},
	"POST /assets/import":                {may: only((*citizen).reports), body: uploadList},
	"GET /imports/{token}":               {on: "import", may: forOwn((*citizen).reports)},
	"GET /imports/{token}/invalid.csv":   {on: "import", may: forOwn((*citizen).reports)},
	"POST /imports/{token}/apply":        {on: "import", may: forOwn((*citizen).reports), body: form(), fresh: newPreview},
	"GET /statements":                    {may: only(func(c *citizen) bool { return c.operates() || c.notified() })},
	"GET /statements/new":                {may: only((*citizen).operates)},
	"POST /statements":                   {may: only((*citizen).reports), body: form("revision", "9999")},
	"POST /statements/scope":             {may: only((*citizen).reports), body: form("designated", "yes", "used", "yes", "affects", "yes")},
	"GET /statements/{id}":               {on: "statement", may: statementReading},
	"GET /statements/{id}/form/{format}": {on: "statement", may: statementReading},
	"POST /statements/{id}/acknowledge":  {on: "statement", may: forSent((*citizen).notified), body: form()},
	"POST /statements/{id}/ask":          {on: "statement", may: forSent((*citizen).notified), body: form("question", "")},
	"POST /statements/{id}/answer":       {on: "statement", may: forOwn((*citizen).reports), body: answerForm},
}
