package db

import (
	"strconv"
	"strings"
)

// Query gathers the conditions of a WHERE clause and their values, so that a rule
// of access and a filter each add what is theirs. Conditions are constants of the
// code; what somebody typed is a value.
type Query struct {
	Args []any // in the order of their $n

	where []string
}

// And adds a condition in which each ? stands for the next of the values.
func (q *Query) And(cond string, values ...any) {
	for _, v := range values {
		cond = strings.Replace(cond, "?", q.Arg(v), 1)
	}
	q.where = append(q.where, cond)
}

// In adds a condition that a column has one of the values. No row has one of none.
func (q *Query) In(column string, values []string) {
	q.And(column + " IN (" + List(q, values) + ")")
}

// Arg adds a value and returns its $n.
func (q *Query) Arg(v any) string {
	q.Args = append(q.Args, v)
	return "$" + strconv.Itoa(len(q.Args))
}

// List adds values to a query and returns their places for IN (…), "$1, $2"; of none it is
// NULL, which nothing equals.
func List[T ~string](q *Query, values []T) string {
	if len(values) == 0 {
		return "NULL"
	}
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = q.Arg(string(v))
	}
	return strings.Join(places, ", ")
}

// Where returns the conditions, all of which have to hold. Without any it is
// empty, and what is written with it is no SQL: a query that nobody narrowed fails.
func (q *Query) Where() string { return strings.Join(q.where, " AND ") }

// Page cuts a list that was asked for with one row more than the limit, and
// returns the cursor of its last row; none when the list ends there.
func Page[T any](list []T, limit int, cursor func(last *T) string) (page []T, next string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], cursor(&list[limit-1])
}
