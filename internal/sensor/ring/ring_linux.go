package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"noroshi/internal/engine/flow/capture"
)

// Offsets in the ring, from linux/if_packet.h: of a block's descriptor and of
// a packet's header.
const (
	blockStatus = 8
	blockCount  = 12
	blockFirst  = 16

	packetNext    = 0
	packetSeconds = 4
	packetNanos   = 8
	packetSnap    = 12
	packetLength  = 16
	packetMAC     = 24
)

// Ring reads one interface. It is not safe for concurrent use.
type Ring struct {
	fd   int
	mem  []byte
	link capture.Link
	wait int // milliseconds

	block int // being read
	left  int // of its packets
	at    int // offset in mem of the next packet's header
	given int // mem[given:at] was handed out and not yet overwritten
	stats Stats
}

// Open begins reading an interface by name. The errors are those of this
// package, or the kernel's.
func Open(name string, o Options) (*Ring, error) {
	in, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrInterface, name)
	}
	// Protocol 0: nothing arrives before the ring stands and the socket is bound.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, ErrPermission
	} else if err != nil {
		return nil, fmt.Errorf("ring: socket: %w", err)
	}
	link, err := linkOf(fd, name)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	r := &Ring{fd: fd, link: link, block: -1, wait: int(max(cmpOr(o.Wait, defaultWait)/time.Millisecond, 1))}
	if err := r.set(in, o); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func cmpOr[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// set makes the ring, binds it to the interface and begins.
func (r *Ring) set(in *net.Interface, o Options) error {
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("ring: version: %w", err)
	}
	blocks := uint32(max(min(cmpOr(o.Size, defaultSize), maxSize)/blockSize, 2))
	req := unix.TpacketReq3{
		Block_size: blockSize, Block_nr: blocks, Frame_size: 2048, Frame_nr: blocks * (blockSize / 2048), Retire_blk_tov: retire,
	}
	if err := unix.SetsockoptTpacketReq3(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("ring: %d blocks: %w", blocks, err)
	}
	mem, err := unix.Mmap(r.fd, 0, int(blocks)*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("ring: memory: %w", err)
	}
	r.mem = mem
	if in.Flags&net.FlagLoopback != 0 {
		// Each packet would come twice. Kernels before 4.20 cannot leave one out.
		_ = unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	}
	if o.Promiscuous {
		m := unix.PacketMreq{Ifindex: int32(in.Index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(r.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fmt.Errorf("ring: promiscuous: %w", err)
		}
	}
	const all = unix.ETH_P_ALL
	if err := unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: bits.ReverseBytes16(all), Ifindex: in.Index}); err != nil {
		return fmt.Errorf("ring: bind: %w", err)
	}
	return nil
}

// linkOf returns how packets of an interface begin, by its ARPHRD_ type. The
// kernel is asked through a socket: what is mounted at /sys may show another
// network namespace.
func linkOf(fd int, name string) (capture.Link, error) {
	q, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, q)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %q", ErrInterface, name)
	}
	switch q.Uint16() { // sa_family stands first
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return capture.LinkEthernet, nil
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP:
		return capture.LinkRaw, nil
	case unix.ARPHRD_IEEE80211:
		return capture.LinkWiFi, nil
	case unix.ARPHRD_IEEE80211_RADIOTAP:
		return capture.LinkRadiotap, nil
	}
	return 0, ErrLink
}

// Link returns how the packets begin.
func (r *Ring) Link() capture.Link { return r.link }

// Next fills batch with packets that came and returns how many; 0 when none
// came while it waited. Their Data is overwritten by the next call. A tag that
// the network card took out of the frame is not in Data.
func (r *Ring) Next(batch []capture.Packet) (int, error) {
	r.wipe()
	n := 0
	for n < len(batch) {
		if r.left == 0 {
			if n > 0 { // the block stays ours until the batch comes back
				break
			}
			ok, err := r.advance()
			if err != nil || !ok {
				return 0, err
			}
			continue
		}
		h := r.mem[r.at:]
		size, next := int(u32(h[packetSnap:])), int(u32(h[packetNext:]))
		from := r.at + int(u16(h[packetMAC:]))
		if size <= capture.MaxPacket && from+size <= (r.block+1)*blockSize {
			batch[n] = capture.Packet{
				Data: r.mem[from : from+size : from+size], Orig: u32(h[packetLength:]), Link: r.link,
				At: int64(u32(h[packetSeconds:]))*1e9 + int64(u32(h[packetNanos:])),
			}
			n++
		} else {
			r.stats.Oversize++
		}
		r.left--
		if next == 0 || r.left == 0 {
			r.left = 0
			next = from + size - r.at
		}
		r.at = min(r.at+next, (r.block+1)*blockSize)
	}
	r.stats.Packets += uint64(n)
	return n, nil
}

// wipe overwrites the batch handed out last and, when it was the last of its
// block, gives the block back.
func (r *Ring) wipe() {
	if r.block < 0 {
		return
	}
	if r.given < r.at {
		start := time.Now()
		clear(r.mem[r.given:r.at])
		r.given = r.at
		r.stats.WipeNanos = max(r.stats.WipeNanos, time.Since(start).Nanoseconds())
	}
	if r.left == 0 {
		atomic.StoreUint32(r.status(r.block), unix.TP_STATUS_KERNEL)
		r.block = -1 - (r.block+1)%(len(r.mem)/blockSize) // where the next block will be
	}
}

// advance waits for the next block. It reports false when none came.
func (r *Ring) advance() (bool, error) {
	next := -1 - r.block
	status := r.status(next)
	if atomic.LoadUint32(status)&unix.TP_STATUS_USER == 0 {
		p := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN | unix.POLLERR}}
		if _, err := unix.Poll(p, r.wait); err != nil && !errors.Is(err, unix.EINTR) {
			return false, fmt.Errorf("ring: wait: %w", err)
		}
		if p[0].Revents&(unix.POLLERR|unix.POLLNVAL) != 0 {
			return false, fmt.Errorf("ring: the interface is gone: %w", unix.ENETDOWN)
		}
		if atomic.LoadUint32(status)&unix.TP_STATUS_USER == 0 {
			return false, nil
		}
	}
	b := r.mem[next*blockSize:]
	r.block, r.left = next, int(u32(b[blockCount:]))
	r.at = next*blockSize + int(u32(b[blockFirst:]))
	r.given = r.at
	if r.left == 0 { // the kernel handed over an empty block
		r.wipe()
	}
	return true, nil
}

// status is the word by which a block changes hands.
func (r *Ring) status(block int) *uint32 {
	return (*uint32)(unsafe.Pointer(&r.mem[block*blockSize+blockStatus]))
}

// Stats returns what was seen so far. The kernel forgets its counters when they
// are read; they are added up here.
func (r *Ring) Stats() (Stats, error) {
	s, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return r.stats, fmt.Errorf("ring: statistics: %w", err)
	}
	r.stats.Seen += uint64(s.Packets)
	r.stats.Dropped += uint64(s.Drops)
	r.stats.Freezes += uint64(s.Freeze_q_cnt)
	return r.stats, nil
}

// Close ends reading and overwrites the whole ring.
func (r *Ring) Close() error {
	var first error
	if r.mem != nil {
		// Bound to nothing, so that no packet comes in meanwhile.
		_ = unix.Bind(r.fd, &unix.SockaddrLinklayer{})
		for at := 0; at < len(r.mem); at += blockSize {
			clear(r.mem[at : at+blockSize])
		}
		first = unix.Munmap(r.mem)
		r.mem, r.block, r.left, r.given, r.at = nil, -1, 0, 0, 0
	}
	if err := unix.Close(r.fd); first == nil {
		first = err
	}
	r.fd = -1
	return first
}

// The kernel writes the ring in the machine's own order.
func u32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }
func u16(b []byte) uint16 { return binary.NativeEndian.Uint16(b) }
