package workflow

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

// Digest is how a secret is stored: enough to recognise it, not to make it.
func Digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Keys are the server's secrets, each of 32 random bytes or more. The first makes
// what is new. The others are former ones, or the next one, and are good for what
// was made under them.
type Keys [][]byte

// A nonce is 16 random bytes and the name of the key that was first then.
const (
	nonceRandom = 16
	keyName     = 4
)

// newNonce makes what is stored of a code, or of a secret, that is computed from
// it and the first key.
func (k Keys) newNonce() []byte {
	nonce := make([]byte, nonceRandom, nonceRandom+keyName)
	rand.Read(nonce)
	return append(nonce, nameOf(k.first())...)
}

// of is the key that a nonce names, or nil if it is not here. A nonce that names
// none is of an earlier version, when there was one key: that is the last.
func (k Keys) of(nonce []byte) []byte {
	if len(nonce) == nonceRandom && len(k) > 0 {
		return k[len(k)-1]
	}
	for _, key := range k {
		if bytes.HasSuffix(nonce, nameOf(key)) {
			return key
		}
	}
	return nil
}

func (k Keys) first() []byte {
	if len(k) == 0 {
		return nil
	}
	return k[0]
}

func nameOf(key []byte) []byte { return keyed(key, "name", nil)[:keyName] }

// keyed computes a secret, or a digest, with the server's key, for each purpose
// another.
func keyed(key []byte, purpose string, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	mac.Write(message)
	return mac.Sum(nil)
}
