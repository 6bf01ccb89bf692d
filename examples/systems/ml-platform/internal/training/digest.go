// Package training decides what may happen in a training run.
package training

import (
	"crypto/sha256"
	"encoding/hex"
)

// NoSteps is the digest of a run without steps.
const NoSteps = ""

// Digest extends the digest of the steps before by one step. Each step's digest covers all before it, so two runs
// with the same digest have the same steps in the same order, to the byte.
func Digest(before string, step []byte) string {
	sum := sha256.New()
	sum.Write([]byte(before))
	sum.Write([]byte{0})
	sum.Write(step)
	return hex.EncodeToString(sum.Sum(nil))
}
