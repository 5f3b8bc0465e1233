package approval

import (
	"testing"

	"noroshi/internal/testkit"
)

func TestEveryWordIsUsed(t *testing.T) { testkit.Said(t, "approval", Words) }
