package workflow

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

// Digest is how a secret is stored: enough to recognise it, not to make it.
func Digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// newNonce makes what is stored of a code, or of a secret, that is computed from
// it and the server's key.
func newNonce() []byte {
	nonce := make([]byte, 16)
	rand.Read(nonce)
	return nonce
}

// keyed computes a secret, or a digest, with the server's key, for each purpose
// another.
func keyed(key []byte, purpose string, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	mac.Write(message)
	return mac.Sum(nil)
}
