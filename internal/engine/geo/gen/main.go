// Command gen makes the table that comes with the program from country lists:
// a ZIP archive, or a folder, of country/<code>/ipv4-aggregated.txt and
// ipv6-aggregated.txt as ipverse/rir-ip publishes them under CC0-1.0. Run it
// with "go generate ./internal/engine/geo".
package main

import (
	"archive/zip"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"noroshi/internal/engine/geo"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	archive := flag.String("zip", "", "ZIP archive of country lists")
	folder := flag.String("folder", "", "folder of country lists, instead of an archive")
	edition := flag.String("edition", "", "who made the lists, and which edition")
	licence := flag.String("licence", "", "SPDX identifier of their licence")
	date := flag.String("date", "", "day of the lists, YYYY-MM-DD")
	out := flag.String("out", "domestic.geo", "file to write")
	flag.Parse()
	day, err := time.Parse(time.DateOnly, *date)
	if err != nil || *edition == "" || *licence == "" {
		return errors.New("give -edition, -licence and -date")
	}
	var lists fs.FS
	if *folder != "" {
		lists = os.DirFS(*folder)
	} else {
		z, err := zip.OpenReader(*archive)
		if err != nil {
			return err
		}
		defer z.Close()
		lists = z
	}
	t, err := table(lists, geo.Meta{Source: *edition, Licence: *licence, Date: day})
	if err != nil {
		return err
	}
	file := t.Encode()
	c := t.Counts()
	fmt.Printf("%s: %d bytes, %d countries, %d IPv4 ranges with %d addresses, %d IPv6 ranges with %d /64\n",
		*out, len(file), c.Countries, c.Ranges4, c.Addresses4, c.Ranges6, c.Subnets6)
	return os.WriteFile(*out, file, 0o644)
}

// table reads all lists of a tree. Order does not matter to the result: names
// are walked in order.
func table(lists fs.FS, m geo.Meta) (*geo.Table, error) {
	var b geo.Builder
	names, err := fs.Glob(lists, "country/*/ipv?-aggregated.txt")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("no country/<code>/ipv4-aggregated.txt there")
	}
	for _, name := range names {
		f, err := lists.Open(name)
		if err != nil {
			return nil, err
		}
		err = geo.ReadList(&b, name, strings.ToUpper(path.Base(path.Dir(name))), f)
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return b.TableOf(m)
}
