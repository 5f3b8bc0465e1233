package sighting

import (
	"testing"

	"noroshi/internal/testkit"
)

func TestEveryWordIsUsed(t *testing.T) { testkit.Said(t, "sighting", Words) }
