package executor

import (
	"testing"

	"noroshi/internal/testkit"
)

func TestEveryWordIsUsed(t *testing.T) { testkit.Said(t, "executor", Words) }
