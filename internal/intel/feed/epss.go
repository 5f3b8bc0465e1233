package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/engine/jsonscan"
)

// readEPSS reads FIRST's estimates: the daily CSV file, whose first line says
// model and day, or an answer of its API.
func (p *reading) readEPSS() error {
	if p.mark != "" {
		return p.epssJSON()
	}
	var day time.Time
	for n := 1; ; n++ {
		line, err := p.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) || len(line) > 400 {
			return p.fault("feed.csv", "line "+itoa(n))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		whole := err == nil
		b := bytes.TrimRight(line, "\r\n")
		if n == 1 {
			b = trimmed(b)
		}
		switch {
		case len(b) == 0:
		case b[0] == '#':
			if day, err = p.epssHead(string(b), "line "+itoa(n)); err != nil {
				return err
			}
		case bytes.HasPrefix(b, []byte("cve,")):
			if string(b) != "cve,epss,percentile" {
				return p.fault("feed.csv", "line "+itoa(n))
			}
		default:
			id, rest, _ := strings.Cut(string(b), ",")
			score, percentile, _ := strings.Cut(rest, ",")
			// A last line without its end may be half a number.
			if !whole && strings.Count(string(b), ",") < 2 {
				return p.fault("feed.cut", "line "+itoa(n), "byte", p.bytes)
			}
			if err := p.epss(id, score, percentile, day, "line "+itoa(n), b); err != nil {
				return err
			}
		}
		if !whole {
			break
		}
	}
	if p.file.Records == 0 {
		return p.fault("feed.cut", "line 1", "byte", p.bytes)
	}
	return nil
}

// epssHead reads "#model_version:v2025.03.14,score_date:2025-03-17T00:00:00+0000".
func (p *reading) epssHead(s, place string) (day time.Time, err error) {
	for part := range strings.SplitSeq(strings.TrimPrefix(s, "#"), ",") {
		key, value, _ := strings.Cut(part, ":")
		switch key {
		case "model_version":
			p.file.Version = clip(value)
		case "score_date":
			t, ok := jsonscan.ParseTime(value)
			if !ok {
				return day, p.fault("feed.csv", place)
			}
			day = t
		}
	}
	return day, p.released(day, place)
}

func (p *reading) epss(id, score, percentile string, day time.Time, place string, raw []byte) error {
	a, err := strconv.ParseFloat(score, 64)
	b, err2 := strconv.ParseFloat(percentile, 64)
	// Written so that NaN is refused as well.
	if err != nil || err2 != nil || !isCVE(id) || !(a >= 0 && a <= 1 && b >= 0 && b <= 1) {
		return p.fault("feed.csv", place)
	}
	p.begin()
	return p.emit(&Record{
		ID: id, By: "FIRST", Ref: "https://www.first.org/epss", Licence: LicenceEPSS, Modified: day,
		Likelihood: &Likelihood{Score: a, Percentile: b, On: day},
	}, id, place, raw)
}

// epssJSON reads {"data": [{"cve", "epss", "percentile", "date"}]}, in which
// numbers are strings.
func (p *reading) epssJSON() error {
	if err := p.scan.Enter(); err != nil {
		return err
	}
	for {
		more, err := p.scan.Next()
		if err != nil {
			return err
		}
		if !more {
			return p.scan.End()
		}
		if p.scan.Key() != "data" {
			continue
		}
		err = p.each(func(v jsonscan.Value, place string) error {
			var id, score, percentile string
			var day time.Time
			c := v.Cursor()
			for key := range c.Object() {
				switch string(key) {
				case "cve":
					id = c.String()
				case "epss":
					score = c.String()
				case "percentile":
					percentile = c.String()
				case "date":
					day = c.Time()
				}
			}
			if at, wrong := c.Wrong(); wrong {
				return p.fault("feed.field_wrong", place+at)
			}
			return p.epss(id, score, percentile, day, place, v)
		})
		if err != nil {
			return err
		}
	}
}
