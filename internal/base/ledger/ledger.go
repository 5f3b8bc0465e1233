// Package ledger is the only door to a write, and the record of every act that
// went through it: who, what, on what, for which purpose, with which outcome.
// The act and its entry commit together or not at all; a refusal undoes the
// act and keeps the entry.
//
// Committed entries are numbered by one leased sequencer, put into a Merkle
// log (engine/tlog) and signed within a second. Whoever has a receipt can prove
// their entry; whoever has the files can verify them all. The log holds
// pseudonyms of people and organisations and salted digests of secrets; names
// and salts are in the database, where they can be erased.
//
// Witnesses cosign checkpoints (c2sp.org/tlog-cosignature). While none does, what
// takes power may have to wait: see Witnessing.
//
// Tables: ledger_entry, ledger_name, ledger_head, ledger_witness.
package ledger

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/tlog"
)

// Migrations and Words are this package's tables and sentences.
var (
	//go:embed migrations
	Migrations embed.FS
	//go:embed text
	Words embed.FS
)

// promise is how long after an act its proof has to exist; an entry that
// waits longer is an alarm.
const promise = 10 * time.Second

// Act is what somebody is about to do. Who does it comes from the context
// (gate.From); without anybody there it is the system itself.
type Act struct {
	Verb    string         // noun.verb
	Object  string         // noun/id; may be filled in while the act runs
	Purpose string         // id of the purpose, where one is asked
	Grant   string         // id of the Grant, where one is needed
	Public  map[string]any // stays in clear for ever: no names, no content; see Org and Person
	Secret  any            // enters the log only as a salted digest

	Entry string // id of the entry; Do sets it before the act runs
}

// Org and Person are ids that an Act's Public facts name; the entry holds
// their pseudonyms.
type (
	Org    string
	Person string
)

// Receipt is what its actor gets of an act at once.
type Receipt struct {
	Entry string    `json:"entry"`          // id of the entry
	At    time.Time `json:"at"`             // when it was made
	Leaf  string    `json:"leaf"`           // the entry, byte for byte
	Salt  string    `json:"salt,omitempty"` // base64; opens the digest
}

// Config is what a ledger needs.
type Config struct {
	DB       *db.DB
	Dir      string        // folder of checkpoint and tiles
	Signer   note.Signer   // its name is the origin of the log
	Verifier note.Verifier // of the signer
	VKey     string        // the verifier as text, to be served
	Interval time.Duration // between checkpoints; 0 means 500 ms
	Log      *slog.Logger
	Now      func() time.Time

	Witnesses []note.Verifier // that cosign checkpoints (engine/tlog.ReadWitness); none: nothing waits for any
	Wait      time.Duration   // how old their newest cosignature may get before acts of power wait; 0: as old as it likes
	Beat      time.Duration   // after which an entry is written when nothing else was; 0: never
}

// Ledger records acts.
type Ledger struct {
	Config
	holder string                  // name of this node; see lock
	inject func(step string) error // see folder.Writer
	looked time.Time               // when Run last asked whether the log is still

	names struct {
		sync.RWMutex
		known map[name]string
	}
	seq struct {
		sync.Mutex
		lock *os.File // nil before the first round
		held bool     // whether tree continues what is in the folder
		tree tlog.Tree
	}
}

// New returns a ledger. Nothing is published before Run or Settle.
func New(c Config) *Ledger {
	if c.Interval == 0 {
		c.Interval = 500 * time.Millisecond
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	l := &Ledger{Config: c}
	l.names.known = map[name]string{}
	return l
}

// Do runs fn in one transaction with the entry of the act. When fn returns a
// fault of kind Refused, what fn did is undone, the entry says refused, and
// the fault is returned; any other error undoes everything.
func (l *Ledger) Do(ctx context.Context, act *Act, fn func(tx *db.Tx) error) (Receipt, error) {
	var rcpt Receipt
	var refusal *fault.Error
	var learned map[name]string
	act.Entry = uuid.Must(uuid.NewV7()).String()
	err := l.DB.Write(ctx, func(tx *db.Tx) error {
		if err := fn(tx); err != nil {
			if refusal = fault.Of(err); refusal.Kind != fault.Refused {
				return err
			}
			if err := tx.Rewind(ctx); err != nil {
				return err
			}
		}
		var err error
		rcpt, learned, err = l.insert(ctx, tx, act, refusal)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	l.learn(learned)
	if refusal != nil {
		return rcpt, refusal
	}
	return rcpt, nil
}

// Refuse records a refusal that happened outside of any act, such as of a
// page somebody asked for, and returns it.
func (l *Ledger) Refuse(ctx context.Context, verb, object string, refusal *fault.Error) error {
	_, err := l.Do(ctx, &Act{Verb: verb, Object: object}, func(*db.Tx) error { return refusal })
	return err
}

// Allowed makes an act that a table of access has to allow. The table is asked
// inside the act, so that a refusal is recorded; fn learns who acts, and how far
// their verb reaches.
func (l *Ledger) Allowed(ctx context.Context, access gate.Table, act *Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) (Receipt, error) {
	return l.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		return fn(tx, who, reach)
	})
}

// Read runs queries that a table of access has to allow. A refusal is recorded:
// asking for what one may not see is an act.
func (l *Ledger) Read(ctx context.Context, access gate.Table, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	who, reach, err := access.Allow(ctx, verb)
	if err != nil {
		return l.Refuse(ctx, verb, "", fault.Of(err))
	}
	return l.DB.Read(ctx, func(tx *db.Tx) error { return fn(tx, who, reach) })
}

func (l *Ledger) insert(ctx context.Context, tx *db.Tx, act *Act, refusal *fault.Error) (Receipt, map[name]string, error) {
	id, _ := gate.From(ctx)
	learned := map[name]string{}
	e := Entry{
		V: 1, ID: act.Entry, At: l.Now().UTC().Truncate(time.Microsecond),
		Verb: act.Verb, Object: plain(act.Object), Purpose: plain(act.Purpose), Grant: plain(act.Grant), Outcome: Done,
	}
	err := l.meet(ctx, tx, learned, namesIn(id, act.Public))
	if err != nil {
		return Receipt{}, nil, err
	}
	if e.Who, err = l.pseudonym(ctx, tx, name{"person", id.Person}, learned); err != nil {
		return Receipt{}, nil, err
	}
	if e.Org, err = l.pseudonym(ctx, tx, name{"org", id.Org}, learned); err != nil {
		return Receipt{}, nil, err
	}
	var salt []byte
	if refusal != nil {
		e.Outcome, e.Reason = Refused, refusal.Code
	} else {
		if e.Public, err = l.cover(ctx, tx, act.Public, learned); err != nil {
			return Receipt{}, nil, err
		}
		if act.Secret != nil {
			salt = make([]byte, 16)
			_, _ = rand.Read(salt) // never fails (crypto/rand)
			if e.Digest, err = Digest(salt, act.Secret); err != nil {
				return Receipt{}, nil, err
			}
		}
	}
	leaf, err := e.encode()
	if err != nil {
		return Receipt{}, nil, err
	}
	if len(leaf) > tlog.MaxEntry {
		return Receipt{}, nil, fmt.Errorf("BUG: ledger: the entry of %s has %d bytes", act.Verb, len(leaf))
	}
	_, err = tx.Exec(ctx, "INSERT INTO ledger_entry (id, at, verb, object, org, leaf, salt) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		e.ID, db.Micros(e.At), e.Verb, e.Object, e.Org, leaf, salt)
	if err != nil {
		return Receipt{}, nil, fmt.Errorf("ledger: %w", err)
	}
	return Receipt{Entry: e.ID, At: e.At, Leaf: leaf, Salt: base64.StdEncoding.EncodeToString(salt)}, learned, nil
}

// Promise signs a receipt: that its entry will be in the log before At plus
// ten seconds. It is a signed note (c2sp.org/signed-note) of five lines:
// origin, "receipt v1", entry id, leaf hash, and the instant it is due.
func (l *Ledger) Promise(r Receipt) (string, error) {
	hash := tlog.LeafHash([]byte(r.Leaf))
	text := fmt.Sprintf("%s\nreceipt v1\n%s\n%s\n%s\n", l.Signer.Name(), r.Entry,
		base64.StdEncoding.EncodeToString(hash[:]), r.At.Add(promise).UTC().Format(time.RFC3339Nano))
	signed, err := note.Sign(&note.Note{Text: text}, l.Signer)
	if err != nil {
		return "", fmt.Errorf("sign receipt: %w", err)
	}
	return string(signed), nil
}
