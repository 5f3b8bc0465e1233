package incident

// Redact returns a copy without what the dictionary calls sensitive, and
// without what needs a consent that was not given. Such answers become
// Redacted; the field's Why says the reason. "Unknown" and "being
// investigated" stay: they tell nothing. The copy cannot be submitted:
// DecodeReport and Validate refuse it.
func (r *Report) Redact() *Report {
	return r.RedactWhere(func(f *Field) bool { return f.Sensitive || f.Consent != "" && !r.Consent(f.Consent) })
}

// RedactWhere is Redact with another choice of what to hide.
func (r *Report) RedactWhere(hide func(*Field) bool) *Report {
	c := r.Clone()
	for id, v := range c.Values {
		f, ok := Dictionary().Get(id)
		if !ok || hide(f) && (v.State == Known || v.State == Range) {
			c.Values[id] = Value{State: Redacted}
		}
	}
	return c
}
