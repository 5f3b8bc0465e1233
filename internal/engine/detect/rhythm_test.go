package detect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// slowRhythm is rhythm cell by cell.
func slowRhythm(g *grid) (score, lag float64) {
	var x [rows * cells]int
	var row [rows]bool
	n, first, last, busy := 0, -1, 0, 0
	for i := range x {
		if g.Cell[i/cells][i%cells/64]>>(i%cells%64)&1 == 1 {
			x[i], row[i/cells], last = 1, true, i
			if n++; first < 0 {
				first = i
			}
		}
	}
	for _, is := range row {
		if is {
			busy++
		}
	}
	length := last - first + 1
	within := min(length, busy*cells)
	if n < minBeats || n*3 > within {
		return 0, 0
	}
	p := float64(n) / float64(within)
	chance := 1 - math.Pow(1-p, 3)
	for k := 3; k <= length/4; k++ {
		hit, all := 0, 0
		for i := first; i+k+1 <= last; i++ {
			if x[i] == 1 {
				all++
				hit += x[i+k] | x[i+k-1] | x[i+k+1]
			}
		}
		if all < minBeats/2 {
			continue
		}
		if s := (float64(hit)/float64(all) - chance) / (1 - chance); s > score {
			score, lag = s, float64(k)*float64(cellTime/second)
		}
	}
	return clamp(score), lag
}

func TestRhythmEqualsCellByCell(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	some := 0
	for range 400 {
		var g grid
		at, step := r.Int64N(int64(6*hour)), 45*second+r.Int64N(int64(90*minute))
		for end := at + r.Int64N(int64(20*hour)); at < end; at += step + r.Int64N(1+step/int64(1+r.IntN(20))) {
			g.add(400_000*hour + at)
		}
		for range r.IntN(40) {
			g.add(400_000*hour + r.Int64N(int64(24*hour)))
		}
		score, lag := g.rhythm()
		wantScore, wantLag := slowRhythm(&g)
		if math.Abs(score-wantScore) > 1e-12 || lag != wantLag {
			t.Fatalf("%v\n%v every %v s, cell by cell %v every %v s", g.text(), score, lag, wantScore, wantLag)
		}
		if score > 0 {
			some++
		}
	}
	if some < 100 {
		t.Errorf("only %d of 400 have a rhythm", some)
	}
}

// One beat long before a busy hour does not make it a rhythm.
func TestBusyHourIsNoRhythm(t *testing.T) {
	var g grid
	g.add(400_000 * hour)
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		g.add(400_010*hour + r.Int64N(int64(2*hour)))
	}
	if score, _ := g.rhythm(); score > 0 {
		t.Errorf("score %v", score)
	}
}

func BenchmarkRhythm(b *testing.B) {
	var g grid
	for at := int64(0); at < 23*hour; at += 10 * minute {
		g.add(400_000*hour + at)
	}
	for b.Loop() {
		g.rhythm()
	}
}
