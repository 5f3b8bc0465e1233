package main

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/netsampler/goflow2/v2/decoders/netflow"
	"github.com/netsampler/goflow2/v2/decoders/netflowlegacy"
	"github.com/netsampler/goflow2/v2/decoders/sflow"
	"github.com/netsampler/goflow2/v2/producer"
	protoproducer "github.com/netsampler/goflow2/v2/producer/proto"
	"github.com/netsampler/goflow2/v2/utils/templates"
)

// peer is goflow2: its decoder, and its producer of messages.
type peer struct {
	producer  producer.ProducerInterface
	templates map[netip.Addr]netflow.NetFlowTemplateSystem
	produce   bool
}

func newPeer(produce bool) (*peer, error) {
	cfg, err := (&protoproducer.ProducerConfig{}).Compile()
	if err != nil {
		return nil, err
	}
	p, err := protoproducer.CreateProtoProducer(cfg, protoproducer.CreateSamplingSystem)
	if err != nil {
		return nil, err
	}
	return &peer{p, map[netip.Addr]netflow.NetFlowTemplateSystem{}, produce}, nil
}

// decode decodes one datagram. As with us, an exporter is an address without
// its port: softflowd sends from two. (goflow2's own pipe takes the port too
// and then misses templates.)
// Its messages go to each.
func (p *peer) decode(d *datagram, each func(*protoproducer.ProtoProducerMessage)) error {
	if len(d.payload) < 4 {
		return nil
	}
	ts, ok := p.templates[d.from.Addr()]
	if !ok {
		ts = templates.DefaultTemplateGenerator("")
		p.templates[d.from.Addr()] = ts
	}
	var packet any
	var err error
	switch b := bytes.NewBuffer(d.payload[2:]); d.payload[1] {
	case 5:
		m := &netflowlegacy.PacketNetFlowV5{Version: 5}
		packet, err = m, netflowlegacy.DecodeMessage(b, m)
	case 9:
		m := &netflow.NFv9Packet{Version: 9}
		packet, err = m, netflow.DecodeMessageNetFlow(b, ts, m)
	case 10:
		m := &netflow.IPFIXPacket{Version: 10}
		packet, err = m, netflow.DecodeMessageIPFIX(b, ts, m)
	default:
		m := &sflow.Packet{}
		packet, err = m, sflow.DecodeMessageVersion(bytes.NewBuffer(d.payload), m)
	}
	if err != nil || !p.produce {
		return err
	}
	all, err := p.producer.Produce(packet, &producer.ProduceArgs{Src: d.from, TimeReceived: time.Unix(0, d.at), SamplerAddress: d.from.Addr()})
	for _, m := range all {
		if each != nil {
			each(m.(*protoproducer.ProtoProducerMessage))
		}
	}
	p.producer.Commit(all)
	return err
}
