package db

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// Tables lists the tables of the schema in order of name.
func (t *Tx) Tables(ctx context.Context) ([]string, error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
	if t.postgres {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1"
	}
	rows, err := t.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Dump gives every row of a table as one line of JSON: an object from column
// to value, in which bytes are {"b":"base64"}. The lines are the same on both
// databases, so that a backup of one restores into the other.
func (t *Tx) Dump(ctx context.Context, table string, line func([]byte) error) (n int64, err error) {
	rows, err := t.Query(ctx, "SELECT * FROM "+table) // a backup takes what is there
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		row := make(map[string]any, len(columns))
		for i, v := range values {
			switch v := v.(type) {
			case []byte:
				row[columns[i]] = map[string]string{"b": base64.StdEncoding.EncodeToString(v)}
			case int64, string, nil, float64:
				row[columns[i]] = v
			default:
				return n, fmt.Errorf("BUG: dump %s.%s: a %T", table, columns[i], v)
			}
		}
		raw, err := json.Marshal(row)
		if err != nil {
			return n, err
		}
		if err := line(raw); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// Undump inserts a row that Dump gave.
func (t *Tx) Undump(ctx context.Context, table string, columns []string, line []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(line)))
	dec.UseNumber()
	var row map[string]any
	if err := dec.Decode(&row); err != nil {
		return fmt.Errorf("restore %s: %w", table, err)
	}
	if len(row) != len(columns) {
		return fmt.Errorf("restore %s: the row has %d columns, the table %d", table, len(row), len(columns))
	}
	args, marks := make([]any, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		v, ok := row[c]
		if !ok {
			return fmt.Errorf("restore %s: the row has no column %s", table, c)
		}
		switch v := v.(type) {
		case json.Number:
			if n, err := v.Int64(); err == nil {
				args[i] = n
			} else if args[i], err = v.Float64(); err != nil {
				return fmt.Errorf("restore %s.%s: %w", table, c, err)
			}
		case map[string]any:
			s, _ := v["b"].(string)
			raw, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return fmt.Errorf("restore %s.%s: %w", table, c, err)
			}
			args[i] = raw
		default:
			args[i] = v
		}
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	_, err := t.Exec(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
	return err
}

// Columns lists a table's columns in order.
func (t *Tx) Columns(ctx context.Context, table string) ([]string, error) {
	rows, err := t.Query(ctx, "SELECT * FROM "+table+" WHERE 1 = 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Columns()
}
