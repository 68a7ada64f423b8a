// Package config contains the settings of the program: variables and flags, what is
// derived from them, and the check that reports everything that is missing or invalid at
// once.
//
//   - config.go: Config, the variables of `stella serve`; Settings, what they mean
//   - mail.go, spid.go, federation.go, webhook.go: groups of variables and their checks
//   - secret.go, quotes.go: permissions of files with secrets; values with stray quotes
//   - database.go, private.go: the database that a command names, and how it is opened
package config
