package dissect

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// A canary in every place where a hello, a certificate, a banner or a packet of
// QUIC can carry one is in no record, and in no stream that came to its end.
func TestSecureKeepsNoContent(t *testing.T) {
	const canary = "canary-that-sings-a-song-nobody-may-hear"
	n := record.NewNaming([32]byte{1}, false)
	cert := issue(t, ecKey(t), 0, canary+".example", "*."+canary+".example")
	client := &tls.Config{ServerName: canary + ".example", InsecureSkipVerify: true, NextProtos: []string{canary}, MaxVersion: tls.VersionTLS12}
	server := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{canary}}
	live, _, err := shake(t, client, server)
	if err != nil {
		t.Fatal(err)
	}
	lists := make([]string, 10)
	for i := range lists {
		lists[i] = canary
	}
	ssh := []chunk{{1, []byte(canary + "\n")}, {1, []byte("SSH-2.0-" + canary + "\r\n")}, {0, []byte("SSH-2.0-x " + canary + "\r\n")}, {0, kexInit(lists...)}, {1, kexInit(lists...)}}
	hello := clientHelloBytes(canary+".example", canary, 700)
	text := append([]byte(canary), tlsRecord(tlsHandshake, hello)...)
	quic := &quicState{}
	begun := &quicState{} // never gets the rest
	whole := func(int) []byte { return seal(quicV1, []byte("id"), nil, []byte(canary), 1, cryptoFrame(0, hello)) }
	part := func(int) []byte { return seal(quicV1, []byte("id"), nil, []byte(canary), 1, cryptoFrame(3, hello[3:])) }
	var dtls dtlsState
	for name, run := range map[string]func(f record.Facts) any{
		"tls": func(f record.Facts) any { return playOut(newTLS(f), live) },
		"hello": func(f record.Facts) any {
			return playOut(newTLS(f), []chunk{{0, tlsRecord(tlsHandshake, hello[:500])}})
		},
		"ssh":   func(f record.Facts) any { return playOut(newSSH(f), ssh) },
		"clear": func(f record.Facts) any { return playOut(newClear(f), []chunk{{0, text}}) },
		"quic":  func(f record.Facts) any { quic.datagram(0, 0, whole(0), f); quic.end(); return quic },
		"begun": func(f record.Facts) any { begun.datagram(0, 0, part(0), f); begun.end(); return begun },
		"dtls": func(f record.Facts) any {
			for _, b := range dtlsHello(60)[1:] {
				dtls.datagram(0, 0, b, f)
			}
			dtls.end()
			return &dtls
		},
	} {
		f := record.Facts{Record: &record.Record{}, Naming: n}
		left := run(f)
		json := string(record.AppendJSON(nil, f.Record))
		for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte(canary))[:50]} {
			if strings.Contains(json, form) {
				t.Errorf("%s: %s", name, json)
			}
		}
		if s, ok := left.(*clearStream); ok {
			left = s.tls
		}
		switch s := left.(type) {
		case *tlsStream:
			s.f = record.Facts{}
		case *sshStream:
			s.f = record.Facts{}
		}
		numbers := strings.Trim(fmt.Sprint([]byte("canary")), "[]")
		if shown := fmt.Sprintf("%v", left); strings.Contains(shown, numbers) || len(shown) < 5 {
			t.Errorf("%s: still in the stream: %s", name, shown)
		}
	}
}

// playOut shows chunks to a stream, ends it and returns it.
func playOut(s Stream, said []chunk) Stream {
	var dir [2]direction
	for _, c := range said {
		feed(s, &dir[c.side], c.side, bytes.Clone(c.b))
	}
	s.End()
	return s
}
