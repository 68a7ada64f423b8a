// Command diagram writes the diagram of the procedure to the file in its first
// argument.
package main

import (
	"log"
	"os"
)

func main() {
	if err := os.WriteFile(os.Args[1], []byte(diagram()), 0o644); err != nil {
		log.Fatal(err)
	}
}
