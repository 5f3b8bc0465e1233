package capture

import (
	"encoding/binary"
	"io"
)

// Writer writes a pcap file with nanoseconds, little-endian
// (draft-ietf-opsawg-pcap). What the sensor reads is never written: this is for
// made-up traffic.
type Writer struct {
	w    io.Writer
	head [16]byte
}

// NewWriter writes the file header for packets of one link.
func NewWriter(w io.Writer, link Link) (*Writer, error) {
	var h [pcapHeader]byte
	binary.LittleEndian.PutUint32(h[:], magicNano)
	binary.LittleEndian.PutUint16(h[4:], 2)
	binary.LittleEndian.PutUint16(h[6:], 4)
	binary.LittleEndian.PutUint32(h[16:], MaxPacket)
	binary.LittleEndian.PutUint32(h[20:], uint32(link))
	_, err := w.Write(h[:])
	return &Writer{w: w}, err
}

// Write appends a packet. Its time must lie between 1970 and 2106.
func (w *Writer) Write(p *Packet) error {
	h := w.head[:]
	binary.LittleEndian.PutUint32(h, uint32(p.At/1e9))
	binary.LittleEndian.PutUint32(h[4:], uint32(p.At%1e9))
	binary.LittleEndian.PutUint32(h[8:], uint32(len(p.Data)))
	binary.LittleEndian.PutUint32(h[12:], max(p.Orig, uint32(len(p.Data))))
	if _, err := w.w.Write(h); err != nil {
		return err
	}
	_, err := w.w.Write(p.Data)
	return err
}
