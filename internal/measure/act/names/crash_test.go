package names

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"noroshi/internal/measure/act/driver"
)

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("NOROSHI_TEST_NAMES_DIR"); dir != "" {
		steps(dir)
		return
	}
	os.Exit(m.Run())
}

// steps adds names one by one and says each number when it is confirmed; every
// hundredth change is a snapshot.
func steps(dir string) {
	s, err := Open(Config{Kind: driver.Sinkhole, Dir: dir, Mark: "m", Max: 1 << 20}, nil)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, n := s.Held(); ; n++ {
		p, err := s.Plan(one(fmt.Sprintf("n%d.example", n+1)), nil, nil)
		if err == nil {
			err = s.Commit(p, n+1, n%100 == 0)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n + 1)
	}
}

// Killed at any moment, what was confirmed is held, and nothing but one step more.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	for round := range 12 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "NOROSHI_TEST_NAMES_DIR="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		confirmed := 0
		lines := bufio.NewScanner(out)
		late := time.AfterFunc(time.Duration(30+round*17)*time.Millisecond, func() { _ = child.Process.Kill() })
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			confirmed = n
		}
		late.Stop()
		_ = child.Wait() // it was killed
		s, err := Open(Config{Kind: driver.Sinkhole, Dir: dir, Mark: "m", Max: 1 << 20}, nil)
		if err != nil {
			t.Fatal(err)
		}
		h, serial := s.Held()
		if int(serial) < confirmed || int(serial) > confirmed+1 && confirmed > 0 || h.Names() != int(serial) {
			t.Fatalf("%d names at %d, %d confirmed", h.Names(), serial, confirmed)
		}
		for n := range serial {
			if h.Effect(fmt.Sprintf("n%d.example", n+1)) == (Effect{}) {
				t.Fatalf("%d of %d is lost", n+1, serial)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
