package text

// Both is one piece of wording in both languages, as data files carry it:
// {ja = "…", en = "…"}.
type Both struct {
	JA string `toml:"ja" json:"ja"`
	EN string `toml:"en" json:"en"`
}

// In returns the wording in a language.
func (b Both) In(l Lang) string {
	if l == EN {
		return b.EN
	}
	return b.JA
}

// Empty reports whether either language lacks the wording.
func (b Both) Empty() bool { return b.JA == "" || b.EN == "" }
