package hunt

import (
	"errors"
	"io"
	"os"

	"noroshi/internal/base/fault"
)

// watchOut takes detections. Of a file it knows how long it is, so that what
// was written after the position was kept can be cut off.
type watchOut struct {
	to     io.Writer
	f      *os.File
	done   <-chan struct{}
	held   []byte
	length int64 // of the file, without what is held
	print  print
	jobs   chan []byte
	wrote  chan error
}

// watchHeld is how much is held before it is written, in bytes.
const watchHeld = 256 << 10

// openOut opens the file that detections are appended to, from a kept length on;
// below zero it goes on at the end.
func openOut(name string, length int64, sum string) (*watchOut, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.New(fault.Usage, "hunt.watch.out", "file", name).Because(err)
	}
	o := &watchOut{to: f, f: f}
	is, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !is.Mode().IsRegular() {
		return o, nil
	}
	o.length = is.Size()
	if length >= 0 && length <= o.length {
		o.length = length
	}
	var ok bool
	if o.print, ok = printAt(f, o.length); !ok || length >= 0 && (o.length != length || o.print.sum() != sum) {
		// Cutting a file that is another one would destroy what somebody keeps there.
		return nil, errors.Join(fault.New(fault.Usage, "hunt.watch.out_other", "file", name), f.Close())
	}
	if length >= 0 {
		if err := f.Truncate(length); err != nil {
			return nil, errors.Join(fault.New(fault.Usage, "hunt.watch.out", "file", name).Because(err), f.Close())
		}
	}
	if _, err := f.Seek(o.length, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return o, nil
}

// Write implements io.Writer: it holds what is written until flush.
func (o *watchOut) Write(p []byte) (int, error) {
	o.held = append(o.held, p...)
	return len(p), nil
}

func (o *watchOut) full() bool { return len(o.held) >= watchHeld }

// flush writes what is held. A reader that takes nothing holds everything up,
// but not the end: then the error is errStopped.
func (o *watchOut) flush() error {
	if len(o.held) == 0 {
		return nil
	}
	if o.jobs == nil {
		o.jobs, o.wrote = make(chan []byte), make(chan error, 1)
		go func() {
			for p := range o.jobs {
				_, err := o.to.Write(p)
				o.wrote <- err
			}
		}()
	}
	o.jobs <- o.held
	var err error
	select {
	case err = <-o.wrote:
	case <-o.done:
		select {
		case err = <-o.wrote:
		case <-after(stopPatience):
			return errStopped
		}
	}
	if err != nil {
		return fault.New(fault.Internal, "hunt.watch.write").Because(err)
	}
	o.length += int64(len(o.held))
	o.print.pass(o.held)
	o.held = o.held[:0]
	return nil
}

// sync makes sure that what was written stays.
func (o *watchOut) sync() error {
	if err := o.flush(); err != nil || o.f == nil {
		return err
	}
	if is, err := o.f.Stat(); err == nil && !is.Mode().IsRegular() {
		return nil
	}
	if err := o.f.Sync(); err != nil {
		return fault.New(fault.Internal, "hunt.watch.write").Because(err)
	}
	return nil
}

func (o *watchOut) close() {
	if o.jobs != nil {
		close(o.jobs)
	}
	if o.f != nil {
		_ = o.f.Close()
	}
}
