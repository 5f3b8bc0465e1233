package db

import (
	"reflect"
	"testing"
)

func TestAQueryNumbersItsValues(t *testing.T) {
	var q Query
	q.And("a = ? AND b < ?", 1, "two")
	q.And("c IS NULL")
	q.In("d", []string{"x", "y"})
	q.In("e", nil)
	sql := "WHERE " + q.Where() + " LIMIT " + q.Arg(9)
	if want := "WHERE a = $1 AND b < $2 AND c IS NULL AND d IN ($3, $4) AND e IN (NULL) LIMIT $5"; sql != want {
		t.Errorf("%s", sql)
	}
	if want := []any{1, "two", "x", "y", 9}; !reflect.DeepEqual(q.Args, want) {
		t.Errorf("%v", q.Args)
	}
}

// TestAValueIsNotReadAsSQL gives a value that holds what stands for values.
func TestAValueIsNotReadAsSQL(t *testing.T) {
	var q Query
	q.And("a = ? OR b = ?", "?", "1 OR 1 = 1")
	if q.Where() != "a = $1 OR b = $2" {
		t.Errorf("%s", q.Where())
	}
}

func TestAPageEndsWhereTheNextBegins(t *testing.T) {
	cursor := func(last *int) string { return Cursor(*last) }
	for _, c := range []struct {
		list []int
		want []int
		next string
	}{{nil, nil, ""}, {[]int{1, 2}, []int{1, 2}, ""}, {[]int{1, 2, 3}, []int{1, 2}, Cursor(2)}} {
		if got, next := Page(c.list, 2, cursor); !reflect.DeepEqual(got, c.want) || next != c.next {
			t.Errorf("%v: %v %q", c.list, got, next)
		}
	}
}
