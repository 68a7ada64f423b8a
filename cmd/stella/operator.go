package main

import (
	"os"
	"os/user"
)

// operator is the flag with the name of the person who makes a decision.
type operator struct {
	Operator string `env:"STELLA_OPERATOR" default:"${operator}" placeholder:"NAME" help:"Name of the operator, for the log (default: the user of this machine)."`
}

// currentOperator returns the name of the user who runs the command, also under sudo.
func currentOperator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
