package templates

import (
	"html/template"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
)

// constants replaces the parts of templates that are the same for every request by
// their values, when the templates are loaded: {{.T "id"}} for a text without arguments,
// {{asset "name"}}, and the provider's names. Most of a page consists of them.
type constants struct {
	site   Site
	words  messages
	escape func(string) string // for the text around actions
}

// inPages returns copies of the pages with the constants of a language.
func (t *Templates) inPages(pages map[string]*template.Template, locale string) map[string]*template.Template {
	c := constants{t.site, t.messages[locale], escapeHTML}
	copies := make(map[string]*template.Template, len(pages))
	for name, page := range pages {
		copies[name] = template.Must(page.Clone())
		for _, part := range copies[name].Templates() {
			c.list(part.Tree.Root)
		}
	}
	return copies
}

// inMails returns copies of the mails with the constants of a language.
func (t *Templates) inMails(mails map[string]*texttemplate.Template, locale string) map[string]*texttemplate.Template {
	c := constants{t.site, t.messages[locale], func(s string) string { return s }}
	copies := make(map[string]*texttemplate.Template, len(mails))
	for kind, mail := range mails {
		copies[kind] = texttemplate.Must(mail.Clone())
		for _, part := range copies[kind].Templates() {
			part.Tree = part.Tree.Copy()
			c.list(part.Tree.Root)
		}
	}
	return copies
}

// constant returns the text of a message that has no arguments and does not name the
// mailbox. The provider's configuration may be part of it.
func (w messages) constant(id string) (string, bool) {
	one, err := w.forMailbox("").T(id)
	if err != nil {
		return "", false
	}
	other, err := w.forMailbox("@").T(id)
	return one, err == nil && one == other
}

// escapeHTML escapes a text for HTML and for quoted attributes, as package html/template
// does. Constants must not be in other contexts: a test compares all pages.
func escapeHTML(s string) string {
	return strings.ReplaceAll(template.HTMLEscapeString(s), "+", "&#43;")
}

// value returns the value of a command if it is constant.
func (c constants) value(command *parse.CommandNode) (string, bool) {
	switch command.String() {
	case ".Site.Provider":
		return c.site.Provider, true
	case ".Site.Service":
		return c.site.Service, true
	}
	if len(command.Args) != 2 {
		return "", false
	}
	argument, ok := command.Args[1].(*parse.StringNode)
	if !ok {
		return "", false
	}
	switch command.Args[0].String() {
	case ".T", "$.T":
		return c.words.constant(argument.Text)
	case "asset":
		url, err := assetURL(argument.Text)
		return url, err == nil
	}
	return "", false
}

// list replaces the constants of a list of nodes. A nil list is empty.
func (c constants) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for i, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Cmds) == 1 && len(n.Pipe.Decl) == 0 {
				if s, ok := c.value(n.Pipe.Cmds[0]); ok {
					list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte(c.escape(s))}
					continue
				}
			}
			c.pipe(n.Pipe)
		case *parse.IfNode:
			c.branch(&n.BranchNode)
		case *parse.RangeNode:
			c.branch(&n.BranchNode)
		case *parse.WithNode:
			c.branch(&n.BranchNode)
		case *parse.TemplateNode:
			c.pipe(n.Pipe)
		}
	}
}

func (c constants) branch(n *parse.BranchNode) {
	c.pipe(n.Pipe)
	c.list(n.List)
	c.list(n.ElseList)
}

// pipe replaces the constants in parentheses, which are arguments: (.T "id"). A nil
// pipeline has none.
func (c constants) pipe(pipe *parse.PipeNode) {
	if pipe == nil {
		return
	}
	for _, command := range pipe.Cmds {
		for i, argument := range command.Args {
			inner, ok := argument.(*parse.PipeNode)
			if !ok {
				continue
			}
			if s, ok := c.value(inner.Cmds[0]); ok && len(inner.Cmds) == 1 {
				command.Args[i] = &parse.StringNode{NodeType: parse.NodeString, Pos: inner.Pos, Quoted: `"` + s + `"`, Text: s}
				continue
			}
			c.pipe(inner)
		}
	}
}
