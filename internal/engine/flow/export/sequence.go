package export

// sequence follows an exporter's sequence numbers and uptime.
type sequence struct {
	begun   bool
	unsure  bool // how many units the last datagram held could not be told
	next    uint32
	uptime  uint32 // ms, of the newest datagram
	seconds uint32 // its export time
	restart int64  // ns: when the exporter was last taken to have restarted
	recent  [16]uint32
	recentN int
	place   place
	// Some exporters of v9 count records where RFC 3954 counts datagrams: other
	// is the number to expect then, hits how often in a row it was right, doubt
	// what was counted as lost meanwhile.
	other   uint32
	hits    int
	doubt   uint64
	records bool // this exporter counts records
}

// counted is consumed for v9: it follows which of the two counts an exporter
// keeps.
func (e *exporter) counted(number, records uint32, known bool) {
	s := &e.sequence
	if s.place == inOrder {
		s.other = number + records
	}
	if s.records {
		e.consumed(number, records, known)
	} else {
		e.consumed(number, 1, true)
	}
}

// tryOther reports whether a number that is ahead is the one expected of an
// exporter that counts records, so often that it is taken to be one.
func (e *exporter) tryOther(number uint32, ahead int32) bool {
	s := &e.sequence
	if e.kind != NetFlow9 || s.records || number != s.other {
		s.hits, s.doubt = 0, 0
		return false
	}
	s.hits++
	s.doubt += uint64(ahead)
	if s.hits < 3 {
		return false
	}
	s.records = true
	e.counts.Lost -= min(e.counts.Lost, s.doubt-uint64(ahead))
	return true
}

// place is how a datagram stands to those before it.
type place uint8

const (
	inOrder  place = iota
	late           // a later one came before
	repeated       // it came before
)

// A number that is further ahead than maxGap is not a loss but a new count; an
// uptime that went back by less than uptimeSlack ms is disorder.
const (
	maxGap      = 1 << 24
	uptimeSlack = 10_000
	// restartPause is how long after a restart, in ns, the next is not
	// believed: parts of one device that share a domain but not an uptime would
	// look like a restart at every datagram.
	restartPause = 60e9
)

// follow counts what the header of a datagram tells: its number, the uptime in
// ms (0 where there is none) and the export time in seconds. It reports
// whether the exporter's uptime began anew, and with it its templates.
func (e *exporter) follow(number, uptime, seconds uint32, at int64) (restarted bool) {
	s := &e.sequence
	defer s.remember(number)
	s.place = inOrder
	if !s.begun {
		s.begun, s.next, s.uptime, s.seconds = true, number, uptime, seconds
		return false
	}
	ahead := int32(number - s.next)
	again := s.seen(number)
	back := s.uptime > uptime && s.uptime-uptime > uptimeSlack && s.uptime-uptime < 1<<31 && seconds >= s.seconds
	if back && !again || ahead < 0 && !again && seconds > s.seconds && uptime >= s.uptime || ahead > maxGap {
		known := s.restart == 0 || at-s.restart >= restartPause || at < s.restart
		s.next, s.uptime, s.seconds, s.unsure = number, uptime, seconds, false
		if !known {
			e.counts.Disorder++
			return false
		}
		s.restart, s.recentN = at, 0
		e.counts.Restarts++
		return back
	}
	switch {
	case again && ahead < 0:
		s.place = repeated
		e.counts.Duplicates++
	case ahead < 0:
		s.place = late
		e.counts.Disorder++
	case ahead > 0 && !s.unsure && !e.tryOther(number, ahead):
		e.counts.Lost += uint64(ahead)
	}
	if ahead >= 0 {
		s.next, s.uptime, s.seconds, s.unsure = number, uptime, seconds, false
	}
	return false
}

// consumed says how many units the datagram with that number held: the number
// of the next. known is false when it could not be told.
func (e *exporter) consumed(number, units uint32, known bool) {
	switch s := &e.sequence; s.place {
	case late: // it fills a gap that was counted as lost
		e.counts.Lost -= min(e.counts.Lost, uint64(units))
	case inOrder:
		s.next = number + units
		s.unsure = !known
	}
}

func (s *sequence) seen(number uint32) bool {
	for i := range min(s.recentN, len(s.recent)) {
		if s.recent[i] == number {
			return true
		}
	}
	return false
}

func (s *sequence) remember(number uint32) {
	s.recent[s.recentN%len(s.recent)] = number
	s.recentN++
}
