package workflow

import (
	"encoding/base64"

	"stella/otp"
)

// CodeDigits computes the code that belongs to a nonce. It returns "" if the key that
// the nonce names is no longer configured.
func CodeDigits(keys Keys, nonce []byte) string {
	key := keys.KeyFor(nonce)
	if key == nil {
		return ""
	}
	return otp.Key(key).Code(nonce)
}

// InvitationSecret computes the secret of an invitation's link. It returns "" if the
// key that the nonce names is no longer configured.
func InvitationSecret(keys Keys, nonce []byte) string {
	key := keys.KeyFor(nonce)
	if key == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(keyedHash(key, "invitation", nonce))
}
