package sigma

import (
	"strconv"
	"strings"
)

// The bounds of a condition.
const (
	maxCondition = 64 << 10 // bytes
	maxNesting   = 100      // brackets and nots
	maxCombined  = 1000     // ways to choose n of k
)

// names are the search identifiers of a detection in their order.
type names struct {
	order []string
	exprs map[string]*Expr
}

// condition reads a condition over search identifiers. Operators bind from or,
// and, not to "x of"; their words are taken in any case.
type condition struct {
	text  string
	words []word
	at    int
	depth int
	line  int
	names *names
}

type word struct {
	text string
	at   int // characters before it
}

// parseCondition returns the expression of a condition and what stands behind
// its pipe, if there is one.
func parseCondition(text string, line int, n *names) (*Expr, string, *problem) {
	if len(text) > maxCondition {
		return nil, "", fail(line, TooLarge, "the condition", strconv.Itoa(maxCondition)+" bytes")
	}
	body, pipe, _ := strings.Cut(text, "|")
	c := &condition{text: text, words: splitWords(body), line: line, names: n}
	if len(c.words) == 0 {
		return nil, "", fail(line, ConditionEmpty)
	}
	e, p := c.or()
	if p == nil && c.at < len(c.words) {
		p = c.expected("and, or")
	}
	return e, strings.TrimSpace(pipe), p
}

// splitWords splits at blanks and around brackets.
func splitWords(text string) []word {
	var words []word
	from := -1
	for i := 0; i <= len(text); i++ {
		var c byte = ' '
		if i < len(text) {
			c = text[i]
		}
		blank := c == ' ' || c == '\t' || c == '\n'
		if blank || c == '(' || c == ')' {
			if from >= 0 {
				words = append(words, word{text[from:i], from})
				from = -1
			}
			if !blank {
				words = append(words, word{text[i : i+1], i})
			}
		} else if from < 0 {
			from = i
		}
	}
	return words
}

// is reports whether the next word is w, a keyword.
func (c *condition) is(w string) bool {
	return c.at < len(c.words) && strings.EqualFold(c.words[c.at].text, w)
}

func (c *condition) expected(what string) *problem {
	at := len(c.text)
	if c.at < len(c.words) {
		at = c.words[c.at].at
	}
	return fail(c.line, ConditionSyntax, c.text, strconv.Itoa(at+1), what)
}

func (c *condition) or() (*Expr, *problem)  { return c.chain("or", c.and, anyOf) }
func (c *condition) and() (*Expr, *problem) { return c.chain("and", c.not, allOf) }

func (c *condition) chain(op string, next func() (*Expr, *problem), join func(...*Expr) *Expr) (*Expr, *problem) {
	first, p := next()
	if p != nil || !c.is(op) {
		return first, p
	}
	kids := []*Expr{first}
	for c.is(op) {
		c.at++
		e, p := next()
		if p != nil {
			return nil, p
		}
		kids = append(kids, e)
	}
	return join(kids...), nil
}

func (c *condition) not() (*Expr, *problem) {
	if !c.is("not") {
		return c.operand()
	}
	if c.depth++; c.depth > maxNesting {
		return nil, fail(c.line, TooLarge, "the condition", strconv.Itoa(maxNesting)+" levels")
	}
	defer func() { c.depth-- }()
	c.at++
	e, p := c.not()
	if p != nil {
		return nil, p
	}
	return not(e), nil
}

// operand reads a bracket, "x of …" or a search identifier.
func (c *condition) operand() (*Expr, *problem) {
	if c.at == len(c.words) {
		return nil, c.expected("a search identifier")
	}
	w := c.words[c.at].text
	switch {
	case w == "(":
		return c.bracket()
	case c.at+1 < len(c.words) && strings.EqualFold(c.words[c.at+1].text, "of") && isQuantity(w):
		return c.of(w)
	case w == ")" || c.is("and") || c.is("or"):
		return nil, c.expected("a search identifier")
	}
	e, ok := c.names.exprs[w]
	if !ok {
		return nil, fail(c.line, ConditionName, w)
	}
	c.at++
	return e, nil
}

func (c *condition) bracket() (*Expr, *problem) {
	if c.depth++; c.depth > maxNesting {
		return nil, fail(c.line, TooLarge, "the condition", strconv.Itoa(maxNesting)+" levels")
	}
	defer func() { c.depth-- }()
	c.at++
	e, p := c.or()
	if p != nil {
		return nil, p
	}
	if !c.is(")") {
		return nil, c.expected(")")
	}
	c.at++
	return e, nil
}

func isQuantity(w string) bool {
	if strings.EqualFold(w, "all") || strings.EqualFold(w, "any") {
		return true
	}
	n, err := strconv.Atoi(w)
	return err == nil && n > 0
}

// of reads what follows a quantity: of them, of a pattern.
func (c *condition) of(quantity string) (*Expr, *problem) {
	c.at += 2
	if c.at == len(c.words) || c.is("(") || c.is(")") {
		return nil, c.expected("them, a pattern of search identifiers")
	}
	pattern := c.words[c.at].text
	var kids []*Expr
	for _, name := range c.names.order {
		if c.covers(pattern, name) {
			kids = append(kids, c.names.exprs[name])
		}
	}
	if len(kids) == 0 {
		return nil, fail(c.line, ConditionName, pattern)
	}
	c.at++
	if strings.EqualFold(quantity, "all") {
		return allOf(kids...), nil
	}
	n, _ := strconv.Atoi(quantity)
	e := atLeast(max(n, 1), kids)
	if e == nil {
		return nil, fail(c.line, TooLarge, quantity+" of "+pattern, strconv.Itoa(maxCombined)+" combinations")
	}
	return e, nil
}

// covers reports whether a pattern stands for a name. Names that begin with an
// underscore are only meant by patterns that do.
func (c *condition) covers(pattern, name string) bool {
	if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") {
		return false
	}
	return strings.EqualFold(pattern, "them") || globs(pattern, name)
}

// globs reports whether name matches pattern, whose * is any text.
func globs(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		var piece string
		piece, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, piece)
		}
		i := strings.Index(name, piece)
		if i < 0 {
			return false
		}
		name = name[i+len(piece):]
	}
}

// atLeast returns the expression for n or more of kids, nil when there are too
// many ways to choose them.
func atLeast(n int, kids []*Expr) *Expr {
	if n > len(kids) {
		return &Expr{Op: False}
	}
	ways := 1
	for i := range n {
		if ways = ways * (len(kids) - i) / (i + 1); n > 1 && ways > maxCombined {
			return nil
		}
	}
	return choose(n, kids)
}

func choose(n int, kids []*Expr) *Expr {
	switch n {
	case 0:
		return &Expr{Op: True}
	case 1:
		return anyOf(kids...)
	case len(kids):
		return allOf(kids...)
	}
	return anyOf(allOf(kids[0], choose(n-1, kids[1:])), choose(n, kids[1:]))
}
