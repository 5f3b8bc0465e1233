package ledger

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// maxNames bounds the pseudonyms kept in memory.
const maxNames = 65536

// name is whom a pseudonym stands for.
type name struct{ kind, subject string }

// pseudonym returns the subject's pseudonym and makes one at first sight. New
// ones go to learned, and into memory only after the transaction committed.
func (l *Ledger) pseudonym(ctx context.Context, tx *db.Tx, n name, learned map[name]string) (string, error) {
	if n.subject == "" {
		return "", nil
	}
	l.names.RLock()
	p, ok := l.names.known[n]
	l.names.RUnlock()
	if ok {
		return p, nil
	}
	if p, ok := learned[n]; ok {
		return p, nil
	}
	raw := make([]byte, 12)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	if _, err := tx.Exec(ctx, "INSERT INTO ledger_name (pseudonym, kind, subject) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
		base64.RawURLEncoding.EncodeToString(raw), n.kind, n.subject); err != nil {
		return "", err
	}
	err := tx.QueryRow(ctx, "SELECT pseudonym FROM ledger_name WHERE kind = $1 AND subject = $2", n.kind, n.subject).Scan(&p)
	learned[n] = p
	return p, err
}

// namesIn lists who an entry names.
func namesIn(who gate.Identity, public map[string]any) []name {
	all := []name{{"person", who.Person}, {"org", who.Org}}
	for _, v := range public {
		switch v := v.(type) {
		case Org:
			all = append(all, name{"org", string(v)})
		case Person:
			all = append(all, name{"person", string(v)})
		case []Org:
			for _, o := range v {
				all = append(all, name{"org", string(o)})
			}
		}
	}
	return all
}

// meet makes the pseudonyms that are missing, in an order that all nodes
// share: two acts that name the same two for the first time would otherwise
// wait for each other.
func (l *Ledger) meet(ctx context.Context, tx *db.Tx, learned map[name]string, all []name) error {
	slices.SortFunc(all, func(a, b name) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject)) })
	for _, n := range slices.Compact(all) {
		if _, err := l.pseudonym(ctx, tx, n, learned); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) learn(names map[name]string) {
	if len(names) == 0 {
		return
	}
	l.names.Lock()
	defer l.names.Unlock()
	if len(l.names.known)+len(names) > maxNames {
		clear(l.names.known)
	}
	maps.Copy(l.names.known, names)
}

// cover replaces the ids among public facts by pseudonyms.
func (l *Ledger) cover(ctx context.Context, tx *db.Tx, public map[string]any, learned map[name]string) (map[string]any, error) {
	if len(public) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(public))
	for k, v := range public {
		var err error
		switch v := v.(type) {
		case Org:
			out[k], err = l.pseudonym(ctx, tx, name{"org", string(v)}, learned)
		case Person:
			out[k], err = l.pseudonym(ctx, tx, name{"person", string(v)}, learned)
		case []Org:
			names := make([]string, len(v))
			for i, o := range v {
				if names[i], err = l.pseudonym(ctx, tx, name{"org", string(o)}, learned); err != nil {
					break
				}
			}
			out[k] = names
		case string, bool, int, int64, []string:
			out[k] = v
		default:
			out[k], err = canonical(v)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// canonical makes what a struct says into what its JSON says: an entry is canonical
// only when its fields stand in the order in which whoever reads it back would
// write them.
func canonical(v any) (out any, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("public facts: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err = dec.Decode(&out)
	return out, err
}

// Forget erases what opens the digests of entries about an object, once what
// they are digests of is destroyed: whoever has database and log can then no
// longer try guesses of it. Receipts that were given out keep their salt.
func (l *Ledger) Forget(ctx context.Context, tx *db.Tx, object string) error {
	_, err := tx.Exec(ctx, "UPDATE ledger_entry SET salt = NULL WHERE object = $1 AND salt IS NOT NULL", object)
	return err
}

// Erase forgets whom a person's pseudonym stands for. The log stays as it is
// and still verifies.
func (l *Ledger) Erase(ctx context.Context, tx *db.Tx, person string) error {
	_, err := tx.Exec(ctx, "DELETE FROM ledger_name WHERE kind = 'person' AND subject = $1", person)
	l.names.Lock()
	delete(l.names.known, name{"person", person})
	l.names.Unlock()
	return err
}
