// Package mailboxfile reads and writes the files of mailboxes that a provider imports and
// exports.
//
//   - mailboxes.go: the columns, and a mailbox as a line
//   - csv.go: the lines of a CSV file, of which any may be invalid
package mailboxfile
