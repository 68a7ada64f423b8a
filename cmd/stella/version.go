package main

import (
	"cmp"
	"fmt"
	"runtime/debug"
)

// stamped is the tag and commit, as `git describe` prints them. The Makefile sets it.
var stamped string

// version is what this program calls itself.
var version = cmp.Or(stamped, builtVersion())

// builtVersion is what the Go command knows of a program that was built without
// the Makefile, such as by `go install`.
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
