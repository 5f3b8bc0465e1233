package selection

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyStop is how the program hears that it is to stop.
func notifyStop(c chan os.Signal) { signal.Notify(c, os.Interrupt, syscall.SIGTERM) }
