package workflow

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

// Digest returns the digest under which a secret is stored. A stored digest recognizes
// the secret but does not reveal it.
func Digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Keys are the server's secrets, each of 32 random bytes or more. New codes and links
// use the first key. The others are previous keys, or the next one, and remain valid
// for what was made with them.
type Keys [][]byte

// A nonce consists of 16 random bytes and the ID of the key that was first at the time.
const (
	nonceRandomSize = 16
	keyIDSize       = 4
)

// NewNonce returns a random nonce for a code or a secret. The nonce is stored; the code
// or secret is computed from it and the first key.
func (k Keys) NewNonce() []byte {
	nonce := make([]byte, nonceRandomSize, nonceRandomSize+keyIDSize)
	rand.Read(nonce)
	return append(nonce, keyID(k.first())...)
}

// KeyFor returns the key that a nonce names, or nil if it is not configured. Nonces of an
// earlier version name no key: they belong to the only key of that time, which is the
// last one.
func (k Keys) KeyFor(nonce []byte) []byte {
	if len(nonce) == nonceRandomSize && len(k) > 0 {
		return k[len(k)-1]
	}
	for _, key := range k {
		if bytes.HasSuffix(nonce, keyID(key)) {
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

func keyID(key []byte) []byte { return keyedHash(key, "name", nil)[:keyIDSize] }

// keyedHash computes a secret or a digest with the server's key. Different purposes give
// different results.
func keyedHash(key []byte, purpose string, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	mac.Write(message)
	return mac.Sum(nil)
}
