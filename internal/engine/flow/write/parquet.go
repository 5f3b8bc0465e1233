package write

import (
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"noroshi/internal/engine/flow/record"
)

// rowGroup is how many records are held before they are written as columns.
const rowGroup = 1 << 15

// Row is one record in a Parquet file: columns are only ever added at the end.
// Lists are joined with a space.
type Row struct {
	Start       int64   `parquet:"start,timestamp(microsecond)"`
	End         int64   `parquet:"end,timestamp(microsecond)"`
	Src         string  `parquet:"src,dict"`
	Dst         string  `parquet:"dst,dict"`
	SrcPort     uint32  `parquet:"sport"`
	DstPort     uint32  `parquet:"dport"`
	Proto       uint32  `parquet:"proto"`
	App         string  `parquet:"app,dict"`
	Class       string  `parquet:"class,dict"`
	State       string  `parquet:"state,dict"`
	PacketsOut  uint64  `parquet:"pkts_out"`
	PacketsIn   uint64  `parquet:"pkts_in"`
	BytesOut    uint64  `parquet:"bytes_out"`
	BytesIn     uint64  `parquet:"bytes_in"`
	PayloadOut  uint64  `parquet:"payload_out"`
	PayloadIn   uint64  `parquet:"payload_in"`
	LostOut     uint64  `parquet:"lost_out"`
	LostIn      uint64  `parquet:"lost_in"`
	FlagsOut    uint32  `parquet:"flags_out"`
	FlagsIn     uint32  `parquet:"flags_in"`
	VLAN        uint32  `parquet:"vlan"`
	Tunnel      string  `parquet:"tunnel,dict"`
	CommunityID string  `parquet:"community_id"`
	DNSNames    string  `parquet:"dns_names,dict"`
	DNSRcodes   string  `parquet:"dns_rcodes,dict"`
	SNI         string  `parquet:"sni,dict"`
	ALPN        string  `parquet:"alpn,dict"`
	JA3         string  `parquet:"ja3,dict"`
	JA4         string  `parquet:"ja4,dict"`
	Methods     string  `parquet:"http_methods,dict"`
	Hosts       string  `parquet:"http_hosts,dict"`
	Paths       string  `parquet:"http_paths,dict"`
	Status      string  `parquet:"http_status,dict"`
	Agents      string  `parquet:"agents,dict"`
	SSHClient   string  `parquet:"ssh_client,dict"`
	SSHServer   string  `parquet:"ssh_server,dict"`
	Cut         uint32  `parquet:"cut"`
	Full        bool    `parquet:"names_full"`
	DNSMade     float32 `parquet:"dns_made"` // highest of its questions, 0 … 1; 0 when none was judged
	Sampled     uint32  `parquet:"sampled"`  // one of so many packets was looked at, and the counts are estimates; 1: all
}

// columns writes records as a Parquet file.
type columns struct {
	w    *parquet.GenericWriter[Row]
	rows []Row
}

func newParquet(w io.Writer) *columns {
	return &columns{rows: make([]Row, 0, 512), w: parquet.NewGenericWriter[Row](w, parquet.MaxRowsPerRowGroup(rowGroup),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.CreatedBy("noroshi", "1", ""))}
}

// Write implements Writer.
func (c *columns) Write(r *record.Record) error {
	f := flatten(r)
	c.rows = append(c.rows, Row{
		Start: r.Start / int64(time.Microsecond), End: r.End / int64(time.Microsecond), Src: r.Src.String(), Dst: r.Dst.String(),
		SrcPort: uint32(r.SrcPort), DstPort: uint32(r.DstPort), Proto: uint32(r.Proto), App: r.App.String(), Class: r.Class.String(),
		State: r.State.String(), PacketsOut: r.Packets[0], PacketsIn: r.Packets[1], BytesOut: r.Bytes[0], BytesIn: r.Bytes[1],
		PayloadOut: r.Payload[0], PayloadIn: r.Payload[1], LostOut: r.Lost[0], LostIn: r.Lost[1], FlagsOut: uint32(r.Flags[0]),
		FlagsIn: uint32(r.Flags[1]), VLAN: uint32(r.VLAN), Tunnel: r.Tunnel.String(), CommunityID: r.Community(), DNSNames: f.dnsNames,
		DNSRcodes: f.dnsRcodes, SNI: f.sni, ALPN: f.alpn, JA3: f.ja3, JA4: f.ja4, Methods: f.methods, Hosts: f.hosts, Paths: f.paths,
		Status: f.status, Agents: f.agents, SSHClient: f.sshClient, SSHServer: f.sshServer, Cut: uint32(r.Cut), Full: r.Full,
		DNSMade: float32(f.dnsMade) / 255, Sampled: max(r.Sampled, 1),
	})
	if len(c.rows) == cap(c.rows) {
		return c.flush()
	}
	return nil
}

func (c *columns) flush() error {
	_, err := c.w.Write(c.rows)
	clear(c.rows)
	c.rows = c.rows[:0]
	return err
}

// Close implements Writer.
func (c *columns) Close() error {
	if err := c.flush(); err != nil {
		return err
	}
	return c.w.Close()
}
