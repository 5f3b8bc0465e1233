package selection

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// TestAStatementNamesTheDayOfItsTable: which networks are domestic was known on that
// day; an old table is called old, and no other day passes for it.
func TestAStatementNamesTheDayOfItsTable(t *testing.T) {
	b := newBench(t)
	own, err := ReadPrefixes("", nil)
	if err != nil {
		t.Fatal(err)
	}
	executor := newKey(t, "executor")
	job := b.job(b.order("order.json", func(o *approval.Order) { o.Executor = executor.Verifier() }), "out", b.capture("a.pcap", traffic(3, "x")...))
	job.Table, job.Signer = own.file, executor
	st, err := RunFiles(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	if day := own.table.Meta().Date; day.IsZero() || !st.PrefixesOf.Equal(day) {
		t.Fatalf("%v, the table is of %v", st.PrefixesOf, day)
	}
	against := Against{Authorities: []note.Verifier{b.verifier()}}
	if v, err := Verify(filepath.Join(b.dir, "out"), against); err != nil {
		t.Fatal(err, v.Wrong)
	}
	words, err := text.Load(Words, cli.Words)
	if err != nil {
		t.Fatal(err)
	}
	said := func(began time.Time) string {
		var out bytes.Buffer
		told := st
		told.BegunAt = began
		if err := told.tell(&out, words.Printer(text.EN, time.UTC)); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if s := said(st.PrefixesOf.AddDate(0, 0, 200)); !strings.Contains(s, "200 days old") {
		t.Error(s)
	}
	if s := said(st.PrefixesOf.AddDate(0, 0, 100)); strings.Contains(s, "days old") {
		t.Error(s)
	}
	st.PrefixesOf = st.PrefixesOf.AddDate(0, 0, 1)
	if err := executor.sign(&st); err != nil {
		t.Fatal(err)
	}
	b.write("out/"+fileStatement, st.encode())
	if _, err := Verify(filepath.Join(b.dir, "out"), against); !errors.Is(err, ErrUnverified) {
		t.Errorf("another day: %v", err)
	}
}
