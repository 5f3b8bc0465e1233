package sigma

import (
	"maps"
	"slices"
	"strings"
)

// reasons are the English sentences of the codes. $1 to $3 are the arguments.
var reasons = map[Code]string{
	FileSize:         "the file is larger than $1 bytes; split it",
	FileEncoding:     "the text is not UTF-8 ($1); save it as UTF-8",
	FileDocuments:    "more than $1 documents in one file; split it",
	DocumentSize:     "the document is larger than $1 bytes; split it",
	YAML:             "not YAML: $1",
	YAMLDepth:        "nested deeper than $1 levels",
	YAMLSize:         "more than $1 keys, names or values in one document",
	YAMLDuplicate:    "the key $1 is already there in line $2; keep one",
	YAMLAlias:        "the alias *$1 has no anchor before it",
	YAMLTag:          "the YAML tag $1 has no meaning in a rule; remove it",
	NotRule:          "neither detection, correlation nor filter: not a Sigma rule",
	NotMap:           "$1 must be a mapping",
	NotText:          "$1 must be a text or a list of texts",
	Missing:          "$1 is missing",
	DuplicateID:      "the id $1 is already that of $2:$3; give it its own",
	ActionUnknown:    "the action $1 is not known; global, repeat and reset are",
	NoIdentifier:     "the detection has no search identifier",
	EmptyMap:         "$1 is an empty mapping",
	EmptyList:        "$1 is an empty list",
	EmptyKeyword:     "an empty keyword in $1 would match every event",
	ValueShape:       "$1 takes a value or a list of values",
	ModUnknown:       "the modifier $1 is not known",
	ModOrder:         "the modifier $1 must stand directly after $2",
	ModConflict:      "the modifiers $1 and $2 do not go together",
	ModTwice:         "the modifier $1 is given twice",
	ModValue:         "the modifier $1 cannot take the value $2: $3",
	ModKeyword:       "the modifier $1 needs a field",
	ModWildcard:      "the modifier $1 takes no wildcards: $2; escape them with a backslash",
	NeedsValues:      "needs values for its placeholders: $1",
	NeedsFile:        "$1 names a file of the tool it was written for; write the values into the rule",
	TooLarge:         "$1 becomes more than $2",
	RegexpSyntax:     "the regular expression $1 is not valid: $2",
	RegexpFeature:    "the regular expression $1 uses $2, which cannot run in bounded time; write it as several tests",
	RegexpSize:       "the regular expression is longer or larger than $1",
	ConditionEmpty:   "the condition is empty",
	ConditionSyntax:  "the condition $1 is not valid at character $2: expected $3",
	ConditionName:    "the condition names $1, but the detection has no such search identifier",
	ConditionNear:    "near was removed from Sigma; write a correlation of type temporal",
	Aggregate:        "the aggregation $1 is not valid; expected such as count(field) by field > 3",
	Timeframe:        "$1 is not a time span; a number and s, m, h, d or w are",
	CorrelationKind:  "the correlation type $1 is not known",
	CorrelationNeeds: "a correlation of type $1 needs $2",
	CorrelationCond:  "the condition of a correlation cannot have $1",
	CorrelationMany:  "more than $1 different values cannot be told apart in one group",
	CorrelationWide:  "a correlation is over $1 rules at most",
	CorrelationRef:   "no rule has the id or name $1",
	CorrelationLost:  "the rule $1, which it is over, was rejected",
	CorrelationCycle: "the correlation is over itself by way of $1",

	NoCondition:      "condition is missing; the only search identifier, $1, is taken",
	NoTitle:          "title is missing; its id or name stands for it",
	LevelUnknown:     "the level $1 is not known and taken as none",
	LogsourceUnknown: "no table says which logs $1 means; only events that carry these words are tried",
	LogsourceEmpty:   "the logsource names no log; the rule applies to all",
	TaxonomyOther:    "the taxonomy is $1; its names are taken as they are",
	AllSingle:        "all over the single value of $1 means nothing",
	NullInList:       "null cannot stand in a list of values ($1) by the specification; taken as one more value",
	OldAggregation:   "the old aggregation $1 became a correlation",
	OldType:          "$1 is an old word; $2 is meant",
	DuplicateName:    "the name $1 is already that of $2:$3, which keeps it",
	FilterUnmatched:  "the filter names $1, but no rule of its logsource has that id or name",
	FilterKeeps:      "the filter has no not: its rules keep only what it matches; write not before the condition to leave that out",
	FilterAny:        "the filter is for any rule of its logsource; $1 rules match less because of it",
	HidesOther:       "the correlation hides the hits of the rule $1 in $2; generate: true shows them too",
	FieldIgnored:     "the attribute $1 means nothing here and is ignored",
}

// Reason returns the sentence of the note in English, without its place.
func (n Note) Reason() string {
	text, ok := reasons[n.Code]
	if !ok {
		return string(n.Code) + " " + strings.Join(n.Args, " ")
	}
	args := []string{"$1", "", "$2", "", "$3", ""}
	for i, a := range n.Args {
		if i < 3 {
			args[2*i+1] = clip(a)
		}
	}
	return strings.NewReplacer(args...).Replace(text)
}

// Codes returns all codes in the order of their words, so that whoever says them
// in another language can see that none is missing.
func Codes() []Code { return slices.Sorted(maps.Keys(reasons)) }

// clip shortens a text of a rule, which may be as long as the rule.
func clip(s string) string {
	const limit = 120
	if len(s) <= limit {
		return s
	}
	n := limit
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
