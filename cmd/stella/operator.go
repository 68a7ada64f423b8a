package main

import (
	"os"
	"os/user"
)

// operator is who makes a decision, for the log.
type operator struct {
	Operator string `env:"STELLA_OPERATOR" default:"${operator}" placeholder:"NAME" help:"Who decides, for the log (default: the user of this machine)."`
}

// currentOperator is the person at the keyboard, also behind sudo.
func currentOperator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}
