package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"strings"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/export"
	"noroshi/internal/engine/flow/packet"
)

// datagram is one export datagram as it was sent.
type datagram struct {
	from    netip.AddrPort
	at      int64
	payload []byte
}

// replay returns the export datagrams of a file: a capture, or bare datagrams
// (.dat).
func replay(name string, raw []byte) ([]datagram, error) {
	from := netip.MustParseAddrPort("192.0.2.1:2055")
	if path.Ext(name) == ".dat" {
		all := []datagram{{from, 1_500_000_000e9, raw}}
		if strings.HasSuffix(name, "netflow-v9-1.dat") { // two datagrams, one behind the other
			const first = 224
			all[0].payload = raw[:first]
			all = append(all, datagram{from, 1_500_000_000e9, raw[first:]})
		}
		return all, nil
	}
	r, err := capture.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	var all []datagram
	batch := make([]capture.Packet, 64)
	var h packet.Headers
	for {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			p := &batch[i]
			packet.Decode(p, &h)
			payload := p.Data[h.Payload : h.Payload+h.PayloadLen]
			if h.Layers.Has(packet.UDP) && !h.Layers.Has(packet.ICMP|packet.ICMPv6) && (export.UsualPort(h.DstPort) || export.Guess(payload) != export.Unknown) {
				a := netip.AddrPortFrom(netip.AddrFrom16(h.Src).Unmap(), h.SrcPort)
				all = append(all, datagram{a, p.At, bytes.Clone(payload)})
			}
		}
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// corpora are the files that hold export datagrams, by name within the folder
// of shared data.
var corpora = map[string]func(name string) bool{
	"pcap/netflow-graylog.zip": func(n string) bool { return strings.HasSuffix(n, ".dat") || strings.HasSuffix(n, ".pcap") },
	"copyleft/pcap/ndpi-dev.zip": func(n string) bool {
		return strings.HasSuffix(n, "netflowv9.pcap") || strings.HasSuffix(n, "sflow.pcap")
	},
}

// extra is a folder of captures of one's own to compare as well.
const extra = "NOROSHI_EXPORTS"

// eachFile calls fn with every file of the corpora below folder.
func eachFile(folder string, fn func(name string, raw []byte) error) error {
	for archive, wanted := range corpora {
		z, err := zip.OpenReader(path.Join(folder, archive))
		if err != nil {
			return err
		}
		err = fs.WalkDir(z, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !wanted(name) {
				return err
			}
			raw, err := fs.ReadFile(z, name)
			if err != nil {
				return err
			}
			return fn(name, raw)
		})
		z.Close()
		if err != nil {
			return err
		}
	}
	own, _ := filepath.Glob(filepath.Join(os.Getenv(extra), "*.pcap"))
	if os.Getenv(extra) == "" {
		own = nil
	}
	for _, name := range own {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := fn(name, raw); err != nil {
			return err
		}
	}
	return nil
}

// data is the folder of shared data.
func data() string {
	if v := os.Getenv("NOROSHI_DATA"); v != "" {
		return v
	}
	return "../../../../shared/data"
}
