package app

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/intel"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/intel/feed"
	"noroshi/internal/org"
	"noroshi/internal/vendor"
)

// openIntel opens the feeds.
func (h *Hub) openIntel() (*intel.Service, error) {
	sources, err := feedSources(h.Config.Feeds.Sources)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(h.Config.Hub.DataDir, "feeds")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return intel.Open(intel.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Incidents: h.Incidents, Orgs: h.Orgs, Sources: sources, Client: h.Out, CSAF: csaf.Read, Dir: dir, Log: h.log, Now: h.now})
}

// feedSources reads the lines of feeds.sources: an id, then key=value.
func feedSources(lines []string) (out []intel.FeedSource, err error) {
	for i, line := range lines {
		at := "feeds.sources[" + strconv.Itoa(i) + "]"
		words := strings.Fields(line)
		if len(words) == 0 {
			return nil, badFeed(at, line)
		}
		f := intel.FeedSource{ID: words[0]}
		for _, w := range words[1:] {
			k, v, _ := strings.Cut(w, "=")
			err := errors.New("unknown")
			switch k {
			case "kind":
				f.Kind, err = feed.Kind(v), nil
			case "url":
				f.URL, err = v, nil
			case "path":
				f.Path, err = v, nil
			case "licence":
				f.Licence, err = v, nil
			case "checksum":
				f.Checksum, err = v, nil
			case "every":
				f.Every, err = time.ParseDuration(v)
			case "whole":
				f.Whole, err = strconv.ParseBool(v)
			case "shrink":
				f.Shrink, err = strconv.Atoi(v)
			}
			if err != nil {
				return nil, badFeed(at, w)
			}
		}
		out = append(out, f)
	}
	if bad := intel.Check(out); len(bad) > 0 {
		return nil, fault.New(fault.Usage, "config.wrong").At(bad...)
	}
	return out, nil
}

// checkFeeds finds lines of feeds.sources that cannot be read, and feeds on a
// host that the hub may not go to.
func checkFeeds(cfg config.Config) error {
	sources, err := feedSources(cfg.Feeds.Sources)
	if err != nil {
		return err
	}
	out := fetch.Policy{Hosts: cfg.Out.Hosts, Networks: cfg.Out.Prefixes(), Plain: cfg.Out.Plain}
	for _, f := range sources {
		if f.URL == "" {
			continue
		}
		if _, err := out.Check(f.URL); err != nil {
			x := fault.Of(err)
			return fault.New(fault.Usage, "config.wrong").At(fault.Place{At: "feeds." + f.ID + ".url", Code: x.Code, Args: x.Args})
		}
	}
	return nil
}

func badFeed(at, word string) error {
	return fault.New(fault.Usage, "config.wrong").At(fault.Place{At: at, Code: "app.feed_line", Args: fault.Args{"word": word}})
}

// exposed counts the firms and devices that a vulnerability concerns, for a
// situation's report.
func (h *Hub) exposed(ctx context.Context, tx *db.Tx, vulnerability string) (firms, devices int, err error) {
	rows, err := h.Exposures.Of(ctx, tx, vulnerability, nil)
	seen := map[string]bool{}
	for _, x := range rows {
		seen[x.Org] = true
		devices += x.Devices
	}
	return len(seen), devices, err
}

// makers is the feed of what makers on this hub state themselves.
const makers = "makers"

// state hands a maker's advisory to the feeds, so that it is matched like any
// other statement.
func (h *Hub) state(ctx context.Context, name string, document []byte) error {
	_, err := h.Intel.Receive(org.Local(ctx), intel.Request{Feed: makers}, name, bytes.NewReader(document), vendor.MaxDocument)
	return err
}
