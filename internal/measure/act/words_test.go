package act

import (
	"testing"

	"noroshi/internal/testkit"
)

func TestEveryWordIsUsed(t *testing.T) { testkit.Said(t, "act", Words) }
