package main

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

// stamped is the output of `git describe`. The Makefile sets it with -ldflags.
var stamped string

// version is the version of this program.
var version = cmp.Or(stamped, builtVersion())

// builtVersion returns the module version in the binary. A program has one if it was
// built with `go install`, without the Makefile.
func builtVersion() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "development"
}

type versionCommand struct{}

func (versionCommand) Run() error {
	fmt.Println("stella", version)
	return nil
}
