package domain

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
)

// modelFile is what the training command writes: see the package train.
//
//go:embed model.bin
var modelFile []byte

// Card says what a model was made from; it stands at the head of its file.
type Card struct {
	Format    int               `json:"format"`    // 1
	Inputs    map[string]string `json:"inputs"`    // SHA-256 of each file that was read, by its name
	Seed      uint64            `json:"seed"`      // of the generators and of the order of learning
	Chosen    int               `json:"chosen"`    // labels chosen by people, learned from
	Generated int               `json:"generated"` // labels made by algorithms, learned from
	Scale     float64           `json:"scale"`     // log-odds of one unit of the table
	Base      float64           `json:"base"`      // log-odds without any feature
	Slope     float64           `json:"slope"`     // calibration: probability = 1/(1+e^-(slope*z+offset))
	Offset    float64           `json:"offset"`
	Threshold float64           `json:"threshold"` // probability from which a name counts as generated
}

type model struct {
	card          Card
	scale, base   float32
	slope, offset float32
	threshold     float32
	dense         [Parts - 1][Slots]float32
	table         *[1 << TableBits]int8
}

const modelMagic = "NRSHDGA1"

// embedded is the model that the program carries. Its file is a part of the
// program: when it cannot be read the build is broken.
var embedded = func() *model {
	m, err := readModel(modelFile)
	if err != nil {
		panic("BUG: embedded domain model: " + err.Error())
	}
	return m
}()

// EmbeddedCard returns what the embedded model was made from.
func EmbeddedCard() Card { return embedded.card }

// readModel reads a model file: magic, length and JSON of the card, the dense
// weights as little-endian float32, the table as int8.
func readModel(b []byte) (*model, error) {
	if len(b) < 12 || string(b[:8]) != modelMagic {
		return nil, errors.New("not a model")
	}
	n := int(binary.LittleEndian.Uint32(b[8:]))
	b = b[12:]
	const dense = (int(Parts) - 1) * Slots * 4
	if n > len(b) || len(b)-n != dense+1<<TableBits {
		return nil, errors.New("wrong size")
	}
	m := &model{table: new([1 << TableBits]int8)}
	if err := json.Unmarshal(b[:n], &m.card); err != nil || m.card.Format != 1 {
		return nil, errors.New("no card")
	}
	b = b[n:]
	for g := range m.dense {
		for s := range m.dense[g] {
			w := math.Float32frombits(binary.LittleEndian.Uint32(b))
			if w != w || w > 100 || w < -100 {
				return nil, errors.New("a weight out of range")
			}
			m.dense[g][s] = w
			b = b[4:]
		}
	}
	for i := range m.table {
		m.table[i] = int8(b[i])
	}
	c := m.card
	m.scale, m.base, m.slope, m.offset, m.threshold = float32(c.Scale), float32(c.Base), float32(c.Slope), float32(c.Offset), float32(c.Threshold)
	return m, nil
}

// Weights are what training finds, in the exact form in which they are used.
type Weights struct {
	Card  Card
	Dense [Parts - 1][Slots]float32
	Table *[1 << TableBits]int8
}

// Bytes writes a model file.
func (w *Weights) Bytes() ([]byte, error) {
	head, err := json.Marshal(w.Card)
	if err != nil {
		return nil, err
	}
	b := binary.LittleEndian.AppendUint32([]byte(modelMagic), uint32(len(head)))
	b = append(b, head...)
	for g := range w.Dense {
		for _, v := range w.Dense[g] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	for _, v := range w.Table {
		b = append(b, byte(v))
	}
	return b, nil
}
