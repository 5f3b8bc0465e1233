package db

import (
	"context"
	"database/sql"
	"sync"
)

// prepared keeps the statements of the readers, each prepared once on each
// connection: parsing SQL costs SQLite more than most of our queries do.
type prepared struct {
	pool *sql.DB

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

// get returns a prepared statement, or nil when there is none yet. It is then
// prepared aside: whoever asks holds a connection and must not wait for one.
func (p *prepared) get(query string) *sql.Stmt {
	p.mu.RLock()
	s, known := p.stmts[query]
	full := len(p.stmts) >= maxStmts
	p.mu.RUnlock()
	if known || full {
		return s
	}
	p.mu.Lock()
	_, known = p.stmts[query]
	if !known {
		p.stmts[query] = nil
	}
	p.mu.Unlock()
	if !known {
		go p.prepare(query)
	}
	return nil
}

func (p *prepared) prepare(query string) {
	s, err := p.pool.PrepareContext(context.Background(), query)
	if err != nil {
		return // the query itself says why; or the database was closed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stmts[query] = s
}

// preparedTx is a read transaction that uses them.
type preparedTx struct {
	*sql.Tx
	*prepared
}

func (t preparedTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := t.get(query); s != nil {
		return t.StmtContext(ctx, s).QueryContext(ctx, args...)
	}
	return t.Tx.QueryContext(ctx, query, args...)
}

func (t preparedTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := t.get(query); s != nil {
		return t.StmtContext(ctx, s).QueryRowContext(ctx, args...)
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}
