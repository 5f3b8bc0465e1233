package sigma

import "strconv"

// Code names why a rule was rejected or what a warning is about. It is stable:
// texts for people in their language hang on it, with the arguments of [Note].
type Code string

// The codes of rejected files, documents and rules. What stands in brackets are
// the arguments.
const (
	FileSize         Code = "file-size"             // [limit in bytes]
	FileEncoding     Code = "file-encoding"         // [name of the encoding seen, or "?"]
	FileDocuments    Code = "file-documents"        // [limit]
	DocumentSize     Code = "document-size"         // [limit in bytes]
	YAML             Code = "yaml"                  // [what the reader says, in English]
	YAMLDepth        Code = "yaml-depth"            // [limit]
	YAMLSize         Code = "yaml-size"             // [limit of nodes after aliases are expanded]
	YAMLDuplicate    Code = "yaml-duplicate"        // [key, line of the first]
	YAMLAlias        Code = "yaml-alias"            // [name that no anchor before it has]
	YAMLTag          Code = "yaml-tag"              // [tag]
	NotRule          Code = "not-rule"              // [] neither detection, correlation nor filter
	NotMap           Code = "not-map"               // [attribute]
	NotText          Code = "not-text"              // [attribute]
	Missing          Code = "missing"               // [attribute]
	DuplicateID      Code = "duplicate-id"          // [id, file, line]
	ActionUnknown    Code = "action-unknown"        // [action]
	NoIdentifier     Code = "no-identifier"         // [] detection without search identifiers
	EmptyMap         Code = "empty-map"             // [identifier]
	EmptyList        Code = "empty-list"            // [identifier or field]
	EmptyKeyword     Code = "empty-keyword"         // [identifier]
	ValueShape       Code = "value-shape"           // [field] a map where values are expected
	ModUnknown       Code = "modifier-unknown"      // [modifier]
	ModOrder         Code = "modifier-order"        // [modifier, what must stand before or after]
	ModConflict      Code = "modifier-conflict"     // [modifier, modifier]
	ModTwice         Code = "modifier-twice"        // [modifier]
	ModValue         Code = "modifier-value"        // [modifier, value, what is expected]
	ModKeyword       Code = "modifier-keyword"      // [modifier] needs a field
	ModWildcard      Code = "modifier-wildcard"     // [modifier, value] cannot take wildcards
	NeedsValues      Code = "needs-values"          // [placeholders, with commas]
	NeedsFile        Code = "needs-file"            // [attribute] Hayabusa's lists in files
	TooLarge         Code = "too-large"             // [what, limit]
	RegexpSyntax     Code = "regexp-syntax"         // [pattern, what is wrong, in English]
	RegexpFeature    Code = "regexp-feature"        // [pattern, feature, such as (?=]
	RegexpSize       Code = "regexp-size"           // [limit]
	ConditionEmpty   Code = "condition-empty"       // []
	ConditionSyntax  Code = "condition-syntax"      // [condition, place in characters from 1, what is expected]
	ConditionName    Code = "condition-name"        // [identifier or pattern that names nothing]
	ConditionNear    Code = "condition-near"        // [] obsolete
	Aggregate        Code = "aggregation"           // [text behind the pipe]
	Timeframe        Code = "timeframe"             // [text]
	CorrelationKind  Code = "correlation-type"      // [type]
	CorrelationNeeds Code = "correlation-needs"     // [type, attribute]
	CorrelationCond  Code = "correlation-condition" // [operator or value]
	CorrelationMany  Code = "correlation-many"      // [limit] of different values
	CorrelationWide  Code = "correlation-wide"      // [limit] of rules
	CorrelationRef   Code = "correlation-ref"       // [id or name that no rule has]
	CorrelationLost  Code = "correlation-lost"      // [id or name of a rule that was rejected]
	CorrelationCycle Code = "correlation-cycle"     // [id or name]
)

// The codes of warnings.
const (
	NoCondition      Code = "no-condition"      // [identifier] the only one, which is taken
	NoTitle          Code = "no-title"          // [] its id or name is used
	LevelUnknown     Code = "level-unknown"     // [level] taken as none
	LogsourceUnknown Code = "logsource-unknown" // [product/category/service] in no table of routes
	LogsourceEmpty   Code = "logsource-empty"   // [] applies to every log
	TaxonomyOther    Code = "taxonomy"          // [taxonomy] its names are taken as they are
	AllSingle        Code = "all-single"        // [field] all over one value
	NullInList       Code = "null-in-list"      // [field]
	OldAggregation   Code = "old-aggregation"   // [text behind the pipe] became a correlation
	OldType          Code = "old-type"          // [word, word of the specification]
	DuplicateName    Code = "duplicate-name"    // [name, file, line] the first keeps it
	FilterUnmatched  Code = "filter-unmatched"  // [id or name that no rule of its logsource has]
	FilterKeeps      Code = "filter-keeps"      // [] has no "not": keeps what it matches
	FilterAny        Code = "filter-any"        // [number of rules] rules: any
	HidesOther       Code = "hides-other"       // [rule, its file] a correlation over it does not generate
	FieldIgnored     Code = "attribute-ignored" // [attribute]
)

// Note is what there is to say about a file or a rule: why it was rejected, or a
// warning.
type Note struct {
	File string
	Line int    // from 1; 0 when it is about the whole file
	Rule string // id, name or title; empty when not known
	Code Code
	Args []string
}

// Error returns the note in English in one line: file:line: rule: reason.
func (n Note) Error() string {
	s := n.File
	if n.Line > 0 {
		s += ":" + strconv.Itoa(n.Line)
	}
	if n.Rule != "" {
		s += ": " + n.Rule
	}
	return s + ": " + n.Reason()
}
