package detect

import "time"

// second and the like in the unit of records.
const (
	second = int64(time.Second)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// Limits bound the tables, in entries. What one entry takes is said at its
// type. The zero value means the default.
type Limits struct {
	Pairs   int // home machine, outside machine, port
	Beats   int // pairs whose rhythm is kept
	Names   int // home machine and the name it asks for
	Outside int // machines and names outside
	Home    int // machines of one's own
	Scans   int // source and port, source and target
	Victims int // machines that get much
	Others  int // everything else that has a table
}

// defaults take about 1.1 GB when every table is full; twelve million connections
// of thirty thousand machines fill most of them.
var defaults = Limits{Pairs: 2 << 20, Beats: 160_000, Names: 512 << 10, Outside: 1 << 20, Home: 256 << 10, Scans: 128 << 10, Victims: 16 << 10, Others: 64 << 10}

func (l Limits) filled() Limits {
	for _, p := range [...][2]*int{{&l.Pairs, &defaults.Pairs}, {&l.Beats, &defaults.Beats}, {&l.Names, &defaults.Names}, {&l.Outside, &defaults.Outside},
		{&l.Home, &defaults.Home}, {&l.Scans, &defaults.Scans}, {&l.Victims, &defaults.Victims}, {&l.Others, &defaults.Others}} {
		if *p[0] <= 0 {
			*p[0] = *p[1]
		}
		*p[0] = max(*p[0], ways)
	}
	return l
}

// Thresholds. Each says why it stands where it does.
const (
	worth       = 0.5 // a finding that a person should look at
	shown       = 0.3 // below that a finding is not even kept
	maxFindings = 250 // of one kind: more than a person reads in a week; the rest is counted

	// Beacons. Twelve beats are the least from which quartiles say something,
	// twenty minutes the least that is no page left open. Two connections
	// within a second are one beat: programs open several at once.
	minBeats    = 12
	minRhythm   = 20 * minute
	sameBeat    = second
	fastestBeat = 1.5 // seconds between beats: what is faster is a transfer
	beatAfter   = 4   // connections after which a pair's rhythm is kept
	longPresent = 6 * hour

	// Popularity. What every eighth machine speaks with is how the house works
	// rather than how an intruder does; below five machines nobody can say.
	minHomes    = 5
	rareShare   = 0.02
	commonShare = 0.12

	// Long connections: RITA and others begin at one hour; half a working day
	// is where an analyst looks, a whole day where it stays open on purpose.
	longFrom = hour
	longHalf = 4 * hour
	longFull = 24 * hour

	// Scans. Fifteen machines or ports that did not answer are more than a
	// mistyped address or a printer that moved; from 30 on few programs do it.
	scanFew    = 10
	scanWorth  = 20
	scanMany   = 1000
	scanFailed = 0.5 // share of tries that fail: a proxy or a crawler fails less

	// Guessing. A person mistypes five times; a script left with an old
	// password tries once a minute. Thirty short sessions in ten minutes are
	// neither.
	guessWindow    = 10 * minute
	guessFew       = 12
	guessWorth     = 30
	guessMany      = 1000
	guessShort     = 60 * second
	guessBytes     = 12 << 10 // a failed login of SSH or RDP takes 2 to 6 KB each way
	guessConfirmed = 15       // failures that the protocol itself tells

	// Floods. Two hundred packets a second for one machine that usually gets
	// few, or ten new connections a second that nobody answers.
	floodPackets = 12_000 // a minute
	floodFlows   = 600    // a minute
	floodSigma   = 6      // times the usual deviation
	floodDrift   = 1.0    // of CUSUM, in deviations
	floodSum     = 12.0   // of CUSUM, in deviations
	floodMany    = 20     // sources
	floodLong    = 30 * minute
	floodRing    = 64 // minutes within which records may be out of order

	// Reflectors answer small questions with much: DNS by 4 to 60, NTP by 500,
	// memcached by 10,000. A resolver of one's own is asked from inside.
	reflectRatio = 4
	reflectCalls = 100
	reflectBytes = 1 << 20

	// Stepping stones: what comes in goes out within seconds, ends together
	// and carries about as much.
	stoneDelay   = 60 * second
	stoneOverlap = 0.7
	stoneShort   = 20 * second // shorter sessions say too little
	stoneBytes   = 2 << 10

	// Data that leaves: a hundred megabytes in one direction to one place are
	// more than mail or forms send; ten times the others of the house.
	leaveFew   = 50e6
	leaveLeast = leaveFew / 20 // of a pair, to count in the sum of a place
	leaveWorth = 200e6
	leaveMany  = 10e9
	leaveRatio = 3.0

	learnShare = 0.25 // of the time looked at, in which fingerprints are learned
	minLearned = 8    // fingerprints, below which "new" says nothing
)
