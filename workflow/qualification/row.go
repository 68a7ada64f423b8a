package qualification

func (Step) IsRow()        {}
func (Declaration) IsRow() {}
func (Invitation) IsRow()  {} // one that exists already is one that was accepted or ended
func (Identity) IsRow()    {}
func (Code) IsRow()        {} // one that exists already is one that was spent
