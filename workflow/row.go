package workflow

// Row is what a step adds to the database: a row of the table of its type. The
// types are those of this file, and package store writes each of them.
type Row interface{ row() }

func (Step) row()         {}
func (Declaration) row()  {}
func (Invitation) row()   {} // one that exists already is one that was accepted or ended
func (Login) row()        {}
func (Message) row()      {}
func (Identity) row()     {}
func (Code) row()         {} // one that exists already is one that was spent
func (Decision) row()     {}
func (Document) row()     {}
func (Record) row()       {}
func (Mail) row()         {}
func (Spend) row()        {}
func (Announcement) row() {}
