package asset

import (
	"slices"

	"noroshi/internal/base/fault"
)

// ID names one entry of the register: a UUIDv7 made by us. Empty until stored.
type ID string

// Item is one piece of equipment, or several alike (Quantity).
type Item struct {
	ID  ID     `json:"id,omitempty"`  // ours
	Key string `json:"key,omitempty"` // the operator's own id, as typed; unique in its register when given

	Kind        Kind   `json:"kind"`
	Maker       string `json:"maker"`        // as typed
	Product     string `json:"product"`      // as typed
	MakerName   string `json:"maker_name"`   // canonical name when the table knows the maker, else as typed
	ProductName string `json:"product_name"` // likewise
	MakerKey    string `json:"maker_key"`    // what spelling variants share; see Normalizer
	ProductKey  string `json:"product_key"`  // likewise

	Quantity    int    `json:"quantity"`              // ≥ 1
	Service     string `json:"service,omitempty"`     // the essential service (重要な役務) it supports
	OperatedBy  string `json:"operated_by,omitempty"` // "own", a corporate number of 13 digits, or a contractor's name; empty = not said
	Introduced  Date   `json:"introduced_at,omitzero"`
	Changed     Date   `json:"changed_at,omitzero"`
	SupportEnds Date   `json:"support_ends_at,omitzero"`

	Further map[string]string `json:"further,omitempty"` // columns we have no field for; ≤ MaxFurther
	Sealed  Sealed            `json:"sealed"`
}

// Sealed is the part of an Item that tells an attacker where to go. The store
// keeps its JSON encrypted under the operator's key and searches none of it.
type Sealed struct {
	Model     string   `json:"model,omitempty"`
	Version   string   `json:"version,omitempty"` // version or firmware
	CPE       string   `json:"cpe,omitempty"`     // CPE 2.3 formatted string (NISTIR 7695 §6.2)
	PURL      string   `json:"purl,omitempty"`    // canonical package URL (ECMA-427)
	Zone      Zone     `json:"zone,omitempty"`    // empty = not said
	Addresses []string `json:"addresses,omitempty"`
	Domains   []string `json:"domains,omitempty"`     // lower-case ASCII (IDNA), "*." allowed in front
	Connects  []string `json:"connects_to,omitempty"` // own ids, addresses or names of what it talks to
	Site      string   `json:"site,omitempty"`        // site, or cloud region
}

// Own is the OperatedBy of equipment run by the operator's own staff.
const Own = "own"

// Kind says what a piece of equipment is.
type Kind string

// The kinds of equipment a register can hold (Act 42 art. 4; the examples
// named in the sources are VPN, firewall, authentication server and cloud).
const (
	KindVPN          Kind = "vpn"
	KindFirewall     Kind = "firewall"
	KindRouter       Kind = "router"
	KindLoadBalancer Kind = "load_balancer"
	KindAuthServer   Kind = "auth_server"
	KindMail         Kind = "mail"
	KindWebServer    Kind = "web_server"
	KindAppServer    Kind = "app_server"
	KindDatabase     Kind = "database"
	KindHypervisor   Kind = "hypervisor"
	KindCloudIaaS    Kind = "cloud_iaas"
	KindCloudPaaS    Kind = "cloud_paas"
	KindCloudSaaS    Kind = "cloud_saas"
	KindRemoteAccess Kind = "remote_access"
	KindOTController Kind = "ot_controller"
	KindOTHMI        Kind = "ot_hmi"
	KindOTHistorian  Kind = "ot_historian"
	KindOther        Kind = "other"
)

// Kinds lists every kind in the order of forms and pictures.
func Kinds() []Kind {
	return []Kind{
		KindVPN, KindFirewall, KindRouter, KindLoadBalancer, KindRemoteAccess, KindAuthServer, KindMail, KindWebServer,
		KindAppServer, KindDatabase, KindHypervisor, KindCloudIaaS, KindCloudPaaS, KindCloudSaaS,
		KindOTController, KindOTHMI, KindOTHistorian, KindOther,
	}
}

// Zone is the network place of a piece of equipment.
type Zone string

// The zones, from the outside in. Empty means that nobody said.
const (
	ZoneInternet Zone = "internet" // reachable from the internet
	ZoneDMZ      Zone = "dmz"
	ZoneInternal Zone = "internal"
	ZoneOT       Zone = "ot"       // control network
	ZoneIsolated Zone = "isolated" // no connection
)

// Zones lists every zone from the outside in.
func Zones() []Zone { return []Zone{ZoneInternet, ZoneDMZ, ZoneInternal, ZoneOT, ZoneIsolated} }

// Field is one column of an equipment list. Its String is the English header
// and the name of the field in forms and in JSON.
type Field uint8

// The fields, in the order of the list's columns.
const (
	FieldKey Field = iota
	FieldKind
	FieldMaker
	FieldProduct
	FieldModel
	FieldVersion
	FieldCPE
	FieldPURL
	FieldQuantity
	FieldService
	FieldZone
	FieldAddresses
	FieldDomains
	FieldConnects
	FieldOperatedBy
	FieldSite
	FieldIntroduced
	FieldChanged
	FieldSupportEnds
	fieldCount
)

var fieldNames = [fieldCount]string{
	"id", "kind", "maker", "product", "model", "version", "cpe", "purl", "quantity", "service", "zone", "addresses",
	"domains", "connects_to", "operated_by", "site", "introduced_at", "changed_at", "support_ends_at",
}

// String returns the field's name: the English header of its column.
func (f Field) String() string { return fieldNames[f] }

// Fields lists every field in the order of the list's columns.
func Fields() []Field {
	out := make([]Field, fieldCount)
	for i := range out {
		out[i] = Field(i)
	}
	return out
}

// FieldNamed returns the field with an exact name, and whether there is one.
func FieldNamed(name string) (Field, bool) {
	i := slices.Index(fieldNames[:], name)
	return Field(max(i, 0)), i >= 0
}

// Value returns the field of an Item as text, as an exported list writes it:
// lists joined by "; ", dates as 2026-03-31. New reads every such text back to
// the same value.
func (it *Item) Value(f Field) string {
	switch f {
	case FieldKey:
		return it.Key
	case FieldKind:
		return string(it.Kind)
	case FieldMaker:
		return it.Maker
	case FieldProduct:
		return it.Product
	case FieldModel:
		return it.Sealed.Model
	case FieldVersion:
		return it.Sealed.Version
	case FieldCPE:
		return it.Sealed.CPE
	case FieldPURL:
		return it.Sealed.PURL
	case FieldQuantity:
		return quantityText(it.Quantity)
	case FieldService:
		return it.Service
	case FieldZone:
		return string(it.Sealed.Zone)
	case FieldAddresses:
		return joinList(it.Sealed.Addresses)
	case FieldDomains:
		return joinList(it.Sealed.Domains)
	case FieldConnects:
		return joinList(it.Sealed.Connects)
	case FieldOperatedBy:
		return it.OperatedBy
	case FieldSite:
		return it.Sealed.Site
	case FieldIntroduced:
		return it.Introduced.String()
	case FieldChanged:
		return it.Changed.String()
	case FieldSupportEnds:
		return it.SupportEnds.String()
	}
	panic("BUG: asset: no such field")
}

// Row is one line of an equipment list as read.
type Row struct {
	Place    string        // "row 23" of a table, "/components/3" of a CycloneDX document
	Number   int           // row of the table as a spreadsheet numbers it, or the ordinal of the component; from 1
	Item     Item          // what could be read; complete only when Problems is empty
	Problems []fault.Place // why the row cannot be accepted, cell by cell
	Notes    []fault.Place // accepted, but a person should look (a formula, a version stored as a number)

	KindAssumed     bool // the list says no kind: Item.Kind is what the product is known for, or other
	QuantityAssumed bool // the list says no quantity: Item.Quantity is 1
}

// Format is what a file turned out to be.
type Format string

// The formats [Read] recognises by content.
const (
	FormatCSV       Format = "csv"
	FormatXLSX      Format = "xlsx"
	FormatCycloneDX Format = "cyclonedx"
)

// File says what [Read] found out about a whole file.
type File struct {
	Format   Format        `json:"format"`
	Encoding string        `json:"encoding,omitempty"` // of a CSV: utf-8, utf-16le, utf-16be, shift_jis
	Sheet    string        `json:"sheet,omitempty"`    // of an XLSX: the sheet that was read
	Version  string        `json:"version,omitempty"`  // of a CycloneDX document: its specVersion
	Rows     int           `json:"rows"`               // rows with content, the header not counted
	Further  []string      `json:"further,omitempty"`  // columns without a field of ours, kept as further fields
	Notes    []fault.Place `json:"notes,omitempty"`    // about the file as a whole
}

// Limits of one import. Each is checked while reading, before memory is spent.
const (
	MaxFile     = 64_000_000 // bytes of a file as it arrives
	MaxRows     = 200_000    // rows of a table, components of a document
	MaxColumns  = 200        // columns of a table
	MaxCell     = 32_767     // bytes of one cell: Excel's own limit
	MaxName     = 200        // characters of a name, version, service or site
	MaxIdent    = 1_000      // characters of a CPE or PURL
	MaxList     = 256        // addresses, domains or connections of one row
	MaxFurther  = 30         // further fields of one row
	MaxFurtherV = 1_000      // characters of a further field
	MaxQuantity = 1_000_000
)
