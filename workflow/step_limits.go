package workflow

import "time"

// The limits of the procedure, apart from those that are counted from the rows of
// steps: codes and wrong codes (otp.Limits), invitations and changes of the contacts.
var (
	codesPerAddress       = Limit{"codes_per_address", 20, time.Hour}            // mails sent
	codesPerNetwork       = Limit{"codes_per_network", 600, 15 * time.Minute}    // requests
	triesPerNetwork       = Limit{"tries_per_network", 1200, 15 * time.Minute}   // codes typed
	invitationsPerAddress = Limit{"invitations_per_address", 10, 24 * time.Hour} // from all mailboxes together
	invitationsPerNetwork = Limit{"invitations_per_network", 200, time.Hour}
	startsPerNetwork      = Limit{"starts_per_network", 600, 15 * time.Minute} // sessions started by a hand-off or an invitation
	loginsPerMailbox      = Limit{"logins_per_mailbox", 30, time.Hour}         // started
)

func (p *Procedure) limiter() Limiter {
	return Limiter{Store: p.Cases.Store, Keys: p.Keys, Now: p.Cases.Now, Observer: p.Cases.Observer.Observer}
}
