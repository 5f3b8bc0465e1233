// Command noroshi is the whole of Noroshi: hub, console, commands and demo.
package main

import (
	"os"

	"noroshi/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:])) }
