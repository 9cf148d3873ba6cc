// Draws the tables that crates/api hashes with from the Go types of Kubernetes, and the corpus that its tests compare with Go.
// See README.md for the commands.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "table":
		err = printTable(os.Stdout)
	case len(os.Args) == 3 && os.Args[1] == "check":
		err = checkTable(os.Args[2])
	case len(os.Args) == 2 && os.Args[1] == "corpus":
		err = printCorpus(os.Stdout, 5000)
	case len(os.Args) == 2 && os.Args[1] == "wire":
		err = printWire(os.Stdout)
	case len(os.Args) == 2 && os.Args[1] == "wire-samples":
		err = printWireSamples(os.Stdout, 180)
	case len(os.Args) == 2 && os.Args[1] == "quantities":
		err = printQuantities(os.Stdout, 4000)
	default:
		err = fmt.Errorf("usage: hash-table table | check FILE | corpus | quantities | wire | wire-samples")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
