// Package cpe reads, writes and compares Common Platform Enumeration names:
// the well-formed names, bindings and name matching of CPE 2.3 (NISTIR 7695
// and 7696).
package cpe

// Value is one attribute of a name: Any, NA, or a lower-case string in the
// form the formatted string binding writes it (special characters behind a
// backslash, `*` and `?` as wildcards at either end; NISTIR 7695 §6.2). The
// zero value is Any.
type Value string

// The logical values (NISTIR 7695 §5.3.1).
const (
	Any Value = ""  // any value
	NA  Value = "-" // not applicable: the attribute has no meaning for the product
)

// Name is a well-formed CPE name. Names are comparable with ==.
type Name struct {
	Part                                            Value // a application, o operating system, h hardware
	Vendor, Product, Version, Update, Edition       Value
	Language, SWEdition, TargetSW, TargetHW, Others Value
}
