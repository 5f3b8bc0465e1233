package stix

import (
	"math"
	"net/netip"
	"regexp"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Bounds of a pattern: what is longer or deeper is refused, not cut.
const (
	MaxPattern = 256 << 10 // bytes
	maxDepth   = 64        // brackets inside brackets
	maxPath    = 32        // steps of an object path
	maxNodes   = 8192      // comparisons and observations
	maxRegexp  = 8 << 10   // bytes of the text of LIKE and MATCHES
)

// Kind is the kind of a literal.
type Kind uint8

// The kinds of literals of STIX 2.1 section 9.3; hexadecimal and base64 are
// both Binary.
const (
	Int Kind = iota + 1
	Float
	String
	Bool
	Timestamp
	Binary
)

// Literal is a constant of a pattern. Text holds a String or the bytes of a
// Binary.
type Literal struct {
	Kind  Kind
	Int   int64
	Float float64
	Bool  bool
	Text  string
	Time  time.Time
}

// Op compares the values that a path finds with a constant.
type Op uint8

// The comparison operators of STIX 2.1 section 9.4.1.
const (
	Equal Op = iota + 1
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
	In
	Like
	Matches
	IsSubset
	IsSuperset
	Exists
)

// Step is one step of an object path: a key, an index, or every element.
type Step struct {
	Key   string
	Index int64
	Kind  StepKind
}

// StepKind says what a step does.
type StepKind uint8

// The steps of an object path.
const (
	Key StepKind = iota
	Index
	Each
)

// Path names a property of an object of one type: type:key.key[index].key.
type Path struct {
	Type  string
	Steps []Step
}

// Comparison is one test, or two expressions joined by AND or OR.
type Comparison struct {
	Join        Join // Alone for one test
	Left, Right *Comparison

	Path   Path
	Negate bool
	Op     Op
	Values []Literal // one, or the set of In; none for Exists

	pattern *regexp.Regexp // Like and Matches
	prefix  netip.Prefix   // IsSubset and IsSuperset
	mixed   bool           // a set of kinds that cannot be compared with one another
}

// Join says how two expressions are joined.
type Join uint8

// The joins of comparison and of observation expressions.
const (
	Alone Join = iota
	And
	Or
	FollowedBy
)

// Observation is a bracketed comparison, or two of them joined, with what
// qualifies it: WITHIN, REPEATS and START-STOP, in the order they are written.
type Observation struct {
	Join        Join
	Test        *Comparison
	Left, Right *Observation
	Qualifiers  []Qualifier
}

// Qualifier bounds an observation expression. One of the three is set.
type Qualifier struct {
	Repeats     int64         // REPEATS n TIMES
	Within      time.Duration // WITHIN n SECONDS
	Start, Stop time.Time     // START … STOP …: from Start up to but not including Stop
}

// Pattern is a parsed pattern, safe for use by many goroutines.
type Pattern struct {
	Root *Observation
}

type parser struct {
	lexer
	tok   token
	depth int
	nodes int
}

// ParsePattern reads a pattern of the STIX patterning language (STIX 2.1
// section 9). Errors are *PatternError.
func ParsePattern(s string) (*Pattern, error) {
	p := &parser{lexer: lexer{src: s}}
	if len(s) > MaxPattern {
		return nil, p.fail(0, "longer than %d bytes", MaxPattern)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	root, err := p.observations(FollowedBy)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenEnd {
		return nil, p.fail(p.tok.at, "more follows where the pattern should end")
	}
	return &Pattern{Root: root}, nil
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) word(s string) bool { return p.tok.kind == tokenWord && p.tok.text == s }
func (p *parser) mark(s string) bool { return p.tok.kind == tokenMark && p.tok.text == s }

func (p *parser) expect(s string) error {
	if !p.word(s) && !p.mark(s) {
		return p.fail(p.tok.at, "%s is missing", s)
	}
	return p.advance()
}

func (p *parser) node() error {
	if p.nodes++; p.nodes > maxNodes {
		return p.fail(p.tok.at, "more than %d parts", maxNodes)
	}
	return nil
}

func (p *parser) open() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.tok.at, "more than %d brackets inside one another", maxDepth)
	}
	return p.advance()
}

func (p *parser) close(s string) error {
	p.depth--
	return p.expect(s)
}

// keyword of a join; FOLLOWEDBY binds least, then OR, then AND.
func (j Join) keyword() string {
	return [...]string{And: "AND", Or: "OR", FollowedBy: "FOLLOWEDBY"}[j]
}

func (p *parser) observations(join Join) (*Observation, error) {
	if join == Alone {
		return p.observation()
	}
	left, err := p.observations(join - 1)
	for err == nil && p.word(join.keyword()) {
		var right *Observation
		if err = p.node(); err == nil {
			err = p.advance()
		}
		if err == nil {
			right, err = p.observations(join - 1)
		}
		left = &Observation{Join: join, Left: left, Right: right}
	}
	return left, err
}

func (p *parser) observation() (*Observation, error) {
	if err := p.node(); err != nil {
		return nil, err
	}
	o := &Observation{}
	simple := p.mark("[")
	var err error
	switch {
	case simple:
		if err = p.open(); err == nil {
			o.Test, err = p.comparisons(Or)
		}
		if err == nil {
			err = p.close("]")
		}
	case p.mark("("):
		// What qualifies the bracket applies after what qualifies its inside:
		// one list in the order of writing says the same.
		if err = p.open(); err == nil {
			o, err = p.observations(FollowedBy)
		}
		if err == nil {
			err = p.close(")")
		}
	default:
		err = p.fail(p.tok.at, "a bracketed observation is missing")
	}
	if err != nil {
		return nil, err
	}
	return o, p.qualifiers(o, simple)
}

// qualifiers reads what follows an observation. Straight after one in square
// brackets each kind may come once.
func (p *parser) qualifiers(o *Observation, simple bool) error {
	seen := map[string]bool{}
	for p.word("WITHIN") || p.word("REPEATS") || p.word("START") {
		kind := p.tok.text
		if simple && seen[kind] {
			return p.fail(p.tok.at, "%s twice", kind)
		}
		seen[kind] = true
		if err := p.node(); err != nil {
			return err
		}
		if err := p.advance(); err != nil {
			return err
		}
		q, err := p.qualifier(kind)
		if err != nil {
			return err
		}
		o.Qualifiers = append(o.Qualifiers, q)
	}
	return nil
}

func (p *parser) qualifier(kind string) (q Qualifier, err error) {
	lit, at := p.tok.lit, p.tok.at
	switch kind {
	case "WITHIN":
		seconds := lit.Float
		if lit.Kind == Int {
			seconds = float64(lit.Int)
		}
		if lit.Kind != Int && lit.Kind != Float || seconds <= 0 {
			return q, p.fail(at, "WITHIN takes a number of seconds above 0")
		}
		q.Within = time.Duration(math.MaxInt64)
		if seconds < float64(math.MaxInt64/time.Second) {
			q.Within = max(1, time.Duration(seconds*float64(time.Second)))
		}
		if err = p.advance(); err == nil {
			err = p.expect("SECONDS")
		}
	case "REPEATS":
		if q.Repeats = lit.Int; lit.Kind != Int || lit.Int < 1 {
			return q, p.fail(at, "REPEATS takes a whole number above 0")
		}
		if err = p.advance(); err == nil {
			err = p.expect("TIMES")
		}
	default:
		if q.Start, err = p.time(); err == nil {
			err = p.expect("STOP")
		}
		if err == nil {
			q.Stop, err = p.time()
		}
	}
	return q, err
}

func (p *parser) time() (time.Time, error) {
	if p.tok.kind != tokenLiteral || p.tok.lit.Kind != Timestamp {
		return time.Time{}, p.fail(p.tok.at, "a timestamp literal is missing")
	}
	t := p.tok.lit.Time
	return t, p.advance()
}

func (p *parser) comparisons(join Join) (*Comparison, error) {
	if join == Alone {
		return p.comparison()
	}
	left, err := p.comparisons(join - 1)
	for err == nil && p.word(join.keyword()) {
		var right *Comparison
		if err = p.node(); err == nil {
			err = p.advance()
		}
		if err == nil {
			right, err = p.comparisons(join - 1)
		}
		left = &Comparison{Join: join, Left: left, Right: right}
	}
	return left, err
}

func (p *parser) comparison() (*Comparison, error) {
	if err := p.node(); err != nil {
		return nil, err
	}
	if p.mark("(") {
		if err := p.open(); err != nil {
			return nil, err
		}
		c, err := p.comparisons(Or)
		if err != nil {
			return nil, err
		}
		return c, p.close(")")
	}
	c := &Comparison{}
	err := p.not(c)
	if err == nil && (c.Negate || p.word("EXISTS")) {
		if err = p.expect("EXISTS"); err == nil {
			c.Op = Exists
			c.Path, err = p.path()
		}
		return c, err
	}
	if err == nil {
		c.Path, err = p.path()
	}
	if err == nil {
		err = p.not(c)
	}
	if err == nil {
		err = p.test(c)
	}
	return c, err
}

func (p *parser) not(c *Comparison) error {
	if !p.word("NOT") {
		return nil
	}
	c.Negate = true
	return p.advance()
}

// reserved words are not names: a property called so is written in quotes.
func reserved(s string) bool {
	switch s {
	case "AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "LAST", "IN",
		"START", "STOP", "SECONDS", "WITHIN", "REPEATS", "TIMES":
		return true
	}
	return false
}

func (p *parser) path() (path Path, err error) {
	if p.tok.kind != tokenWord && p.tok.kind != tokenHyphened || reserved(p.tok.text) {
		return path, p.fail(p.tok.at, "an object type is missing")
	}
	path.Type = p.tok.text
	if err = p.advance(); err == nil {
		err = p.expect(":")
	}
	for first := true; err == nil && (first || p.mark(".") || p.mark("[")); first = false {
		if len(path.Steps) >= maxPath {
			return path, p.fail(p.tok.at, "a path of more than %d steps", maxPath)
		}
		var s Step
		if !first && p.mark("[") {
			s, err = p.index()
		} else {
			if !first {
				err = p.advance()
			}
			if err == nil {
				s, err = p.key()
			}
		}
		path.Steps = append(path.Steps, s)
	}
	return path, err
}

func (p *parser) key() (Step, error) {
	s := Step{Key: p.tok.text}
	if p.tok.kind == tokenLiteral && p.tok.lit.Kind == String {
		s.Key = p.tok.lit.Text
	} else if p.tok.kind != tokenWord || reserved(p.tok.text) {
		return s, p.fail(p.tok.at, "a property name is missing; one with a hyphen stands in quotes")
	}
	return s, p.advance()
}

func (p *parser) index() (s Step, err error) {
	if err = p.advance(); err != nil {
		return s, err
	}
	switch {
	case p.mark("*"):
		s.Kind = Each
	case p.tok.kind == tokenLiteral && p.tok.lit.Kind == Int:
		s.Kind, s.Index = Index, p.tok.lit.Int
	default:
		return s, p.fail(p.tok.at, "an index is a whole number or *")
	}
	if err = p.advance(); err == nil {
		err = p.expect("]")
	}
	return s, err
}

func (p *parser) test(c *Comparison) error {
	at := p.tok.at
	switch p.tok.text {
	case "=", "==":
		c.Op = Equal
	case "!=", "<>":
		c.Op = NotEqual
	case "<":
		c.Op = Less
	case "<=":
		c.Op = LessEqual
	case ">":
		c.Op = Greater
	case ">=":
		c.Op = GreaterEqual
	case "IN":
		c.Op = In
	case "LIKE":
		c.Op = Like
	case "MATCHES":
		c.Op = Matches
	case "ISSUBSET":
		c.Op = IsSubset
	case "ISSUPERSET":
		c.Op = IsSuperset
	}
	if c.Op == 0 || p.tok.kind == tokenLiteral {
		return p.fail(at, "a comparison is missing")
	}
	if err := p.advance(); err != nil {
		return err
	}
	if c.Op == In {
		return p.set(c)
	}
	return p.constant(c)
}

func (p *parser) constant(c *Comparison) error {
	lit, at := p.tok.lit, p.tok.at
	switch {
	case p.tok.kind != tokenLiteral:
		return p.fail(at, "a constant is missing")
	case c.Op >= Less && c.Op <= GreaterEqual && lit.Kind == Bool:
		return p.fail(at, "true and false have no order")
	case c.Op >= Like && lit.Kind != String:
		return p.fail(at, "a text in quotes is missing")
	case (c.Op == Like || c.Op == Matches) && len(lit.Text) > maxRegexp:
		return p.fail(at, "a LIKE or MATCHES text of more than %d bytes", maxRegexp)
	}
	c.Values = []Literal{lit}
	var err error
	switch c.Op {
	case Like:
		c.pattern, err = regexp.Compile(likeExpression(norm.NFC.String(lit.Text)))
	case Matches:
		c.pattern, err = regexp.Compile(norm.NFC.String(lit.Text))
	case IsSubset, IsSuperset:
		var ok bool
		if c.prefix, ok = parsePrefix(lit.Text); !ok {
			return p.fail(at, "not an address or a network")
		}
	}
	if err != nil {
		return p.fail(at, "a regular expression that RE2 does not know")
	}
	return p.advance()
}

func (p *parser) set(c *Comparison) error {
	if err := p.expect("("); err != nil {
		return err
	}
	for !p.mark(")") {
		if len(c.Values) > 0 {
			if err := p.expect(","); err != nil {
				return err
			}
		}
		if p.tok.kind != tokenLiteral {
			return p.fail(p.tok.at, "a constant is missing in the set")
		}
		c.Values = append(c.Values, p.tok.lit)
		c.mixed = c.mixed || !sameFamily(c.Values[0].Kind, p.tok.lit.Kind)
		if err := p.advance(); err != nil {
			return err
		}
	}
	return p.advance()
}

// sameFamily reports whether constants of two kinds may stand in one set.
func sameFamily(a, b Kind) bool {
	return a == b || a <= Float && b <= Float
}
