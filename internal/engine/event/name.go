package event

import "sync"

// Name is an interned field name. The zero Name is no name.
type Name uint32

// The names that every [Names] knows, because routing and reports ask for
// them: the terms are those of the Sigma taxonomy, which are those of Windows.
const (
	Channel  Name = 1 + iota // log channel, such as Microsoft-Windows-Sysmon/Operational
	Provider                 // Provider_Name
	EventID
	Computer // the host that wrote the event
	User
	known
)

var knownNames = [known]string{Channel: "Channel", Provider: "Provider_Name", EventID: "EventID", Computer: "Computer", User: "User"}

// MaxNames is how many names a [Names] takes. Names come from logs, so a hostile
// log must not make it grow without end: what comes after is [Names.ID] 0.
const MaxNames = 1 << 20

// Names gives every field name a number. It is shared by readers and rules and
// safe for concurrent use; readers keep their own cache in front of it.
type Names struct {
	mu    sync.RWMutex
	ids   map[string]Name
	texts []string
}

// NewNames returns a Names that knows the names above.
func NewNames() *Names {
	n := &Names{ids: map[string]Name{}, texts: make([]string, known)}
	for id := Channel; id < known; id++ {
		n.texts[id] = knownNames[id]
		n.ids[knownNames[id]] = id
	}
	return n
}

// ID returns the number of a name and gives it one if it has none. It is 0 for
// the empty name and when [MaxNames] are taken.
func (n *Names) ID(name string) Name {
	if name == "" {
		return 0
	}
	if id, ok := n.Known(name); ok {
		return id
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok := n.ids[name]; ok {
		return id
	}
	if len(n.texts) >= MaxNames {
		return 0
	}
	id := Name(len(n.texts))
	n.texts = append(n.texts, name)
	n.ids[name] = id
	return id
}

// Known returns the number of a name, if it has one.
func (n *Names) Known(name string) (Name, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	id, ok := n.ids[name]
	return id, ok
}

// Text returns the name of a number, empty for one that was not given out.
func (n *Names) Text(id Name) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if int(id) >= len(n.texts) {
		return ""
	}
	return n.texts[id]
}

// Len returns one more than the highest number given out.
func (n *Names) Len() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.texts)
}
