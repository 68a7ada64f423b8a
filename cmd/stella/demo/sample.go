package demo

import (
	_ "embed"
	"encoding/csv"
	"strings"
)

// Mailboxes contains the sample mailboxes, in the format of `stella mailbox import`.
//
//go:embed mailboxes.csv
var Mailboxes string

// A sample is one of Mailboxes, with the values that a new user types for it.
type sample struct {
	Address string
	Name    string
	Company string // the company's fiscal code; empty for a person
	Email   string
	Tries   []string // instructions, and their result
	Review  bool     // whether an operator must approve the case
}

// tries contains the instructions of the samples, by address.
var tries = map[string][]string{
	"anna.neri@pec.example": {
		"Accedi come Anna Neri: la casella riceve la stella.",
	},
	"officine.bianchi@pec.example": {
		"Accedi come Luca Bianchi: la casella riceve la stella.",
		"Oppure scegli «Non sono il legale rappresentante…» e invita luca.bianchi@mail.example, che prosegue dal link ricevuto.",
	},
	"sara.verdi@pec.example": {
		"Accedi come Anna Neri: la richiesta è respinta, perché la casella è di un’altra persona.",
		"Poi accedi come Sara Verdi: la casella riceve la stella.",
	},
	"nuova.cooperativa@pec.example": {
		"Accedi come Paola Conti: la richiesta va in verifica, perché nessun rappresentante è noto. " +
			"La approva un operatore: il comando è nella pagina della casella.",
	},
}

// samples parses Mailboxes. It panics if they are malformed, since they are part of the
// program.
func samples() []sample {
	rows, err := csv.NewReader(strings.NewReader(Mailboxes)).ReadAll()
	if err != nil {
		panic(err)
	}
	var all []sample
	for _, row := range rows[1:] {
		s := sample{Address: row[0], Name: row[2], Email: row[5], Tries: tries[row[0]]}
		if row[1] == "company" {
			s.Company = row[3]
			s.Review = row[4] == "" // no representative on record
		}
		all = append(all, s)
	}
	return all
}
