package page

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"

	"noroshi/internal/base/text"
)

var inlines = []struct {
	re  *regexp.Regexp
	say string
}{
	{regexp.MustCompile(`(?i)<style\b`), "a style element; looks belong in the stylesheet"},
	{regexp.MustCompile(`(?i)\sstyle\s*=`), "a style attribute; use a class, or SVG attributes for geometry"},
	{regexp.MustCompile(`(?i)<[a-z][^<>]*\son[a-z]+\s*=`), "an event attribute; the script listens by data attributes"},
	{regexp.MustCompile(`(?i)<[a-z][^<>]*\sdata-on[a-z-]*\s*=`), "a data-on attribute; html/template takes it for a script and puts quotation marks round its words"},
	{regexp.MustCompile(`(?i)javascript:`), "a javascript: address"},
	{regexp.MustCompile(`(?i)<script\b`), "a script element; only the shell has one"},
}

// inline returns what a page must not contain under the content-security
// policy, as an error that names the line.
func inline(src string) error {
	for _, in := range inlines {
		for _, at := range in.re.FindAllStringIndex(src, -1) {
			if in.say == inlines[len(inlines)-1].say && strings.HasPrefix(src[at[0]:], `<script src="{{.Script}}" defer></script>`) {
				continue
			}
			return fmt.Errorf("line %d: %s", 1+strings.Count(src[:at[0]], "\n"), in.say)
		}
	}
	return nil
}

var hole = regexp.MustCompile(`\{([a-z_]+)(\|[^{}|]*\|[^{}|]*)?\}`)

// check walks every template and reports word keys the catalog lacks and
// arguments a sentence wants and does not get. A key put together with print
// is held to its fixed beginning: some key must begin so.
func (s *Set) check() error {
	var bad []string
	keys := s.words.Keys()
	for _, t := range s.master.Templates() {
		if t.Tree == nil || t.Tree.Root == nil {
			continue
		}
		walk(t.Tree.Root, func(c *parse.CommandNode) {
			if say := s.checkWords(c, keys); say != "" {
				bad = append(bad, t.Name()+": "+say)
			}
		})
	}
	if bad != nil {
		slices.Sort(bad)
		return fmt.Errorf("pages: %s", strings.Join(slices.Compact(bad), "; "))
	}
	return nil
}

func (s *Set) checkWords(c *parse.CommandNode, keys []string) string {
	id, ok := c.Args[0].(*parse.IdentifierNode)
	if !ok || id.Ident != "T" || len(c.Args) < 2 {
		return ""
	}
	if pipe, ok := c.Args[1].(*parse.PipeNode); ok && len(pipe.Cmds) == 1 {
		cmd := pipe.Cmds[0]
		if id, ok := cmd.Args[0].(*parse.IdentifierNode); ok && (id.Ident == "print" || id.Ident == "printf") && len(cmd.Args) > 1 {
			if lit, ok := cmd.Args[1].(*parse.StringNode); ok {
				head, _, _ := strings.Cut(lit.Text, "%")
				if i, _ := slices.BinarySearch(keys, head); i == len(keys) || !strings.HasPrefix(keys[i], head) {
					return fmt.Sprintf("no words begin with %q", head)
				}
			}
		}
		return ""
	}
	lit, ok := c.Args[1].(*parse.StringNode)
	if !ok {
		return ""
	}
	if !s.words.Has(lit.Text) {
		return fmt.Sprintf("no words for %q", lit.Text)
	}
	given := map[string]bool{}
	for i := 2; i < len(c.Args); i += 2 {
		name, ok := c.Args[i].(*parse.StringNode)
		if !ok {
			return "" // names worked out at run time
		}
		given[name.Text] = true
	}
	if len(c.Args)%2 != 0 {
		return fmt.Sprintf("words for %q: odd number of arguments", lit.Text)
	}
	for _, m := range hole.FindAllStringSubmatch(s.words.Printer(text.JA, nil).T(lit.Text), -1) {
		if !given[m[1]] {
			return fmt.Sprintf("words for %q want %q", lit.Text, m[1])
		}
	}
	return ""
}

// walk calls see for every command of a parsed template.
func walk(n parse.Node, see func(*parse.CommandNode)) {
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, c := range l.Nodes {
				walk(c, see)
			}
		}
	}
	pipe := func(p *parse.PipeNode) {
		if p != nil {
			for _, c := range p.Cmds {
				walk(c, see)
			}
		}
	}
	branch := func(b *parse.BranchNode) { pipe(b.Pipe); list(b.List); list(b.ElseList) }
	switch n := n.(type) {
	case *parse.ListNode:
		list(n)
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.PipeNode:
		pipe(n)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.CommandNode:
		see(n)
		for _, a := range n.Args {
			walk(a, see)
		}
	}
}
