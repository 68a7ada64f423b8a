package main

import (
	"fmt"
	"runtime/debug"
)

// version is the tag and commit, as `git describe` prints them. The build sets it.
var version = builtVersion()

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
