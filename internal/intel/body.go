package intel

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Bodies are stored as one byte of format and the JSON, compressed with a
// dictionary of the words that every body has: a record of 1 kB has little to
// repeat in itself. A new dictionary is a new format; the old one stays.
const bodyZstd1 = 1

// dictionaryID is the number of the dictionary in its frames.
const dictionaryID = 0x4e4f5231

// dictionary1 is what bodies of format 1 have in common. Never change it.
const dictionary1 = `{"document":"https://github.com/advisories/GHSA-","url":"https://www.cve.org/CVERecord?id=CVE-","https://jvndb.jvn.jp/ja/contents/","references":["https://nvd.nist.gov/vuln/detail/CVE-2024-","https://lists.debian.org/","https://access.redhat.com/errata/RHSA-","https://www.cisa.gov/","https://sec.cloudapps.cisco.com/security/center/content/CiscoSecurityAdvisory/","https://msrc.microsoft.com/update-guide/vulnerability/CVE-","https://security.netapp.com/advisory/","https://github.com/"],"weaknesses":["CWE-79","CWE-787"],"withdrawn":true,"description":{"en":"A vulnerability in the  allows remote attackers to execute arbitrary code via a crafted request. An issue was discovered in before","ja":"の脆弱性により、"},"modified":"2024-01-01T00:00:00Z","published":"2023-11-07T00:00:00Z","scores":[{"vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","score":9.8,"by":"nvd@nist.gov"},{"vector":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N","score":7.5},{"vector":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}],"likelihood":{"Score":0.00043,"Percentile":0.1,"On":"2025-01-01T00:00:00Z"},"exploited":{"added":"2021-11-03T00:00:00Z","due":"","ransomware":true,"action":"Apply updates per vendor instructions."},"decision":{"exploitation":"none","automatable":"no","impact":"partial"},"aliases":["CVE-","GHSA-","JVNDB-"],"kind":"nvd","licence":"CC0-1.0","by":"cve@mitre.org","ref":"CVE-2024-","title":"","further":{"sourceIdentifier":"","vulnStatus":"Analyzed"},"id":"CVE-2024-"}[{"vulnerability":"CVE-2024-","source":"nvd","by":"nvd@nist.gov","ref":"","at":"2024-01-01T00:00:00Z","licence":"public domain","root":{"op":1,"children":[{"lines":[{"platform":true,"name":"cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*","scheme":"semver","ranges":[{"start":"","end":"","min":"","max":"","from":"","to":"","startIncluding":"","endExcluding":""}],"name":{"Part":"a","Vendor":"","Product":"","Version":"","Update":"","Edition":"","Language":"","SWEdition":"","TargetSW":"","TargetHW":"","Others":""},"versions":["1.0"],"fixed":"","status":1,"why":"vulnerable_code_not_present","detail":"","package":"pkg:npm/","text":""}]}]}}]`

// maxBody bounds a body as JSON, in bytes.
const maxBody = 64 << 20

// bodies compresses and reads bodies; one is made at start and shared.
type bodies struct {
	enc  *zstd.Encoder
	dec  *zstd.Decoder
	bufs sync.Pool
}

func newBodies() (*bodies, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(dictionaryID, []byte(dictionary1)), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(64<<10))
	if err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(dictionaryID, []byte(dictionary1)), zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	return &bodies{enc: enc, dec: dec}, nil
}

// pack compresses JSON.
func (b *bodies) pack(raw []byte) []byte {
	return b.enc.EncodeAll(raw, append(make([]byte, 0, 1+len(raw)/3+32), bodyZstd1))
}

// unpack decodes what pack made into out; nothing stays nothing.
func (b *bodies) unpack(body []byte, out any) error {
	if len(body) == 0 {
		return nil
	}
	if body[0] != bodyZstd1 {
		return fmt.Errorf("body of format %d", body[0])
	}
	buf, _ := b.bufs.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	raw, err := b.dec.DecodeAll(body[1:], (*buf)[:0])
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if *buf = raw; cap(raw) <= 1<<20 {
		b.bufs.Put(buf)
	}
	return err
}
