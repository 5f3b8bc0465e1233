package evtx

import (
	"strings"

	"noroshi/internal/engine/event"
)

// node is an element at its place in an event: /Event/System/Provider is one
// node, however many templates have it.
type node struct {
	parent  uint32
	depth   uint8
	section section
	isData  bool       // a <Data>, whose field is named by its attribute
	isTime  bool       // TimeCreated
	isFrame bool       // groups others: leaves no field when it is empty
	elem    string     // without a namespace prefix
	name    event.Name // of its text; 0 for the parts that frame an event
	shadows bool       // System has a field of that name too
}

// section is the child of Event in which a node stands.
type section uint8

const (
	frame   section = iota // the event itself and what is outside of sections
	system                 // System
	payload                // EventData and UserData: what the provider logged
	others                 // RenderingInfo, ProcessingErrorData, …
)

// attr is an attribute of a node.
type attr struct {
	node uint32
	name uint32
}

// dataName is the attribute Name of a <Data>.
type dataName struct {
	node uint32
	name string
}

// field is a name with what is to be done when it is used.
type field struct {
	name    event.Name
	shadows bool
}

// systemFields are the fields of System. The first four decide to which rules
// an event goes, so nobody else may use their names; the others leave their
// plain name to the payload where it uses it.
var systemFields = [...]string{
	"Channel", "Provider_Name", "EventID", "Computer",
	"Version", "Level", "Task", "Opcode", "Keywords", "EventRecordID", "Qualifiers", "Provider_Guid",
	"Provider_EventSourceName", "TimeCreated_SystemTime", "Correlation_ActivityID", "Correlation_RelatedActivityID",
	"Execution_ProcessID", "Execution_ThreadID", "Security_UserID",
}

const (
	routingFields = 4
	recordField   = 9 // EventRecordID
)

// maxLearned is how many elements, nodes and fields a decoder remembers before
// it forgets them all and begins anew: true logs stay far below.
const maxLearned = 1 << 14

// naming knows how the elements of events are called in rows.
type naming struct {
	names    *event.Names
	system   [len(systemFields)]event.Name
	dotted   [len(systemFields)]event.Name // System.Level and so on
	elems    []string
	elemIDs  map[string]uint32
	nodes    []node
	nodeIDs  map[uint64]uint32
	attrs    map[attr]field
	data     map[dataName]field
	nameElem uint32
	uses     []use // by field name
	epoch    uint64
}

// use is the element that took a field name first in a template.
type use struct {
	epoch uint64
	node  uint32
}

func newNaming(names *event.Names) *naming {
	n := &naming{names: names}
	for i, s := range systemFields {
		n.system[i], n.dotted[i] = names.ID(s), names.ID("System."+s)
	}
	n.forget()
	return n
}

func (n *naming) isFull() bool {
	return len(n.elems) > maxLearned || len(n.nodes) > maxLearned || len(n.attrs) > maxLearned || len(n.data) > maxLearned
}

func (n *naming) forget() {
	n.elems, n.nodes = append(n.elems[:0], ""), append(n.nodes[:0], node{})
	n.elemIDs, n.nodeIDs = map[string]uint32{}, map[uint64]uint32{}
	n.attrs, n.data = map[attr]field{}, map[dataName]field{}
	n.nameElem = n.elem([]byte("Name"))
}

// elem returns the number of an element's or attribute's name.
func (n *naming) elem(name []byte) uint32 {
	if id, ok := n.elemIDs[string(name)]; ok {
		return id
	}
	id := uint32(len(n.elems))
	n.elems = append(n.elems, string(name))
	n.elemIDs[n.elems[id]] = id
	return id
}

// child returns the node of an element inside another; node 0 is the document.
func (n *naming) child(parent, elem uint32) uint32 {
	key := uint64(parent)<<32 | uint64(elem)
	if id, ok := n.nodeIDs[key]; ok {
		return id
	}
	id := uint32(len(n.nodes))
	n.nodes = append(n.nodes, n.newNode(parent, n.elems[elem]))
	n.nodeIDs[key] = id
	return id
}

func (n *naming) newNode(parent uint32, elem string) node {
	up := &n.nodes[parent]
	elem = local(elem)
	c := node{parent: parent, depth: up.depth + 1, section: up.section, elem: elem}
	switch {
	case c.depth == 2 && up.elem == "Event":
		switch elem {
		case "System":
			c.section = system
		case "EventData", "UserData":
			c.section = payload
		default:
			c.section = others
		}
	case c.depth > 2:
		c.isData = c.section != system && elem == "Data"
		c.isTime = c.section == system && elem == "TimeCreated"
	}
	c.isFrame = c.depth < 3 || c.depth == 3 && up.elem == "UserData"
	if c.depth != 1 || elem != "Event" {
		f := n.resolve(&c, elem, "")
		c.name, c.shadows = f.name, f.shadows
	}
	return c
}

// local returns a name without its namespace prefix.
func local(name string) string {
	return name[strings.IndexByte(name, ':')+1:]
}

// resolve gives a plain name to a field of a node, or its dotted path if the
// plain one is not to be had there.
func (n *naming) resolve(c *node, plain, attr string) field {
	if c.section == system {
		if plain == "EventID_Qualifiers" {
			plain = "Qualifiers"
		}
		return field{name: n.names.ID(plain)}
	}
	for i, s := range systemFields {
		switch {
		case s != plain:
		case i < routingFields || c.section != payload:
			return field{name: n.names.ID(n.path(c, attr))}
		default:
			return field{name: n.names.ID(plain), shadows: true}
		}
	}
	return field{name: n.names.ID(plain)}
}

// path returns the dotted path of a node, without Event.
func (n *naming) path(c *node, attr string) string {
	p := c.elem
	for up := c.parent; up != 0; up = n.nodes[up].parent {
		if e := n.nodes[up].elem; n.nodes[up].depth > 1 || e != "Event" {
			p = e + "." + p
		}
	}
	if attr != "" {
		p += "_" + attr
	}
	return p
}

// attribute returns the field of an attribute, none for namespaces.
func (n *naming) attribute(id, name uint32) field {
	key := attr{id, name}
	if f, ok := n.attrs[key]; ok {
		return f
	}
	var f field
	c, text := &n.nodes[id], n.elems[name]
	if text != "xmlns" && !strings.HasPrefix(text, "xmlns:") {
		text = local(text)
		f = n.resolve(c, c.elem+"_"+text, text)
	}
	n.attrs[key] = f
	return f
}

// named returns the field of a <Data Name="…">.
func (n *naming) named(id uint32, name []byte) field {
	if f, ok := n.data[dataName{id, string(name)}]; ok {
		return f
	}
	c := n.nodes[id]
	c.elem = string(name)
	f := n.resolve(&c, c.elem, "")
	n.data[dataName{id, c.elem}] = f
	return f
}

// firstUse returns the element that took a name first since the epoch began.
func (n *naming) firstUse(name event.Name, node uint32) uint32 {
	if int(name) >= len(n.uses) {
		n.uses = append(n.uses, make([]use, int(name)+1-len(n.uses))...)
	}
	u := &n.uses[name]
	if u.epoch != n.epoch {
		*u = use{n.epoch, node}
	}
	return u.node
}
