package sigma

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of one file. They hold before anything is expanded, so that a small
// file cannot become a large one in memory.
const (
	MaxFile      = 16 << 20 // bytes
	MaxDocuments = 4096     // in a file
	MaxDocument  = 1 << 20  // bytes
	maxNodes     = 100_000  // of a document, aliases expanded
	maxKeys      = 4096     // of a document: the reader's work grows with their square
	maxDepth     = 32
	maxNames     = 1024 // anchors and aliases of a document
)

// style is how a scalar was written: only plain ones are numbers, bools or null.
type style uint8

const (
	quoted style = iota
	plain        // a plain text that is nothing else
	number
	boolean
	null
	sequence
	mapping
)

// node is a YAML value with its place: all that rules need of it.
type node struct {
	style style
	line  int
	text  string // of a scalar
	keys  []pair // of a mapping, in order
	items []*node
}

type pair struct {
	key    string
	line   int
	value  *node
	merged bool // came by <<: a key of the mapping's own replaces it
}

// get returns the value of a key, nil when it is not there.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.keys {
		if n.keys[i].key == key {
			return n.keys[i].value
		}
	}
	return nil
}

func (n *node) scalar() bool { return n.style < sequence }

// problem is a reason at a line; the caller knows file and rule.
type problem struct {
	line int
	code Code
	args []string
}

func fail(line int, code Code, args ...string) *problem { return &problem{line, code, args} }

// documents splits a file at its document markers, which cannot stand inside a
// value, so that one damaged document does not take the others with it. Each
// comes with the number of lines before it.
func documents(data []byte, yield func(doc []byte, before int) *problem) *problem {
	if len(data) > MaxFile {
		return fail(0, FileSize, strconv.Itoa(MaxFile))
	}
	data, p := decode(data)
	if p != nil {
		return p
	}
	start, from, line, first := 0, 0, 0, 0
	count := 0
	for at := 0; at <= len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i
		}
		marker := isMarker(data[at:end])
		if marker || end == len(data) {
			stop := at
			if !marker {
				stop = end
			}
			if body := data[from:stop]; !isBlank(body) {
				if count++; count > MaxDocuments {
					return fail(line+1, FileDocuments, strconv.Itoa(MaxDocuments))
				}
				if p := yield(data[start:stop], first); p != nil {
					return p
				}
			}
			start, first, from = at, line, at+3
			if marker && data[at] == '.' {
				start, first = min(end+1, len(data)), line+1
				from = start
			}
		}
		at = end + 1
	}
	return nil
}

// isMarker reports whether a line begins or ends a document.
func isMarker(line []byte) bool {
	if len(line) < 3 || string(line[:3]) != "---" && string(line[:3]) != "..." {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t'
}

// isBlank reports whether a document has comments and directives only.
func isBlank(doc []byte) bool {
	for len(doc) > 0 {
		line, rest, _ := bytes.Cut(doc, []byte{'\n'})
		if t := bytes.TrimSpace(line); len(t) > 0 && t[0] != '#' && line[0] != '%' {
			return false
		}
		doc = rest
	}
	return true
}

// decode checks that the text is UTF-8 and makes its line ends LF.
func decode(data []byte) ([]byte, *problem) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		return nil, fail(1, FileEncoding, "UTF-16LE")
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, fail(1, FileEncoding, "UTF-16BE")
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		at := 0
		for r, n := utf8.DecodeRune(data); r != utf8.RuneError || n != 1; r, n = utf8.DecodeRune(data[at:]) {
			at += n
		}
		return nil, fail(1+bytes.Count(data[:at], []byte{'\n'}), FileEncoding, "?")
	}
	if bytes.IndexByte(data, '\r') >= 0 {
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	}
	return data, nil
}

// parseDocument reads one document. before is the number of lines in front of it.
func parseDocument(doc []byte, before int) (n *node, p *problem) {
	if len(doc) > MaxDocument {
		return nil, fail(before+1, DocumentSize, strconv.Itoa(MaxDocument))
	}
	// The reader was not written for hostile input; what breaks it is one
	// document's fault and no more.
	defer func() {
		if r := recover(); r != nil {
			n, p = nil, fail(before+1, YAML, "the document breaks the reader")
		}
	}()
	if p := checkShape(doc, before); p != nil {
		return nil, p
	}
	tokens := lexer.Tokenize(string(doc))
	if p := checkTokens(tokens, before); p != nil {
		return nil, p
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlProblem(err, before)
	}
	c := converter{before: before}
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.DirectiveType && d.Body.Type() != ast.CommentType {
			return c.node(d.Body, 0)
		}
	}
	return &node{style: null, line: before + 1}, nil
}

// yamlProblem takes message and line out of an error of the reader, whose own
// text shows the source and is many lines long.
func yamlProblem(err error, before int) *problem {
	if e, ok := err.(interface {
		GetMessage() string
		GetToken() *token.Token
	}); ok {
		line := before + 1
		if tk := e.GetToken(); tk != nil && tk.Position != nil {
			line = before + tk.Position.Line
		}
		return fail(line, YAML, e.GetMessage())
	}
	return fail(before+1, YAML, "not YAML")
}

// checkShape bounds what the lexer is given, which takes many times the memory
// of the text: lines and what may begin a value, keys, and what nests in a line.
func checkShape(doc []byte, before int) *problem {
	line, colons, indicators, marks := 1, 0, 0, 0
	for i, c := range doc {
		switch c {
		case ',', '[', '{':
			marks++
		case '\n':
			line++
			marks++
			indicators = 0
		case ':':
			if i+1 == len(doc) || doc[i+1] == ' ' || doc[i+1] == '\n' {
				colons++
			}
		case '-', '?', '&', '!':
			if i+1 < len(doc) && doc[i+1] == ' ' {
				indicators++
			}
		}
		if indicators > 16*maxDepth {
			return fail(before+line, YAMLDepth, strconv.Itoa(maxDepth))
		}
		if marks > maxNodes {
			return fail(before+line, YAMLSize, strconv.Itoa(maxNodes))
		}
		if colons > maxKeys {
			return fail(before+line, YAMLSize, strconv.Itoa(maxKeys))
		}
	}
	return nil
}

// checkTokens bounds depth and refuses what rules have no use for before the
// parser, which recurses, sees it.
func checkTokens(tokens token.Tokens, before int) *problem {
	depth, entries, line, names := 0, 0, 0, 0
	for _, tk := range tokens {
		switch tk.Type {
		case token.AnchorType, token.AliasType:
			if names++; names > maxNames {
				return fail(before+tk.Position.Line, YAMLSize, strconv.Itoa(maxNames))
			}
		}
		switch tk.Type {
		case token.InvalidType:
			return fail(before+tk.Position.Line, YAML, tk.Error)
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.TagType:
			return fail(before+tk.Position.Line, YAMLTag, tk.Value)
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType:
			if tk.Position.Line != line {
				line, entries = tk.Position.Line, 0
			}
			entries++
		}
		if depth > maxDepth || entries > maxDepth || tk.Position.Column > 1024 && isBlockStart(tk) {
			return fail(before+tk.Position.Line, YAMLDepth, strconv.Itoa(maxDepth))
		}
	}
	return nil
}

// isBlockStart reports whether a token can open a deeper block by its column.
func isBlockStart(tk *token.Token) bool {
	return tk.Type == token.SequenceEntryType || tk.Type == token.MappingKeyType
}

// converter turns the reader's tree into nodes and counts them: an alias counts
// as all that it stands for.
type converter struct {
	before  int
	nodes   int
	anchors map[string]ast.Node
}

func (c *converter) line(n ast.Node) int {
	if tk := n.GetToken(); tk != nil && tk.Position != nil {
		return c.before + tk.Position.Line
	}
	return c.before + 1
}

func (c *converter) node(n ast.Node, depth int) (*node, *problem) {
	if n == nil {
		c.nodes++
		return &node{style: null, line: c.before + 1}, nil
	}
	line := c.line(n)
	if c.nodes++; c.nodes > maxNodes {
		return nil, fail(line, YAMLSize, strconv.Itoa(maxNodes))
	}
	if depth > maxDepth {
		return nil, fail(line, YAMLDepth, strconv.Itoa(maxDepth))
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		m := &node{style: mapping, line: line, keys: make([]pair, 0, len(n.Values))}
		for _, v := range n.Values {
			if p := c.pair(m, v, depth); p != nil {
				return nil, p
			}
		}
		return m, nil
	case *ast.MappingValueNode:
		m := &node{style: mapping, line: line}
		p := c.pair(m, n, depth)
		return m, p
	case *ast.SequenceNode:
		s := &node{style: sequence, line: line, items: make([]*node, 0, len(n.Values))}
		for _, v := range n.Values {
			item, p := c.node(v, depth+1)
			if p != nil {
				return nil, p
			}
			s.items = append(s.items, item)
		}
		return s, nil
	case *ast.AnchorNode:
		if c.anchors == nil {
			c.anchors = map[string]ast.Node{}
		}
		v, p := c.node(n.Value, depth+1)
		c.anchors[n.Name.GetToken().Value] = n.Value
		return v, p
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := c.anchors[name]
		if !ok {
			return nil, fail(line, YAMLAlias, name)
		}
		v, p := c.node(target, depth+1)
		if p != nil && p.code != YAMLSize {
			p.line = line
		}
		return v, p
	}
	return c.scalar(n, line)
}

func (c *converter) scalar(n ast.Node, line int) (*node, *problem) {
	switch n := n.(type) {
	case *ast.StringNode:
		s := &node{style: quoted, line: line, text: n.Value}
		if n.Token.Type == token.StringType {
			s.style = plain
		}
		return s, nil
	case *ast.LiteralNode:
		return &node{style: quoted, line: line, text: n.Value.Value}, nil
	case *ast.IntegerNode:
		return &node{style: number, line: line, text: n.Token.Value}, nil
	case *ast.FloatNode:
		return &node{style: number, line: line, text: n.Token.Value}, nil
	case *ast.BoolNode:
		return &node{style: boolean, line: line, text: n.Token.Value}, nil
	case *ast.NullNode:
		return &node{style: null, line: line}, nil
	case *ast.InfinityNode, *ast.NanNode:
		return &node{style: plain, line: line, text: n.GetToken().Value}, nil
	}
	return nil, fail(line, YAML, "unexpected "+n.Type().String())
}

// pair adds a key and its value to m. A merge key (<<) adds those keys of a
// mapping that m does not have itself.
func (c *converter) pair(m *node, v *ast.MappingValueNode, depth int) *problem {
	line := c.line(v.Key)
	value, p := c.node(v.Value, depth+1)
	if p != nil {
		return p
	}
	if v.Value == nil || v.Value.Type() == ast.NullType {
		value.line = line
	}
	if _, merge := v.Key.(*ast.MergeKeyNode); merge {
		return c.merge(m, value, line)
	}
	key := v.Key.GetToken().Value
	if k, ok := v.Key.(*ast.MappingKeyNode); ok {
		if k.Value == nil {
			return fail(line, YAML, "a key without text")
		}
		key = k.Value.GetToken().Value
	}
	for i := range m.keys {
		if k := &m.keys[i]; k.key == key && k.merged {
			*k = pair{key: key, line: line, value: value}
			return nil
		} else if k.key == key {
			return fail(line, YAMLDuplicate, key, strconv.Itoa(k.line))
		}
	}
	m.keys = append(m.keys, pair{key: key, line: line, value: value})
	return nil
}

// merge adds the keys of from, a mapping or a list of them.
func (c *converter) merge(m, from *node, line int) *problem {
	switch from.style {
	case mapping:
		for _, k := range from.keys {
			if k.merged = true; m.get(k.key) == nil {
				m.keys = append(m.keys, k)
			}
		}
		return nil
	case sequence:
		for _, item := range from.items {
			if item.style != mapping {
				return fail(line, YAML, "<< takes a mapping")
			}
			if p := c.merge(m, item, line); p != nil {
				return p
			}
		}
		return nil
	}
	return fail(line, YAML, "<< takes a mapping")
}
