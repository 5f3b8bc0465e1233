package situation

import (
	"testing"

	"noroshi/internal/testkit"
)

func TestEveryWordIsUsed(t *testing.T) { testkit.Said(t, "situation", Words) }
