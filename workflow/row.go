package workflow

// Row is what a step adds to the database: a row of the table of its type. The types
// are those of this file and of the packages of the procedures. Package store writes
// each of them.
type Row interface{ IsRow() }

func (Login) IsRow()        {}
func (Message) IsRow()      {}
func (Record) IsRow()       {}
func (Mail) IsRow()         {}
func (Decision) IsRow()     {}
func (Document) IsRow()     {}
func (Spend) IsRow()        {}
func (Announcement) IsRow() {}
