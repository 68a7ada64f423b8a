package main

import (
	_ "embed"
	"fmt"
)

//go:generate ../../scripts/notices

//go:embed notices.txt
var notices string

type licensesCommand struct{}

func (licensesCommand) Run() error {
	fmt.Print(notices)
	return nil
}
