package asset

// Layout is where the parts of a picture stand. Across, everything is in per
// cent of the width, down it is in pixels, so that a page can make the figure
// as wide as it likes while text and squares keep their size.
type Layout struct {
	Height  int
	Columns []Column
	Boxes   []Box // one per node of the picture, in its order
	Wires   []Wire
}

// Column is the ground of one zone.
type Column struct {
	Zone Zone
	X, W float64 // per cent
}

// Box is where a node stands.
type Box struct {
	X, W float64 // per cent
	Y, H int     // pixels
	Rows int     // rows of device marks; 0 means one bar, for there are too many
}

// Wire is a link as straight pieces, each along or down.
type Wire struct {
	Link  int // index into the picture's links
	Parts []Part
}

// Part is one straight piece of a Wire.
type Part struct {
	X1, X2 float64 // per cent
	Y1, Y2 int     // pixels
}

// The measures of the drawing: pixels down, parts of a column across.
const (
	boxTop     = 50 // first box below the zone's name
	boxGap     = 20
	boxHead    = 32 // name and space above the first row of marks
	boxFoot    = 10
	markPitch  = 9 // one row of marks
	marksInRow = 10
	maxMarks   = 60 // devices drawn one by one
	barHeight  = 24 // of a box whose devices are drawn as one bar
	wirePitch  = 5
	maxLanes   = 9

	boxLeft  = 0.085 // of the column's width
	boxWide  = 0.80
	boxRight = boxLeft + boxWide
)

// Layout says where everything stands: columns by zone from the outside in,
// boxes below each other, wires along and down only. Wires of neighbouring
// columns turn in the gap between them; longer ones pass below all boxes.
func (p *Picture) Layout() Layout {
	l := Layout{Boxes: make([]Box, len(p.Nodes))}
	pitch := 100 / float64(max(1, len(p.Zones)))
	col := map[Zone]int{}
	for i, z := range p.Zones {
		col[z.Zone] = i
		l.Columns = append(l.Columns, Column{z.Zone, float64(i) * pitch, pitch * 0.966})
	}
	y := make([]int, len(p.Zones))
	bottom := boxTop
	for i := range p.Nodes {
		n := &p.Nodes[i]
		c := col[n.Zone]
		if y[c] == 0 {
			y[c] = boxTop
		}
		b := Box{X: (float64(c) + boxLeft) * pitch, W: boxWide * pitch, Y: y[c], H: boxHead + boxFoot}
		switch {
		case n.Beyond:
			b.H = boxHead
		case n.Devices > maxMarks:
			b.H += barHeight
		default:
			b.Rows = (n.Devices + marksInRow - 1) / marksInRow
			b.H += b.Rows * markPitch
		}
		l.Boxes[i] = b
		y[c] += b.H + boxGap
		bottom = max(bottom, y[c])
	}
	l.Height = bottom
	turned := make([]int, len(p.Zones)) // wires that turn in the gap right of a column
	passed := 0
	turn := func(c int) float64 {
		lane := turned[c] % maxLanes
		turned[c]++
		gap := 1 - boxRight
		if c < len(p.Zones)-1 {
			gap += boxLeft
		}
		return (float64(c) + boxRight + gap*float64(lane+1)/(maxLanes+1)) * pitch
	}
	for i, k := range p.Links {
		a, b := l.Boxes[k.From], l.Boxes[k.To]
		ca, cb := col[p.Nodes[k.From].Zone], col[p.Nodes[k.To].Zone]
		ay, by := a.Y+a.H/2, b.Y+b.H/2
		w := Wire{Link: i}
		x := turn(ca)
		switch {
		case ca == cb:
			w.Parts = []Part{{a.X + a.W, x, ay, ay}, {x, x, ay, by}, {x, b.X + b.W, by, by}}
		case cb == ca+1:
			w.Parts = []Part{{a.X + a.W, x, ay, ay}, {x, x, ay, by}, {x, b.X, by, by}}
		default:
			below := bottom + passed%maxLanes*wirePitch
			passed++
			x2 := turn(cb - 1)
			w.Parts = []Part{{a.X + a.W, x, ay, ay}, {x, x, ay, below}, {x, x2, below, below}, {x2, x2, below, by}, {x2, b.X, by, by}}
		}
		l.Wires = append(l.Wires, w)
	}
	l.Height += min(passed, maxLanes) * wirePitch
	return l
}
