package export

import (
	"archive/zip"
	"bytes"
	"io"
	"net/netip"
	"path"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/testkit"
)

// counted are the datagrams of a capture that look like exports, and what was
// counted when they were decoded.
type counted struct{ datagrams, records, options, early, released, lost uint64 }

// TestCaptures decodes every export in the captures of ../shared/data, where
// all other payloads must not be taken for one. The numbers of records are what
// nfcapd and goflow2 find (internal/engine/flow/nfdump, bench/peers/flow).
func TestCaptures(t *testing.T) {
	want := map[string]counted{
		"netflow5.pcap":          {3, 4, 0, 0, 0, 0},
		"netflow9.pcap":          {9, 21, 1, 0, 0, 8}, // its exporter counts records, not datagrams
		"netgraph-netflow5.pcap": {4, 120, 0, 0, 0, 0},
		"nprobe-netflow9-2.pcap": {3, 6, 1, 0, 0, 0},
		"nprobe-netflow9-3.pcap": {72, 892, 6, 0, 0, 0},
		"nprobe-netflow9-4.pcap": {4, 15, 1, 2, 2, 0}, // data before its template
		"nprobe-netflow9.pcap":   {9, 152, 2, 0, 0, 0},
		"pmacctd-netflow5.pcap":  {3, 42, 0, 0, 0, 0},
		"pmacctd-netflow9.pcap":  {2, 6, 0, 0, 0, 0},
		"netflowv9.pcap":         {10, 0, 0, 23, 0, 0}, // its templates never come
		"sflow.pcap":             {9, 1, 8, 0, 0, 0},
	}
	files := 0
	for _, archive := range []string{"pcap/netflow-graylog.zip", "copyleft/pcap/ndpi-dev.zip", "pcap/zeek-traces.zip", "pcap/suricata-verify-dev.zip"} {
		z, err := zip.OpenReader("../../../../../shared/data/" + archive)
		if err != nil {
			testkit.Skip(t, "no shared data: "+err.Error())
		}
		defer z.Close()
		for _, f := range z.File {
			if !strings.Contains(path.Ext(f.Name), "cap") {
				continue
			}
			src, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			got := decodeCapture(src)
			src.Close()
			files++
			if base := path.Base(f.Name); got != want[base] {
				t.Errorf("%s: %+v, want %+v", f.Name, got, want[base])
			}
		}
	}
	t.Logf("%d captures", files)
}

func decodeCapture(src io.Reader) (c counted) {
	r, err := capture.NewReader(src)
	if err != nil {
		return c
	}
	d, b := NewDecoder(Limits{}), NewBatch(0, nil)
	batch := make([]capture.Packet, 64)
	var h packet.Headers
	for {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			p := &batch[i]
			packet.Decode(p, &h)
			if payload := p.Data[h.Payload : h.Payload+h.PayloadLen]; h.Layers.Has(packet.UDP) && Guess(payload) != Unknown {
				c.datagrams++
				_ = d.Decode(netip.AddrFrom16(h.Src).Unmap(), p.At, bytes.Clone(payload), b)
			}
		}
		if err != nil {
			break
		}
	}
	for _, e := range d.Exporters() {
		c.records += e.Records
		c.options += e.Options
		c.early += e.Early
		c.released += e.Released
		c.lost += e.Lost
	}
	return c
}
