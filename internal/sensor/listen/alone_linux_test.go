package listen

import "testing"

// The sockets of one listener share an address; a second listener does not get
// a part of it.
func TestTwoListenersDoNotShare(t *testing.T) {
	l, _, stop := running(t, Options{NetFlow: []string{"127.0.0.1:0"}, Workers: 2})
	at := l.Addrs()[0].String()
	for _, workers := range []int{1, 2, 4} {
		if second, err := Open(Options{NetFlow: []string{at}, Workers: workers}); err == nil {
			second.Close()
			t.Errorf("%d sockets more on %s", workers, at)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(Options{NetFlow: []string{at}, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}
