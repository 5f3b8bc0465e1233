package app

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"noroshi/internal/base/config"
	"noroshi/internal/base/fault"
	"noroshi/internal/intel/feed"
)

func TestFeedSources(t *testing.T) {
	got, err := feedSources([]string{"kev kind=kev url=https://feeds.example/kev.json every=6h", "own path=/srv/feeds whole=true shrink=5"})
	if err != nil || len(got) != 2 || got[0].Kind != feed.KEV || got[0].Every != 6*time.Hour || !got[1].Whole || got[1].Shrink != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, line := range []string{"", "just nonsense", "kev kind=kev", "kev url=https://feeds.example/k every=often", "kev url=https://feeds.example/k shrink=x", "KEV url=https://feeds.example/k", "kev kind=what url=https://feeds.example/k"} {
		if _, err := feedSources([]string{line}); fault.KindOf(err) != fault.Usage || len(fault.Of(err).Places) == 0 {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestAWrongFeedIsSaidBeforeTheHubOpens: by the check, and by the hub itself
// without more than that.
func TestAWrongFeedIsSaidBeforeTheHubOpens(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Hub.DataDir = t.TempDir()
	cfg.Feeds.Sources = []string{"just nonsense"}
	if _, err := OpenHub(t.Context(), cfg, words, slog.New(slog.NewTextHandler(io.Discard, nil)), Options{}); fault.KindOf(err) != fault.Usage {
		t.Errorf("%v", err)
	}
	if err := checkFeeds(cfg); fault.KindOf(err) != fault.Usage {
		t.Errorf("%v", err)
	}
	cfg.Feeds.Sources = []string{"kev url=https://feeds.example/kev.json"}
	if err := checkFeeds(cfg); err == nil {
		t.Error("a feed on a host the hub may not go to is in order")
	}
	cfg.Out.Hosts = []string{"feeds.example"}
	if err := checkFeeds(cfg); err != nil {
		t.Errorf("%v", err)
	}
}
