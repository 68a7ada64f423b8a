package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"stella/cmd/stella/programtest"
	"stella/store/storetest"
	"stella/workflow/qualification"
)

// Equivalent files give the same mailboxes. Unchanged records are not stored again.
func TestEquivalentMailboxFiles(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	importText(t, w, goodFile, counts{qualification.ImportMade: 3})
	for name, text := range map[string]string{
		"again":               goodFile,
		"as Excel writes it":  "\ufeff" + strings.ReplaceAll(goodFile, "\n", "\r\n"),
		"without a last line": strings.TrimSuffix(goodFile, "\n"),
		"blanks and capitals": strings.NewReplacer("address,", "Address , ", ",person,", ", person , ",
			"Anna Neri,", " Anna  Neri ,").Replace(goodFile),
		"all quoted": `"address","kind","name","fiscal_code","representatives","email","status"` + "\r\n" +
			`"nobody@pec.example","","","","","","active"` + "\r\n",
		"a newline in a name": header + "anna.neri@pec.example,person,\"Anna\r\nNeri\",NRENNA80A41H501T,,anna.neri@mail.example,active\n",
		"with semicolons": strings.ReplaceAll(header, ",", ";") +
			`officine@pec.example;company;Officine Bianchi, S.r.l.;09876543217;` +
			`"BNCLCU75C12F205G Luca Bianchi;VRDSRA82E50L219E Sara Verdi";;active`,
		"with Excel's hint":   "sep=;\r\n" + strings.ReplaceAll(header, ",", ";") + "nobody@pec.example;;;;;;active\r\n",
		"with a hint, marked": "\ufeff\"sep=;\"\n" + strings.ReplaceAll(header, ",", ";") + "nobody@pec.example;;;;;;active\n",
		"with a hint, commas": "SEP=,\n" + goodFile,
		"in another order": "status,address,email,kind,representatives,fiscal_code,name\n" +
			"active,anna.neri@pec.example,anna.neri@mail.example,person,,NRENNA80A41H501T,Anna Neri\n",
		"with an empty column": "address,kind,name,fiscal_code,vat_number,representatives,email,status\nnobody@pec.example,,,,,,,active\n",
		"a column of rejects": "line,field,reason,address,kind,name,fiscal_code,representatives,email,status\n" +
			"7,name,too long,nobody@pec.example,,,,,,active\n",
	} {
		warnings := &bytes.Buffer{}
		done, err := importMailboxes(t.Context(), w.Cases, "tests", strings.NewReader(text), warnings)
		if err != nil || done[qualification.ImportUnchanged] == 0 || len(done) != 1 {
			t.Errorf("%s: %v, %v, %s", name, done, err, warnings)
		}
	}
	if n := countRecords(t, w); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
}

func TestInvalidLinesAreReported(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	importText(t, w, header+`good1@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
no address,person,Anna Neri,NRENNA80A41H501T,,,active
code@pec.example,person,Anna Neri,NRENNA80A41H501X,,,active
kind@pec.example,citizen,Anna Neri,NRENNA80A41H501T,,,active
status@pec.example,person,Anna Neri,NRENNA80A41H501T,,,dead
mail@pec.example,person,Anna Neri,NRENNA80A41H501T,,not an address,active
short@pec.example,person
company@pec.example,company,Officine,09876543218,,,active
representative@pec.example,company,Officine,09876543217,LUCA Bianchi,,active
nokind@pec.example,,Anna Neri,NRENNA80A41H501T,,,active
ba"re@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
latin1@pec.example,person,Nicol`+"\xf2"+`,NRENNA80A41H501T,,,active
nul@pec.example,person,Ni`+"\x00"+`co,NRENNA80A41H501T,,,active
GOOD1@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
long@pec.example,person,`+strings.Repeat("lunga ", 100)+`,NRENNA80A41H501T,,,active
longer@pec.example,person,`+strings.Repeat("lunga ", 20000)+`,NRENNA80A41H501T,,,active
two@pec.example,company,Officine,1,,x,active
good2@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
open@pec.example,person,"Anna Neri,NRENNA80A41H501T,,,active
good3@pec.example,company,"Officine ""Bianchi""",09876543217,,,active
after@pec.example,company,"Officine" Bianchi,09876543217,,,active
open@pec.example,person,"Anna Neri,NRENNA80A41H501T,,,active
good4@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active
`, counts{qualification.ImportMade: 4},
		`line 3: address: `,
		`line 4: fiscal_code: `,
		`line 5: kind: `,
		`line 6: status: `,
		`line 7: email: `,
		`line 8: 2 columns, but the first line has 7`,
		`line 9: fiscal_code: `,
		`line 10: representatives: number 1: `,
		`line 11: kind: there are a code`,
		`line 12: a quote inside a field`,
		`line 13: not UTF-8 text: save the file as UTF-8`,
		`line 14: name: it has a control character`,
		`line 15: address: already on line 2`,
		`line 16: name: longer than 500 characters`,
		`line 17: longer than 65536 bytes`,
		`line 18: email: not an e-mail address; fiscal_code: `,
		`line 20: a quote is opened and not closed`,
		`line 22: text after a closing quote`,
		`line 23: a quote is opened and not closed`)
}

func TestInvalidMailboxFiles(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	const unknown = "the first line names unknown columns: "
	names, macFile := strings.TrimSuffix(header, "\n"), strings.ReplaceAll(goodFile, "\n", "\r")
	for text, want := range map[string]string{
		"":                                    "the file is empty",
		"address,name\na,b\n":                 "the first line does not name the columns kind, fiscal_code, representatives, email, status",
		"address;kind;name\n":                 "the first line does not name the columns fiscal_code, representatives, email, status",
		"anna@pec.example,,\n":                "the first line does not name the columns: it must be " + names,
		names + ",vat_number,more,\n":         unknown + `"more", ""`,
		names + ",name\n":                     `the first line names columns twice: "name"`,
		macFile:                               "the lines end in a carriage return alone",
		macFile + "\n":                        "the lines end in a carriage return alone",
		macFile + strings.Repeat("x", 70_000): "the lines end in a carriage return alone",
		names + "\u2028anna@pec.example,person,Anna Neri,NRENNA80A41H501T,,,active\u2028": unknown + "column 7, column 8, column 9",
		names + ",anna@mail.example,NRENNA80A41H501T\n":                                   unknown + "column 8, column 9",
		names + ",anna@mail.example,anna@mail.example\n":                                  unknown + "column 8",
		"sep=|\n" + header:          "the first line names another separator than a comma or a semicolon",
		"sep=;":                     "the file names no columns",
		"\"address\n":               "reading the first line: a quote is opened and not closed",
		"\xff\xfea\x00d\x00d\x00":   "the file is UTF-16, or not a text: save it as UTF-8",
		"a\x00d\x00d\x00r\x00":      "the file is UTF-16, or not a text: save it as UTF-8",
		strings.Repeat("a", 70_000): "reading the first line: longer than 65536 bytes",
	} {
		importText(t, w, text, nil, want)
	}
}

// A line whose representatives are not separated by a semicolon is rejected with a
// message that explains the separator. Otherwise the name of the first representative
// would contain the code of the second.
func TestSeparatorOfRepresentatives(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	var lines string
	for i, separator := range []string{", ", " / ", " | ", "\n", " - ", " e ", ""} {
		lines += fmt.Sprintf("soci%d@pec.example,company,Due Soci S.n.c.,00743110157,"+
			"\"BNCLCU75C12F205G Luca Bianchi%sVRDSRA82E50L219E Sara Verdi\",,active\n", i, separator)
	}
	lines += `due@pec.example,company,Due Soci S.n.c.,00743110157,"BNCLCU75C12F205G,VRDSRA82E50L219E",,active` + "\n"
	const why = "representatives: number 1: there is more than a code and a name: several representatives are separated by a semicolon (;)"
	importText(t, w, header+lines, nil, "line 2: "+why, "line 3: "+why, "line 4: "+why, "line 5: "+why,
		"line 7: "+why, "line 8: "+why, "line 9: "+why, "line 10: "+why)
}

// A name in composed and in decomposed Unicode is the same name.
func TestNamesAreNormalized(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t)
	line := func(name string) string {
		return header + "nicolo@pec.example,company," + name + ",09876543217,BNCLCU75C12F205G " + name + ",,active\n"
	}
	importText(t, w, line("Nicolo\u0300"), counts{qualification.ImportMade: 1})
	importText(t, w, line("Nicol\u00f2"), counts{qualification.ImportUnchanged: 1})
	importText(t, w, line("Nicolo\u0300"), counts{qualification.ImportUnchanged: 1})
}

// The file of rejected lines contains the whole lines. It can be corrected and imported.
func TestRejectsFileCanBeImported(t *testing.T) {
	t.Parallel()
	url := storetest.URL(t)
	run := func(args ...string) result { return stella(t, []string{"STELLA_DATABASE_URL=" + url}, args...) }
	in := programtest.File(t, "in.csv", []byte("kind;address;name;fiscal_code;representatives;email;status\n"+
		";good@pec.example;;;;;active\n"+
		"citizen;anna.neri@pec.example;\"Neri; \"\"Anna\"\"\";NRENNA80A41H501X;;;active\n"+
		";short@pec.example\n"+
		";b\"are@pec.example;;;;;active\n"))
	rejects := in + ".rejects"
	r := run("mailbox", "import", in, "--rejects", rejects)
	if r.status != 1 || r.out != "1 made\n" || !strings.HasSuffix(r.err, "stella: 3 lines were rejected\n") {
		t.Errorf("%+v", r)
	}
	got, err := os.ReadFile(rejects)
	storetest.Must(t, err)
	want := `line,field,reason,kind,address,name,fiscal_code,representatives,email,status
3,kind,"want person, company or nothing",citizen,anna.neri@pec.example,"Neri; ""Anna""",NRENNA80A41H501X,,,active
4,,"2 columns, but the first line has 7",,short@pec.example
5,,"a quote inside a field that does not begin with one: put the field in quotes, and double those inside",";b""are@pec.example;;;;;active"
`
	if string(got) != want {
		t.Errorf("the rejected lines are\n%s, want\n%s", got, want)
	}
	if info, err := os.Stat(rejects); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	corrected := strings.NewReplacer("citizen", "person", "H501X", "H501T",
		",short@pec.example\n", ",short@pec.example,,,,,active\n").Replace(want)
	storetest.Must(t, os.WriteFile(rejects, []byte(corrected), 0o600))
	if r := run("mailbox", "import", rejects); r.status != 1 || r.out != "2 made\n" {
		t.Errorf("%+v", r)
	}
	run("mailbox", "import", rejects, "--rejects", rejects).fails(t, 1, "--rejects names the file that is imported")
}

func TestPrintedInvalidLinesAreLimited(t *testing.T) {
	t.Parallel()
	w := storetest.NewWorld(t).InRealTime()
	const many = 20_000
	var warnings, rejects bytes.Buffer
	i := &mailboxImport{cases: w.Cases, operator: "tests", warnings: &warnings, rejects: &rejects}
	err := i.run(t.Context(), strings.NewReader(header+strings.Repeat("no address,,,,,,active\n", many)))
	if err == nil || err.Error() != "20000 lines were rejected" {
		t.Errorf("the import returns %v", err)
	}
	lines := strings.Split(warnings.String(), "\n")
	if len(lines) != maxWarnings+2 || lines[maxWarnings] != "and 19980 more lines" {
		t.Errorf("it prints %d lines, the last are %q", len(lines), lines[len(lines)-2:])
	}
	if n := strings.Count(rejects.String(), "\n"); n != many+1 {
		t.Errorf("%d rejected lines are written, want %d", n-1, many)
	}
}
