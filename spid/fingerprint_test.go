package spid_test

import (
	"strings"
	"testing"

	"stella/spid"
)

func TestFingerprint(t *testing.T) {
	t.Parallel()
	const agID = "A6:74:54:A2:60:79:5B:EA:0C:84:15:BD:D9:60:3A:6E:5B:10:B8:BB:EC:69:D5:DD:18:34:98:09:9E:A7:9E:5F"
	if spid.AgID.String() != agID {
		t.Errorf("AgID's fingerprint is %s", spid.AgID)
	}
	for _, s := range []string{agID, strings.ToLower(agID), strings.ReplaceAll(agID, ":", ""), " " + agID + "\n"} {
		if f, err := spid.ParseFingerprint(s); err != nil || f != spid.AgID {
			t.Errorf("%q is read as %s: %v", s, f, err)
		}
	}
	for _, s := range []string{"", agID[3:], agID + ":00", "G" + agID[1:], "SHA256:" + agID} {
		if f, err := spid.ParseFingerprint(s); err == nil {
			t.Errorf("%q is read as %s", s, f)
		}
	}
}
